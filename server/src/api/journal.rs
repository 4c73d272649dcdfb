//! Journals as pages.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use smith_model::api::Page;
use smith_model::id::LoopId;
use smith_model::journal::Entry;
use smith_model::problem::{FieldError, Problem};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Api;
use super::error::ApiError;
use super::extract::{Name, Query, limit};
use crate::app::Caller;
use crate::app::journal::From;

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(journal))
}

#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct JournalQuery {
    /// Entries with numbers above this one.
    after: Option<u64>,
    /// The newest so many; not together with `after`.
    tail: Option<u64>,
    /// How many at most; 500 where it isn't said.
    limit: Option<usize>,
    /// Where to go on: the `cursor` of the answer before.
    cursor: Option<u64>,
}

/// A page of a loop's journal, oldest first.
#[utoipa::path(get, path = "/v1/loops/{id}/journal", tag = "loops",
    params(("id" = LoopId, Path), JournalQuery),
    responses((status = 200, body = Page<Entry>), (status = "4XX", body = Problem)))]
async fn journal(
    State(api): State<Api>,
    caller: Caller,
    Name(id): Name<LoopId>,
    Query(query): Query<JournalQuery>,
) -> Result<Json<Page<Entry>>, ApiError> {
    let JournalQuery { after, tail, limit: asked, cursor } = query;
    let limit = limit(asked, 500, 1000)?;
    let from = match (cursor.or(after), tail) {
        (Some(_), Some(tail)) => {
            let rule = "left out together with after or cursor";
            return Err(Problem::fields(vec![FieldError::new("tail", tail, rule)]).into());
        }
        (None, Some(tail)) => From::Tail(tail.min(limit as u64)),
        (after, None) => From::After(after.unwrap_or(0)),
    };
    Ok(Json(api.app.journal(&caller, &id, from, limit).await?))
}
