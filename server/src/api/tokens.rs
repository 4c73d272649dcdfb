//! Tokens, and who one is.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use smith_model::access::Identity;
use smith_model::api::{Page, TokenCreated, TokenItem, TokenRequest};
use smith_model::id::TokenId;
use smith_model::problem::Problem;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Api;
use super::error::ApiError;
use super::extract::{Body, Name};
use crate::app::Caller;

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(whoami))
        .routes(routes!(create, list))
        .routes(routes!(revoke))
}

/// Who the token is.
#[utoipa::path(get, path = "/v1/whoami", tag = "tokens",
    responses((status = 200, body = Identity), (status = 401, body = Problem)))]
async fn whoami(caller: Caller) -> Json<Identity> {
    Json(caller.identity)
}

/// Makes a token. Its secret is in this answer and nowhere else.
#[utoipa::path(post, path = "/v1/tokens", tag = "tokens", request_body = TokenRequest,
    responses((status = 201, body = TokenCreated), (status = "4XX", body = Problem)))]
async fn create(
    State(api): State<Api>,
    caller: Caller,
    Body(request): Body<TokenRequest>,
) -> Result<(StatusCode, Json<TokenCreated>), ApiError> {
    Ok((StatusCode::CREATED, Json(api.app.create_token(&caller, &request).await?)))
}

/// All tokens, without their secrets.
#[utoipa::path(get, path = "/v1/tokens", tag = "tokens",
    responses((status = 200, body = Page<TokenItem>), (status = "4XX", body = Problem)))]
async fn list(State(api): State<Api>, caller: Caller) -> Result<Json<Page<TokenItem>>, ApiError> {
    let revision = api.app.view().revision();
    Ok(Json(Page { items: api.app.tokens(&caller)?, cursor: None, revision }))
}

/// Revokes a token; its streams end.
#[utoipa::path(delete, path = "/v1/tokens/{id}", tag = "tokens", params(("id" = TokenId, Path)),
    responses((status = 204), (status = "4XX", body = Problem)))]
async fn revoke(
    State(api): State<Api>,
    caller: Caller,
    Name(id): Name<TokenId>,
) -> Result<StatusCode, ApiError> {
    api.app.revoke_token(&caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
