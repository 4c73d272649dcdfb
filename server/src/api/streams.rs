//! Streams: loops, journals and the audit as server-sent events with ids, resumable on any process.
//!
//! A stream ends with the process's shutdown and when its token is revoked, expires or changes its role:
//! that is looked at with every event, and every few seconds without one.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures::Stream;
use serde::Deserialize;
use smith_model::access::Identity;
use smith_model::api::LoopEvent;
use smith_model::audit::AuditRecord;
use smith_model::id::LoopId;
use smith_model::journal::Entry;
use smith_model::problem::{FieldError, Problem};
use tokio_util::sync::CancellationToken;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Api;
use super::error::ApiError;
use super::extract::{Name, Query};
use super::loops::ListQuery;
use crate::app::audit::AuditFilter;
use crate::app::{App, AuditEvent, Caller, EventId, Follower, JournalEventId, Receiver};

/// Idle streams say so this often; clients take three times as much for a dead connection.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How often a silent stream looks at its token.
const TOKEN_CHECK: Duration = Duration::from_secs(5);

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(loops)).routes(routes!(journal)).routes(routes!(audit))
}

/// Waits for the next of `next`, or for a reason to end the stream.
async fn next_or_end<T>(
    app: &App,
    identity: &Identity,
    shutdown: &CancellationToken,
    next: impl Future<Output = Option<T>>,
) -> Option<T> {
    tokio::pin!(next);
    let mut check = tokio::time::interval(TOKEN_CHECK);
    loop {
        tokio::select! {
            biased;
            () = shutdown.cancelled() => return None,
            _ = check.tick() => if !app.still_good(identity) { return None },
            item = &mut next => return item,
        }
    }
}

fn bad_id(id: &str, error: impl std::fmt::Display) -> Problem {
    Problem::fields(vec![FieldError::new("Last-Event-ID", id, error.to_string())])
}

fn last_event_id(headers: &HeaderMap) -> Option<&str> {
    headers.get("last-event-id").and_then(|v| v.to_str().ok()).filter(|id| !id.is_empty())
}

fn last_revision(headers: &HeaderMap) -> Result<Option<EventId>, Problem> {
    last_event_id(headers).map(|id| id.parse().map_err(|e| bad_id(id, e))).transpose()
}

/// Loops as they change. Without `Last-Event-ID` it begins with `reset`, the whole list and `ready`.
#[utoipa::path(get, path = "/v1/loops/stream", tag = "loops", params(ListQuery),
    responses((status = 200, body = LoopEvent, content_type = "text/event-stream"), (status = "4XX", body = Problem)))]
async fn loops(
    State(api): State<Api>,
    caller: Caller,
    headers: HeaderMap,
    Query(query): Query<ListQuery>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, ApiError> {
    let filter = query.filter()?;
    let from = last_revision(&headers)?.map(|id| (id.generation, id.revision));
    let scope = caller.identity.scope.clone();
    let subscription = api.app.view().subscribe(filter, scope, from);
    let stream = futures::stream::unfold(subscription, move |mut subscription| {
        let (api, identity) = (api.clone(), caller.identity.clone());
        async move {
            let next = subscription.next();
            let item = next_or_end(&api.app, &identity, &api.shutdown, next).await?;
            let name = match &item.event {
                LoopEvent::Updated(_) => "updated",
                LoopEvent::Removed { .. } => "removed",
                LoopEvent::Reset => "reset",
                LoopEvent::Ready => "ready",
            };
            let json = serde_json::to_string(&item.event).expect("plain data serializes");
            let mut event = Event::default().event(name).data(json);
            if let Some(id) = item.id {
                event = event.id(id.to_string());
            }
            Some((Ok(event), subscription))
        }
    });
    Ok(Sse::new(stream).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct JournalStreamQuery {
    /// Entries with numbers above this one; `Last-Event-ID` wins over it.
    after: Option<u64>,
}

/// A loop's journal as it is written, without a gap (event `entry`). It ends with `ended` once the loop
/// has ended and everything was sent, or with `removed` when it is deleted.
#[utoipa::path(get, path = "/v1/loops/{id}/journal/stream", tag = "loops",
    params(("id" = LoopId, Path), JournalStreamQuery),
    responses((status = 200, body = Entry, content_type = "text/event-stream"), (status = "4XX", body = Problem)))]
async fn journal(
    State(api): State<Api>,
    caller: Caller,
    headers: HeaderMap,
    Name(id): Name<LoopId>,
    Query(query): Query<JournalStreamQuery>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, ApiError> {
    let seen: Option<JournalEventId> = match last_event_id(&headers) {
        Some(id) => Some(id.parse().map_err(|e| bad_id(id, e))?),
        None => None,
    };
    let uid = api.app.loop_uid(&caller, &id).await?;
    // Another loop of the same name, or history that was replaced: from the beginning.
    let other = seen.is_some_and(|seen| seen.uid != uid);
    let after = match seen {
        Some(seen) if !other => seen.seq,
        Some(_) => 0,
        None => query.after.unwrap_or(0),
    };
    let follow = api.app.follow(&id, after);
    let changes = api.app.view().changes();
    let begin = Following { follow, changes, last: after, end: None, reset: other, over: false };
    let stream = futures::stream::unfold(begin, move |mut following| {
        let (api, identity, id) = (api.clone(), caller.identity.clone(), id.clone());
        async move {
            let next = following.next(&api.app, &id);
            let step = next_or_end(&api.app, &identity, &api.shutdown, next).await?;
            let event = match step {
                Step::Reset => Event::default().event("reset").data("{}"),
                Step::Ended => Event::default().event("ended").data("{}"),
                Step::Removed => Event::default().event("removed").data("{}"),
                Step::Entry(entry) => {
                    let json = serde_json::to_string(&*entry).expect("plain data serializes");
                    Event::default()
                        .event("entry")
                        .id(JournalEventId { uid, seq: entry.seq }.to_string())
                        .data(json)
                }
            };
            Some((Ok(event), following))
        }
    });
    Ok(Sse::new(stream).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

struct Following {
    follow: Follower,
    changes: Receiver,
    last: u64,
    /// The last number, once the loop has ended.
    end: Option<u64>,
    reset: bool,
    over: bool,
}

enum Step {
    Reset,
    Entry(std::sync::Arc<Entry>),
    Ended,
    Removed,
}

impl Following {
    async fn next(&mut self, app: &App, id: &LoopId) -> Option<Step> {
        if std::mem::take(&mut self.reset) {
            return Some(Step::Reset);
        }
        if self.over {
            return None;
        }
        loop {
            // Asked once for a long journal that is replayed, and again at what seemed to be its end.
            if self.end.is_none_or(|end| self.last >= end) {
                self.end = app.journal_end(id).await;
            }
            if self.end.is_some_and(|end| self.last >= end) {
                self.over = true;
                return Some(Step::Ended);
            }
            tokio::select! {
                biased;
                entry = self.follow.next() => {
                    let Some(entry) = entry else {
                        self.over = true;
                        return Some(Step::Removed);
                    };
                    self.last = entry.seq;
                    return Some(Step::Entry(entry));
                }
                _ = self.changes.touches(id) => {}
            }
        }
    }
}

#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct AuditStreamQuery {
    /// Of this loop.
    loop_id: Option<LoopId>,
    /// By this identity.
    actor: Option<String>,
    /// Of this kind, such as `loop.cancel`.
    action: Option<String>,
}

/// What people do, as it is recorded (event `record`), in the order of the transactions. Without
/// `Last-Event-ID` it begins with `ready`, and tells what is recorded from then on. `reset`: the id isn't
/// of this history; what came behind it isn't known, and the stream begins anew.
#[utoipa::path(get, path = "/v1/audit/stream", tag = "audit", params(AuditStreamQuery),
    responses((status = 200, body = AuditRecord, content_type = "text/event-stream"), (status = "4XX", body = Problem)))]
async fn audit(
    State(api): State<Api>,
    caller: Caller,
    headers: HeaderMap,
    Query(query): Query<AuditStreamQuery>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, ApiError> {
    let AuditStreamQuery { loop_id, actor, action } = query;
    let filter = AuditFilter { loop_id, actor, action, after: None };
    let following = api.app.follow_audit(&caller, filter, last_revision(&headers)?);
    let stream = futures::stream::unfold(following, move |mut following| {
        let (api, identity) = (api.clone(), caller.identity.clone());
        async move {
            let next = following.next();
            let (id, event) = next_or_end(&api.app, &identity, &api.shutdown, next).await?;
            let mut event = match event {
                AuditEvent::Reset => Event::default().event("reset").data("{}"),
                AuditEvent::Ready => Event::default().event("ready").data("{}"),
                AuditEvent::Record(record) => {
                    let json = serde_json::to_string(&*record).expect("plain data serializes");
                    Event::default().event("record").data(json)
                }
            };
            if let Some(id) = id {
                event = event.id(id.to_string());
            }
            Some((Ok(event), following))
        }
    });
    Ok(Sse::new(stream).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}
