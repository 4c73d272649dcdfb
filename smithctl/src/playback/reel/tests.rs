//! Parts joined, and what came of it.

use smith_model::terminal::Session;
use smith_term::message::Position;
use smith_term::snapshot;

use super::super::catalog::tests::part;
use super::*;

/// One that shows these bytes after a second.
pub(crate) fn of(bytes: &[u8]) -> Reel {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let events = vec![Event { at: Duration::from_secs(1), kind: Kind::Output(text) }];
    Reel::join(vec![(part(Session::Agent, 1, 1, 0), cast(40, 9, events))]).unwrap()
}

pub(crate) fn cast(columns: u16, rows: u16, events: Vec<Event>) -> Recording {
    let header = Header { size: Size::nearest(columns, rows), timestamp: None, title: None };
    Recording { header, events, is_cut: false }
}

/// As a worker cuts a recording into parts of so many events, each behind the first with the screen; a part takes a
/// second, and an event a tenth.
pub(crate) fn cut(outputs: &[String], of: usize) -> Vec<(RecordingItem, Recording)> {
    let mut engine = Engine::new(Size::nearest(20, 5));
    let mut all = vec![];
    for (n, outputs) in outputs.chunks(of).enumerate() {
        let mut kinds = vec![];
        if n > 0 {
            let screen = snapshot::take(&mut engine, Position { generation: 1, offset: 0 }).state;
            kinds.push(Kind::Output(String::from_utf8(screen).unwrap()));
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

fn lines(n: usize) -> Vec<String> {
    (0..n).map(|n| format!("line {n}\r\n")).collect()
}

#[test]
fn the_text_of_all_parts_is_there_once() {
    let text = Reel::join(cut(&lines(700), 7)).unwrap().text();
    let expect: String = (0..700).map(|n| format!("line {n}\n")).collect();
    assert_eq!(text.trim_end(), expect.trim_end());
}

#[test]
fn a_part_that_is_missing_is_said() {
    let mut parts = cut(&lines(9), 3);
    parts.remove(1);
    let reel = Reel::join(parts.clone()).unwrap();
    let text = reel.text();
    assert!(text.starts_with("line 0\nline 1\nline 2\n"), "{text}");
    assert_eq!(text.matches("(a part of the recording is missing here)\n").count(), 1, "{text}");
    assert!(text.contains("line 8"), "{text}");
    assert_eq!(reel.events[4].at, Duration::from_secs(2), "its time passes");
    parts.remove(0);
    let text = Reel::join(parts).unwrap().text();
    assert!(text.starts_with("(a part of the recording is missing here)\nline 0\n"), "{text}");
    assert!(Reel::join(vec![]).is_none());
}

#[test]
fn parts_never_overlap_and_idle_time_can_be_left_out() {
    let output = |ms| Event { at: Duration::from_millis(ms), kind: Kind::Output("x".into()) };
    let parts = vec![
        (part(Session::Agent, 1, 1, 0), cast(20, 5, vec![output(0), output(90_000)])),
        (part(Session::Agent, 1, 2, -7), cast(20, 5, vec![output(500)])),
    ];
    let reel = Reel::join(parts).unwrap();
    let times: Vec<_> = reel.events.iter().map(|e| e.at.as_millis()).collect();
    assert_eq!(times, [0, 0, 90_000, 90_000, 90_500]);
    let reel = reel.without_idle(Duration::from_secs(2));
    let times: Vec<_> = reel.events.iter().map(|e| e.at.as_millis()).collect();
    assert_eq!(times, [0, 0, 2_000, 2_000, 2_500]);
    assert_eq!(reel.duration(), Duration::from_millis(2_500));
}

#[test]
fn times_out_of_all_bounds_overflow_nothing() {
    let late = Event { at: Duration::MAX, kind: Kind::Output("x".into()) };
    let mut later = part(Session::Agent, 1, 2, 0);
    later.recording.started_at = jiff::Timestamp::MAX;
    later.recording.millis = u64::MAX;
    let parts = vec![
        (part(Session::Agent, 1, 1, 0), cast(20, 5, vec![late.clone()])),
        (later, cast(20, 5, vec![late])),
    ];
    let reel = Reel::join(parts).unwrap();
    assert_eq!(reel.duration(), Duration::MAX);
    assert!(!reel.cast().is_empty());
}
