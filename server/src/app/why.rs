//! What a loop waits for, now: the answer of the scheduler's own plan.

use futures::future::BoxFuture;
use jiff::Timestamp;
use smith_model::access::Scope;
use smith_model::api::{Why, WhyCode};
use smith_model::duration::Span;
use smith_model::id::{AttemptNo, LoopId, Revision};
use smith_model::state::{State, StateRecord};

use super::{App, Caller, Error, not_found};
use crate::controller::fleet::{Fleet, FleetItem, Room, Standing};
use crate::controller::plan::{Action, DependencyState, Observed, Read, Settings, Sightings, plan};
use crate::runtime::{Duplex, NoTerminal, WorkerReport};
use crate::view::Filter;

/// What is known of workers in this process: everything where a core runs in it, else nothing.
pub trait RuntimeView: Send + Sync + 'static {
    /// The worker of that name; `None` where it can't be known here.
    fn worker(&self, name: String) -> BoxFuture<'_, Option<WorkerReport>>;

    /// A connection to its terminal server.
    fn terminal(&self, name: String) -> BoxFuture<'_, Result<Box<dyn Duplex>, NoTerminal>>;
}

/// A process without a core.
pub struct NoRuntime;

impl RuntimeView for NoRuntime {
    fn worker(&self, _: String) -> BoxFuture<'_, Option<WorkerReport>> {
        Box::pin(async { None })
    }

    fn terminal(&self, name: String) -> BoxFuture<'_, Result<Box<dyn Duplex>, NoTerminal>> {
        let why =
            "this API wasn't told where workers are (smith-api --workers-dir, on their machine)";
        Box::pin(async move { Err(NoTerminal::Unknown { name, why: why.into() }) })
    }
}

impl App {
    /// What the loop waits for.
    pub async fn why(
        &self,
        caller: &Caller,
        id: &LoopId,
        runtime: &dyn RuntimeView,
    ) -> Result<Why, Error> {
        let state = self.visible(caller, id).await?;
        let snapshot = self.store.snapshot(id).await?;
        let record = snapshot.state.value;
        let revision = Revision(snapshot.state.revision);
        let attempt = snapshot.attempt.map(|a| a.value);
        let lock = snapshot.lock.map(|l| l.value);
        let mut workers = vec![];
        if let Some(attempt) = &attempt {
            workers.extend(runtime.worker(attempt.worker.clone()).await);
        }
        let dependencies = record.summary.depends_on.iter().map(|id| {
            let found = self.view.get(id);
            (id.clone(), DependencyState::of(found.as_ref().map(|item| &item.record)))
        });
        let dependencies = dependencies.collect();
        let now = Timestamp::now();
        let mut seen = Sightings::default();
        seen.note(&record, attempt.as_ref(), lock.as_ref(), &workers, now);
        let mut observed = Observed {
            record,
            revision,
            attempt,
            lock,
            workers,
            read: Read::Direct,
            dependencies,
            room: Room::Yes,
            seen,
        };
        let ttl = u32::try_from(self.settings.worker_ttl.as_millis()).unwrap_or(u32::MAX);
        let settings = Settings { lock_ttl: Span::millis(ttl), ..Settings::default() };
        let with_room = plan(&observed, &settings, now);
        let admits = with_room.actions.iter().any(|a| matches!(a, Action::Admit { .. }));
        if admits && self.view.leader().is_none() {
            let message = "no core leads at the moment, so nothing is started".to_owned();
            let mut why = with_room.answer(&observed);
            (why.code, why.message) = (WhyCode::NoCore, message);
            return Ok(why);
        }
        if !admits {
            return Ok(with_room.answer(&observed));
        }
        // As the core: a store that doesn't answer this has answered everything else just now.
        let has_room = self.store.fill().await.map_or(true, |fill| fill.has_room());
        observed.room = if has_room { self.room(&state) } else { Room::StoreFull };
        let plan = plan(&observed, &settings, now);
        if self.store.state(id).await?.is_none() {
            return Err(not_found(id));
        }
        Ok(plan.answer(&observed))
    }

    /// Is there room for the loop, and who is before it? Counted anew: people ask seldom.
    fn room(&self, state: &StateRecord) -> Room {
        let mut fleet = Fleet::new(self.settings.limits.clone());
        for item in self.view.items(&Filter::default(), &Scope::All).0 {
            let record = &item.record;
            let ready = record.state == State::Unresolved
                && record.hold.is_none()
                && record.not_before.is_none_or(|at| at <= Timestamp::now());
            fleet.update(
                &record.loop_id,
                Some(FleetItem {
                    project: record.summary.project.clone(),
                    provider: record.summary.provider_id.clone(),
                    priority: record.summary.priority,
                    created_at: record.created_at,
                    no: AttemptNo { round: record.round, attempt: record.attempt },
                    places: u32::from(record.state == State::Overwriting),
                    standing: if ready { Standing::Ready } else { Standing::Elsewhere },
                }),
            );
        }
        while let Some(next) = fleet.next() {
            if next == state.loop_id {
                return Room::Yes;
            }
        }
        fleet.room(&state.loop_id)
    }
}
