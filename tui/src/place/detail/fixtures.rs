//! A loop with a life, for tests.

use jiff::Timestamp;
use serde_json::{Value, json};
use smith_model::api::LoopItem;
use smith_model::id::{Digest, LoopId};

use crate::fetch::{Answer, Fetch, Fetched, More, Topic};
use crate::fleet::Row;
use crate::paper::{Paper, Subject};
use crate::world::Moment;

/// The time of all tests: two minutes after the loop was created.
pub(crate) fn now() -> Timestamp {
    "2026-01-01T12:02:00Z".parse().unwrap()
}

pub(crate) fn id(name: &str) -> LoopId {
    name.parse().unwrap()
}

fn commit(digit: &str) -> String {
    digit.repeat(40)
}

fn item(name: &str, state: &str) -> Value {
    json!({
        "schema_version": 1, "loop_id": name, "uid": "00000000-0000-0000-0000-000000000001",
        "summary": {
            "project": "web", "title": "Add search\u{1b}[2J", "source_type": "prompt",
            "source_ref": "x", "provider_id": "command", "repository": "https://example.org/a/b",
            "priority": 0, "depends_on": ["base"], "policy": {}
        },
        "state": state, "reason": "admitted", "message": "attempt 2 of round 1 began",
        "round": 1, "attempt": 2, "used_attempts": 1, "uncounted_attempts": 0,
        "created_at": "2026-01-01T12:00:00Z", "updated_at": "2026-01-01T12:01:10Z",
        "revision": 7, "claimed": true,
        "progress": {
            "round": 1, "attempt": 2, "phase": "iterating", "iteration": 2, "story": "US-002",
            "stories_done": 1, "stories_total": 3
        }
    })
}

pub(crate) fn row(name: &str, state: &str) -> Row {
    Row::from(serde_json::from_value::<LoopItem>(item(name, state)).unwrap())
}

fn artifact(text: &str) -> Value {
    json!({"digest": Digest::of(text.as_bytes()), "size": text.len()})
}

pub(crate) const DIFF: &str = "\
diff --git a/src/search.rs b/src/search.rs
index 1111111..2222222 100644
--- a/src/search.rs
+++ b/src/search.rs
@@ -1,4 +1,5 @@
 //! Searches.
 pub fn find(words: &[String]) -> Option<usize> {
-    let n = 42;
+    let n = 43;
+    // More of them.
     words.len().checked_sub(n)
";
pub(crate) const OUTPUT: &str = "\x1b[32mworking\x1b[0m on it\r\n10%\r100%\r\n";
pub(crate) const GATE: &str = "2 tests\nerror: \u{202e}one failed\n";

fn iterations() -> Value {
    let one = |attempt: u32, n: u32, from: &str, until: &str, outcome: &str| {
        let is_green = outcome == "green";
        let code = if is_green { 0 } else { 1 };
        json!({
            "schema_version": 1, "round": 1, "attempt": attempt, "iteration": n, "story": "US-001",
            "started_at": from, "ended_at": until, "outcome": outcome,
            "message": if is_green { "every gate is green" } else { "make test was red" },
            "agent": {"code": 0}, "agent_millis": 21_500,
            "prompt": artifact("do it\n"), "output": artifact(OUTPUT), "diff": artifact(DIFF),
            "gates": [
                {"run": "make lint", "exit": {"code": 0}, "millis": 14},
                {"run": "make test", "exit": {"code": code}, "millis": 3100, "output": artifact(GATE)}
            ],
            "gate_set": Digest::of(b"gates"), "tree": commit("7"),
            "commit": if is_green { Value::from(commit("c")) } else { Value::Null },
            "stat": {"files": 1, "insertions": 2, "deletions": 1},
            "usage": {"input_tokens": 1200, "output_tokens": 300, "cost_microusd": 420_000}
        })
    };
    json!([
        one(1, 1, "2026-01-01T12:00:10Z", "2026-01-01T12:00:40Z", "gates-failed"),
        one(2, 1, "2026-01-01T12:01:15Z", "2026-01-01T12:01:45Z", "green")
    ])
}

fn attempts() -> Value {
    let one = |n: u32, at: &str| {
        json!({
            "schema_version": 1, "loop_id": "a", "uid": "00000000-0000-0000-0000-000000000001",
            "round": 1, "attempt": n, "admitted_at": at, "claimed_at": at,
            "worker": format!("smith-a-r1a{n}"), "base": commit("b"),
            "checkpoint": {"commit": commit("c"), "tree": commit("7"), "reference": "refs/smith/x"}
        })
    };
    let mut first = one(1, "2026-01-01T12:00:05Z");
    first["end"] = json!({
        "class": "gates-failed", "counted": "yes", "message": "US-001 used up its tries",
        "exit": {"code": 0}, "at": "2026-01-01T12:00:42Z"
    });
    json!([first, one(2, "2026-01-01T12:01:10Z")])
}

fn detail() -> Value {
    let mut detail = item("a", "overwriting");
    detail["spec"] = json!({
        "schema_version": 1, "loop_id": "a", "uid": "00000000-0000-0000-0000-000000000001",
        "project": "web", "title": "Add search", "description": "line one\nline two",
        "source_type": "prompt", "source_ref": "x", "provider_id": "command", "command": "agent.sh",
        "repository": "https://example.org/a/b", "ref": "main",
        "gates": [{"run": "make lint"}, {"run": "make test", "timeout": "1m"}], "policy": {},
        "priority": 5, "depends_on": ["base"], "labels": {"team": "web"}, "correlation_id": "c",
        "created_by": "maria", "created_at": "2026-01-01T12:00:00Z"
    });
    detail
}

fn stories() -> Value {
    json!({"schema_version": 1, "source": "spec", "round": 1, "stories": [
        {"id": "US-001", "title": "Find words", "status": "done", "done_as": "certified", "tries": 2,
         "certificate": {"tree": commit("7"), "commit": commit("c"), "gate_set": Digest::of(b"gates"),
                         "round": 1, "attempt": 2, "iteration": 1}},
        {"id": "US-002", "title": "Show them", "status": "in-progress", "tries": 1},
        {"id": "US-003", "title": "Sort them", "status": "open", "tries": 0, "depends_on": ["US-002"]}
    ]})
}

fn handoffs() -> Value {
    json!([{
        "schema_version": 1, "seq": 9, "at": "2026-01-01T12:00:42Z", "round": 1, "attempt": 1,
        "class": "gates-failed", "done": [], "remaining": ["US-001 Find words"],
        "decisions": ["a map, not a list"], "uncertain": ["sorting"], "learnings": [],
        "git": {"branch": "smith/a", "base": commit("b"), "head": commit("c"),
                "stat": {"files": 1, "insertions": 2, "deletions": 1}},
        "gates": [{"run": "make test", "green": false, "tail": "error: one failed"}],
        "iterations": 1,
        "usage": {"input_tokens": 0, "output_tokens": 0, "cost_microusd": 0},
        "interventions": [{
            "by": "maria", "session": "shell", "from": "2026-01-01T12:00:20Z",
            "until": "2026-01-01T12:00:30Z", "typed": ["ls\u{7}"], "hidden": true, "note": "careful"
        }],
        "next_step": "go on with US-001"
    }])
}

fn audit() -> Value {
    json!([{
        "schema_version": 1, "id": "00000000-0000-0000-0000-000000000005",
        "at": "2026-01-01T12:00:50Z", "actor": "maria", "action": "loop.hold", "project": "web",
        "loop_id": "a", "reason": "lunch", "before": {"hold": null},
        "after": {"hold": {"by": "maria"}}, "request_id": "r-1", "scope": "a", "seq": 11
    }])
}

fn overrides() -> Value {
    json!([{
        "schema_version": 1, "seq": 11, "at": "2026-01-01T12:00:50Z", "actor": "maria",
        "action": "hold", "from": "unresolved", "to": "unresolved", "reason": "lunch"
    }])
}

/// The journal as moments.
pub(crate) fn moments() -> Vec<Moment> {
    let one = |seq: u64, time: &str, attempt: u32, phase: &str, what: Value| {
        let attempt =
            if attempt == 0 { Value::Null } else { json!({"round": 1, "attempt": attempt}) };
        let at = format!("2026-01-01T12:{time}Z");
        json!({
            "seq": seq, "at": at, "attempt": attempt, "phase": phase, "level": "info",
            "actor": "someone", "message": format!("entry {seq}"), "what": what
        })
    };
    let all = json!([
        one(1, "00:00", 0, "ingress", json!({"state": {"to": "unresolved", "reason": "created"}})),
        one(2, "00:05", 1, "core", json!({"state": {"to": "overwriting", "reason": "admitted"}})),
        one(3, "00:06", 1, "startup", json!("claimed")),
        one(4, "00:07", 1, "checkout", json!("note")),
        one(5, "00:10", 1, "iteration", json!({"began": {"iteration": 1, "story": "US-001"}})),
        one(6, "00:39", 1, "gates", json!({"gate": {"iteration": 1, "exit": {"code": 1}}})),
        one(
            7,
            "00:40",
            1,
            "iteration",
            json!({"ended": {"iteration": 1, "outcome": "gates-failed"}})
        ),
        one(9, "00:42", 1, "completion", json!("handoff")),
        one(
            10,
            "00:42",
            1,
            "completion",
            json!({"state": {"to": "unresolved", "reason": "gates-failed"}})
        ),
        one(11, "00:50", 0, "operator", json!({"act": "hold"})),
        one(12, "01:10", 2, "core", json!({"state": {"to": "overwriting", "reason": "admitted"}})),
        one(13, "01:15", 2, "iteration", json!({"began": {"iteration": 1, "story": "US-001"}})),
        one(14, "01:44", 2, "gates", json!({"gate": {"iteration": 1, "exit": {"code": 0}}})),
        one(15, "01:45", 2, "iteration", json!({"ended": {"iteration": 1, "outcome": "green"}})),
        one(16, "01:45", 2, "iteration", json!({"story": "US-001"})),
        one(17, "01:46", 2, "iteration", json!({"began": {"iteration": 2, "story": "US-002"}}))
    ]);
    serde_json::from_value(all).unwrap()
}

fn read<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

/// What the server answers.
pub(crate) fn answer(fetch: Fetch) -> Fetched {
    let answer = match &fetch.topic {
        Topic::Detail => Answer::Detail(read(detail())),
        Topic::Why => Answer::Why(read(json!({
            "loop_id": "a", "state": "overwriting", "code": "running", "message": "it runs",
            "revision": 7
        }))),
        Topic::Attempts => Answer::Attempts(read(attempts())),
        Topic::Stories => Answer::Stories(read(stories())),
        Topic::Iterations => Answer::Iterations(read(iterations())),
        Topic::Handoffs => Answer::Handoffs(read(handoffs())),
        Topic::Overrides => Answer::Overrides(read(overrides())),
        Topic::Audit => Answer::Audit(read(audit()), More::None),
        Topic::Cost => Answer::Cost(read(json!({
            "loop_id": "a", "provider_id": "command", "iterations": 2, "reported": false,
            "input_tokens": 0, "output_tokens": 0, "cost_microusd": 0, "agent_seconds": 43
        }))),
        Topic::Chain => Answer::Chain(read(json!({
            "intact": false, "entries": 12, "problem": "entry 7 has another hash"
        }))),
        Topic::Moments { after } => {
            let behind = moments().into_iter().filter(|moment| moment.seq > *after);
            Answer::Moments(behind.collect(), More::None)
        }
        Topic::Artifact { digest: _, subject } => {
            let text = match subject {
                Subject::Prompt => "do it\n",
                Subject::Output => OUTPUT,
                Subject::Gate => GATE,
                Subject::Diff => DIFF,
            };
            Answer::Artifact(Box::new(Paper::read(*subject, text.as_bytes())))
        }
    };
    Fetched { fetch, answer: Ok(answer) }
}
