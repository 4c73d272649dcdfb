//! Terminals of workers: tickets, commands, detaching, who is attached, and the WebSocket itself.
//!
//! A WebSocket is let in by the ticket among its subprotocols alone, so that a browser can open one. What is wrong with
//! the request is an HTTP answer; what is wrong with the ticket, and everything after it, is told in an `end`, because a
//! browser shows a page nothing of a refused upgrade.

mod origin;
mod pump;

use std::time::Duration;

use axum::Json;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, HeaderValue, Uri};
use axum::response::Response;
use smith_model::id::LoopId;
use smith_model::problem::{Code, FieldError, Problem};
use smith_model::terminal::{
    AttachAnswer, AttachRequest, CommandAnswer, CommandRequest, DetachAnswer, DetachRequest,
    RuntimeAnswer, SUBPROTOCOL, TICKET_PREFIX,
};
use smith_term::frame::{MAX_BYTES, MAX_REPORT, MAX_REQUEST};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::error::ApiError;
use super::extract::{Body, Name};
use super::{Api, RequestId};
use crate::app::Caller;

/// The most that a viewer's message holds, of either kind.
const MOST_MESSAGE: usize = if MAX_BYTES > MAX_REQUEST { MAX_BYTES } else { MAX_REQUEST };

/// The most that waits to be sent: one snapshot, and an end behind it.
const MOST_WAITING: usize = MAX_REPORT + 64 * 1024;

/// How long which silence is borne. The defaults are what the contract says; tests choose others.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// Between two pings, to the viewer and to the worker.
    pub(super) ping: Duration,
    /// Without any sign of life of one of them: two pings, and half of one for the way.
    pub(super) silence: Duration,
    /// For the viewer to take one message.
    pub(super) write: Duration,
    /// For the viewer's hello.
    pub(super) hello: Duration,
    /// For the end to be told, and the close to be answered.
    pub(super) end: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            ping: Duration::from_secs(20),
            silence: Duration::from_secs(45),
            write: Duration::from_secs(30),
            hello: Duration::from_secs(10),
            end: Duration::from_secs(2),
        }
    }
}

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(runtime))
        .routes(routes!(attach))
        .routes(routes!(command))
        .routes(routes!(detach))
        .routes(routes!(terminal))
}

/// Whether and why (not) the loop's worker can be attached to, and who is.
#[utoipa::path(get, path = "/v1/loops/{id}/runtime", tag = "terminals", params(("id" = LoopId, Path)),
    responses((status = 200, body = RuntimeAnswer), (status = "4XX", body = Problem)))]
async fn runtime(
    State(api): State<Api>,
    caller: Caller,
    Name(id): Name<LoopId>,
) -> Result<Json<RuntimeAnswer>, ApiError> {
    Ok(Json(api.app.runtime(&caller, &id, &*api.runtime).await?))
}

/// A ticket for a terminal of the loop's worker: good for one minute and one use, on any process.
#[utoipa::path(post, path = "/v1/loops/{id}/control/attach", tag = "terminals",
    request_body = AttachRequest, params(("id" = LoopId, Path)),
    responses((status = 200, body = AttachAnswer), (status = "4XX", body = Problem),
        (status = 503, body = Problem, description = "The worker isn't there yet: try again")))]
async fn attach(
    State(api): State<Api>,
    caller: Caller,
    Name(id): Name<LoopId>,
    Body(request): Body<AttachRequest>,
) -> Result<Json<AttachAnswer>, ApiError> {
    Ok(Json(api.app.attach(&caller, &id, &request, &*api.runtime).await?))
}

/// Runs one command line in the workspace. It is ended when the asker hangs up.
#[utoipa::path(post, path = "/v1/loops/{id}/control/command", tag = "terminals",
    request_body = CommandRequest, params(("id" = LoopId, Path)),
    responses((status = 200, body = CommandAnswer), (status = "4XX", body = Problem),
        (status = 503, body = Problem, description = "What became of it is unknown")))]
async fn command(
    State(api): State<Api>,
    caller: Caller,
    Name(id): Name<LoopId>,
    Body(request): Body<CommandRequest>,
) -> Result<Json<CommandAnswer>, ApiError> {
    // This handler is dropped when its asker hangs up; the task lives on until the command's end is recorded.
    let hung_up = api.shutdown.child_token();
    let _hang_up = hung_up.clone().drop_guard();
    let Api { app, runtime, lasting, .. } = api;
    let running =
        lasting.spawn(async move { app.command(&caller, &id, &request, &*runtime, hung_up).await });
    match running.await {
        Ok(answer) => Ok(Json(answer?)),
        Err(panic) => {
            Err(ApiError::new(Code::Internal, format!("the command's task failed: {panic}")))
        }
    }
}

/// Ends attachments: one, or all of one's own. Only an admin can end those of others.
#[utoipa::path(post, path = "/v1/loops/{id}/control/detach", tag = "terminals",
    request_body = DetachRequest, params(("id" = LoopId, Path)),
    responses((status = 200, body = DetachAnswer), (status = "4XX", body = Problem)))]
async fn detach(
    State(api): State<Api>,
    caller: Caller,
    Name(id): Name<LoopId>,
    Body(request): Body<DetachRequest>,
) -> Result<Json<DetachAnswer>, ApiError> {
    Ok(Json(api.app.detach(&caller, &id, &request, &*api.runtime).await?))
}

/// The terminal as a WebSocket: subprotocols `smith.terminal.v1` and `smith.ticket.{ticket}`; binary messages are
/// bytes, text messages are JSON. See docs/terminals.md.
#[utoipa::path(get, path = "/v1/loops/{id}/control/terminal", tag = "terminals",
    params(("id" = LoopId, Path),
        ("Sec-WebSocket-Protocol" = String, Header, description = "smith.terminal.v1, smith.ticket.{ticket}")),
    responses((status = 101, description = "The terminal"), (status = "4XX", body = Problem)))]
async fn terminal(
    State(api): State<Api>,
    Name(id): Name<LoopId>,
    Extension(RequestId(request_id)): Extension<RequestId>,
    uri: Uri,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, ApiError> {
    let mut upgrade =
        upgrade.map_err(|error| ApiError::new(Code::MalformedRequest, error.body_text()))?;
    origin::check(&headers, &uri, &api.origins)?;
    let offered: Vec<&str> =
        upgrade.requested_protocols().filter_map(|name| name.to_str().ok()).collect();
    if !offered.contains(&SUBPROTOCOL) {
        let rule = format!("a list that has {SUBPROTOCOL}");
        let error = FieldError::new("Sec-WebSocket-Protocol", "(hidden)", rule);
        return Err(Problem::fields(vec![error]).into());
    }
    let Some(ticket) = offered.iter().find_map(|name| name.strip_prefix(TICKET_PREFIX)) else {
        let detail = format!("offer the ticket as the subprotocol {TICKET_PREFIX}<ticket>");
        return Err(ApiError::new(Code::Unauthenticated, detail));
    };
    let entered = api.app.enter(&id, ticket, Some(request_id)).await;
    upgrade.set_selected_protocol(HeaderValue::from_static(SUBPROTOCOL));
    let upgrade = upgrade
        .max_message_size(MOST_MESSAGE)
        .max_frame_size(MOST_MESSAGE)
        .max_write_buffer_size(MOST_WAITING);
    // What the framework runs it in is its own; by the token it counts among what a shutdown waits for.
    let lasts = api.lasting.token();
    Ok(upgrade.on_upgrade(async move |socket| {
        pump::run(socket, &api, entered).await;
        drop(lasts);
    }))
}

#[cfg(test)]
mod tests;
