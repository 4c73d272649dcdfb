//! Streams that go on by themselves: server-sent events, resumed by the id of the last one seen.
//!
//! A stream that breaks, ends or falls silent is opened again with `Last-Event-ID`, after a growing
//! wait; the caller is told once that it broke ([`Signal::Disconnected`]) and once that it is back.
//! What no waiting changes (the token isn't good, the loop isn't there) is an `Err`, and the stream is
//! over. Dropping a stream closes its connection.

use std::pin::Pin;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::stream::{self, BoxStream};
use futures::{Stream, StreamExt as _};
use reqwest::Response;
use reqwest::header::CONTENT_TYPE;
use sse_stream::{Sse, SseStream};

use crate::transport::Call;
use crate::waits::Waits;
use crate::{Client, Error};

/// The id of a stream's event. It means something to the server only.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EventId(String);

impl EventId {
    /// An id that was kept from an earlier stream.
    pub fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    /// The id as text, to be kept.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a stream says.
#[derive(Debug)]
pub enum Signal<T> {
    /// Something happened.
    Event {
        /// Where to go on; not every event has one.
        id: Option<EventId>,
        /// What happened.
        event: T,
    },
    /// The connection was lost, or didn't come up; it is being tried again.
    Disconnected {
        /// Since when.
        since: Instant,
        /// Why.
        error: Error,
    },
    /// It is back, and goes on where it was.
    Reconnected,
}

/// A stream of signals.
pub type Signals<T> = Pin<Box<dyn Stream<Item = Result<Signal<T>, Error>> + Send>>;

/// What a decoder makes of an event.
#[derive(Debug)]
pub(crate) enum Parsed<T> {
    /// An event; `None`: one of a kind that this version doesn't know.
    Event(Option<T>),
    /// The last event: the server closes behind it.
    Last(T),
}

struct Resuming<D> {
    client: Client,
    call: Call,
    decode: D,
    last: Option<EventId>,
    phase: Phase,
    /// Since when it has been lost, once the caller was told.
    lost: Option<Instant>,
    waits: Waits,
}

enum Phase {
    Connect,
    Wait(Duration),
    Live(BoxStream<'static, Result<Sse, Error>>),
    Over,
}

/// Opens a stream. `decode` gets each event's name and data.
pub(crate) fn open<T, D>(
    client: &Client,
    call: Call,
    from: Option<EventId>,
    decode: D,
) -> Signals<T>
where
    T: Send + 'static,
    D: Fn(&str, &str) -> Result<Parsed<T>, serde_json::Error> + Send + 'static,
{
    let resuming = Resuming {
        client: client.clone(),
        call: call.header("accept", "text/event-stream"),
        decode,
        last: from,
        phase: Phase::Connect,
        lost: None,
        waits: Waits::new(),
    };
    Box::pin(stream::unfold(resuming, async |mut resuming| {
        let signal = resuming.next().await?;
        Some((signal, resuming))
    }))
}

impl<D> Resuming<D> {
    async fn next<T>(&mut self) -> Option<Result<Signal<T>, Error>>
    where
        D: Fn(&str, &str) -> Result<Parsed<T>, serde_json::Error>,
    {
        loop {
            match &mut self.phase {
                Phase::Over => return None,
                Phase::Wait(wait) => {
                    tokio::time::sleep(*wait).await;
                    self.phase = Phase::Connect;
                }
                Phase::Connect => match self.connect().await {
                    Ok(live) => {
                        self.phase = Phase::Live(live);
                        if self.lost.take().is_some() {
                            return Some(Ok(Signal::Reconnected));
                        }
                    }
                    Err(error) => {
                        if let Some(signal) = self.lose(error) {
                            return Some(signal);
                        }
                    }
                },
                Phase::Live(live) => match live.next().await {
                    Some(Ok(sse)) => {
                        if let Some(signal) = self.take(sse) {
                            return Some(signal);
                        }
                    }
                    lost => {
                        let error = lost.and_then(Result::err).unwrap_or(Error::Ended);
                        if let Some(signal) = self.lose(error) {
                            return Some(signal);
                        }
                    }
                },
            }
        }
    }

    async fn connect(&mut self) -> Result<BoxStream<'static, Result<Sse, Error>>, Error> {
        let call = match &self.last {
            Some(id) => self.call.clone().header("last-event-id", id.as_str()),
            None => self.call.clone(),
        };
        // The head has to come in time; the body may go on for ever.
        let after = self.client.timeout();
        let sent = tokio::time::timeout(after, self.client.send(&call, None)).await;
        let response = sent.unwrap_or_else(|_| {
            Err(Error::TimedOut { server: self.client.server().to_owned(), after })
        })?;
        let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        if !kind.is_some_and(|kind| kind.starts_with("text/event-stream")) {
            return Err(self.client.not_smith(response.status(), b"(not a stream)"));
        }
        Ok(events(self.client.clone(), response))
    }

    /// What the caller is told of a lost connection; nothing if it knows already.
    fn lose<T>(&mut self, error: Error) -> Option<Result<Signal<T>, Error>> {
        if !error.may_pass() {
            self.phase = Phase::Over;
            return Some(Err(error));
        }
        let wait = self.waits.after(&error);
        self.phase = Phase::Wait(wait);
        if self.lost.is_some() {
            return None;
        }
        let since = Instant::now();
        self.lost = Some(since);
        Some(Ok(Signal::Disconnected { since, error }))
    }

    fn take<T>(&mut self, sse: Sse) -> Option<Result<Signal<T>, Error>>
    where
        D: Fn(&str, &str) -> Result<Parsed<T>, serde_json::Error>,
    {
        let Sse { event, data, id, retry: _ } = sse;
        // It works again, so the next loss begins with a short wait.
        self.waits = Waits::new();
        let id = id.map(EventId);
        let name = event.as_deref().unwrap_or("message");
        let parsed = match (self.decode)(name, data.as_deref().unwrap_or_default()) {
            Ok(parsed) => parsed,
            Err(error) => {
                self.phase = Phase::Over;
                return Some(Err(self.client.malformed("an event of this stream", error)));
            }
        };
        if id.is_some() {
            self.last.clone_from(&id);
        }
        match parsed {
            Parsed::Event(event) => Some(Ok(Signal::Event { id, event: event? })),
            Parsed::Last(event) => {
                self.phase = Phase::Over;
                Some(Ok(Signal::Event { id, event }))
            }
        }
    }
}

/// The events of a response; one that is silent for too long ends with an error.
fn events(client: Client, response: Response) -> BoxStream<'static, Result<Sse, Error>> {
    let bytes = response.bytes_stream().map({
        let client = client.clone();
        move |read| read.map_err(|error| client.lost(error, client.timeout()))
    });
    let watched = watch(client.clone(), bytes.boxed());
    let events = SseStream::from_bytes_stream(watched);
    let events = events.map(move |event| event.map_err(|error| unread(&client, error)));
    events.boxed()
}

/// Comments count too: they are sent so that this can be known.
fn watch(
    client: Client,
    bytes: BoxStream<'static, Result<Bytes, Error>>,
) -> BoxStream<'static, Result<Bytes, Error>> {
    let after = client.silence();
    let watched = stream::unfold(Some(bytes), move |bytes| {
        let server = client.server().to_owned();
        async move {
            let mut bytes = bytes?;
            match tokio::time::timeout(after, bytes.next()).await {
                Ok(read) => Some((read?, Some(bytes))),
                Err(_) => Some((Err(Error::Silent { server, after }), None)),
            }
        }
    });
    watched.boxed()
}

fn unread(client: &Client, error: sse_stream::Error) -> Error {
    match error {
        sse_stream::Error::Body(error) => match error.downcast::<Error>() {
            Ok(error) => *error,
            Err(error) => client.malformed("a stream", error),
        },
        error => client.malformed("a stream", error),
    }
}

#[cfg(test)]
mod tests;
