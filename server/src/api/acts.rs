//! What people do to a loop.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use smith_model::api::{LoopItem, OverrideRequest, ReasonRequest, RetryRequest};
use smith_model::id::LoopId;
use smith_model::problem::Problem;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Api;
use super::error::ApiError;
use super::extract::{Body, IfMatch, Name, Query};
use super::loops::etag;
use crate::app::Caller;

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(override_state))
        .routes(routes!(retry))
        .routes(routes!(hold))
        .routes(routes!(release))
        .routes(routes!(delete))
}

fn answer(item: LoopItem) -> Response {
    ([(header::ETAG, etag(item.revision))], Json(item)).into_response()
}

/// Changes a loop's state: cancel, give up, accept, or another round.
#[utoipa::path(post, path = "/v1/control/override", tag = "control", request_body = OverrideRequest,
    responses((status = 200, body = LoopItem), (status = "4XX", body = Problem),
        (status = 507, body = Problem, description = "Stopped, but etcd is full: not recorded")))]
async fn override_state(
    State(api): State<Api>,
    caller: Caller,
    IfMatch(if_match): IfMatch,
    Body(request): Body<OverrideRequest>,
) -> Result<Response, ApiError> {
    let OverrideRequest { loop_id, target_state, reason } = request;
    let item = api.app.override_state(&caller, &loop_id, target_state, &reason, if_match).await?;
    Ok(answer(item))
}

/// Begins another round of a loop that has ended.
#[utoipa::path(post, path = "/v1/loops/{id}/retry", tag = "control", request_body = RetryRequest,
    params(("id" = LoopId, Path)),
    responses((status = 200, body = LoopItem), (status = "4XX", body = Problem)))]
async fn retry(
    State(api): State<Api>,
    caller: Caller,
    Name(id): Name<LoopId>,
    IfMatch(if_match): IfMatch,
    Body(request): Body<RetryRequest>,
) -> Result<Response, ApiError> {
    let RetryRequest { reason, from } = request;
    Ok(answer(api.app.retry(&caller, &id, &reason, from, if_match).await?))
}

/// Holds a loop: it isn't admitted, or pauses before its next iteration.
#[utoipa::path(post, path = "/v1/loops/{id}/hold", tag = "control", request_body = ReasonRequest,
    params(("id" = LoopId, Path)),
    responses((status = 200, body = LoopItem), (status = "4XX", body = Problem)))]
async fn hold(
    State(api): State<Api>,
    caller: Caller,
    Name(id): Name<LoopId>,
    IfMatch(if_match): IfMatch,
    Body(request): Body<ReasonRequest>,
) -> Result<Response, ApiError> {
    Ok(answer(api.app.hold(&caller, &id, &request.reason, if_match).await?))
}

/// Lets a held loop go on.
#[utoipa::path(post, path = "/v1/loops/{id}/release", tag = "control", request_body = ReasonRequest,
    params(("id" = LoopId, Path)),
    responses((status = 200, body = LoopItem), (status = "4XX", body = Problem)))]
async fn release(
    State(api): State<Api>,
    caller: Caller,
    Name(id): Name<LoopId>,
    IfMatch(if_match): IfMatch,
    Body(request): Body<ReasonRequest>,
) -> Result<Response, ApiError> {
    Ok(answer(api.app.release(&caller, &id, &request.reason, if_match).await?))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct DeleteQuery {
    /// Why, in the person's words.
    reason: String,
}

/// Deletes a loop that has ended. Its id and its idempotency key are never used again.
#[utoipa::path(delete, path = "/v1/loops/{id}", tag = "loops",
    params(("id" = LoopId, Path), DeleteQuery),
    responses((status = 204), (status = "4XX", body = Problem)))]
async fn delete(
    State(api): State<Api>,
    caller: Caller,
    Name(id): Name<LoopId>,
    Query(query): Query<DeleteQuery>,
) -> Result<StatusCode, ApiError> {
    api.app.delete(&caller, &id, &query.reason).await?;
    Ok(StatusCode::NO_CONTENT)
}
