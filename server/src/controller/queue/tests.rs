//! Time is paused: it moves on only when nothing else can.

use std::collections::HashMap;
use std::sync::Arc;

use futures::FutureExt as _;
use proptest::prelude::*;
use tokio::time::advance;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn queue() -> Queue<u8> {
    Queue::new(Backoff { initial: SECOND, most: 8 * SECOND })
}

#[tokio::test(start_paused = true)]
async fn a_key_in_hand_is_kept_for_after() {
    let queue = queue();
    queue.add(1);
    queue.add(1);
    assert_eq!(queue.get().await, 1);
    queue.add(1);
    assert_eq!(queue.get().now_or_never(), None);
    queue.done(&1);
    assert_eq!(queue.get().now_or_never(), Some(1));
    queue.done(&1);
    assert_eq!(queue.get().now_or_never(), None);
    assert!(queue.is_empty() && queue.state().keys.is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_earliest_time_wins() {
    let queue = queue();
    let start = Instant::now();
    queue.add_at(1, start + 5 * SECOND);
    queue.add_at(1, start + 2 * SECOND);
    queue.add_at(1, start + 9 * SECOND);
    queue.add_at(2, start + 3 * SECOND);
    assert_eq!(queue.get().await, 1);
    assert_eq!(start.elapsed(), 2 * SECOND);
    assert_eq!(queue.get().await, 2);
    assert_eq!(start.elapsed(), 3 * SECOND);
    queue.done(&1);
    queue.done(&2);
    assert!(queue.is_empty());
}

#[tokio::test(start_paused = true)]
async fn failures_wait_longer_up_to_the_cap_and_a_success_forgets_them() {
    let queue = queue();
    queue.add(1);
    for seconds in [1, 2, 4, 8, 8] {
        assert_eq!(queue.get().await, 1);
        queue.fail(&1);
        let failed = Instant::now();
        assert_eq!(queue.get().await, 1);
        assert_eq!(failed.elapsed(), seconds * SECOND);
        queue.add(1);
        // Put back by hand for the next turn, with its failures.
        let mut state = queue.state();
        state.keys.get_mut(&1).unwrap().in_hand = false;
        state.ready.push_back(1);
    }
    assert_eq!(queue.get().await, 1);
    queue.done(&1);
    queue.add(1);
    assert_eq!(queue.get().await, 1);
    queue.fail(&1);
    // A person's act doesn't wait for the backoff.
    queue.add(1);
    assert_eq!(queue.get().now_or_never(), Some(1));
    queue.fail(&1);
    queue.forget(&1);
    assert!(queue.state().keys.is_empty() && queue.state().later.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_waiting_get_is_woken_by_an_earlier_key() {
    let queue = Arc::new(queue());
    queue.add_at(9, Instant::now() + 100 * SECOND);
    let waiting = tokio::spawn({
        let queue = Arc::clone(&queue);
        async move { queue.get().await }
    });
    advance(SECOND).await;
    let start = Instant::now();
    queue.add_at(3, start + SECOND);
    assert_eq!(waiting.await.unwrap(), 3);
    assert_eq!(start.elapsed(), SECOND);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_tasks_never_share_a_key_and_lose_none() {
    let queue = Arc::new(Queue::<u32>::default());
    let hands = Arc::new(Mutex::new(HashMap::<u32, u32>::new()));
    let (sender, mut seen) = tokio::sync::mpsc::channel(64);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (queue, hands, sender) = (Arc::clone(&queue), Arc::clone(&hands), sender.clone());
        tasks.spawn(async move {
            loop {
                let key = queue.get().await;
                assert_eq!(hands.lock().unwrap().insert(key, 1), None);
                tokio::task::yield_now().await;
                assert_eq!(hands.lock().unwrap().remove(&key), Some(1));
                queue.done(&key);
                if sender.send(key).await.is_err() {
                    return;
                }
            }
        });
    }
    for key in 0..1000 {
        queue.add(key % 500);
    }
    let mut missing: std::collections::HashSet<_> = (0..500).collect();
    while !missing.is_empty() {
        missing.remove(&seen.recv().await.unwrap());
    }
    drop(seen);
    tasks.abort_all();
    while let Some(ended) = tasks.join_next().await {
        assert!(ended.is_ok() || ended.unwrap_err().is_cancelled());
    }
}

#[derive(Clone, Debug)]
enum Act {
    Add(u8),
    AddAt(u8, u64),
    Get,
    Done(u8),
    Fail(u8),
    Forget(u8),
    Advance(u64),
}

fn act() -> impl Strategy<Value = Act> {
    let key = 0u8..4;
    prop_oneof![
        key.clone().prop_map(Act::Add),
        (key.clone(), 0u64..20).prop_map(|(key, at)| Act::AddAt(key, at)),
        Just(Act::Get),
        Just(Act::Get),
        key.clone().prop_map(Act::Done),
        key.clone().prop_map(Act::Fail),
        key.prop_map(Act::Forget),
        (1u64..10).prop_map(Act::Advance),
    ]
}

/// The same, told in the simplest way: for each key, when it is due, and whether it is in hand.
#[derive(Default)]
struct Model {
    due: HashMap<u8, Instant>,
    in_hand: HashMap<u8, ()>,
    failures: HashMap<u8, u32>,
}

impl Model {
    fn add(&mut self, key: u8, at: Instant) {
        let due = self.due.entry(key).or_insert(at);
        *due = at.min(*due);
    }

    fn ready(&self) -> Vec<u8> {
        let now = Instant::now();
        let free = |key: &u8| !self.in_hand.contains_key(key);
        self.due.iter().filter(|(key, at)| **at <= now && free(key)).map(|(key, _)| *key).collect()
    }
}

proptest! {
    #[test]
    fn it_does_what_the_model_does(acts in prop::collection::vec(act(), 0..80)) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async move {
            let (queue, mut model) = (queue(), Model::default());
            for act in acts {
                let now = Instant::now();
                match act {
                    Act::Add(key) => { queue.add(key); model.add(key, now); }
                    Act::AddAt(key, s) => {
                        let at = now + s as u32 * SECOND;
                        queue.add_at(key, at);
                        model.add(key, at);
                    }
                    Act::Get => {
                        let ready = model.ready();
                        match queue.get().now_or_never() {
                            None => prop_assert!(ready.is_empty(), "{ready:?}"),
                            Some(key) => {
                                prop_assert!(ready.contains(&key), "{key} of {ready:?}");
                                model.due.remove(&key);
                                model.in_hand.insert(key, ());
                            }
                        }
                    }
                    Act::Done(key) => {
                        queue.done(&key);
                        if model.in_hand.remove(&key).is_some() { model.failures.remove(&key); }
                    }
                    Act::Fail(key) => {
                        queue.fail(&key);
                        if model.in_hand.remove(&key).is_some() {
                            let n = model.failures.entry(key).or_default();
                            *n += 1;
                            let wait = (SECOND * 2u32.pow((*n - 1).min(10))).min(8 * SECOND);
                            model.add(key, now + wait);
                        }
                    }
                    Act::Forget(key) => {
                        queue.forget(&key);
                        model.due.remove(&key);
                        model.failures.remove(&key);
                    }
                    Act::Advance(s) => advance(s as u32 * SECOND).await,
                }
                let state = queue.state();
                let known = state.keys.len();
                prop_assert!(state.ready.len() + state.later.len() <= known);
            }
            Ok(())
        })?;
    }
}
