//! Who calls: the identity of a token, or the attempt of a worker.

use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use smith_model::problem::Code;
use smith_model::worker::Bearer;

use super::error::ApiError;
use super::{Api, RequestId};
use crate::app::Caller;

fn bearer(parts: &Parts) -> Result<&str, ApiError> {
    let refused = || {
        let detail = "send the header \"Authorization: Bearer <token>\"";
        ApiError::new(Code::Unauthenticated, detail)
    };
    let value = parts.headers.get(AUTHORIZATION).ok_or_else(refused)?;
    let (scheme, token) =
        value.to_str().ok().and_then(|v| v.split_once(' ')).ok_or_else(refused)?;
    if scheme.eq_ignore_ascii_case("bearer") { Ok(token.trim()) } else { Err(refused()) }
}

impl FromRequestParts<Api> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, ApiError> {
        let identity = api.app.authenticate(bearer(parts)?).await?;
        let request_id = parts.extensions.get::<RequestId>().map(|id| id.0.clone());
        Ok(Self { identity, request_id })
    }
}

/// A worker's credential; whether it is good is decided where its attempt is read.
pub(crate) struct Worker(pub(crate) Bearer);

impl FromRequestParts<Api> for Worker {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &Api) -> Result<Self, ApiError> {
        let parsed = bearer(parts)?.parse();
        parsed.map(Self).map_err(|e: smith_model::worker::InvalidBearer| {
            ApiError::new(Code::Unauthenticated, e.to_string())
        })
    }
}
