//! For tests: loops and journals.

use jiff::{SignedDuration, Timestamp};
use smith_model::api::LoopItem;
use smith_model::attempt::{ArtifactRef, Exit};
use smith_model::id::{AttemptNo, Digest, LoopId, Revision};
use smith_model::journal::{Actor, ActorKind, Draft, Entry, Level, Payload, Phase};
use smith_model::policy::Policy;
use smith_model::spec::SourceType;
use smith_model::state::{State, StateRecord, Summary};
use smith_model::story::DiffStat;
use smith_model::terminal::{Intervention, Session};
use uuid::Uuid;

use crate::fleet::Row;

/// When they begin.
pub(crate) fn begin() -> Timestamp {
    "2026-01-01T12:00:00Z".parse().unwrap()
}

pub(crate) fn id(id: &str) -> LoopId {
    id.parse().unwrap()
}

/// A loop of the fleet.
pub(crate) fn row(name: &str, state: State) -> Row {
    let summary = Summary {
        project: "web".parse().unwrap(),
        title: "Add search".into(),
        source_type: SourceType::Prompt,
        source_ref: "x".into(),
        provider_id: "command".into(),
        repository: "https://example.org/a/b".into(),
        priority: 0,
        depends_on: vec![],
        labels: Default::default(),
        policy: Policy::default(),
    };
    let record = StateRecord::created(id(name), Uuid::nil(), summary, begin());
    let record = StateRecord { state, ..record };
    Row::from(LoopItem { record, revision: Revision(7), progress: None, claimed: false })
}

/// An entry of a history, ten seconds behind the one before.
fn entry(history: u64, seq: u64, draft: Draft) -> Entry {
    let name = |seq: u64| Digest::of(format!("{history}/{seq}").as_bytes()).to_string();
    let seconds = i64::try_from(seq * 10).unwrap();
    Entry {
        schema_version: 1,
        seq,
        tx: Uuid::nil(),
        at: begin() + SignedDuration::from_secs(seconds),
        attempt: (seq > 1).then_some(AttemptNo { round: 1, attempt: 1 }),
        actor: Actor { kind: ActorKind::Worker, id: "smith-a-r1a1".into() },
        draft,
        prev_hash: name(seq - 1),
        key_id: "k".into(),
        hash: name(seq),
    }
}

/// A history of so many plain entries.
pub(crate) fn chain(history: u64, count: u64) -> Vec<Entry> {
    let draft = |seq| Draft::info(Phase::Iteration, format!("entry {seq}"));
    (1..=count).map(|seq| entry(history, seq, draft(seq))).collect()
}

/// A history in which something of each kind happens.
pub(crate) fn eventful() -> Vec<Entry> {
    let output = |gate: Option<&str>, text: &str, omitted, artifact| {
        let phase = if gate.is_some() { Phase::Gates } else { Phase::Iteration };
        let gate = gate.map(str::to_owned);
        let text = text.to_owned();
        let payload = Payload::Output { iteration: 1, gate, text, omitted, artifact };
        Draft::info(phase, "output of the agent").at(Level::Output).with(payload)
    };
    let artifact = ArtifactRef { digest: Digest::of(b"x"), size: 7, omitted: 0 };
    let long: String = (1..=40).map(|n| format!("test {n} failed\tat src/lib.rs\r\n")).collect();
    let intervention = Intervention {
        by: "maria".into(),
        session: Session::Shell,
        from: begin(),
        until: begin() + SignedDuration::from_secs(90),
        typed: vec!["git status".into(), "echo \u{1b}]52;c;x\u{7}".into()],
        hidden: true,
        note: Some("look\u{202e} again".into()),
        stat: DiffStat { files: 1, insertions: 2, deletions: 3 },
        diff: Some(artifact.clone()),
    };
    let red = "red: cargo test (exit code 101, 4.2 s)";
    let gate = Payload::Gate {
        iteration: 1,
        run: "cargo test".into(),
        exit: Exit::Code(101),
        millis: 4200,
    };
    let drafts = [
        Draft::info(Phase::Ingress, "created by maria from Add search"),
        Draft::info(Phase::Core, "r1a1: attempt 1 of round 1 began"),
        output(None, "one line \u{1b}[31mof output\n", 0, None),
        output(Some("cargo test"), &long, 1234, Some(artifact)),
        Draft::info(Phase::Gates, red).at(Level::Warn).with(gate),
        Draft::info(Phase::Operator, "maria handed the shell's terminal back")
            .with(Payload::Intervention(intervention)),
        Draft::info(
            Phase::Completion,
            "overwriting → unresolved (gates-failed): US-001 Add search used up its tries: cargo test was red",
        )
        .at(Level::Error),
    ];
    (1..).zip(drafts).map(|(seq, draft)| entry(1, seq, draft)).collect()
}
