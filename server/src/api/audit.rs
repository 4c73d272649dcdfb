//! Audit records.

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use serde::Deserialize;
use smith_model::api::Page;
use smith_model::audit::AuditRecord;
use smith_model::id::LoopId;
use smith_model::problem::Problem;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Api;
use super::error::ApiError;
use super::extract::{Query, limit};
use crate::app::Caller;
use crate::app::audit::AuditFilter;

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(audit))
}

#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct AuditQuery {
    /// Of this loop.
    loop_id: Option<LoopId>,
    /// By this identity.
    actor: Option<String>,
    /// Of this kind, such as `loop.cancel`.
    action: Option<String>,
    /// Later than this.
    #[param(value_type = Option<String>, format = DateTime)]
    after: Option<Timestamp>,
    /// How many at most; 100 where it isn't said.
    limit: Option<usize>,
    /// Where to go on: the `cursor` of the answer before.
    cursor: Option<String>,
}

/// What people did, newest first. A page may be short and have a cursor all the same.
#[utoipa::path(get, path = "/v1/audit", tag = "audit", params(AuditQuery),
    responses((status = 200, body = Page<AuditRecord>), (status = "4XX", body = Problem)))]
async fn audit(
    State(api): State<Api>,
    caller: Caller,
    Query(query): Query<AuditQuery>,
) -> Result<Json<Page<AuditRecord>>, ApiError> {
    let AuditQuery { loop_id, actor, action, after, limit: asked, cursor } = query;
    let limit = limit(asked, 100, 1000)?;
    let filter = AuditFilter { loop_id, actor, action, after };
    Ok(Json(api.app.audit(&caller, &filter, cursor.as_deref(), limit).await?))
}
