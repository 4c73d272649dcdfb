//! The checker itself: a history as a good installation writes it has no fault, and each forged one has its own.

use jiff::Timestamp;
use serde::Serialize;
use smith_model::attempt::{AttemptRecord, End, LockRecord, Prepared};
use smith_model::audit::AuditRecord;
use smith_model::chain::{self, Key};
use smith_model::failure::FailureClass;
use smith_model::handoff::{Handoff, HandoffDraft};
use smith_model::id::{AttemptNo, CommitId, Digest, LoopId, TreeId};
use smith_model::journal::{Actor, ActorKind, AuditLink, Draft, Entry, Head, Payload, Phase};
use smith_model::policy::Policy;
use smith_model::spec::SourceType;
use smith_model::state::{By, Failure, State, StateRecord, Step as Transition, Summary};
use smith_model::story::{DoneAs, PrdSource, StoriesRecord, StoryRecord, StoryStatus};
use uuid::Uuid;

use super::{History, Rule, Step, Write};

mod marks;

const ROOT: &[u8] = b"the root key of a test, long enough";
const NO: AttemptNo = AttemptNo { round: 1, attempt: 1 };

fn id() -> LoopId {
    "a".parse().unwrap()
}

fn actor(kind: ActorKind, id: &str) -> Actor {
    Actor { kind, id: id.into() }
}

fn put(key: &str, value: &impl Serialize) -> Write {
    let value = Some(serde_json::to_vec(value).unwrap());
    Write { key: key.into(), value, version: 1, lease: 0 }
}

fn delete(key: &str) -> Write {
    Write { key: key.into(), value: None, version: 0, lease: 0 }
}

/// Writes a history as the store would.
struct Author {
    steps: Vec<Step>,
    writes: Vec<Write>,
    head: Head,
    state: StateRecord,
    attempt: Option<AttemptRecord>,
    /// The session that claims, and its lease.
    session: (&'static str, i64),
    tx: Uuid,
}

fn commit() -> CommitId {
    "c".repeat(40).parse().unwrap()
}

impl Author {
    fn new() -> Self {
        let summary = Summary {
            project: smith_model::id::ProjectName::default_project(),
            title: "t".into(),
            source_type: SourceType::Api,
            source_ref: "r".into(),
            provider_id: "command".into(),
            repository: "file:///r".into(),
            priority: 0,
            depends_on: vec![],
            labels: Default::default(),
            policy: Policy::default(),
        };
        let uid = Uuid::new_v4();
        let mut author = Self {
            steps: vec![],
            writes: vec![],
            head: Head::empty(uid),
            state: StateRecord::created(id(), uid, summary, Timestamp::now()),
            attempt: None,
            session: ("s1", 7),
            tx: Uuid::new_v4(),
        };
        let leader = serde_json::json!({ "schema_version": 1, "holder": "core" });
        author.writes.push(Write { lease: 3, ..put("live/leader", &leader) });
        author.commit();
        author
    }

    /// Ends a revision.
    fn commit(&mut self) {
        let revision = 100 + self.steps.len() as i64;
        let writes = std::mem::take(&mut self.writes);
        self.steps.push(Step { revision, writes });
        self.tx = Uuid::new_v4();
    }

    fn again(&mut self, key: &str, value: &impl Serialize) {
        let before = self.steps.iter().flat_map(|s| &s.writes).filter(|w| w.key == key);
        let version = 1 + before.count() as i64;
        self.writes.push(Write { version, ..put(key, value) });
    }

    fn entry(&mut self, actor: Actor, attempt: Option<AttemptNo>, payload: Option<Payload>) {
        let draft = Draft { payload, ..Draft::info(Phase::Core, "said") };
        let entry = Entry {
            schema_version: 1,
            seq: self.head.next,
            tx: self.tx,
            at: Timestamp::now(),
            attempt,
            actor,
            draft,
            prev_hash: self.head.hash.clone(),
            key_id: String::new(),
            hash: String::new(),
        };
        let entry = chain::seal(&Key::derive(ROOT, "chain"), entry);
        self.head.hash.clone_from(&entry.hash);
        self.head.next += 1;
        self.writes.push(put(&format!("journal/a/{:020}", entry.seq), &entry));
    }

    fn head(&mut self) {
        let head = self.head.clone();
        self.again("heads/a", &head);
    }

    /// The audit record of the entry that comes next.
    fn audit(&mut self, action: &str) -> AuditLink {
        let record = AuditRecord {
            schema_version: 1,
            id: Uuid::now_v7(),
            at: Timestamp::now(),
            actor: "me".into(),
            action: action.into(),
            project: None,
            loop_id: Some(id()),
            reason: None,
            before: serde_json::Value::Null,
            after: serde_json::Value::Null,
            request_id: None,
            scope: "a".into(),
            seq: self.head.next,
        };
        let write = put(&format!("audit/2026-01-01/{}", record.id), &record);
        let sha256 = Digest::of(write.value.as_ref().unwrap()).to_string();
        self.writes.push(write);
        AuditLink { id: record.id, sha256 }
    }

    fn transition(&mut self, from: Option<State>, actor: Actor, audit: Option<AuditLink>) {
        let StateRecord { state: to, reason, round, attempt, .. } = self.state;
        let no = self.state.current_attempt();
        self.entry(
            actor,
            no,
            Some(Payload::Transition { from, to, reason, round, attempt, audit }),
        );
        let state = self.state.clone();
        self.again("live/state/a", &state);
    }

    fn create(&mut self) -> &mut Self {
        self.writes.push(put("anomalies/a", &1));
        self.writes.push(put("requests/x", &1));
        let link = self.audit("loop.create");
        self.transition(None, actor(ActorKind::Operator, "me"), Some(link));
        self.head();
        self.commit();
        self
    }

    fn step(&mut self, step: Transition, by: Actor, audit: Option<AuditLink>) {
        let from = Some(self.state.state);
        self.state = self.state.step(&step, Timestamp::now()).unwrap();
        self.transition(from, by, audit);
    }

    fn admit(&mut self) -> &mut Self {
        self.step(Transition::Admit, actor(ActorKind::Core, "core"), None);
        let record = AttemptRecord::admitted(&self.state, self.attempt.as_ref(), Timestamp::now());
        self.writes.push(put(&format!("attempts/a/{}", record.no.key()), &record));
        self.attempt = Some(record);
        self.head();
        self.commit();
        self
    }

    fn attempt(&mut self, change: impl FnOnce(&mut AttemptRecord)) {
        let mut record = self.attempt.take().unwrap();
        change(&mut record);
        self.again(&format!("attempts/a/{}", record.no.key()), &record);
        self.attempt = Some(record);
    }

    fn claim(&mut self) -> &mut Self {
        let (session, lease) = self.session;
        self.attempt(|a| a.session_hash = Some(session.into()));
        let no = self.attempt.as_ref().unwrap().no;
        let lock = LockRecord {
            schema_version: 1,
            uid: self.state.uid,
            no,
            holder: "w".into(),
            session_hash: session.into(),
            lease,
            ttl_millis: 1000,
        };
        self.writes.push(Write { lease, ..put("live/locks/a", &lock) });
        self.entry(worker(), Some(no), Some(Payload::Claimed { worker: "w".into() }));
        self.head();
        self.commit();
        self
    }

    fn say(&mut self, no: AttemptNo) -> &mut Self {
        self.entry(worker(), Some(no), None);
        self.head();
        self.commit();
        self
    }

    /// All stories done.
    fn certify(&mut self) -> &mut Self {
        let story = StoryRecord {
            id: "US-001".into(),
            title: "t".into(),
            depends_on: vec![],
            status: StoryStatus::Done,
            done_as: Some(DoneAs::Unchanged),
            certificate: None,
            tries: 1,
        };
        let stories = StoriesRecord {
            schema_version: 1,
            source: PrdSource::Spec,
            round: 1,
            stories: vec![story],
            extra: Default::default(),
        };
        self.again("stories/a", &stories);
        self.say(NO)
    }

    fn push(&mut self) -> &mut Self {
        let tree: TreeId = "d".repeat(40).parse().unwrap();
        let prepared = Prepared { branch: "smith/a".into(), old: None, new: commit(), tree };
        self.attempt(|a| {
            a.prepared = Some(prepared);
            a.pushed_at = Some(Timestamp::now());
        });
        self.say(NO)
    }

    fn handoff(&mut self) {
        let seq = self.head.next;
        let draft = HandoffDraft::default();
        let handoff =
            Handoff { schema_version: 1, seq, at: Timestamp::now(), no: NO, class: None, draft };
        self.writes.push(put(&format!("handoffs/a/{seq:020}"), &handoff));
        self.entry(worker(), Some(NO), Some(Payload::Handoff));
    }

    fn complete(&mut self) -> &mut Self {
        self.handoff();
        let step = Transition::Complete { branch: "smith/a".into(), commit: commit() };
        self.step(step, worker(), None);
        self.release()
    }

    fn release(&mut self) -> &mut Self {
        self.writes.push(delete("live/locks/a"));
        self.head();
        self.commit();
        self
    }

    /// The core ends the attempt, whose lock is gone.
    fn lose(&mut self) -> &mut Self {
        self.writes.push(delete("live/locks/a"));
        self.commit();
        let failure = Failure { class: FailureClass::WorkerLost, message: "gone".into() };
        let step = Transition::Fail { by: By::Core, failure };
        self.step(step, actor(ActorKind::Core, "core"), None);
        self.attempt(|a| {
            let at = Timestamp::now();
            a.end =
                Some(End { class: None, counted: None, message: String::new(), exit: None, at });
        });
        self.head();
        self.commit();
        self
    }

    fn history(&self) -> History {
        History { steps: self.steps.clone() }
    }
}

fn worker() -> Actor {
    actor(ActorKind::Worker, "w")
}

/// A loop's whole life: `steps` says what each revision is.
fn good() -> Author {
    let mut author = Author::new(); // 0: the leader
    author.create().admit().claim().say(NO).certify().push().complete(); // 1 to 7
    author
}

#[track_caller]
fn breaks(rule: Rule, words: &str, forge: impl FnOnce(&mut Vec<Step>)) {
    let mut history = good().history();
    forge(&mut history.steps);
    found(rule, words, &history);
}

#[track_caller]
fn found(rule: Rule, words: &str, history: &History) {
    let violations = history.check(ROOT);
    let is_it = violations.iter().any(|v| v.rule == rule && v.what.contains(words));
    assert!(is_it, "{rule:?} with {words:?} isn't among {violations:#?}");
}

fn write<'a>(step: &'a mut Step, key: &str) -> &'a mut Write {
    step.writes.iter_mut().find(|w| w.key.starts_with(key)).unwrap()
}

fn change(write: &mut Write, change: impl FnOnce(&mut serde_json::Value)) {
    let mut value = serde_json::from_slice(write.value.as_ref().unwrap()).unwrap();
    change(&mut value);
    write.value = Some(serde_json::to_vec(&value).unwrap());
}

#[test]
fn a_good_history_has_no_fault() {
    assert_eq!(good().history().check(ROOT), []);
    // Also one in which a worker is lost and another one takes its place.
    let mut author = Author::new();
    author.create().admit().claim().say(NO).lose();
    author.session = ("s2", 8);
    let next = AttemptNo { round: 1, attempt: 2 };
    author.admit().claim().say(next);
    assert_eq!(author.history().check(ROOT), []);
    assert_eq!(author.history().most_running(), 1);
}

#[test]
fn a_change_without_evidence_is_found() {
    breaks(Rule::Evidence, "without an entry", |steps| {
        steps[2].writes.retain(|w| !w.key.starts_with("journal/"));
    });
    breaks(Rule::Evidence, "chained by no entry", |steps| {
        steps[1].writes.retain(|w| !w.key.starts_with("journal/"));
    });
    breaks(Rule::Evidence, "which isn't there", |steps| {
        steps[1].writes.retain(|w| !w.key.starts_with("audit/"));
    });
    breaks(Rule::Evidence, "chained by no entry", |steps| {
        change(write(&mut steps[1], "audit/"), |audit| audit["actor"] = "somebody else".into());
    });
    breaks(Rule::Evidence, "without a new attempt record", |steps| {
        steps[2].writes.retain(|w| !w.key.starts_with("attempts/"));
    });
    breaks(Rule::Evidence, "open stories", |steps| {
        change(write(&mut steps[5], "stories/"), |s| s["stories"][0]["status"] = "open".into());
    });
    breaks(Rule::Evidence, "isn't known as pushed", |steps| {
        change(write(&mut steps[6], "attempts/"), |a| a["pushed_at"] = serde_json::Value::Null);
    });
    breaks(Rule::Evidence, "has no entry of its number", |steps| {
        write(&mut steps[7], "handoffs/").key = format!("handoffs/a/{:020}", 1);
    });
}

#[test]
fn a_second_writer_is_found() {
    // Its lease ended, and it wrote on.
    breaks(Rule::OneWriter, "without a lock", |steps| {
        let revision = steps[3].revision;
        steps[3].writes.push(delete("live/locks/a"));
        assert!(revision > 0);
    });
    breaks(Rule::OneWriter, "was taken from", |steps| {
        let mut again = write(&mut steps[3], "live/locks/").clone();
        again.version = 2;
        steps[4].writes.push(again);
    });
    breaks(Rule::OneWriter, "on no lease", |steps| write(&mut steps[3], "live/locks/").lease = 0);
    breaks(Rule::OneWriter, "two sessions", |steps| {
        change(write(&mut steps[3], "live/locks/"), |lock| lock["session_hash"] = "other".into());
    });
    breaks(Rule::OneWriter, "wasn't the overwriting attempt", |steps| {
        let mut late = steps[5].clone();
        late.revision = 200;
        late.writes.retain(|w| w.key.starts_with("stories/"));
        let lock = write(&mut steps[3], "live/locks/").clone();
        steps.push(Step { revision: 150, writes: vec![lock] });
        steps.push(late);
    });
    breaks(Rule::OneWriter, "leads", |steps| {
        change(write(&mut steps[0], "live/leader"), |leader| leader["holder"] = "another".into());
    });
    // Admitted while the worker before still held the lock.
    let mut author = Author::new();
    author.create().admit().claim().lose();
    author.steps[4].writes.clear();
    author.admit();
    found(Rule::OneWriter, "was admitted while", &author.history());
    // The first worker writes again, under its old name.
    let mut author = Author::new();
    author.create().admit().claim().lose();
    author.session = ("s2", 8);
    author.admit().claim().say(NO);
    found(Rule::OneWriter, "the lock is of r1a2", &author.history());
}

#[test]
fn what_is_lost_or_doubled_is_found() {
    breaks(Rule::NothingLost, "was overwritten", |steps| {
        let again = write(&mut steps[1], "anomalies/").clone();
        steps[3].writes.push(again);
    });
    breaks(Rule::NothingLost, "tickets/x was overwritten", |steps| {
        steps[1].writes.push(put("tickets/x", &1));
        steps[3].writes.push(put("tickets/x", &1));
    });
    breaks(Rule::NothingLost, "requests/x was deleted", |steps| {
        steps[3].writes.push(delete("requests/x"));
    });
    breaks(Rule::NothingLost, "its loop wasn't", |steps| {
        steps[5].writes.push(delete(&format!("journal/a/{:020}", 1)));
    });
    breaks(Rule::NothingLost, "without a request", |steps| {
        steps[1].writes.retain(|w| !w.key.starts_with("requests/"));
    });
    breaks(Rule::NothingLost, "deleted by half", |steps| {
        steps.push(Step { revision: 300, writes: vec![delete("live/state/a")] });
    });
    breaks(Rule::NothingLost, "nobody knows what", |steps| {
        steps[3].writes.push(put("live/surprise", &1));
    });
    breaks(Rule::NothingLost, "used again", |steps| {
        let anomaly = write(&mut steps[1], "anomalies/").clone();
        steps.push(Step {
            revision: 300,
            writes: vec![delete("live/state/a"), delete("anomalies/a")],
        });
        steps.push(Step { revision: 301, writes: vec![anomaly] });
    });
}

#[test]
fn a_journal_with_a_gap_or_a_forged_entry_is_found() {
    breaks(Rule::Gapless, "stands where entry 3 should", |steps| {
        steps[3].writes.retain(|w| !w.key.starts_with("journal/"));
    });
    breaks(Rule::Gapless, "was overwritten", |steps| {
        let mut again = write(&mut steps[3], "journal/").clone();
        again.version = 2;
        steps[4].writes.push(again);
    });
    breaks(Rule::Gapless, "its hash is wrong", |steps| {
        change(write(&mut steps[4], "journal/"), |entry| entry["message"] = "forged".into());
    });
    breaks(Rule::Gapless, "holds entry", |steps| {
        write(&mut steps[4], "journal/").key = format!("journal/a/{:020}", 40);
    });
    breaks(Rule::Gapless, "without its head", |steps| {
        steps[4].writes.retain(|w| !w.key.starts_with("heads/"));
    });
    breaks(Rule::Gapless, "the head of journal a", |steps| {
        change(write(&mut steps[4], "heads/"), |head| head["next"] = 99.into());
    });
    breaks(Rule::Gapless, "moved without an entry", |steps| {
        let mut head = write(&mut steps[4], "heads/").clone();
        change(&mut head, |head| head["next"] = 1.into());
        steps.push(Step { revision: 300, writes: vec![head] });
    });
    let violations = good().history().check(b"another root key");
    assert!(violations.iter().any(|v| v.rule == Rule::Gapless), "{violations:#?}");
}

#[test]
fn an_illegal_step_is_found() {
    breaks(Rule::LegalSteps, "other fields: attempt", |steps| {
        change(write(&mut steps[2], "live/state/"), |state| state["attempt"] = 2.into());
    });
    breaks(Rule::LegalSteps, "without a step", |steps| {
        let mut state = write(&mut steps[2], "live/state/").clone();
        change(&mut state, |state| state["message"] = "quietly".into());
        steps[3].writes.push(state);
    });
    breaks(Rule::LegalSteps, "began as", |steps| {
        change(write(&mut steps[1], "live/state/"), |state| state["state"] = "synced".into());
    });
    // A worker that cancels, and a core that syncs.
    let mut author = Author::new();
    author.create().admit().claim();
    author.step(Transition::Cancel { reason: "me".into() }, worker(), None);
    author.release();
    found(Rule::LegalSteps, "no step leads", &author.history());
    let mut author = Author::new();
    author.create().admit().claim().certify().push();
    let step = Transition::Complete { branch: "smith/a".into(), commit: commit() };
    author.step(step, actor(ActorKind::Core, "core"), None);
    author.release();
    found(Rule::LegalSteps, "no step leads", &author.history());
}

#[test]
fn a_lease_that_ran_out_is_told_from_a_lock_that_was_given_up() {
    assert_eq!(good().history().lapses(), []);
    let mut author = Author::new();
    author.create().admit().claim().lose();
    let lapses = author.history().lapses();
    assert_eq!(lapses.iter().map(|lock| lock.no).collect::<Vec<_>>(), [NO]);
}
