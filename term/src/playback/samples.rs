//! Recordings as workers make them; for tests, here and in other crates.

use std::time::Duration;

use smith_model::api::RecordingItem;
use smith_model::attempt::ArtifactRef;
use smith_model::id::{AttemptNo, Digest};
use smith_model::terminal::{self, Session};

use super::reel::Reel;
use crate::engine::Engine;
use crate::message::Position;
use crate::recording::{Event, Header, Kind, Recording};
use crate::size::Size;
use crate::snapshot;

/// A part of a second, beginning so many seconds behind the first.
pub fn part(session: Session, generation: u64, segment: u32, begins: i64) -> RecordingItem {
    let first: jiff::Timestamp = "2026-01-02T03:04:05Z".parse().expect("a time");
    let recording = terminal::Recording {
        session,
        iteration: 1,
        generation,
        segment,
        started_at: first + jiff::SignedDuration::from_secs(begins),
        millis: 1000,
        artifact: ArtifactRef { digest: Digest::of(b""), size: 0, omitted: 0 },
    };
    RecordingItem { seq: 1, no: AttemptNo { round: 1, attempt: 1 }, recording }
}

/// One that shows these bytes after a second.
pub fn of(bytes: &[u8]) -> Reel {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let events = vec![Event { at: Duration::from_secs(1), kind: Kind::Output(text) }];
    Reel::join(vec![(part(Session::Agent, 1, 1, 0), cast(40, 9, events))]).expect("a part")
}

/// Of this size, with these events.
pub fn cast(columns: u16, rows: u16, events: Vec<Event>) -> Recording {
    let header = Header { size: Size::nearest(columns, rows), timestamp: None, title: None };
    Recording { header, events, is_cut: false }
}

/// As a worker cuts a recording into parts of so many events, each behind the first with the screen; a part takes a
/// second, and an event a tenth.
pub fn cut(outputs: &[String], of: usize) -> Vec<(RecordingItem, Recording)> {
    let mut engine = Engine::new(Size::nearest(20, 5));
    let mut all = vec![];
    for (n, outputs) in outputs.chunks(of).enumerate() {
        let mut kinds = vec![];
        if n > 0 {
            let screen = snapshot::take(&mut engine, Position { generation: 1, offset: 0 }).state;
            kinds.push(Kind::Output(String::from_utf8(screen).expect("a whole screen")));
        }
        for output in outputs {
            engine.feed(output.as_bytes());
            kinds.push(Kind::Output(output.clone()));
        }
        let at = |(i, kind)| Event { at: Duration::from_millis(100 * i as u64), kind };
        let events = kinds.into_iter().enumerate().map(at).collect();
        let item = part(Session::Agent, 1, n as u32 + 1, n as i64);
        all.push((item, cast(20, 5, events)));
    }
    all
}
