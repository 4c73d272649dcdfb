//! The HTTP surface: one file a resource. It parses, asks `app`, and renders; nothing else.

mod acts;
mod audit;
mod auth;
mod error;
mod extract;
mod health;
mod inbox;
mod ingress;
mod journal;
mod loops;
pub mod metrics;
#[cfg(test)]
mod published;
mod streams;
mod terminals;
mod tokens;
mod worker;

use std::future::IntoFuture;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::serve::ListenerExt as _;
use axum::{Json, Router};
use smith_model::problem::{Code, Problem};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use uuid::Uuid;

use crate::app::App;
use crate::app::why::RuntimeView;
use error::ApiError;
use metrics::Metrics;
use terminals::Patience;

/// The largest body of an ordinary request: a spec of 512 KiB as JSON, with room for a batch.
const MOST_BODY_BYTES: usize = 8 * 1024 * 1024;

/// How long a graceful shutdown waits for requests that are under way.
const DRAIN: Duration = Duration::from_secs(5);

/// What every handler sees.
#[derive(Clone)]
pub struct Api {
    app: App,
    metrics: Arc<Metrics>,
    /// What is known of workers where a core runs in the same process.
    runtime: Arc<dyn RuntimeView>,
    /// Ends streams, which would otherwise keep a shutdown waiting for ever.
    shutdown: CancellationToken,
    /// Origins of web pages, besides the API's own, that may open terminals.
    origins: Arc<[String]>,
    /// What outlives its request: terminals, and commands whose end is still to be recorded.
    lasting: TaskTracker,
    patience: Patience,
}

/// The request's name in logs, answers and audit records.
#[derive(Clone, Debug)]
pub(crate) struct RequestId(pub(crate) String);

#[derive(OpenApi)]
#[openapi(info(
    title = "Smith",
    description = "Autonomous coding loops as a state machine in etcd. \
        Errors are application/problem+json with a stable `code`. Times are RFC 3339 in UTC."
))]
struct Document;

impl Api {
    /// Puts the surface together.
    pub fn new(
        app: App,
        metrics: Arc<Metrics>,
        runtime: Arc<dyn RuntimeView>,
        shutdown: CancellationToken,
    ) -> Self {
        let origins = Arc::from([]);
        let (lasting, patience) = (TaskTracker::new(), Patience::default());
        Self { app, metrics, runtime, shutdown, origins, lasting, patience }
    }

    /// Lets web pages of other origins open terminals, too.
    pub fn allow_origins(self, origins: Vec<String>) -> Self {
        Self { origins: origins.into(), ..self }
    }

    /// Waits until everything that outlives its request has ended; after the shutdown, and within the bounds that
    /// each of them has.
    pub fn ended(&self) -> impl Future<Output = ()> + Send + use<> {
        let lasting = self.lasting.clone();
        async move {
            lasting.close();
            lasting.wait().await;
        }
    }
}

fn routes() -> (Router<Api>, utoipa::openapi::OpenApi) {
    OpenApiRouter::with_openapi(Document::openapi())
        .merge(loops::routes())
        .merge(acts::routes())
        .merge(journal::routes())
        .merge(streams::routes())
        .merge(terminals::routes())
        .merge(inbox::routes())
        .merge(ingress::routes())
        .merge(audit::routes())
        .merge(tokens::routes())
        .merge(worker::routes())
        .merge(health::routes())
        .split_for_parts()
}

/// The OpenAPI document, generated from the handlers.
pub fn openapi() -> utoipa::openapi::OpenApi {
    routes().1
}

/// The whole surface as one service.
pub fn router(api: Api) -> Router {
    let (router, document) = routes();
    router
        .route("/openapi.json", axum::routing::get(move || async move { Json(document) }))
        .fallback(async || ApiError::new(Code::NotFound, "there is no such path"))
        .method_not_allowed_fallback(async || {
            ApiError::new(Code::MethodNotAllowed, "this path doesn't know the method")
        })
        .layer(DefaultBodyLimit::max(MOST_BODY_BYTES))
        .layer(CatchPanicLayer::custom(|_: Box<dyn std::any::Any + Send>| {
            let detail = "the server failed; its log has the cause under the request id";
            ApiError::new(Code::Internal, detail).into_response()
        }))
        .layer(middleware::from_fn_with_state(api.clone(), around))
        .with_state(api)
}

/// Names the request, renders problems, counts and logs. The only place where problems become bodies.
async fn around(State(api): State<Api>, mut request: Request, next: Next) -> Response {
    let given = request.headers().get("x-request-id").and_then(|v| v.to_str().ok());
    let plain =
        |id: &&str| id.len() <= 64 && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let id = given.filter(plain).map_or_else(|| Uuid::now_v7().to_string(), str::to_owned);
    request.extensions_mut().insert(RequestId(id.clone()));
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let route = request.extensions().get::<axum::extract::MatchedPath>();
    let route = route.map_or_else(|| "(none)".to_owned(), |r| r.as_str().to_owned());
    let started = std::time::Instant::now();
    let mut response = next.run(request).await;
    if let Some(mut problem) = response.extensions_mut().remove::<Box<Problem>>() {
        problem.request_id = Some(id.clone());
        let cause = response.extensions_mut().remove::<error::Cause>();
        if problem.status >= 500 {
            let cause = cause.map_or_else(String::new, |c| c.0);
            tracing::error!(request_id = %id, %method, path, code = ?problem.code, cause, "failed");
        }
        let headers = std::mem::take(response.headers_mut());
        response = render(&problem);
        response.headers_mut().extend(headers);
    }
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert("x-request-id", value);
    }
    let (status, took) = (response.status().as_u16(), started.elapsed());
    api.metrics.request(&method, &route, status, took);
    tracing::debug!(request_id = %id, %method, path, status, ?took, "request");
    response
}

fn render(problem: &Problem) -> Response {
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, Json(problem)).into_response();
    let json = HeaderValue::from_static("application/problem+json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    match problem.code {
        Code::Unavailable | Code::RateLimited => {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        Code::Unauthenticated => {
            let scheme = HeaderValue::from_static("Bearer");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, scheme);
        }
        _ => {}
    }
    response
}

/// Serves until `shutdown`, then ends streams, and gives other requests a bounded time.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    shutdown: CancellationToken,
) -> std::io::Result<()> {
    // A keystroke's echo and an event are small, and nobody waits for more to send along.
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection's small packets may wait");
        }
    });
    let signal = shutdown.clone().cancelled_owned();
    let serving = axum::serve(listener, router).with_graceful_shutdown(signal).into_future();
    let late = async {
        shutdown.cancelled().await;
        tokio::time::sleep(DRAIN).await;
    };
    tokio::select! {
        served = serving => served,
        () = late => {
            tracing::warn!("requests that did not end in {DRAIN:?} were cut");
            Ok(())
        }
    }
}
