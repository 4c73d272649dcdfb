//! Answers and requests that are lost on the way: nothing is doubled, and nothing that was told is lost.

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tokio::task::JoinSet;

use super::proxy::{Fate, Proxy};
use super::*;

struct Between {
    lab: Lab,
    proxy: Proxy,
    store: Store,
    id: LoopId,
}

/// A store that reaches etcd through a proxy and remembers the loop.
async fn between() -> Between {
    let lab = Lab::new().await;
    let id = lab.create("a").await;
    let proxy = Proxy::to(&lab.etcd.url).await;
    let store = lab.through(&proxy).await;
    append(&store, &id, "remembered").await.unwrap();
    Between { lab, proxy, store, id }
}

#[tokio::test]
async fn a_lost_answer_is_looked_up() {
    let Between { lab, proxy, store, id } = between().await;
    proxy.nth(0, Fate::LoseAnswer);
    let before = proxy.requests();
    let committed = in_time(append(&store, &id, "once")).await.unwrap();
    assert_eq!(proxy.requests() - before, 2, "the transaction and the look");
    // The look's answer may be lost too.
    proxy.plan(|n| if n < 4 { Fate::LoseAnswer } else { Fate::Pass });
    let later = in_time(append(&store, &id, "twice")).await.unwrap();
    assert!(later.revision > committed.revision);
    assert_eq!(lab.messages(&id).await[2..], ["once", "twice"]);
    // What it remembers is right: no read before the next one.
    let before = proxy.requests();
    append(&store, &id, "next").await.unwrap();
    assert_eq!(proxy.requests() - before, 1);
}

#[tokio::test]
async fn a_lost_read_is_read_again() {
    let Between { lab, proxy, id, .. } = between().await;
    let store = lab.through(&proxy).await;
    proxy.plan(|n| if n < 3 { Fate::LoseAnswer } else { Fate::Pass });
    in_time(append(&store, &id, "once")).await.unwrap();
    assert_eq!(lab.messages(&id).await[2..], ["once"]);
}

#[tokio::test]
async fn a_lost_request_is_sent_again() {
    let Between { lab, proxy, store, id } = between().await;
    for n in 0..3 {
        proxy.nth(0, Fate::LoseRequest);
        in_time(append(&store, &id, &n.to_string())).await.unwrap();
    }
    assert_eq!(lab.messages(&id).await[2..], ["0", "1", "2"]);
}

#[tokio::test]
async fn a_request_that_arrives_after_its_repetition_changes_nothing() {
    let Between { lab, proxy, store, id } = between().await;
    proxy.nth(0, Fate::Late);
    in_time(append(&store, &id, "once")).await.unwrap();
    proxy.release().await;
    append(&store, &id, "next").await.unwrap();
    assert_eq!(lab.messages(&id).await[2..], ["once", "next"]);
}

#[tokio::test]
async fn a_request_that_arrives_between_a_look_and_its_repetition_counts_once() {
    let Between { lab, proxy, store, id } = between().await;
    // The look finds nothing, and the repetition is lost; then the first one arrives.
    proxy.plan(|n| if n == 0 || n == 2 { Fate::Late } else { Fate::Pass });
    let appending = tokio::spawn({
        let (store, id) = (store.clone(), id.clone());
        async move { append(&store, &id, "once").await }
    });
    proxy.nth_came(2).await;
    proxy.release().await;
    in_time(appending).await.unwrap().unwrap();
    proxy.release().await;
    assert_eq!(lab.messages(&id).await[2..], ["once"]);
}

#[tokio::test]
async fn a_lost_answer_beside_another_writer() {
    let Between { lab, proxy, store, id } = between().await;
    // The first store's request is lost, and another's entry stands where it would have been.
    let another = lab.another().await;
    append(&another, &id, "before").await.unwrap();
    let decided = std::sync::atomic::AtomicUsize::new(0);
    proxy.nth(0, Fate::LoseRequest);
    let decide = |snapshot: &Snapshot| {
        decided.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        Ok::<_, No>(write(says(format!("at {}", snapshot.head.value.next)), ()))
    };
    in_time(store.change(&id, now(), decide)).await.unwrap();
    assert_eq!(lab.messages(&id).await[2..], ["before", "at 4"]);
    // And: it was committed, and another wrote after it before it looked.
    proxy.nth(0, Fate::LoseAnswer);
    let (mine, theirs) = tokio::join!(append(&store, &id, "mine"), append(&another, &id, "theirs"));
    let (mine, theirs) = (mine.unwrap().revision, theirs.unwrap().revision);
    let expected = if mine < theirs { ["mine", "theirs"] } else { ["theirs", "mine"] };
    assert_eq!(lab.messages(&id).await[4..], expected);
}

#[tokio::test]
async fn evidence_without_an_entry_is_taken_once() {
    let Between { lab, proxy, store, id } = between().await;
    // As a worker's outbox does it: what was taken is known by the client's sequence.
    let decide = |snapshot: &Snapshot| {
        let head = &snapshot.head.value;
        if head.accepted >= 3 {
            return Ok::<_, No>(Decision::Done(()));
        }
        let change = Change { accepted: Some((NO, 3)), artifact_bytes: 10, ..Change::default() };
        Ok(write(change, ()))
    };
    proxy.nth(0, Fate::LoseAnswer);
    for _ in 0..2 {
        in_time(store.change(&id, now(), decide)).await.unwrap();
        let head = lab.store.snapshot(&id).await.unwrap().head.value;
        assert_eq!((head.accepted, head.artifact_bytes, head.next), (3, 10, 3));
    }
}

#[tokio::test]
async fn a_change_waits_while_etcd_is_away() {
    let mut lab = Lab::on(Etcd::private().await).await;
    let id = lab.create("a").await;
    append(&lab.store, &id, "remembered").await.unwrap();
    lab.etcd.down();
    let waiting = tokio::spawn({
        let (store, id) = (lab.store.clone(), id.clone());
        async move { append(&store, &id, "once").await }
    });
    tokio::task::yield_now().await;
    lab.etcd.up().await;
    in_time(waiting).await.unwrap().unwrap();
    assert_eq!(lab.messages(&id).await[1..], ["remembered", "once"]);
}

#[tokio::test]
async fn an_etcd_that_stays_away_is_an_unknown_outcome_in_bounded_time() {
    let Between { lab, proxy, store, id } = between().await;
    proxy.plan(|_| Fate::LoseRequest);
    // One that waits behind another isn't kept for longer.
    let began = tokio::time::Instant::now();
    let (first, second) = tokio::join!(append(&store, &id, "lost"), append(&store, &id, "behind"));
    let took = began.elapsed();
    let first = store_error(first);
    assert!(matches!(first, Error::Unknown { .. }), "{first:?}");
    let second = store_error(second);
    assert!(matches!(second, Error::Contended), "{second:?}");
    assert!(took < crate::store::txn::DEADLINE * 3 / 2, "{took:?}");
    proxy.plan(|_| Fate::Pass);
    in_time(append(&store, &id, "after")).await.unwrap();
    assert_eq!(lab.messages(&id).await[2..], ["after"]);
}

#[tokio::test]
async fn many_writers_over_a_bad_line_lose_and_double_nothing() {
    const WRITERS: u64 = 4;
    const EACH: usize = 40;
    let lab = Lab::new().await;
    let id = lab.create("a").await;
    let seed = rand::random::<u64>();
    println!("seed {seed}");
    let mut tasks = JoinSet::new();
    for w in 0..WRITERS {
        let proxy = Proxy::to(&lab.etcd.url).await;
        let (store, id) = (lab.through(&proxy).await, id.clone());
        let mut rng = StdRng::seed_from_u64(seed.wrapping_add(w));
        proxy.plan(move |_| match rng.random_range(0..10) {
            0 | 1 => Fate::LoseAnswer,
            2 => Fate::LoseRequest,
            _ => Fate::Pass,
        });
        tasks.spawn(async move {
            let _proxy = proxy;
            let mut told = vec![];
            for n in 0..EACH {
                let message = format!("{w} {n}");
                let committed = append(&store, &id, &message).await.unwrap();
                told.push((committed.revision, message));
            }
            told
        });
    }
    let mut expected: Vec<_> = in_time(tasks.join_all()).await.into_iter().flatten().collect();
    expected.sort();
    let expected: Vec<_> = expected.into_iter().map(|(_, message)| message).collect();
    assert_eq!(lab.messages(&id).await[1..], expected);
}
