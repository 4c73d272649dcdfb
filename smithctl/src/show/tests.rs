//! What people see.

use smith_model::api::LoopDetail;
use smith_model::journal::{Actor, ActorKind, Draft, Entry, Payload, Phase};
use smith_model::spec::Spec;
use uuid::Uuid;

use super::*;
use crate::output::Format;

fn later(seconds: i64) -> Timestamp {
    fixtures::at() + jiff::SignedDuration::from_secs(seconds)
}

#[test]
fn a_list_is_plain_columns_and_can_t_act() {
    let mut held = fixtures::item("fix-login", State::Overwriting);
    held.record.attempt = 2;
    held.record.hold = Some(smith_model::state::Hold {
        by: "x".into(),
        reason: "y".into(),
        since: fixtures::at(),
    });
    let items = [held, fixtures::item("b", State::Synced)];
    insta::assert_snapshot!(table(&items, &Format::Table, Style::Plain, later(300)), @r"
    ID          STATE                REASON    STORIES   ATTEMPT   AGE   TITLE
    fix-login   overwriting (held)   created   -         r1a2      5m    Add search\x1b[2J
    b           synced               created   -         -         5m    Add search\x1b[2J
    ");
    assert_eq!(table(&[], &Format::Table, Style::Plain, later(0)), "");
    let wide = table(&items, &Format::Wide, Style::Plain, later(300));
    assert!(wide.lines().next().unwrap().contains("REPOSITORY"), "{wide}");
}

#[test]
fn a_colour_is_on_the_state_alone_and_the_word_stays() {
    let item = fixtures::item("synced", State::Synced);
    let text = table(&[item], &Format::Table, Style::Colour, later(0));
    assert!(text.contains("synced   \x1b[32msynced\x1b[0m   "), "{text:?}");
    assert_eq!(text.matches('\x1b').count(), 2, "{text:?}");
}

#[test]
fn an_entry_is_a_line_with_its_excerpt_below() {
    let said = |draft: Draft| {
        let entry = Entry {
            schema_version: 1,
            seq: 1,
            tx: Uuid::nil(),
            at: fixtures::at(),
            attempt: None,
            actor: Actor { kind: ActorKind::Worker, id: "w".into() },
            draft,
            prev_hash: String::new(),
            key_id: String::new(),
            hash: String::new(),
        };
        (super::entry(&entry, None, Style::Plain), excerpt(&entry))
    };
    let output =
        Draft::info(Phase::Gates, "make test\u{7}").at(smith_model::journal::Level::Output);
    let output = output.with(Payload::Output {
        iteration: 1,
        gate: None,
        text: "ok\r\n\u{1b}[31mred\n".into(),
        omitted: 12,
        artifact: None,
    });
    let (shown, raw) = said(output);
    insta::assert_snapshot!(shown, @r"
    2026-01-01T12:00:00Z  gates       make test\x07
        (12 bytes left out)
        ok
        \x1b[31mred
    ");
    assert_eq!(raw.as_deref(), Some("ok\n\\x1b[31mred\n"));
    let typed = Draft::info(Phase::Iteration, "typed")
        .with(Payload::Intervention(fixtures::intervention()));
    insta::assert_snapshot!(said(typed).0, @r"
    2026-01-01T12:00:00Z  iteration   typed
        maria at the shell's terminal, for 90s
        > git status
        > echo \x1b]52;c;x\x07
        (and what the terminal didn't show)
        note: look\u{202e} again
        changed meanwhile: 1 files +2 -3: artifact 2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881
    ");
    let recorded = serde_json::json!({
        "type": "recording", "session": "agent", "iteration": 2, "generation": 2, "segment": 3,
        "started_at": fixtures::at(), "millis": 65_000,
        "artifact": {"digest": smith_model::id::Digest::of(b"x"), "size": 7},
    });
    let recorded = serde_json::from_value(recorded).unwrap();
    insta::assert_snapshot!(said(Draft::info(Phase::Iteration, "recorded").with(recorded)).0, @r"
    2026-01-01T12:00:00Z  iteration   recorded
        (part 3, 65s: artifact 2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881)
    ");
    let (shown, raw) = said(Draft::info(Phase::Core, "x").at(smith_model::journal::Level::Error));
    assert_eq!(shown, "2026-01-01T12:00:00Z  core        error: x");
    assert_eq!(raw, None);
}

#[test]
fn a_loop_is_shown_as_somebody_on_call_needs_it() {
    let item = fixtures::item("fix-login", State::Overwriting);
    let summary = item.record.summary.clone();
    let spec = serde_json::json!({
        "schema_version": 1, "loop_id": "fix-login", "uid": Uuid::nil(), "project": "web",
        "title": "Add search", "description": "", "source_type": "prompt", "source_ref": "x",
        "provider_id": "command", "command": "agent", "repository": summary.repository,
        "gates": [{"run": "make test"}], "policy": summary.policy, "priority": 0,
        "correlation_id": "c", "created_by": "me", "created_at": fixtures::at(),
    });
    let spec: Spec = serde_json::from_value(spec).unwrap();
    let stories = serde_json::json!({
        "schema_version": 1, "source": "spec", "round": 1, "stories": [
            {"id": "US-001", "title": "First", "status": "done", "done_as": "unchanged", "tries": 2},
            {"id": "US-002", "title": "Second", "status": "open", "tries": 0},
        ],
    });
    let why = serde_json::json!({
        "loop_id": "fix-login", "state": "overwriting", "code": "worker-starting",
        "message": "its worker is being started", "revision": 7,
    });
    let known = Detail {
        detail: LoopDetail { item, spec, current: None },
        why: serde_json::from_value(why).unwrap(),
        stories: serde_json::from_value(stories).unwrap(),
        attempts: vec![],
        iterations: vec![],
        handoff: None,
    };
    insta::assert_snapshot!(detail(&known, Depth::Short, Style::Plain, later(60)), @r"
    Loop:           fix-login  Add search
    State:          overwriting (created), for 60s
    Message:        waits to be admitted
    Why:            its worker is being started (worker-starting)
    Project:        web
    Repository:     https://example.org/a/b
    Branch:         smith/fix-login (not published)
    Attempts:       round 1, 0 of 3 used

    Stories (1 of 2 done, from spec):
      STORY    STATUS   EVIDENCE    TRIES   TITLE
      US-001   done     unchanged   2       First
      US-002   open     -           0       Second
    ");
    let handoff = serde_json::json!({
        "schema_version": 1, "seq": 9, "at": fixtures::at(), "round": 1, "attempt": 1, "done": [],
        "remaining": [], "decisions": [], "uncertain": [], "learnings": [], "gates": [], "iterations": 1,
        "usage": smith_model::story::Usage::default(), "next_step": "",
        "interventions": [fixtures::intervention()],
    });
    let handed =
        Detail { handoff: Some(serde_json::from_value(handoff).unwrap()), ..known.clone() };
    let short = detail(&handed, Depth::Short, Style::Plain, later(60));
    let (_, people) = short.split_once("What people did at its terminals:\n").unwrap();
    insta::assert_snapshot!(people.split_once("\n\n").unwrap().0, @r"
      maria at the shell's terminal, for 90s
      > git status
      > echo \x1b]52;c;x\x07
      (and what the terminal didn't show)
      note: look\u{202e} again
      changed meanwhile: 1 files +2 -3: artifact 2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881
    ");
    let long = detail(&known, Depth::Long, Style::Plain, later(60));
    assert!(long.contains("Gates:          make test\n"), "{long}");
}

#[test]
fn times_and_money_are_said_shortly() {
    for (seconds, expected) in
        [(-5, "0s"), (119, "119s"), (300, "5m"), (7_200, "2h"), (500_000, "5d")]
    {
        assert_eq!(age(fixtures::at(), later(seconds)), expected);
    }
    assert_eq!(millis(1_250), "1.2s");
    assert_eq!(millis(65_000), "65s");
    assert_eq!(millis(125_000), "2m05s");
    assert_eq!(dollars(2_505_000), "$2.50");
}

#[test]
fn the_inbox_says_how_bad_it_is_and_whose_it_is() {
    let mut held = fixtures::inbox_item("fix-login", smith_model::inbox::Kind::Flatlined);
    let claim = smith_model::inbox::Act::Claim { reason: None };
    let by = "maria\u{1b}[2J";
    held.mark =
        smith_model::inbox::Mark::after(None, &held.occurrence, &claim, by, later(9)).unwrap();
    let items = [held, fixtures::inbox_item("b", smith_model::inbox::Kind::Held)];
    let text = inbox::table(&items, &Format::Table, Style::Plain, later(300));
    insta::assert_snapshot!(text, @r"
    ID          SEVERITY   KIND        AGE   MARK                      MESSAGE
    fix-login   critical   flatlined   5m    claimed by maria\x1b[2J   what happened\x1b[2J
    b           notice     held        5m    -                         what happened\x1b[2J
    ");
    let wide = inbox::table(&items, &Format::Wide, Style::Plain, later(300));
    assert!(wide.contains("held.00000000.t1") && wide.contains("What to do"), "{wide}");
    let colour = inbox::table(&items, &Format::Table, Style::Colour, later(0));
    assert!(colour.contains("\x1b[31mcritical\x1b[0m"), "{colour:?}");
}
