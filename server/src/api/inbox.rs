//! `/v1/inbox`: what waits for a person or went wrong, and what people mark it with.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use smith_model::id::{LoopId, Revision};
use smith_model::inbox::{ClaimRequest, Item, NoteRequest, Page, SnoozeRequest};
use smith_model::problem::{FieldError, Problem};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Api;
use super::error::ApiError;
use super::extract::{Body, Name, Query, limit};
use crate::app::{Caller, InboxFilter};

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(claim))
        .routes(routes!(unclaim))
        .routes(routes!(acknowledge))
        .routes(routes!(snooze))
        .routes(routes!(unsnooze))
}

/// Which items. All that are given must hold.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct InboxQuery {
    /// Severities, separated by commas: critical, warning, notice.
    severity: Option<String>,
    /// Kinds, separated by commas.
    kind: Option<String>,
    /// The project.
    project: Option<String>,
    /// Which quiet ones besides those that ask for somebody now, separated by commas: snoozed, acknowledged.
    include: Option<String>,
    /// How many; 100 where it isn't said. No matter for a stream.
    limit: Option<usize>,
    /// Where to go on: the `cursor` of the answer before. No matter for a stream.
    cursor: Option<String>,
    /// Waits until the list is at least as new as this. No matter for a stream.
    min_revision: Option<i64>,
}

impl InboxQuery {
    pub(super) fn filter(&self) -> Result<InboxFilter, Problem> {
        let mut errors = vec![];
        let mut filter = InboxFilter::default();
        for word in words(&self.severity) {
            match word.parse() {
                Ok(severity) => drop(filter.severities.insert(severity)),
                Err(e) => errors.push(FieldError::new("severity", word, format!("{e}"))),
            }
        }
        for word in words(&self.kind) {
            match word.parse() {
                Ok(kind) => drop(filter.kinds.insert(kind)),
                Err(e) => errors.push(FieldError::new("kind", word, format!("{e}"))),
            }
        }
        if let Some(project) = &self.project {
            match project.parse() {
                Ok(project) => filter.project = Some(project),
                Err(e) => errors.push(FieldError::new("project", project, format!("{e}"))),
            }
        }
        for word in words(&self.include) {
            match word {
                "snoozed" => filter.snoozed = true,
                "acknowledged" => filter.acknowledged = true,
                _ => errors.push(FieldError::new("include", word, "snoozed or acknowledged")),
            }
        }
        if errors.is_empty() { Ok(filter) } else { Err(Problem::fields(errors)) }
    }
}

fn words(given: &Option<String>) -> impl Iterator<Item = &str> {
    given.iter().flat_map(|given| given.split(','))
}

/// Lists the inbox: the worst first, then the oldest.
#[utoipa::path(get, path = "/v1/inbox", tag = "inbox", params(InboxQuery),
    responses((status = 200, body = Page), (status = "4XX", body = Problem)))]
async fn list(
    State(api): State<Api>,
    caller: Caller,
    Query(query): Query<InboxQuery>,
) -> Result<Json<Page>, ApiError> {
    let filter = query.filter()?;
    let limit = limit(query.limit, 100, 1000)?;
    let at_least = query.min_revision.map(Revision);
    let page = api.app.inbox(&caller, &filter, query.cursor.as_deref(), limit, at_least);
    Ok(Json(page.await?))
}

/// Takes care of an item. Where somebody else does, that needs a reason; without one it is refused
/// (`item-claimed`). An item that isn't there as named is refused (`stale-occurrence`).
#[utoipa::path(post, path = "/v1/inbox/{id}/claim", tag = "inbox", request_body = ClaimRequest,
    params(("id" = LoopId, Path)),
    responses((status = 200, body = Item), (status = "4XX", body = Problem)))]
async fn claim(
    State(api): State<Api>,
    caller: Caller,
    Name(id): Name<LoopId>,
    Body(request): Body<ClaimRequest>,
) -> Result<Json<Item>, ApiError> {
    Ok(Json(api.app.claim_item(&caller, &id, request).await?))
}

/// Gives up taking care of an item; with a reason also for somebody else.
#[utoipa::path(post, path = "/v1/inbox/{id}/unclaim", tag = "inbox", request_body = ClaimRequest,
    params(("id" = LoopId, Path)),
    responses((status = 200, body = Item), (status = "4XX", body = Problem)))]
async fn unclaim(
    State(api): State<Api>,
    caller: Caller,
    Name(id): Name<LoopId>,
    Body(request): Body<ClaimRequest>,
) -> Result<Json<Item>, ApiError> {
    Ok(Json(api.app.unclaim_item(&caller, &id, request).await?))
}

/// Has seen an item: it is quiet for as long as this occurrence lasts.
#[utoipa::path(post, path = "/v1/inbox/{id}/acknowledge", tag = "inbox", request_body = NoteRequest,
    params(("id" = LoopId, Path)),
    responses((status = 200, body = Item), (status = "4XX", body = Problem)))]
async fn acknowledge(
    State(api): State<Api>,
    caller: Caller,
    Name(id): Name<LoopId>,
    Body(request): Body<NoteRequest>,
) -> Result<Json<Item>, ApiError> {
    Ok(Json(api.app.acknowledge_item(&caller, &id, request).await?))
}

/// Wants an item quiet for a while: `until` a time, or `for` a duration such as `2h`.
#[utoipa::path(post, path = "/v1/inbox/{id}/snooze", tag = "inbox", request_body = SnoozeRequest,
    params(("id" = LoopId, Path)),
    responses((status = 200, body = Item), (status = "4XX", body = Problem)))]
async fn snooze(
    State(api): State<Api>,
    caller: Caller,
    Name(id): Name<LoopId>,
    Body(request): Body<SnoozeRequest>,
) -> Result<Json<Item>, ApiError> {
    Ok(Json(api.app.snooze_item(&caller, &id, request).await?))
}

/// Wants a snoozed item back.
#[utoipa::path(post, path = "/v1/inbox/{id}/unsnooze", tag = "inbox", request_body = NoteRequest,
    params(("id" = LoopId, Path)),
    responses((status = 200, body = Item), (status = "4XX", body = Problem)))]
async fn unsnooze(
    State(api): State<Api>,
    caller: Caller,
    Name(id): Name<LoopId>,
    Body(request): Body<NoteRequest>,
) -> Result<Json<Item>, ApiError> {
    Ok(Json(api.app.unsnooze_item(&caller, &id, request).await?))
}
