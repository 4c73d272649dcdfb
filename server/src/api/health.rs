//! Is the process alive, and can it do its work?

use axum::Json;
use axum::extract::State;
use smith_model::api::VersionInfo;
use smith_model::problem::{Code, Problem};
use smith_model::worker::PROTOCOLS;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Api;
use super::error::ApiError;
use crate::app::Caller;

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(healthz)).routes(routes!(readyz)).routes(routes!(version))
}

/// The process answers.
#[utoipa::path(get, path = "/healthz", tag = "health", responses((status = 200, body = String)))]
async fn healthz() -> &'static str {
    "ok"
}

/// etcd answers, and the lists are current. It fails only after 30 s without etcd, so that a short outage
/// doesn't take every process out of a load balancer at once; requests get 503 with Retry-After meanwhile.
#[utoipa::path(get, path = "/readyz", tag = "health",
    responses((status = 200, body = String), (status = 503, body = Problem)))]
async fn readyz(State(api): State<Api>) -> Result<&'static str, ApiError> {
    match api.app.unready_since().await {
        None => Ok("ready"),
        Some(since) if since < super::metrics::READY_GRACE => {
            Ok("etcd doesn't answer (yet tolerated)")
        }
        Some(since) => {
            let detail = format!("etcd hasn't answered for {} s", since.as_secs());
            Err(ApiError::new(Code::Unavailable, detail))
        }
    }
}

/// Which server this is.
#[utoipa::path(get, path = "/v1/version", tag = "health",
    responses((status = 200, body = VersionInfo), (status = 401, body = Problem)))]
async fn version(State(api): State<Api>, _: Caller) -> Json<VersionInfo> {
    Json(VersionInfo {
        version: env!("CARGO_PKG_VERSION").into(),
        worker_protocols: PROTOCOLS.to_vec(),
        installation: api.app.store().installation(),
    })
}
