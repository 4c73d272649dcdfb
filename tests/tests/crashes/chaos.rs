//! Random crashes: in every round one process after the other is killed, or stopped for longer than its lease, while jobs run.
//!
//! `SMITH_CHAOS_ROUNDS` (8) and `SMITH_CHAOS_SEED` (drawn, and printed) say how much and which.

use smith_tests::{Etcd, Layout, Options, World};

use crate::blows::{Deck, Dice, Struck, strike};
use crate::job::{Expected, Job};
use crate::survive::insist;

/// Blows in each round.
const BLOWS: u64 = 4;
/// From so many rounds on every kind of blow is dealt in either world.
const ENOUGH_ROUNDS: u64 = 8;

#[tokio::test]
async fn chaos_around_smithd() {
    chaos(Layout::Together, 1).await;
}

#[tokio::test]
async fn chaos_around_apis_and_cores() {
    chaos(Layout::Apart { apis: 2, cores: 2 }, 2).await;
}

/// Half of the rounds, in one world.
async fn chaos(layout: Layout, stream: u64) {
    let told = |name: &str| std::env::var(name).ok().map(|v| v.parse().expect("a number"));
    let rounds: u64 = told("SMITH_CHAOS_ROUNDS").unwrap_or(ENOUGH_ROUNDS);
    let drawn = || u64::from(uuid::Uuid::new_v4().as_fields().0);
    let seed = told("SMITH_CHAOS_SEED").unwrap_or_else(drawn);
    let which = format!("SMITH_CHAOS_SEED={seed} SMITH_CHAOS_ROUNDS={rounds} ({layout:?})");
    eprintln!("{which}");
    let mut dice = Dice::new(seed.wrapping_mul(2).wrapping_add(stream));
    let (mut deck, mut struck) = (Deck::default(), Struck::default());
    let etcd = Some(Etcd::private(&[]).await);
    let mut world = World::start(Options { layout, etcd, ..Options::default() }).await;
    for round in 1..=rounds.div_ceil(2) {
        // The long one isn't done before all blows are dealt, so that each finds somebody at work.
        let dealt = world.file(&format!("dealt-{round}"));
        let long = Job::new(&world, &format!("long-{round}"), 3, Expected::Synced);
        let jobs = [
            (long.waits_for(&world, &dealt), Expected::Synced),
            (Job::new(&world, &format!("short-{round}"), 1, Expected::Synced), Expected::Synced),
            (
                Job::new(&world, &format!("never-{round}"), 1, Expected::Flatline),
                Expected::Flatline,
            ),
        ];
        let client = world.client();
        let ended = async {
            let each = jobs.iter().map(|(job, expected)| {
                let client = client.clone();
                async move {
                    insist(|| client.create_loop(&job.request, None)).await.expect("a loop");
                    job.ends(&client, *expected).await;
                }
            });
            futures::future::join_all(each).await;
        };
        let blows = async {
            for _ in 0..BLOWS {
                tokio::time::sleep(dice.pause()).await;
                let blow = deck.deal(&mut dice);
                eprintln!("round {round}: {blow:?}");
                strike(&mut world, blow, &mut dice, &mut struck).await;
            }
            std::fs::write(&dealt, "").expect("a file");
        };
        tokio::join!(ended, blows);
        for (job, expected) in &jobs {
            job.check(*expected).await;
        }
    }
    let history = world.finish().await;
    let lapses = history.lapses();
    let is_told = |name: &&String| lapses.iter().any(|lock| lock.holder == **name);
    let fenced: Vec<_> = struck.fenced.iter().filter(is_told).collect();
    eprintln!(
        "{which}: {:?} hit, {} leases ran out, fenced: {fenced:?}",
        struck.blows,
        lapses.len()
    );
    assert_eq!(fenced.len(), struck.fenced.len(), "of {:?}, {lapses:#?}", struck.fenced);
    if rounds >= ENOUGH_ROUNDS {
        assert_eq!(struck.missing(), [], "each kind of blow hits somebody");
        assert!(!fenced.is_empty(), "no worker was fenced");
    }
}
