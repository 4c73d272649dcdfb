//! Documents that become loops.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use smith_model::api::{PrdAnswer, PrdRequest};
use smith_model::problem::Problem;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Api;
use super::error::ApiError;
use super::extract::Body;
use super::loops::idempotency_key;
use crate::app::Caller;

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(prd))
}

/// Creates the loop (or loops) of a PRD. A PRD with errors creates nothing, and its report is in the answer.
#[utoipa::path(post, path = "/v1/ingress/prd", tag = "ingress", request_body = PrdRequest,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes the same request the same loops")),
    responses((status = 200, body = PrdAnswer), (status = "4XX", body = Problem)))]
async fn prd(
    State(api): State<Api>,
    caller: Caller,
    headers: HeaderMap,
    Body(request): Body<PrdRequest>,
) -> Result<Json<PrdAnswer>, ApiError> {
    let key = idempotency_key(&headers)?;
    Ok(Json(api.app.ingest_prd(&caller, request, key).await?))
}
