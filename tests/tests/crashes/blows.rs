//! Blows against the processes of a world: a deck of them, shuffled by a seed, and what each does.
//!
//! A blow that found nobody would prove nothing, so each looks for its victim until there is one.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt as _;
use std::time::Duration;

use etcd_client::{EventType, GetOptions, WatchOptions};
use rustix::process::Signal;
use smith_model::attempt::{AttemptRecord, LockRecord};
use smith_model::failure::FailureClass;
use smith_model::id::LoopId;
use smith_tests::process::{self, Held, Seen};
use smith_tests::{World, in_time};

/// Longer than the lease of a worker and than the leadership of a core.
const BEYOND_THE_LEASE: Duration = Duration::from_millis(3500);
/// How long etcd is away.
const OUTAGE: Duration = Duration::from_secs(10);

/// What happens to whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Blow {
    /// A server is killed, and started again.
    KillServer,
    /// A server stands still for a while.
    StopServer,
    /// A worker is killed.
    KillReplica,
    /// A worker stands still until its lease has run out, and sometimes until another one has its work.
    StopReplica,
    /// The process that runs its agent is killed.
    KillHost,
    /// etcd is killed, and started again after a while.
    StopEtcd,
}

/// Every blow, as often as it is in a deck.
const DECK: [(Blow, usize); 6] = [
    (Blow::KillServer, 3),
    (Blow::StopServer, 2),
    (Blow::KillReplica, 3),
    (Blow::StopReplica, 1),
    (Blow::KillHost, 2),
    (Blow::StopEtcd, 1),
];

/// A small generator of its own: the same seed gives the same blows with every version of every crate.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `n`.
    fn below(&mut self, n: usize) -> usize {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % n as u64) as usize
    }

    pub(crate) fn pause(&mut self) -> Duration {
        Duration::from_millis(100 + self.below(900) as u64)
    }
}

/// The blows that are still to be dealt, so that which kinds there are isn't left to luck.
#[derive(Default)]
pub(crate) struct Deck(Vec<Blow>);

impl Deck {
    /// The next one; an empty deck is shuffled anew.
    pub(crate) fn deal(&mut self, dice: &mut Dice) -> Blow {
        if self.0.is_empty() {
            self.0 = DECK.iter().flat_map(|(blow, n)| std::iter::repeat_n(*blow, *n)).collect();
            for n in (1..self.0.len()).rev() {
                self.0.swap(n, dice.below(n + 1));
            }
        }
        self.0.pop().expect("a deck holds blows")
    }
}

/// What was struck.
#[derive(Debug, Default)]
pub(crate) struct Struck {
    /// How often each kind hit a process.
    pub(crate) blows: BTreeMap<Blow, usize>,
    /// The workers whose lease ran out while they stood still.
    pub(crate) fenced: Vec<String>,
}

impl Struck {
    /// The kinds that hit nobody.
    pub(crate) fn missing(&self) -> Vec<Blow> {
        DECK.map(|(blow, _)| blow).into_iter().filter(|b| !self.blows.contains_key(b)).collect()
    }
}

/// Strikes; this returns when the process was hit and is itself again, where that is part of the blow.
pub(crate) async fn strike(world: &mut World, blow: Blow, dice: &mut Dice, struck: &mut Struck) {
    match blow {
        Blow::KillServer => kill_server(world, dice).await,
        Blow::StopServer => stop_server(world, dice).await,
        Blow::KillReplica => kill_one(world, dice, World::replicas).await,
        Blow::KillHost => kill_one(world, dice, hosts).await,
        Blow::StopReplica => {
            let what = "a worker that stands still beyond its lease";
            struck.fenced.push(in_time(what, stop_replica(world, dice)).await);
        }
        Blow::StopEtcd => {
            world.etcd.stop().await;
            tokio::time::sleep(OUTAGE).await;
            world.etcd.start_again().await;
        }
    }
    *struck.blows.entry(blow).or_default() += 1;
}

async fn kill_server(world: &mut World, dice: &mut Dice) {
    let settings = world.settings.clone();
    let n = dice.below(world.servers.len() + world.cores.len());
    let pause = dice.pause();
    let server = world.servers.iter_mut().chain(&mut world.cores).nth(n).expect("a server");
    server.process.signal(Signal::KILL);
    let status = server.process.ended().await;
    assert_eq!(status.signal(), Some(Signal::KILL.as_raw()), "{}", server.process.tail());
    tokio::time::sleep(pause).await;
    server.start_again(&settings).await;
}

async fn stop_server(world: &mut World, dice: &mut Dice) {
    let n = dice.below(world.servers.len() + world.cores.len());
    let server = world.servers.iter().chain(&world.cores).nth(n).expect("a server");
    let held = server.process.hold().expect("a server runs");
    assert!(held.stop().await, "{} ended:\n{}", server.process.name(), server.process.tail());
    tokio::time::sleep(BEYOND_THE_LEASE).await;
    held.go_on();
}

/// The processes that run agents and gates.
fn hosts(world: &World) -> Vec<Seen> {
    let mut seen = process::below(world.dir());
    seen.retain(|p| p.line.contains(" host --socket "));
    seen
}

/// Kills one of those that there are, as soon as there is one.
async fn kill_one(world: &World, dice: &mut Dice, victims: impl Fn(&World) -> Vec<Seen>) {
    let killed = async {
        loop {
            let seen = victims(world);
            if !seen.is_empty()
                && let Some(held) = Held::take(&seen[dice.below(seen.len())])
                && held.kill().await
            {
                return;
            }
            // Between two attempts there is none, and processes can't be waited for before they are.
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    in_time("a process to kill", killed).await;
}

/// Stops a worker that holds its lock until its lease has run out; answers its name.
async fn stop_replica(world: &World, dice: &mut Dice) -> String {
    loop {
        let replicas = world.replicas();
        let locks = locks(world).await;
        let is_of = |seen: &Seen, name: &str| {
            seen.line.split(' ').any(|word| word.ends_with(&format!("/workers/{name}")))
        };
        let both = locks.iter().filter_map(|(id, lock)| {
            let name = lock.no.worker_name(id);
            replicas.iter().find(|seen| is_of(seen, &name)).map(|seen| (id, lock, name, seen))
        });
        let both: Vec<_> = both.collect();
        if !both.is_empty() {
            let (id, lock, name, seen) = &both[dice.below(both.len())];
            if let Some(held) = Held::take(seen)
                && held.stop().await
            {
                let fenced = lapses(world, id, lock).await;
                if fenced {
                    // Sometimes it wakes to claim again, sometimes its loop is another's by then.
                    tokio::time::sleep(dice.pause() * 3).await;
                }
                held.go_on();
                if fenced {
                    return name.clone();
                }
            }
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// The locks that are held.
async fn locks(world: &World) -> Vec<(LoopId, LockRecord)> {
    let below = format!("{}/live/locks/", world.settings.prefix);
    let options = GetOptions::new().with_prefix();
    let found = world.etcd.client().await.get(below.clone(), Some(options)).await.expect("locks");
    let read = |kv: &etcd_client::KeyValue| {
        let id = kv.key_str().ok()?.strip_prefix(&below)?.parse().ok()?;
        Some((id, serde_json::from_slice(kv.value()).ok()?))
    };
    found.kvs().iter().filter_map(read).collect()
}

/// Waits until the lock of a worker that stands still is gone. Did it go by the end of its lease?
async fn lapses(world: &World, id: &LoopId, lock: &LockRecord) -> bool {
    let mut etcd = world.etcd.client().await;
    let prefix = &world.settings.prefix;
    let key = format!("{prefix}/live/locks/{id}");
    let found = etcd.get(key.clone(), None).await.expect("the lock");
    let is_its =
        |value: &[u8]| serde_json::from_slice::<LockRecord>(value).is_ok_and(|l| l == *lock);
    if !found.kvs().iter().any(|kv| is_its(kv.value())) {
        return false;
    }
    let next = found.header().expect("a header").revision() + 1;
    let options = WatchOptions::new().with_start_revision(next);
    let mut events = etcd.watch(key, Some(options)).await.expect("a watch");
    loop {
        let answer = events.message().await.expect("events").expect("the watch goes on");
        if answer.events().iter().any(|event| event.event_type() == EventType::Delete) {
            break;
        }
    }
    // A worker that was just finishing gave it up itself.
    let key = format!("{prefix}/attempts/{id}/{}", lock.no.key());
    let found = etcd.get(key, None).await.expect("the attempt");
    let record = found.kvs().first().expect("the attempt's record");
    let record: AttemptRecord = serde_json::from_slice(record.value()).expect("a record");
    record.end.is_none_or(|end| end.class == Some(FailureClass::WorkerLost))
}
