//! What is asked of loops that are looked at, and what is kept of them.

use serde_json::json;
use smith_model::id::Digest;
use smith_model::journal::{Level, Phase};

use super::*;
use crate::fetch::{Answer, Failure, More};
use crate::fleet::Row;
use crate::paper::{Paper, Subject};
use crate::place::detail::fixtures::{id, now, row};

fn asked(loops: &mut Loops, at: Timestamp, row: &Row, topics: &[Topic]) -> Vec<Topic> {
    let fetches = loops.look(at, &row.id, Some(row), topics);
    fetches.into_iter().map(|fetch| fetch.topic).collect()
}

fn answer(loops: &mut Loops, topic: Topic, answer: Result<Answer, Failure>) -> bool {
    loops.take(Fetched { fetch: Fetch { loop_id: id("a"), topic }, answer })
}

fn seconds(n: i64) -> jiff::SignedDuration {
    jiff::SignedDuration::from_secs(n)
}

fn moment(seq: u64) -> Moment {
    Moment {
        seq,
        at: now(),
        attempt: None,
        phase: Phase::Core,
        level: Level::Info,
        actor: "core".into(),
        message: "something".into(),
        what: What::Note,
    }
}

#[test]
fn what_is_seen_is_asked_once_and_again_when_its_row_changes() {
    let mut loops = Loops::default();
    let mut row = row("a", "overwriting");
    let topics = [Topic::Stories];
    assert_eq!(asked(&mut loops, now(), &row, &topics), topics);
    assert_eq!(asked(&mut loops, now(), &row, &topics), []);
    row.iteration += 1;
    // Even while the answer is under way: it may be of before.
    assert_eq!(asked(&mut loops, now(), &row, &topics), topics);
    assert!(answer(&mut loops, Topic::Stories, Ok(Answer::Stories(None))));
    assert!(!answer(&mut loops, Topic::Stories, Ok(Answer::Stories(None))), "as it was");
    assert_eq!(asked(&mut loops, now() + seconds(9), &row, &topics), []);
    assert_eq!(asked(&mut loops, now() + seconds(10), &row, &topics), topics, "it runs");
    let ended = Row { state: smith_model::state::State::Synced, ..row };
    answer(&mut loops, Topic::Stories, Ok(Answer::Stories(None)));
    assert_eq!(asked(&mut loops, now() + seconds(60), &ended, &topics), []);
    loops.expire(&id("a"));
    assert_eq!(asked(&mut loops, now() + seconds(60), &ended, &topics), topics);
}

#[test]
fn what_failed_is_tried_again_after_a_while_and_what_was_known_stays() {
    let mut loops = Loops::default();
    let row = row("a", "synced");
    let topics = [Topic::Stories];
    asked(&mut loops, now(), &row, &topics);
    answer(&mut loops, Topic::Stories, Ok(Answer::Stories(None)));
    loops.expire(&id("a"));
    asked(&mut loops, now(), &row, &topics);
    let failure = Failure { why: "no route".into(), is_absent: false };
    assert!(answer(&mut loops, Topic::Stories, Err(failure.clone())));
    let known = loops.get(&id("a")).unwrap();
    assert_eq!(known.stories.failure(), Some(&failure));
    assert_eq!(known.stories.value(), Some(&None));
    assert_eq!(asked(&mut loops, now() + seconds(4), &row, &topics), []);
    assert_eq!(asked(&mut loops, now() + seconds(5), &row, &topics), topics);
}

#[test]
fn a_journal_is_read_on_from_where_it_ended() {
    let mut loops = Loops::default();
    let row = row("a", "synced");
    let topics = [Topic::Moments { after: 0 }];
    assert_eq!(asked(&mut loops, now(), &row, &topics), topics);
    let page = Answer::Moments(vec![moment(1), moment(4)], More::Some);
    assert!(answer(&mut loops, topics[0].clone(), Ok(page)));
    assert_eq!(asked(&mut loops, now(), &row, &topics), [Topic::Moments { after: 4 }]);
    let page = Answer::Moments(vec![moment(4), moment(5)], More::None);
    assert!(answer(&mut loops, topics[0].clone(), Ok(page)));
    assert!(!answer(&mut loops, topics[0].clone(), Ok(Answer::Moments(vec![], More::None))));
    let moments = loops.get(&id("a")).unwrap().moments.value().unwrap();
    assert_eq!(moments.iter().map(|one| one.seq).collect::<Vec<_>>(), [1, 4, 5]);
}

#[test]
fn another_loop_of_the_same_name_is_another_loop() {
    let mut loops = Loops::default();
    let first = row("a", "synced");
    asked(&mut loops, now(), &first, &[Topic::Stories]);
    answer(&mut loops, Topic::Stories, Ok(Answer::Stories(None)));
    let second = Row { uid: uuid::Uuid::from_u128(9), ..first };
    assert_eq!(asked(&mut loops, now(), &second, &[Topic::Stories]), [Topic::Stories]);
    assert_eq!(loops.get(&id("a")).unwrap().stories.value(), None);
}

#[test]
fn of_loops_that_nobody_looks_at_little_is_kept() {
    let mut loops = Loops::default();
    for n in 0..20 {
        let row = row(&format!("l{n}"), "synced");
        loops.look(now(), &row.id, Some(&row), &[Topic::Detail]);
    }
    assert!(loops.get(&id("l11")).is_none() && loops.get(&id("l12")).is_some());
    let answer = Ok(Answer::Stories(None));
    let fetch = Fetch { loop_id: id("l0"), topic: Topic::Stories };
    assert!(!loops.take(Fetched { fetch, answer }), "nobody waits for it");
}

#[test]
fn artifacts_are_kept_within_bytes() {
    let mut loops = Loops::default();
    let row = row("a", "synced");
    let lines = "word ".repeat(100) + "\n";
    let text = lines.repeat(1000);
    for n in 0..200u8 {
        let topic = Topic::Artifact { digest: Digest::of(&[n]), subject: Subject::Prompt };
        asked(&mut loops, now(), &row, std::slice::from_ref(&topic));
        let paper = Paper::read(Subject::Prompt, text.as_bytes());
        assert!(answer(&mut loops, topic, Ok(Answer::Artifact(Box::new(paper)))));
    }
    let papers = &loops.get(&id("a")).unwrap().papers;
    let is_kept = |n: u8| papers.get(&Digest::of(&[n]), Subject::Prompt).is_some();
    assert!(!is_kept(0) && is_kept(199));
}

#[test]
fn an_entry_becomes_a_moment_without_its_output() {
    let entry = |payload: serde_json::Value| {
        serde_json::from_value(json!({
            "schema_version": 1, "seq": 3, "tx": uuid::Uuid::nil(), "at": now(),
            "actor": {"kind": "worker", "id": "w"}, "phase": "gates", "level": "info",
            "message": "m".repeat(1000), "payload": payload,
            "prev_hash": "", "key_id": "", "hash": ""
        }))
        .unwrap()
    };
    let output = json!({"type": "output", "iteration": 1, "text": "x"});
    assert_eq!(Moment::of(entry(output)), None);
    let gate =
        json!({"type": "gate", "iteration": 2, "run": "t", "exit": {"code": 1}, "millis": 5});
    let moment = Moment::of(entry(gate)).unwrap();
    let exit = smith_model::attempt::Exit::Code(1);
    assert_eq!(moment.what, What::Gate { iteration: 2, exit });
    assert_eq!(moment.message.len(), 240);
    assert!(moment.is_event());
}
