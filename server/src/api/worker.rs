//! The worker protocol; see `smith_model::worker`.

use std::convert::Infallible;

use axum::Json;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures::Stream;
use smith_model::id::Digest;
use smith_model::problem::Problem;
use smith_model::worker::{
    ClaimAnswer, ClaimRequest, Directive, EvidenceAnswer, EvidenceRequest, FinishAnswer,
    FinishRequest, HeartbeatAnswer, HeartbeatRequest, PublishRequest,
};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Api;
use super::auth::Worker;
use super::error::ApiError;
use super::extract::{Body, Name, raw};
use crate::app::MOST_ARTIFACT_BYTES;

pub(super) fn routes() -> OpenApiRouter<Api> {
    let artifacts = OpenApiRouter::new()
        .routes(routes!(artifact))
        .layer(DefaultBodyLimit::max(MOST_ARTIFACT_BYTES + 1024));
    OpenApiRouter::new()
        .routes(routes!(claim))
        .routes(routes!(heartbeat))
        .routes(routes!(directives))
        .routes(routes!(evidence))
        .routes(routes!(publish))
        .routes(routes!(finish))
        .merge(artifacts)
}

/// Takes the lock of an attempt. The same session secret asked again gets the same answer.
#[utoipa::path(post, path = "/v1/worker/claim", tag = "worker", request_body = ClaimRequest,
    responses((status = 200, body = ClaimAnswer), (status = "4XX", body = Problem)))]
async fn claim(
    State(api): State<Api>,
    Worker(bearer): Worker,
    Body(request): Body<ClaimRequest>,
) -> Result<Json<ClaimAnswer>, ApiError> {
    Ok(Json(api.app.claim(&bearer, &request).await?))
}

/// Keeps the lease alive, and answers what the worker is to do.
#[utoipa::path(post, path = "/v1/worker/heartbeat", tag = "worker", request_body = HeartbeatRequest,
    responses((status = 200, body = HeartbeatAnswer), (status = "4XX", body = Problem)))]
async fn heartbeat(
    State(api): State<Api>,
    Worker(bearer): Worker,
    Body(request): Body<HeartbeatRequest>,
) -> Result<Json<HeartbeatAnswer>, ApiError> {
    Ok(Json(api.app.heartbeat(&bearer, &request).await?))
}

/// What the worker is to do, at once when it changes (event `directive`).
#[utoipa::path(get, path = "/v1/worker/directives", tag = "worker",
    responses((status = 200, body = Directive, content_type = "text/event-stream"), (status = "4XX", body = Problem)))]
async fn directives(
    State(api): State<Api>,
    Worker(bearer): Worker,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, ApiError> {
    // Before the first read, so that nothing falls between.
    let changes = api.app.view().changes();
    let first = api.app.worker_directive(&bearer).await?;
    let shutdown = api.shutdown.clone();
    let begin = (Some(first.clone()), first, changes);
    let stream = futures::stream::unfold(begin, move |(ready, mut last, mut changes)| {
        let (app, bearer, shutdown) = (api.app.clone(), bearer.clone(), shutdown.clone());
        async move {
            if let Some(directive) = ready {
                return Some((Ok(event(&directive)), (None, last, changes)));
            }
            loop {
                tokio::select! {
                    () = shutdown.cancelled() => return None,
                    changed = changes.touches(&bearer.loop_id) => if !changed { return None },
                }
                // An error ends the stream: the worker's next heartbeat tells it why.
                let directive = app.worker_directive(&bearer).await.ok()?;
                if directive != last {
                    last = directive.clone();
                    return Some((Ok(event(&directive)), (None, last, changes)));
                }
            }
        }
    });
    Ok(Sse::new(stream).keep_alive(KeepAlive::default()))
}

fn event(directive: &Directive) -> Event {
    let json = serde_json::to_string(directive).expect("plain data serializes");
    Event::default().event("directive").data(json)
}

/// Takes a batch of the worker's outbox; items that were taken before are skipped.
#[utoipa::path(post, path = "/v1/worker/evidence", tag = "worker", request_body = EvidenceRequest,
    responses((status = 200, body = EvidenceAnswer), (status = "4XX", body = Problem)))]
async fn evidence(
    State(api): State<Api>,
    Worker(bearer): Worker,
    Body(request): Body<EvidenceRequest>,
) -> Result<Json<EvidenceAnswer>, ApiError> {
    Ok(Json(api.app.evidence(&bearer, &request).await?))
}

/// One step of a publish: may it be pushed, and was it?
#[utoipa::path(post, path = "/v1/worker/publish", tag = "worker", request_body = PublishRequest,
    responses((status = 204), (status = "4XX", body = Problem)))]
async fn publish(
    State(api): State<Api>,
    Worker(bearer): Worker,
    Body(request): Body<PublishRequest>,
) -> Result<StatusCode, ApiError> {
    api.app.publish(&bearer, &request).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends the attempt. Repeated: the same answer.
#[utoipa::path(post, path = "/v1/worker/finish", tag = "worker", request_body = FinishRequest,
    responses((status = 200, body = FinishAnswer), (status = "4XX", body = Problem)))]
async fn finish(
    State(api): State<Api>,
    Worker(bearer): Worker,
    Body(request): Body<FinishRequest>,
) -> Result<Json<FinishAnswer>, ApiError> {
    Ok(Json(api.app.finish(&bearer, &request).await?))
}

/// Keeps an artifact under its digest; evidence may name it after this.
#[utoipa::path(put, path = "/v1/worker/artifacts/{digest}", tag = "worker",
    params(("digest" = Digest, Path)), request_body(content_type = "application/octet-stream"),
    responses((status = 204), (status = "4XX", body = Problem)))]
async fn artifact(
    State(api): State<Api>,
    Worker(bearer): Worker,
    Name(digest): Name<Digest>,
    request: Request,
) -> Result<StatusCode, ApiError> {
    let bytes = raw(request, &api).await?;
    api.app.put_artifact(&bearer, &digest, bytes).await?;
    Ok(StatusCode::NO_CONTENT)
}
