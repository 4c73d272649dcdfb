//! A loop that waits: what for, and whether its next attempt begins now.

use smith_model::api::WhyCode;
use smith_model::id::LoopId;

use super::stopping::Earlier;
use super::{Action, DependencyState, Draft, Reason};
use crate::controller::fleet::{Group, MOST_AHEAD, Room};

impl Draft<'_> {
    pub(super) fn unresolved(&mut self, earlier: Earlier) -> Reason {
        let record = &self.observed.record;
        // Whatever else it waits for: that this is over is worth a look.
        let backoff = record.not_before.filter(|at| *at > self.now);
        if let Some(at) = backoff {
            self.wake(at);
        }
        if let Some(hold) = &record.hold {
            let message = format!("held by {}: {}", hold.by, hold.reason);
            return Reason::new(WhyCode::Held, message);
        }
        if let Some(reason) = self.dependencies() {
            return reason;
        }
        let Earlier { blocked, until, note } = earlier;
        if let Some(message) = blocked {
            let code = WhyCode::PreviousWorkerStopping;
            return Reason { until, ..Reason::new(code, message) };
        }
        if let Some(at) = backoff {
            return Reason::new(WhyCode::Backoff, record.message.clone()).until(at);
        }
        if let Some(reason) = full(&self.observed.room) {
            return reason;
        }
        self.act(Action::Admit { note });
        Reason::new(WhyCode::AboutToStart, "its next attempt begins now")
    }

    fn dependencies(&self) -> Option<Reason> {
        let of = |is: fn(&DependencyState) -> bool| -> Vec<LoopId> {
            let all = self.observed.dependencies.iter();
            all.filter(|(_, state)| is(state)).map(|(loop_id, _)| loop_id.clone()).collect()
        };
        let ended = of(|state| match state {
            DependencyState::Ended { .. } | DependencyState::Missing => true,
            DependencyState::Synced { .. } | DependencyState::Pending => false,
        });
        if let Some((loop_id, state)) =
            self.observed.dependencies.iter().find(|(loop_id, _)| ended.first() == Some(loop_id))
        {
            let what = match state {
                DependencyState::Ended { state } => format!("is {state}"),
                _ => "doesn't exist".into(),
            };
            let message = format!(
                "{loop_id}, which it depends on, {what}: retry or accept that one, or cancel this one"
            );
            let reason = Reason::new(WhyCode::DependencyEnded, message);
            return Some(Reason { waits_for: ended, ..reason });
        }
        let pending = of(|state| *state == DependencyState::Pending);
        let names: Vec<_> = pending.iter().map(LoopId::as_str).collect();
        let message = format!("depends on {}, not synced yet", names.join(", "));
        let reason = Reason::new(WhyCode::DependencyPending, message);
        (!pending.is_empty()).then_some(Reason { waits_for: pending, ..reason })
    }
}

/// Why there is no room; `None`: there is.
fn full(room: &Room) -> Option<Reason> {
    let before = |ahead: &usize| match *ahead {
        0 => "it is next".to_owned(),
        n if n >= MOST_AHEAD => format!("{MOST_AHEAD} or more ahead"),
        n => format!("{n} ahead"),
    };
    Some(match room {
        Room::Yes => return None,
        Room::Full { group, taken, most, ahead } => {
            let (code, whose) = match group {
                Group::Fleet => {
                    (WhyCode::FleetLimit, "all slots of the fleet are taken".to_owned())
                }
                Group::Project(name) => {
                    (WhyCode::ProjectLimit, format!("all slots of project {name} are taken"))
                }
                Group::Provider(name) => {
                    (WhyCode::ProviderLimit, format!("all slots of provider {name} are taken"))
                }
            };
            Reason::new(code, format!("{whose}: {taken} of {most} running, {}", before(ahead)))
        }
        Room::Behind { ahead } => {
            Reason::new(WhyCode::AboutToStart, format!("there is room: {}", before(ahead)))
        }
        Room::StoreFull => {
            Reason::new(WhyCode::StoreFull, "the store is nearly full: no new attempts are begun")
        }
    })
}
