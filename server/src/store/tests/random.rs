//! Any interleaving of changes by several stores leaves what a plain model says.

use proptest::prelude::*;
use smith_model::failure::FailureClass;
use smith_model::state::{By, Failure, RetryFrom};

use super::*;
use crate::store::change::LockStep;

const STORES: usize = 3;

/// What one of the stores does next.
#[derive(Clone, Debug)]
enum Doing {
    Append(usize),
    Step(Step),
    /// What a holder writes.
    Hold,
    Take,
    Release,
    /// The lease ends, without a change.
    Expire,
    Forget,
}

fn doing() -> impl Strategy<Value = Doing> {
    let reason = || "r".to_owned();
    let failure = Failure { class: FailureClass::AgentFailed, message: reason() };
    let step = prop_oneof![
        3 => Just(Step::Admit),
        1 => Just(Step::Fail { by: By::Core, failure }),
        1 => Just(Step::Cancel { reason: reason() }),
        1 => Just(Step::Accept { reason: reason() }),
        2 => Just(Step::Retry { reason: reason(), from: RetryFrom::Fresh }),
    ];
    prop_oneof![
        4 => (1usize..4).prop_map(Doing::Append),
        5 => step.prop_map(Doing::Step),
        3 => Just(Doing::Hold),
        3 => Just(Doing::Take),
        2 => Just(Doing::Release),
        2 => Just(Doing::Expire),
        1 => Just(Doing::Forget),
    ]
}

/// What must be there.
struct Model {
    state: StateRecord,
    messages: Vec<String>,
    /// The lock's lease and epoch.
    lock: Option<(i64, i64)>,
}

impl Model {
    /// Does it with a store, and checks that the store does it exactly if it can be done.
    async fn apply(&mut self, store: &Store, id: &LoopId, n: usize, doing: &Doing) {
        let message = format!("{n}");
        let written = match doing {
            Doing::Append(count) => {
                let entries = (0..*count).flat_map(|_| entry(message.clone())).collect();
                let change = Change { entries, ..Change::default() };
                write_always(store, id, change).await.unwrap();
                self.messages.extend(std::iter::repeat_n(message, count - 1));
                true
            }
            Doing::Step(step) => {
                let expected = self.state.step(step, now()).ok();
                let decide = |snapshot: &Snapshot| {
                    let mut change = stepped(snapshot, step)?;
                    change.entries[0].2.message.clone_from(&message);
                    Ok(write(change, ()))
                };
                match (store.change(id, now(), decide).await, expected) {
                    (Ok(committed), Some(next)) => {
                        assert_eq!(committed.state.value, next);
                        self.state = next;
                        true
                    }
                    (Err(ChangeError::Refused(No)), None) => false,
                    other => panic!("{other:?}"),
                }
            }
            Doing::Hold => {
                let change = Change { lock: LockStep::Hold, ..says(message) };
                self.locked(write_always(store, id, change).await, self.lock.is_some()).is_some()
            }
            Doing::Release => {
                let change = Change { lock: LockStep::Release, ..says(message) };
                let done = self.locked(write_always(store, id, change).await, self.lock.is_some());
                if done.is_some() {
                    self.lock = None;
                }
                done.is_some()
            }
            Doing::Take => {
                let lease = store.grant(std::time::Duration::from_secs(60)).await.unwrap();
                let change = Change { lock: lock_on(lease), ..says(message) };
                let done = self.locked(write_always(store, id, change).await, self.lock.is_none());
                if let Some(epoch) = done {
                    self.lock = Some((lease, epoch));
                }
                done.is_some()
            }
            Doing::Expire => {
                if let Some((lease, _)) = self.lock.take() {
                    store.revoke(lease).await.unwrap();
                }
                false
            }
            Doing::Forget => {
                *store.slot(id).lock().await = None;
                false
            }
        };
        if written {
            self.messages.push(format!("{n}"));
        }
    }

    /// The revision of a change of the lock that was made, which must be so exactly if `can`.
    fn locked(&self, outcome: Outcome, can: bool) -> Option<i64> {
        match outcome {
            Ok(committed) if can => Some(committed.revision),
            Err(ChangeError::Store(Error::Locked(_) | Error::NotLocked(_))) if !can => None,
            other => panic!("{other:?}, expected to be possible: {can}"),
        }
    }

    async fn check(&self, lab: &Lab, id: &LoopId) {
        assert_eq!(lab.messages(id).await[1..], self.messages);
        let stored = lab.store.snapshot(id).await.unwrap();
        assert_eq!(stored.state.value, self.state);
        assert_eq!(stored.lock.map(|lock| lock.created), self.lock.map(|(_, epoch)| epoch));
    }
}

#[test]
fn interleaved_changes_are_those_of_a_plain_model() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (lab, stores) = runtime.block_on(async {
        let lab = Lab::new().await;
        let stores = futures::future::join_all((0..STORES).map(|_| lab.another())).await;
        (lab, stores)
    });
    let loops = std::cell::Cell::new(0);
    let doings = prop::collection::vec((0..STORES, doing()), 1..30);
    let config = ProptestConfig { cases: 40, failure_persistence: None, ..Default::default() };
    proptest!(config, |(doings in doings)| {
        loops.set(loops.get() + 1);
        let name = format!("l{}", loops.get());
        runtime.block_on(async {
            let id = lab.create(&name).await;
            let state = lab.store.state(&id).await.unwrap().unwrap().value;
            let mut model = Model { state, messages: vec![], lock: None };
            for (n, (store, doing)) in doings.iter().enumerate() {
                in_time(model.apply(&stores[*store], &id, n, doing)).await;
            }
            model.check(&lab, &id).await;
        });
    });
}

#[tokio::test]
async fn changes_at_once_keep_the_steps_legal_and_the_chain_whole() {
    let lab = Lab::new().await;
    let id = lab.create("a").await;
    let mut tasks = tokio::task::JoinSet::new();
    for w in 0..4u64 {
        let (store, id) = (lab.another().await, id.clone());
        tasks.spawn(async move {
            let mut written = 0;
            for n in 0..40 {
                let step = match (w + n) % 4 {
                    0 => Step::Admit,
                    1 => cancel(),
                    2 => Step::Retry { reason: "r".into(), from: RetryFrom::Fresh },
                    _ => Step::Accept { reason: "r".into() },
                };
                match take_step(&store, &id, step).await {
                    Ok(_) => written += 1,
                    Err(ChangeError::Refused(No)) => {}
                    other => panic!("{other:?}"),
                }
            }
            written
        });
    }
    let written: usize = in_time(tasks.join_all()).await.into_iter().sum();
    let entries = lab.journal(&id).await;
    assert_eq!(entries.len(), 1 + written);
    // The states of the journal follow each other, and end at the one that is stored.
    let mut at = None;
    for entry in &entries {
        let Some(Payload::Transition { from, to, .. }) = &entry.draft.payload else { panic!() };
        assert_eq!(*from, at);
        at = Some(*to);
    }
    let stored: Versioned<StateRecord> = lab.store.state(&id).await.unwrap().unwrap();
    assert_eq!(at, Some(stored.value.state));
}
