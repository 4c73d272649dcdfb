//! What a stream is told of revisions that this process doesn't remember: read from etcd's own history.
//!
//! An event of the history holds one key, and a loop is joined of three. Parts that the replay hasn't met
//! yet are taken from the view: where that is right, the part has not changed since; where it isn't, the
//! part has changed since, so that its own event is still to come and puts it right. So the last event of
//! each loop tells it as it is, and each state record is told exactly once and exactly as it was.

use std::collections::HashMap;

use smith_model::access::Scope;
use smith_model::api::{LoopEvent, LoopItem};
use smith_model::id::{LoopId, Revision};
use smith_model::state::StateRecord;
use smith_model::worker::Progress;

use crate::store::keys::LiveKey;
use crate::store::live::{LiveBatch, LiveValue};

use super::View;
use super::filter::Sight;

/// The loops that a replay has met.
#[derive(Default)]
pub(super) struct History {
    loops: HashMap<LoopId, Met>,
}

/// What is known of a loop before the next event of the replay.
#[derive(Clone)]
struct Met {
    /// The state; `None`: it isn't known (its event is still to come), or there is no such loop.
    record: Option<(StateRecord, Revision)>,
    progress: Option<Progress>,
    claimed: bool,
}

/// A loop of unknown project was deleted: whether its id may be told can't be known any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Untellable;

impl Met {
    /// What the view says about a loop, as far as that was true before `revision`.
    fn before(revision: Revision, item: Option<&LoopItem>) -> Self {
        let record = item.filter(|item| item.revision < revision);
        Self {
            record: record.map(|item| (item.record.clone(), item.revision)),
            progress: item.and_then(|item| item.progress.clone()),
            claimed: item.is_some_and(|item| item.claimed),
        }
    }

    fn item(self) -> Option<LoopItem> {
        let Self { record, progress, claimed } = self;
        record.map(|(record, revision)| LoopItem { record, revision, progress, claimed })
    }
}

/// What a batch says about the state of one loop.
enum StateEvent {
    None,
    Put { created: bool },
    Deleted,
}

impl History {
    /// The events of one revision, for one who sees so much.
    pub(super) fn tell(
        &mut self,
        batch: LiveBatch,
        view: &View,
        sight: &Sight,
    ) -> Result<Vec<LoopEvent>, Untellable> {
        let revision = Revision(batch.revision);
        let mut touched: Vec<(LoopId, Met, StateEvent)> = vec![];
        for event in batch.events {
            let (LiveKey::State(id) | LiveKey::Progress(id) | LiveKey::Lock(id)) =
                event.key.clone()
            else {
                continue;
            };
            let met = self
                .loops
                .entry(id.clone())
                .or_insert_with(|| Met::before(revision, view.item(&id).as_deref()));
            let at = match touched.iter().position(|(other, ..)| *other == id) {
                Some(at) => at,
                None => {
                    touched.push((id, met.clone(), StateEvent::None));
                    touched.len() - 1
                }
            };
            match (event.key, event.value) {
                (LiveKey::State(_), Some(LiveValue::State(state))) => {
                    touched[at].2 = StateEvent::Put { created: state.created == state.revision };
                    met.record = Some((state.value, Revision(state.revision)));
                }
                (LiveKey::State(_), _) => {
                    touched[at].2 = StateEvent::Deleted;
                    met.record = None;
                }
                (LiveKey::Progress(_), Some(LiveValue::Progress(p))) => met.progress = Some(p),
                (LiveKey::Progress(_), _) => met.progress = None,
                (LiveKey::Lock(_), value) => met.claimed = value.is_some(),
                (
                    LiveKey::Attention(_)
                    | LiveKey::Token(_)
                    | LiveKey::Leader
                    | LiveKey::Member(_)
                    | LiveKey::Tick,
                    _,
                ) => {}
            }
        }
        let mut events = vec![];
        for (id, before, state) in touched {
            let after = self.loops.get(&id).cloned().and_then(Met::item);
            let before = before.item();
            let removed = LoopEvent::Removed { loop_id: id };
            match (after, before, state) {
                (None, Some(before), _) if sight.can_see(&before.record) => {
                    if sight.sees(&before) {
                        events.push(removed);
                    }
                }
                (None, Some(_), _) | (None, None, StateEvent::None | StateEvent::Put { .. }) => {}
                (None, None, StateEvent::Deleted) => match sight.scope {
                    Scope::All => events.push(removed),
                    Scope::Projects(_) => return Err(Untellable),
                },
                // Told even if it seems to be the same as before: what was before may be a guess.
                (Some(after), _, _) if sight.sees(&after) => {
                    events.push(LoopEvent::Updated(Box::new(after)));
                }
                (Some(_), Some(before), _) => {
                    if sight.sees(&before) {
                        events.push(removed);
                    }
                }
                // It was never seen by anyone.
                (Some(_), None, StateEvent::Put { created: true }) => {}
                (Some(after), None, _) => {
                    // What it was is not known, so maybe it was seen. To remove what isn't there is harmless.
                    if sight.can_see(&after.record) {
                        events.push(removed);
                    }
                }
            }
        }
        Ok(events)
    }
}
