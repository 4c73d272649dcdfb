//! Random crashes: in every round one process after the other is killed, or stopped for longer than its lease, while jobs run.
//!
//! `SMITH_CHAOS_ROUNDS` (8) and `SMITH_CHAOS_SEED` (drawn, and printed) say how much and which.

use std::time::Duration;

use rustix::process::Signal;
use smith_tests::process::{self, Seen};
use smith_tests::{Etcd, Layout, Options, World};

use crate::job::{Expected, Job};
use crate::survive::insist;

/// Longer than the lease of a worker and than the leadership of a core.
const BEYOND_THE_LEASE: Duration = Duration::from_millis(3500);
/// How long etcd is away.
const OUTAGE: Duration = Duration::from_secs(10);
/// Blows in each round.
const BLOWS: u64 = 4;

/// What happens to whom.
#[derive(Clone, Copy, Debug)]
enum Blow {
    /// A server is killed, and started again.
    KillServer,
    /// A server stands still for a while.
    StopServer,
    /// A worker is killed.
    KillReplica,
    /// A worker stands still until another one has its work.
    StopReplica,
    /// The process that runs its agent is killed.
    KillHost,
    /// etcd is killed, and started again after a while.
    StopEtcd,
}

/// A small generator of its own: the same seed gives the same blows with every version of every crate.
struct Dice(u64);

impl Dice {
    /// A number below `n`.
    fn below(&mut self, n: u64) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n
    }

    fn pause(&mut self) -> Duration {
        Duration::from_millis(100 + self.below(900))
    }

    fn blow(&mut self) -> Blow {
        match self.below(12) {
            0..=2 => Blow::KillServer,
            3..=4 => Blow::StopServer,
            5..=7 => Blow::KillReplica,
            8 => Blow::StopReplica,
            9..=10 => Blow::KillHost,
            _ => Blow::StopEtcd,
        }
    }
}

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
    let rounds: u64 = told("SMITH_CHAOS_ROUNDS").unwrap_or(8);
    let drawn = || u64::from(uuid::Uuid::new_v4().as_fields().0);
    let seed = told("SMITH_CHAOS_SEED").unwrap_or_else(drawn);
    eprintln!("SMITH_CHAOS_SEED={seed} SMITH_CHAOS_ROUNDS={rounds} ({layout:?})");
    let mut dice = Dice(seed.wrapping_mul(2).wrapping_add(stream));
    let etcd = Some(Etcd::private(&[]).await);
    let mut world = World::start(Options { layout, etcd, ..Options::default() }).await;
    for round in 1..=rounds.div_ceil(2) {
        let jobs = [
            (Job::new(&world, &format!("long-{round}"), 3, Expected::Synced), Expected::Synced),
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
                let blow = dice.blow();
                eprintln!("round {round}: {blow:?}");
                strike(&mut world, blow, &mut dice).await;
            }
        };
        tokio::join!(ended, blows);
        for (job, expected) in &jobs {
            job.check(*expected).await;
        }
    }
    world.finish().await;
}

async fn strike(world: &mut World, blow: Blow, dice: &mut Dice) {
    let settings = world.settings.clone();
    let hosts = |world: &World| -> Vec<Seen> {
        let mut seen = process::below(world.dir());
        seen.retain(|p| p.line.contains(" host --socket "));
        seen
    };
    match blow {
        Blow::KillServer | Blow::StopServer => {
            let n = dice.below((world.servers.len() + world.cores.len()) as u64) as usize;
            let pause = dice.pause();
            let server = world.servers.iter_mut().chain(&mut world.cores).nth(n).expect("a server");
            match blow {
                Blow::KillServer => {
                    server.process.kill().await;
                    tokio::time::sleep(pause).await;
                    server.start_again(&settings).await;
                }
                _ => {
                    server.process.signal(Signal::STOP);
                    tokio::time::sleep(BEYOND_THE_LEASE).await;
                    server.process.signal(Signal::CONT);
                }
            }
        }
        Blow::KillReplica => kill_one(&world.replicas(), dice),
        Blow::KillHost => kill_one(&hosts(world), dice),
        Blow::StopReplica => {
            let replicas = world.replicas();
            let Some(one) = pick(&replicas, dice) else { return };
            process::signal(one.pid, Signal::STOP);
            // Sometimes its loop is another's by then, sometimes it is found by who ends it.
            tokio::time::sleep(BEYOND_THE_LEASE + dice.pause()).await;
            if process::below(world.dir()).contains(one) {
                process::signal(one.pid, Signal::CONT);
            }
        }
        Blow::StopEtcd => {
            world.etcd.stop().await;
            tokio::time::sleep(OUTAGE).await;
            world.etcd.start_again().await;
        }
    }
}

fn pick<'a>(seen: &'a [Seen], dice: &mut Dice) -> Option<&'a Seen> {
    (!seen.is_empty()).then(|| &seen[dice.below(seen.len() as u64) as usize])
}

fn kill_one(seen: &[Seen], dice: &mut Dice) {
    if let Some(one) = pick(seen, dice) {
        process::signal(one.pid, Signal::KILL);
    }
}
