//! Parts joined, and what came of it.

use smith_model::terminal::Session;

use super::*;
use crate::playback::samples::{cast, cut, part};

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
