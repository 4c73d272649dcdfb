//! Between a WebSocket and a worker's stream: frames both ways, pings, and the last word.
//!
//! Neither way has a queue. A frame is taken from one side when the one before it has gone out of the other, so a viewer
//! that takes nothing holds one frame here, and the worker's own stream fills; the worker sends it a snapshot once it
//! reads again, or ends it.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::ws::{CloseFrame, Message, WebSocket, close_code};
use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt as _, StreamExt as _};
use smith_term::frame::{Frame, MAX_REQUEST};
use smith_term::message::{EndReason, FromViewer, FromWorker, Hello};
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep_until, timeout};

use super::Patience;
use crate::api::Api;
use crate::app::terminals::wire::{Incoming, Outgoing};
use crate::app::terminals::{Again, Attachment, Ending, Entered, Pass};

type Sink = SplitSink<WebSocket, Message>;
type Source = SplitStream<WebSocket>;

/// The server is restarting (RFC 6455's registry); the framework names 1012 "restart".
const GOING_AWAY: u16 = close_code::RESTART;

/// How an attachment came to its end.
enum Over {
    /// The viewer is to be told.
    Tell(Ending),
    /// The worker told it.
    Told(EndReason),
    /// There is nobody to be told.
    Gone,
}

impl From<Ending> for Over {
    fn from(ending: Ending) -> Self {
        Self::Tell(ending)
    }
}

/// Serves one WebSocket from its upgrade to its close.
pub(super) async fn run(socket: WebSocket, api: &Api, entered: Result<Entered, Ending>) {
    let (mut sink, mut source) = socket.split();
    let over = match entered {
        Ok(entered) => attached(api, entered, &mut sink, &mut source).await,
        Err(ending) => Over::Tell(ending),
    };
    // Whoever takes nothing any more is left behind.
    let _ = timeout(api.patience.end, finish(&mut sink, &mut source, over)).await;
}

async fn attached(api: &Api, entered: Entered, sink: &mut Sink, source: &mut Source) -> Over {
    let Api { app, runtime, shutdown, patience, .. } = api;
    let identity = entered.identity().clone();
    let opening = async {
        let wishes = hello(source, patience.hello).await?;
        Ok::<_, Over>(app.open(entered, wishes, &**runtime).await?)
    };
    let opened = tokio::select! {
        biased;
        () = shutdown.cancelled() => return Ending::shutdown().into(),
        opened = opening => opened,
    };
    let (attachment, incoming, outgoing) = match opened {
        Ok(opened) => opened,
        Err(over) => return over,
    };
    // Each branch runs until the end of all, and is dropped with the streams: what it had in hand goes nowhere.
    let over = tokio::select! {
        biased;
        () = shutdown.cancelled() => Ending::shutdown().into(),
        ending = app.lapsed(&identity) => ending.into(),
        over = down(incoming, sink, &attachment, patience) => over,
        over = up(source, outgoing, &attachment, patience) => over,
    };
    attachment.close().await;
    over
}

/// The viewer's first message.
async fn hello(source: &mut Source, within: Duration) -> Result<Hello, Over> {
    let protocol = |text: String| Over::from(Ending::new(EndReason::Protocol, text));
    let first = async {
        loop {
            match source.next().await {
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(Message::Close(_))) | None => return Err(Over::Gone),
                Some(Err(error)) => return Err(protocol(error.to_string())),
                Some(Ok(message)) => return Ok(message),
            }
        }
    };
    let first = timeout(within, first).await;
    let first = first.map_err(|_| protocol(format!("no hello came in {within:?}")))??;
    let read = match first {
        Message::Text(text) if text.len() <= MAX_REQUEST => {
            FromViewer::from_frame(Frame::Text(text.to_string())).map_err(|e| e.to_string())
        }
        _ => Err("the first message isn't a hello".to_owned()),
    };
    match read {
        Ok(FromViewer::Hello(hello)) => Ok(hello),
        Ok(_) => Err(protocol("the first message isn't a hello".into())),
        Err(why) => Err(protocol(why)),
    }
}

/// From the worker to the viewer.
async fn down(
    mut incoming: Incoming,
    sink: &mut Sink,
    attachment: &Attachment,
    patience: &Patience,
) -> Over {
    let mut pings = interval_at(Instant::now() + patience.ping, patience.ping);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut silent = Instant::now() + patience.silence;
    loop {
        // Reading keeps its place when it is dropped. A ping that is due goes first, so that a flood can't hold it up;
        // the silence last, so that the time that the viewer took isn't the worker's.
        let (message, last) = tokio::select! {
            biased;
            _ = pings.tick() => (Message::Ping(Bytes::new()), None),
            read = incoming.next() => {
                let frame = match read {
                    Ok(frame) => frame,
                    Err(broken) => return Ending::from(broken).into(),
                };
                silent = Instant::now() + patience.silence;
                let last = match attachment.from_worker(&frame).await {
                    Ok(Pass::On) => None,
                    Ok(Pass::Last(reason)) => Some(reason),
                    Ok(Pass::Skip) => continue,
                    Err(ending) => return ending.into(),
                };
                (message(frame), last)
            }
            () = sleep_until(silent) => {
                let text = format!("the worker said nothing for {:?}", patience.silence);
                return Ending::passing(text).into();
            }
        };
        match timeout(patience.write, sink.send(message)).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return Over::Gone,
            Err(_) => {
                let text = format!("nothing was taken for {:?}", patience.write);
                return Ending::new(EndReason::Idle, text).into();
            }
        }
        if let Some(reason) = last {
            return Over::Told(reason);
        }
    }
}

/// From the viewer to the worker.
async fn up(
    source: &mut Source,
    mut outgoing: Outgoing,
    attachment: &Attachment,
    patience: &Patience,
) -> Over {
    let mut pings = interval_at(Instant::now() + patience.ping, patience.ping);
    let mut silent = Instant::now() + patience.silence;
    let protocol = |text: String| Over::from(Ending::new(EndReason::Protocol, text));
    loop {
        // Reading keeps its place when it is dropped. The time goes first: bytes that come without end are a sign of
        // life, too, and put it off themselves.
        let frame = tokio::select! {
            biased;
            () = sleep_until(silent) => {
                let text = format!("no sign of life for {:?}", patience.silence);
                return Ending::new(EndReason::Idle, text).into();
            }
            _ = pings.tick() => attachment.ping(),
            message = source.next() => {
                silent = Instant::now() + patience.silence;
                let frame = match message {
                    Some(Ok(Message::Binary(bytes))) => Frame::Bytes(bytes),
                    Some(Ok(Message::Text(text))) => Frame::Text(text.as_str().to_owned()),
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => continue,
                    Some(Ok(Message::Close(_))) | None => return Over::Gone,
                    Some(Err(error)) => return broke(&error).map_or(Over::Gone, protocol),
                };
                match attachment.from_viewer(&frame) {
                    Ok(Pass::On | Pass::Last(_)) => frame,
                    Ok(Pass::Skip) => continue,
                    Err(ending) => return ending.into(),
                }
            }
        };
        if let Err(broken) = outgoing.send(&frame).await {
            return match broken {
                crate::app::terminals::wire::Broken::Frame(error) => protocol(error.to_string()),
                broken => Ending::from(broken).into(),
            };
        }
    }
}

/// What a viewer did wrong; nothing, if its connection broke.
fn broke(error: &axum::Error) -> Option<String> {
    use std::error::Error as _;
    let mut source = error.source();
    while let Some(inner) = source {
        if inner.is::<std::io::Error>() {
            return None;
        }
        source = inner.source();
    }
    Some(error.to_string())
}

fn message(frame: Frame) -> Message {
    match frame {
        Frame::Bytes(bytes) => Message::Binary(bytes),
        Frame::Text(text) => Message::Text(text.into()),
    }
}

/// Tells the end, closes, and waits for the viewer's own close, so that what was sent isn't cut off.
async fn finish(sink: &mut Sink, source: &mut Source, over: Over) {
    let code = match over {
        Over::Gone => return,
        Over::Told(reason) => code(reason, Again::No),
        Over::Tell(Ending { reason, text, again }) => {
            let frame = FromWorker::End { reason, text }.to_frame();
            if sink.send(message(frame)).await.is_err() {
                return;
            }
            code(reason, again)
        }
    };
    let close = CloseFrame { code, reason: "".into() };
    if sink.send(Message::Close(Some(close))).await.is_ok() {
        while let Some(Ok(_)) = source.next().await {}
    }
}

/// The WebSocket's close code of an end.
fn code(reason: EndReason, again: Again) -> u16 {
    match (again, reason) {
        (Again::Elsewhere, _) => GOING_AWAY,
        (Again::Later, _) => close_code::AGAIN,
        (Again::No, EndReason::Detached | EndReason::SessionOver | EndReason::ReplicaEnding) => {
            close_code::NORMAL
        }
        (
            Again::No,
            EndReason::Revoked | EndReason::Expired | EndReason::Refused | EndReason::Idle,
        ) => close_code::POLICY,
        (Again::No, EndReason::Full) => close_code::AGAIN,
        (Again::No, EndReason::Protocol) => close_code::PROTOCOL,
        (Again::No, EndReason::Error) => close_code::ERROR,
    }
}
