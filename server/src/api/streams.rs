//! Streams: loops, journals, the audit and the inbox as server-sent events with ids, resumable on any process.
//!
//! A stream ends with the process's shutdown and when its token is revoked, expires or changes its role:
//! that is looked at with every event, and every few seconds without one.

use std::convert::Infallible;
use std::sync::Arc;
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
use smith_model::inbox;
use smith_model::journal::Entry;
use smith_model::problem::{FieldError, Problem};
use tokio::time::{Interval, MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::Api;
use super::error::ApiError;
use super::extract::{Name, Query};
use super::inbox::InboxQuery;
use super::loops::ListQuery;
use crate::app::audit::AuditFilter;
use crate::app::{
    App, AuditEvent, Caller, Encoded, EventId, Follower, JournalEventId, Receiver, StreamEvent,
};

/// Idle streams say so this often; clients take three times as much for a dead connection.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How often a silent stream looks at its token.
const TOKEN_CHECK: Duration = Duration::from_secs(5);

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(loops))
        .routes(routes!(journal))
        .routes(routes!(audit))
        .routes(routes!(inbox_stream))
}

/// What ends a stream, besides its own end.
struct Ends {
    app: App,
    identity: Identity,
    shutdown: CancellationToken,
    check: Interval,
}

impl Ends {
    fn new(api: &Api, caller: Caller) -> Self {
        let mut check = tokio::time::interval(TOKEN_CHECK);
        check.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (app, shutdown) = (api.app.clone(), api.shutdown.clone());
        Self { app, identity: caller.identity, shutdown, check }
    }

    /// Waits for the next of a stream, or for a reason to end it.
    async fn or<T>(&mut self, next: impl Future<Output = Option<T>>) -> Option<T> {
        tokio::pin!(next);
        let item = loop {
            tokio::select! {
                biased;
                () = self.shutdown.cancelled() => return None,
                _ = self.check.tick() => if !self.app.still_good(&self.identity) { return None },
                item = &mut next => break item?,
            }
        };
        self.app.still_good(&self.identity).then_some(item)
    }
}

/// For events that nobody goes on from.
const NO_ID: Option<EventId> = None;

fn told(name: &str, json: &str, id: Option<impl ToString>) -> Event {
    let event = Event::default().event(name).data(json);
    match id {
        Some(id) => event.id(id.to_string()),
        None => event,
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
    let open = (subscription, Ends::new(&api, caller));
    let stream = futures::stream::unfold(open, async |(mut subscription, mut ends)| {
        let StreamEvent { id, event } = ends.or(subscription.next()).await?;
        let name = match **event {
            LoopEvent::Updated(_) => "updated",
            LoopEvent::Removed { .. } => "removed",
            LoopEvent::Reset => "reset",
            LoopEvent::Ready => "ready",
        };
        Some((Ok(told(name, event.json(), id)), (subscription, ends)))
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
    let following = Following {
        follow: api.app.follow(&id, after),
        changes: api.app.view().changes(),
        app: api.app.clone(),
        id,
        uid,
        last: after,
        end: None,
        reset: other,
        over: false,
    };
    let open = (following, Ends::new(&api, caller));
    let stream =
        futures::stream::unfold(open, async |(mut following, mut ends): (Following, Ends)| {
            let event = match ends.or(following.next()).await? {
                Step::Reset => told("reset", "{}", NO_ID),
                Step::Ended => told("ended", "{}", NO_ID),
                Step::Removed => told("removed", "{}", NO_ID),
                Step::Entry(entry) => {
                    let id = JournalEventId { uid: following.uid, seq: entry.seq };
                    told("entry", entry.json(), Some(id))
                }
            };
            Some((Ok(event), (following, ends)))
        });
    Ok(Sse::new(stream).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

struct Following {
    app: App,
    id: LoopId,
    uid: Uuid,
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
    Entry(Arc<Encoded<Entry>>),
    Ended,
    Removed,
}

impl Following {
    async fn next(&mut self) -> Option<Step> {
        if std::mem::take(&mut self.reset) {
            return Some(Step::Reset);
        }
        if self.over {
            return None;
        }
        loop {
            // Asked once for a long journal that is replayed, and again at what seemed to be its end.
            if self.end.is_none_or(|end| self.last >= end) {
                self.end = self.app.journal_end(&self.id).await;
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
                _ = self.changes.touches(&self.id) => {}
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
    let open = (following, Ends::new(&api, caller));
    let stream = futures::stream::unfold(open, async |(mut following, mut ends)| {
        let (id, event) = ends.or(following.next()).await?;
        let event = match event {
            AuditEvent::Reset => told("reset", "{}", id),
            AuditEvent::Ready => told("ready", "{}", id),
            AuditEvent::Record(record) => told("record", record.json(), id),
        };
        Some((Ok(event), (following, ends)))
    });
    Ok(Sse::new(stream).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

/// The inbox as it changes. Without `Last-Event-ID`, and on a process that doesn't remember so far back, it
/// begins with `reset`, the whole inbox and `ready`. `source-lost` and `source-found`: whether the server is in
/// touch with its store.
#[utoipa::path(get, path = "/v1/inbox/stream", tag = "inbox", params(InboxQuery),
    responses((status = 200, body = inbox::Event, content_type = "text/event-stream"), (status = "4XX", body = Problem)))]
async fn inbox_stream(
    State(api): State<Api>,
    caller: Caller,
    headers: HeaderMap,
    Query(query): Query<InboxQuery>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, ApiError> {
    let filter = query.filter()?;
    let from = last_revision(&headers)?;
    let open = (api.app.follow_inbox(&caller, filter, from), Ends::new(&api, caller));
    let stream = futures::stream::unfold(open, async |(mut following, mut ends)| {
        let (id, event) = ends.or(following.next()).await?;
        let name = match event {
            inbox::Event::Updated(_) => "updated",
            inbox::Event::Removed { .. } => "removed",
            inbox::Event::Reset => "reset",
            inbox::Event::Ready => "ready",
            inbox::Event::SourceLost { .. } => "source-lost",
            inbox::Event::SourceFound => "source-found",
        };
        let json = serde_json::to_string(&event).expect("plain data serializes");
        Some((Ok(told(name, &json, id)), (following, ends)))
    });
    Ok(Sse::new(stream).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}
