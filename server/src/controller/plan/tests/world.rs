//! A loop's whole world in memory: store, lock, runtime, clock; and anything may happen in it.
//!
//! What a store's transaction would compare is compared here too. It isn't a stand-in for the store in
//! tests of the store: what is tested is the plan.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use smith_model::attempt::End;
use smith_model::state::{By, RetryFrom};

use super::*;

#[derive(Clone, Debug)]
enum Event {
    /// The core looks, and crashes after so many actions.
    Look(usize),
    /// The core's memory is gone (a restart, another leader).
    Restart,
    /// The runtime's events arrive.
    Told,
    Tick(u32),
    Claim(usize),
    Heartbeat(usize),
    Die(usize, Exit),
    Finish(usize, Option<FailureClass>),
    LoseLock,
    Host(bool),
    Room(bool),
    Dependency(bool),
    Person(Step),
    Hold(bool),
}

fn event() -> impl Strategy<Value = Event> {
    let reason = || "r".to_owned();
    let class = prop::option::of(prop::sample::select(FailureClass::ALL.to_vec()));
    let exit = prop::sample::select(vec![Exit::Code(1), Exit::NotStarted, Exit::Unknown]);
    let retry = |from| Step::Retry { reason: "r".into(), from };
    let person = prop::sample::select(vec![
        Step::Cancel { reason: reason() },
        Step::Flatline { reason: reason() },
        Step::Accept { reason: reason() },
        retry(RetryFrom::Checkpoint),
        retry(RetryFrom::Fresh),
    ]);
    prop_oneof![
        8 => (0usize..4).prop_map(Event::Look),
        1 => Just(Event::Restart),
        3 => Just(Event::Told),
        4 => (1u32..200).prop_map(Event::Tick),
        4 => (0usize..3).prop_map(Event::Claim),
        2 => (0usize..3).prop_map(Event::Heartbeat),
        1 => (0usize..3, exit).prop_map(|(n, exit)| Event::Die(n, exit)),
        1 => (0usize..3, class).prop_map(|(n, class)| Event::Finish(n, class)),
        1 => Just(Event::LoseLock),
        1 => prop::bool::weighted(0.6).prop_map(Event::Host),
        1 => prop::bool::weighted(0.8).prop_map(Event::Room),
        1 => prop::bool::weighted(0.8).prop_map(Event::Dependency),
        1 => person.prop_map(Event::Person),
        1 => any::<bool>().prop_map(Event::Hold),
    ]
}

struct SimWorker {
    no: AttemptNo,
    phase: WorkerPhase,
    claimed: bool,
}

struct World {
    now: Timestamp,
    record: StateRecord,
    revision: Revision,
    attempts: BTreeMap<AttemptNo, AttemptRecord>,
    /// And when its lease runs out.
    lock: Option<(LockRecord, Timestamp)>,
    workers: BTreeMap<String, SimWorker>,
    /// What the runtime told last.
    told: Vec<WorkerReport>,
    host_up: bool,
    room: bool,
    dependency: bool,
    seen: Sightings,
    ever: BTreeSet<String>,
    /// Workers that were left behind, knowingly, on a host that can't be asked.
    left_behind: BTreeSet<String>,
    landed: BTreeSet<AttemptNo>,
    settings: Settings,
}

/// Whether the pass goes on after an action.
#[derive(PartialEq)]
enum Pass {
    On,
    Over,
    Again,
}

impl World {
    fn new() -> Self {
        Self {
            now: at(1_000),
            record: record(),
            revision: Revision(1),
            attempts: BTreeMap::new(),
            lock: None,
            workers: BTreeMap::new(),
            told: Vec::new(),
            host_up: true,
            room: true,
            dependency: true,
            seen: Sightings::default(),
            ever: BTreeSet::new(),
            left_behind: BTreeSet::new(),
            landed: BTreeSet::new(),
            settings: Settings::default(),
        }
    }

    /// What a direct read answers.
    fn reports(&self) -> Vec<WorkerReport> {
        if self.host_up {
            let all = self.workers.values();
            return all.map(|w| report(&self.record, w.no, w.phase.clone())).collect();
        }
        // Every attempt that may have a worker there.
        let open = self.attempts.values().filter(|attempt| attempt.gone_at.is_none());
        open.map(|attempt| report(&self.record, attempt.no, unknown())).collect()
    }

    fn observe(&mut self, read: Read) -> Observed {
        let workers = match read {
            Read::Cached => self.told.clone(),
            Read::Direct => self.reports(),
        };
        if read == Read::Direct {
            self.told = workers.clone();
        }
        let attempt = self.attempts.values().next_back().cloned();
        let lock = self.lock.as_ref().map(|(lock, _)| lock.clone());
        self.seen.note(&self.record, attempt.as_ref(), lock.as_ref(), &workers, self.now);
        let dependency = if self.dependency { synced() } else { DependencyState::Pending };
        Observed {
            record: self.record.clone(),
            revision: self.revision,
            attempt,
            lock,
            workers,
            read,
            dependencies: vec![("dep".parse().unwrap(), dependency)],
            room: if self.room { Room::Yes } else { Room::StoreFull },
            seen: self.seen.clone(),
        }
    }

    /// One look of the core, which crashes after `most` actions. The last plan, and whether it acted.
    fn look(&mut self, most: usize) -> Result<(Plan, bool), TestCaseError> {
        let mut acted = 0;
        let mut read = Read::Cached;
        'looks: loop {
            let observed = self.observe(read);
            let plan = plan(&observed, &self.settings, self.now);
            let checks = plan.actions.iter().filter(|a| **a == Action::CheckWorker).count();
            prop_assert!(checks == 0 || read == Read::Cached, "checks for ever");
            for action in &plan.actions {
                if acted >= most {
                    return Ok((plan, true));
                }
                match self.execute(action)? {
                    Pass::On => acted += 1,
                    Pass::Over => return Ok((plan, acted > 0)),
                    Pass::Again => {
                        read = Read::Direct;
                        continue 'looks;
                    }
                }
            }
            return Ok((plan, acted > 0));
        }
    }

    fn running(&self, no: AttemptNo) -> bool {
        self.workers.values().any(|w| w.no == no && w.phase == WorkerPhase::Running)
    }

    fn write(&mut self, step: &Step) -> bool {
        let Ok(next) = self.record.step(step, self.now) else { return false };
        let was = self.record.clone();
        self.record = next;
        self.revision.0 += 1;
        // Who ends an attempt records its end in the same transaction.
        if let (State::Overwriting, Some(no)) = (was.state, was.current_attempt())
            && let Some(attempt) = self.attempts.get_mut(&no)
        {
            let class = match step {
                Step::Fail { failure, .. } => Some(failure.class),
                _ => None,
            };
            let (message, at) = ("m".into(), self.now);
            attempt.end = Some(End { class, counted: None, message, exit: None, at });
        }
        true
    }

    fn execute(&mut self, action: &Action) -> Result<Pass, TestCaseError> {
        match action {
            Action::CheckWorker => return Ok(Pass::Again),
            Action::Admit { note } => {
                prop_assert!(self.record.hold.is_none() && self.dependency && self.room);
                if self.lock.is_some() {
                    return Ok(Pass::Over);
                }
                for (name, worker) in &self.workers {
                    if worker.phase == WorkerPhase::Running && !self.left_behind.contains(name) {
                        prop_assert!(note.is_some(), "admitted beside {name}");
                        self.left_behind.insert(name.clone());
                    }
                }
                prop_assert!(self.write(&Step::Admit));
                let no = self.record.current_attempt().unwrap();
                let before = self.attempts.values().next_back();
                let attempt = AttemptRecord::admitted(&self.record, before, self.now);
                prop_assert!(self.attempts.insert(no, attempt).is_none(), "{no} twice");
            }
            Action::CreateWorker { no } => {
                prop_assert!(self.record.is_running(*no));
                if !self.host_up {
                    return Ok(Pass::Over);
                }
                let name = no.worker_name(&self.record.loop_id);
                if !self.workers.contains_key(&name) {
                    prop_assert!(self.ever.insert(name.clone()), "{name} was scheduled twice");
                    let phase = WorkerPhase::Running;
                    self.workers.insert(name, SimWorker { no: *no, phase, claimed: false });
                }
            }
            Action::EndAttempt { no, failure, lock, .. } => {
                prop_assert!(self.record.is_running(*no));
                match (lock, &self.lock) {
                    (LockAtEnd::Absent, Some(_)) => return Ok(Pass::Over),
                    (LockAtEnd::Release, Some((held, _))) if held.no == *no => {
                        prop_assert!(!self.running(*no), "took the lock of a worker that lives");
                        self.lock = None;
                    }
                    (LockAtEnd::Release, Some(_)) => return Ok(Pass::Over),
                    (LockAtEnd::Absent | LockAtEnd::Release, None) => {}
                }
                let step = Step::Fail { by: By::Core, failure: failure.clone() };
                prop_assert!(self.write(&step));
            }
            Action::StopWorker { name, no, how } => {
                prop_assert!(*how == Stop::Land || !self.record.is_running(*no), "killed its own");
                if !self.host_up {
                    return Ok(Pass::Over);
                }
                if *how == Stop::Land {
                    prop_assert!(self.landed.insert(*no), "told to land twice");
                    self.seen.told_to_land(*no);
                } else if let Some(worker) = self.workers.get_mut(name) {
                    worker.phase = exited(Exit::Signal(9));
                }
            }
            Action::RemoveWorker { name } => {
                if !self.host_up {
                    return Ok(Pass::Over);
                }
                if let Some(worker) = self.workers.remove(name) {
                    prop_assert!(!self.record.is_running(worker.no));
                    prop_assert!(worker.phase != WorkerPhase::Running, "removed while it ran");
                }
            }
            Action::MarkGone { no } => {
                prop_assert!(!self.running(*no), "{no} isn't gone");
                let now = self.now;
                if let Some(attempt) = self.attempts.get_mut(no) {
                    attempt.gone_at.get_or_insert(now);
                }
            }
        }
        Ok(Pass::On)
    }

    fn nth(&mut self, n: usize) -> Option<&mut SimWorker> {
        self.workers.values_mut().filter(|w| w.phase == WorkerPhase::Running).nth(n)
    }

    fn pass_time(&mut self, to: Timestamp) {
        self.now = self.now.max(to);
        if self.lock.as_ref().is_some_and(|(_, until)| *until <= self.now) {
            self.lock = None;
        }
    }

    fn happen(&mut self, event: Event) -> Result<(), TestCaseError> {
        let lease = after(self.now, self.settings.lock_ttl);
        match event {
            Event::Look(most) => {
                self.look(most)?;
            }
            Event::Restart => {
                self.seen = Sightings::default();
                self.landed.clear();
            }
            Event::Told => self.told = self.reports(),
            Event::Tick(seconds) => self.pass_time(after(self.now, Span::seconds(seconds))),
            Event::Claim(n) => {
                let Some(worker) = self.nth(n) else { return Ok(()) };
                let (no, claimed) = (worker.no, worker.claimed);
                let free = self.attempts[&no].claimed_at.is_none() || claimed;
                if self.record.is_running(no) && self.lock.is_none() && free {
                    self.lock = Some((lock_of(&self.record, no), lease));
                    self.nth(n).unwrap().claimed = true;
                    let now = self.now;
                    self.attempts.get_mut(&no).unwrap().claimed_at.get_or_insert(now);
                }
            }
            Event::Heartbeat(n) => {
                let record = self.record.clone();
                let Some(worker) = self.nth(n) else { return Ok(()) };
                let no = worker.no;
                if !record.is_running(no) {
                    // It is told to cancel, and does.
                    worker.phase = exited(Exit::Code(0));
                } else if let Some((lock, until)) = &mut self.lock
                    && lock.no == no
                {
                    *until = lease;
                }
            }
            Event::Die(n, exit) => {
                if let Some(worker) = self.nth(n) {
                    worker.phase = exited(exit);
                }
            }
            Event::Finish(n, class) => {
                let Some(worker) = self.nth(n) else { return Ok(()) };
                let no = worker.no;
                if self.lock.as_ref().is_none_or(|(lock, _)| lock.no != no) {
                    return Ok(());
                }
                self.nth(n).unwrap().phase = exited(Exit::Code(0));
                self.lock = None;
                if self.record.is_running(no) {
                    let step = match class {
                        None => Step::Complete {
                            branch: "b".into(),
                            commit: "a".repeat(40).parse().unwrap(),
                        },
                        Some(class) => Step::Fail {
                            by: By::Finish,
                            failure: Failure { class, message: "m".into() },
                        },
                    };
                    prop_assert!(self.write(&step));
                }
            }
            Event::LoseLock => self.lock = None,
            Event::Host(up) => self.host_up = up,
            Event::Room(room) => self.room = room,
            Event::Dependency(dependency) => self.dependency = dependency,
            Event::Person(step) => {
                self.write(&step);
            }
            Event::Hold(hold) => {
                let since = self.now;
                let hold = hold.then(|| Hold { by: "ada".into(), reason: "r".into(), since });
                if !self.record.state.ended() {
                    self.record.hold = hold;
                    self.revision.0 += 1;
                }
            }
        }
        let alive = |(name, w): (&String, &SimWorker)| {
            w.phase == WorkerPhase::Running && !self.left_behind.contains(name)
        };
        prop_assert!(self.workers.iter().filter(|w| alive(*w)).count() <= 1, "two at once");
        Ok(())
    }

    /// Nothing happens any more but what the core does, and time. Workers hang.
    fn settle(&mut self) -> Result<(), TestCaseError> {
        for _ in 0..2_000 {
            self.told = self.reports();
            let (plan, acted) = self.look(usize::MAX)?;
            if acted {
                continue;
            }
            let lease = self.lock.as_ref().map(|(_, until)| *until);
            if let Some(next) = plan.wake_at.into_iter().chain(lease).min() {
                prop_assert!(next > self.now || lease == Some(next), "wakes in the past: {plan:?}");
                self.pass_time(next);
                continue;
            }
            return self.is_at_rest(&plan);
        }
        prop_assert!(false, "never comes to rest: {:?}", self.look(0)?);
        Ok(())
    }

    fn is_at_rest(&self, plan: &Plan) -> Result<(), TestCaseError> {
        let reason = match plan.why.code {
            WhyCode::Ended => self.record.state.ended(),
            WhyCode::Held => self.record.hold.is_some(),
            WhyCode::DependencyPending => !self.dependency,
            WhyCode::StoreFull => !self.room,
            _ => false,
        };
        prop_assert!(reason, "waits for ever: {:?} {:?}", self.record, plan);
        prop_assert!(!plan.why.message.is_empty());
        if self.host_up {
            prop_assert!(self.workers.is_empty(), "left a worker: {:?}", plan);
            let newest = self.attempts.values().next_back();
            prop_assert!(newest.is_none_or(|attempt| attempt.gone_at.is_some()));
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_nothing_runs_twice_and_nothing_waits_for_ever(
        events in prop::collection::vec(event(), 0..60),
        host_comes_back in any::<bool>(),
    ) {
        let mut world = World::new();
        for event in events {
            world.happen(event)?;
        }
        world.settle()?;
        if host_comes_back {
            world.happen(Event::Host(true))?;
            world.settle()?;
        }
        // What a person or another loop was waited for comes, and the loop reaches its end.
        for event in [Event::Hold(false), Event::Dependency(true), Event::Room(true)] {
            world.happen(event)?;
        }
        world.settle()?;
        prop_assert!(world.record.state.ended());
    }
}
