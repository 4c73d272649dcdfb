//! What a core does while it leads: feeds the queue, and works it off.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use smith_model::access::Scope;
use smith_model::api::LoopItem;
use smith_model::attempt::AttemptRecord;
use smith_model::id::{AttemptNo, LoopId, Revision};
use smith_model::state::{State, StateRecord};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Core;
use super::fleet::{Fleet, FleetItem, Room, Standing};
use super::plan::{Action, DependencyState, Observed, Plan, Read, Sightings, plan};
use super::queue::{Backoff, Queue};
use crate::runtime::{WorkerLabels, WorkerPhase, WorkerReport};
use crate::telemetry::chain;
use crate::view::{Changed, Filter};

/// Loops that are looked at in parallel. Their work is waiting for etcd and the runtime, not computing.
const PARALLEL: usize = 16;
/// How often the fill of etcd is looked at.
const FILL_CHECK: Duration = Duration::from_secs(30);

/// The state of one reign; it begins from nothing, so that a new leader trusts only what it reads.
pub(super) struct Reign<'a> {
    pub(super) core: &'a Core,
    /// The create revision of the leader key, which every transaction compares.
    pub(super) leadership: i64,
    queue: Queue<LoopId>,
    fleet: Mutex<Fleet>,
    memory: Mutex<HashMap<LoopId, Memory>>,
    store_full: AtomicBool,
    /// A transaction was refused because another core leads.
    deposed: CancellationToken,
}

/// What is remembered of a loop between two looks.
#[derive(Default)]
struct Memory {
    seen: Sightings,
    /// Workers that are known to have existed and not to be gone.
    workers: BTreeSet<String>,
}

/// Why a look at a loop did not come to its end; it is looked at again, after a backoff.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error(transparent)]
    Store(#[from] crate::store::Error),
    #[error(transparent)]
    Runtime(#[from] crate::runtime::Error),
    #[error("the loop changed while it was being looked at")]
    Outdated,
}

impl Core {
    /// Leads with the leader key that was created at `leadership`, until `over`.
    pub(super) async fn reign(
        &self,
        leadership: i64,
        events: &mut mpsc::Receiver<LoopId>,
        over: CancellationToken,
    ) {
        let backoff =
            Backoff { initial: Duration::from_millis(100), most: Duration::from_secs(30) };
        let reign = Reign {
            core: self,
            leadership,
            queue: Queue::new(backoff),
            fleet: Mutex::new(Fleet::new(self.config.limits.clone())),
            memory: Mutex::default(),
            store_full: AtomicBool::new(false),
            deposed: CancellationToken::new(),
        };
        let work = async {
            // In this order: what changes while the lists are read is looked at twice, never missed.
            let changes = self.view.changes();
            reign.begin().await;
            // Before anything is admitted.
            reign.look_at_fill().await;
            let workers = futures::future::join_all((0..PARALLEL).map(|_| reign.work()));
            tokio::join!(workers, reign.feed(changes), reign.listen(events), reign.watch_fill());
        };
        tokio::select! {
            biased;
            () = over.cancelled() => {}
            () = reign.deposed.cancelled() => tracing::warn!("another core leads"),
            () = work => {}
        }
    }
}

impl Reign<'_> {
    /// Takes in everything that isn't at rest.
    async fn begin(&self) {
        let mut pause = Duration::from_millis(100);
        let workers = loop {
            match self.core.runtime.list().await {
                Ok(workers) => break workers,
                Err(error) => {
                    tracing::warn!(error = %chain(&error), "can't list workers");
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(Duration::from_secs(10));
                }
            }
        };
        let mut names: HashMap<LoopId, BTreeSet<String>> = HashMap::new();
        for worker in workers {
            let labels = worker.labels;
            names.entry(labels.loop_id).or_default().insert(labels.name);
        }
        let items = self.all();
        {
            // Places first, so that nothing is admitted beyond them.
            let mut fleet = lock(&self.fleet);
            for item in &items {
                let places = names.get(&item.record.loop_id).map_or(0, BTreeSet::len);
                let item_of_fleet = fleet_item(&item.record, places, Standing::Elsewhere);
                fleet.update(&item.record.loop_id, Some(item_of_fleet));
            }
        }
        for item in &items {
            let record = &item.record;
            let has_workers = names.contains_key(&record.loop_id);
            if !record.state.ended() || has_workers || record.attempt > 0 && item.claimed {
                self.queue.add(record.loop_id.clone());
            }
        }
        let mut memory = lock(&self.memory);
        for (loop_id, workers) in names {
            // Also of loops that were deleted: their workers are removed.
            self.queue.add(loop_id.clone());
            memory.entry(loop_id).or_default().workers = workers;
        }
    }

    fn all(&self) -> Vec<Arc<LoopItem>> {
        self.core.view.items(&Filter::default(), &Scope::All).0
    }

    /// What changed in the store.
    async fn feed(&self, mut changes: crate::view::Receiver) {
        loop {
            match changes.next().await {
                Some(Changed::Batch(batch)) => {
                    for change in &batch.loops {
                        let before = change.before.as_ref().map(|item| item.record.state);
                        let after = change.after.as_ref().map(|item| item.record.state);
                        self.queue.add(change.loop_id.clone());
                        if before != after && after.is_none_or(State::ended) {
                            self.wake_dependents(&change.loop_id);
                        }
                    }
                    for loop_id in &batch.locks {
                        self.queue.add(loop_id.clone());
                    }
                }
                Some(Changed::Everything) => {
                    for item in self.all() {
                        self.queue.add(item.record.loop_id.clone());
                    }
                }
                None => return,
            }
        }
    }

    /// What changed in the runtime.
    async fn listen(&self, events: &mut mpsc::Receiver<LoopId>) {
        while let Some(loop_id) = events.recv().await {
            self.queue.add(loop_id);
        }
        // A runtime without events of its own: timers and the store's events are enough.
        std::future::pending::<()>().await;
    }

    async fn watch_fill(&self) {
        loop {
            tokio::time::sleep(FILL_CHECK).await;
            self.look_at_fill().await;
        }
    }

    async fn look_at_fill(&self) {
        match self.core.store.fill().await {
            Ok(fill) => {
                let full = !fill.has_room();
                if full != self.store_full.swap(full, Ordering::Relaxed) {
                    tracing::warn!(full, used = fill.used, "etcd's fill changed admission");
                    for item in self.all() {
                        if item.record.state == State::Unresolved {
                            self.queue.add(item.record.loop_id.clone());
                        }
                    }
                }
                // The alarm stays after space was made, until somebody clears it.
                if fill.full
                    && let Err(error) = self.core.make_room().await
                {
                    tracing::warn!(error = %chain(&error), "can't make room in etcd");
                }
            }
            Err(error) => tracing::debug!(error = %chain(&error), "can't read etcd's fill"),
        }
    }

    /// One of several workers on the queue.
    async fn work(&self) {
        loop {
            let loop_id = self.queue.get().await;
            match self.look(&loop_id).await {
                Ok(wake_at) => {
                    self.queue.done(&loop_id);
                    if let Some(at) = wake_at {
                        let wait = at.duration_since(Timestamp::now());
                        let wait = Duration::try_from(wait).unwrap_or_default();
                        // Timers and clocks round differently; a moment later is surely after.
                        self.queue
                            .add_at(loop_id, Instant::now() + wait + Duration::from_millis(5));
                    }
                }
                // Another core leads: whatever this one would do from here on is refused.
                Err(Error::Store(crate::store::Error::NotLeading)) => return self.deposed.cancel(),
                Err(Error::Outdated) => {
                    self.queue.done(&loop_id);
                    self.queue.add(loop_id);
                }
                Err(error) => {
                    tracing::warn!(%loop_id, error = %chain(&error), "a look at a loop failed");
                    lock(&self.fleet).give_back(&loop_id);
                    self.queue.fail(&loop_id);
                }
            }
        }
    }

    /// Looks at one loop and does what its plan says; answers when to look again.
    async fn look(&self, loop_id: &LoopId) -> Result<Option<Timestamp>, Error> {
        let Some((mut observed, now)) = self.observe(loop_id).await? else {
            return self.forget(loop_id).await.map(|()| None);
        };
        // Would it be admitted if there were room? Then it stands in line.
        observed.room = Room::Yes;
        let if_there_were_room = plan(&observed, &self.core.config.settings, now);
        let ready = if_there_were_room.actions.iter().any(|a| matches!(a, Action::Admit { .. }));
        let standing = if ready { Standing::Ready } else { Standing::Elsewhere };
        let places = observed
            .workers
            .iter()
            .filter(|w| !matches!(w.phase, WorkerPhase::Exited { .. }))
            .count();
        observed.room = {
            let mut fleet = lock(&self.fleet);
            fleet.update(loop_id, Some(fleet_item(&observed.record, places, standing)));
            if !ready {
                fleet.give_back(loop_id);
            }
            if self.store_full.load(Ordering::Relaxed) {
                Room::StoreFull
            } else {
                while let Some(next) = fleet.next() {
                    if next != *loop_id {
                        self.queue.add(next);
                    }
                }
                fleet.room(loop_id)
            }
        };
        let Plan { actions, wake_at, .. } = plan(&observed, &self.core.config.settings, now);
        let mut again = false;
        for action in actions {
            tracing::debug!(%loop_id, ?action, "acting");
            again |= self.execute(&observed, &action).await?;
        }
        if again { Ok(Some(Timestamp::now())) } else { Ok(wake_at) }
    }

    /// The loop's workers, asked for directly: those that were seen before, and the one of `attempt`.
    async fn workers(
        &self,
        loop_id: &LoopId,
        attempt: Option<&AttemptRecord>,
    ) -> Result<Vec<WorkerReport>, Error> {
        let mut names = {
            let memory = lock(&self.memory);
            memory.get(loop_id).map(|m| m.workers.clone()).unwrap_or_default()
        };
        let mut workers = vec![];
        if let Some(attempt) = attempt {
            let own = self.core.runtime.id();
            match attempt.runtime_id.as_deref().filter(|id| *id != own) {
                None => {
                    names.insert(attempt.worker.clone());
                }
                // Another core's: not gone, as far as anyone here can know.
                Some(other) if attempt.gone_at.is_none() => {
                    let labels = WorkerLabels {
                        name: attempt.worker.clone(),
                        installation: self.core.store.installation(),
                        loop_id: loop_id.clone(),
                        uid: attempt.uid,
                        no: attempt.no,
                    };
                    let why = format!("it runs on {other}, which this core can't ask");
                    workers.push(WorkerReport { labels, phase: WorkerPhase::Unknown { why } });
                }
                Some(_) => {}
            }
        }
        for name in names {
            match self.core.runtime.observe(&name).await? {
                Some(report) => {
                    self.remember_worker(loop_id, &name);
                    workers.push(report);
                }
                None => self.forget_worker(loop_id, &name),
            }
        }
        Ok(workers)
    }

    pub(super) fn remember_worker(&self, loop_id: &LoopId, name: &str) {
        let mut memory = lock(&self.memory);
        memory.entry(loop_id.clone()).or_default().workers.insert(name.to_owned());
    }

    pub(super) fn forget_worker(&self, loop_id: &LoopId, name: &str) {
        if let Some(memory) = lock(&self.memory).get_mut(loop_id) {
            memory.workers.remove(name);
        }
    }

    pub(super) fn told_to_land(&self, loop_id: &LoopId, no: AttemptNo) {
        lock(&self.memory).entry(loop_id.clone()).or_default().seen.told_to_land(no);
    }

    /// Everything that the plan is made of; `None`: there is no such loop.
    async fn observe(&self, loop_id: &LoopId) -> Result<Option<(Observed, Timestamp)>, Error> {
        let Some(item) = self.core.view.get(loop_id) else { return Ok(None) };
        let LoopItem { record, revision, .. } = &item;
        let untouched = record.round == 1 && record.attempt == 0;
        let (record, revision, attempt, lock_record) = if untouched {
            // Ten thousand loops in line are looked at without ten thousand reads: what is missing in the
            // view is found by the transaction that admits.
            (record.clone(), *revision, None, None)
        } else {
            match self.core.store.snapshot(loop_id).await {
                Ok(s) => {
                    let attempt = s.attempt.map(|a| a.value);
                    (s.state.value, Revision(s.state.revision), attempt, s.lock.map(|l| l.value))
                }
                Err(crate::store::Error::NoSuchLoop(_)) => return Ok(None),
                Err(error) => return Err(error.into()),
            }
        };
        // After the store: a worker that is missing now was not there when the records were read.
        let workers = self.workers(loop_id, attempt.as_ref()).await?;
        let mut dependencies = vec![];
        if record.state == State::Unresolved {
            for id in &record.summary.depends_on {
                let found = self.core.view.get(id);
                let state = DependencyState::of(found.as_ref().map(|item| &item.record));
                dependencies.push((id.clone(), state));
            }
        }
        let now = Timestamp::now();
        let seen = {
            let mut memory = lock(&self.memory);
            let memory = memory.entry(loop_id.clone()).or_default();
            memory.seen.note(&record, attempt.as_ref(), lock_record.as_ref(), &workers, now);
            memory.seen.clone()
        };
        let observed = Observed {
            record,
            revision,
            attempt,
            lock: lock_record,
            workers,
            read: Read::Direct,
            dependencies,
            room: Room::Yes,
            seen,
        };
        Ok(Some((observed, now)))
    }

    /// Removes what is left of a loop that was deleted.
    async fn forget(&self, loop_id: &LoopId) -> Result<(), Error> {
        lock(&self.fleet).update(loop_id, None);
        for worker in self.workers(loop_id, None).await? {
            self.core.runtime.remove(&worker.labels.name).await?;
        }
        lock(&self.memory).remove(loop_id);
        Ok(())
    }

    /// Those that wait for a loop may go on now.
    fn wake_dependents(&self, loop_id: &LoopId) {
        for dependent in self.core.view.dependents(loop_id) {
            self.queue.add(dependent);
        }
    }

    /// An admission failed: the place is free again.
    pub(super) fn give_back(&self, loop_id: &LoopId) {
        lock(&self.fleet).give_back(loop_id);
    }

    /// An admission was committed: the place is the attempt's now.
    pub(super) fn admitted(&self, record: &StateRecord) {
        let item = fleet_item(record, 0, Standing::Elsewhere);
        lock(&self.fleet).update(&record.loop_id, Some(item));
    }
}

fn fleet_item(record: &StateRecord, workers: usize, standing: Standing) -> FleetItem {
    let running = usize::from(record.state == State::Overwriting);
    FleetItem {
        project: record.summary.project.clone(),
        provider: record.summary.provider_id.clone(),
        priority: record.summary.priority,
        created_at: record.created_at,
        no: AttemptNo { round: record.round, attempt: record.attempt },
        places: u32::try_from(workers.max(running)).unwrap_or(u32::MAX),
        standing,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|e| e.into_inner())
}
