//! The leading core dies, or stands still, while its workers run: another one leads, and nothing is done twice.

use std::time::Duration;

use rustix::process::Signal;
use smith_model::id::LoopId;
use smith_model::journal::{Actor, ActorKind, Payload};
use smith_model::state::State;
use smith_tests::{Fifo, Layout, Options, World, wait, world};

use crate::crash::Scene;

/// Two cores on one machine; each has a directory, and so a local runtime, of its own.
fn two_cores() -> Options {
    Options { layout: Layout::Apart { apis: 1, cores: 2 }, ..Options::default() }
}

/// The core that admitted the loop's newest attempt, by the journal.
async fn who_admitted(world: &World, id: &LoopId) -> Actor {
    let journal = wait::journal(&world.client(), id).await;
    let admitted = journal.iter().rfind(|entry| {
        let to = |payload: &Payload| matches!(payload, Payload::Transition { to, .. } if *to == State::Overwriting);
        entry.draft.payload.as_ref().is_some_and(to)
    });
    let actor = admitted.expect("an admission").actor.clone();
    assert_eq!(actor.kind, ActorKind::Core);
    actor
}

/// Which of the world's cores somebody is, by its process.
fn number(world: &World, core: &Actor) -> usize {
    let pid = core.id.rsplit('-').next().unwrap().parse().unwrap();
    let found = world.cores.iter().position(|core| core.process.pid() == Some(pid));
    found.expect("a core of this world")
}

/// Has a loop done from its admission to its end; answers the core that admitted it.
async fn leads(world: &World, name: &str) -> Actor {
    let repository = world.repository(name);
    let request = world::request(name, &repository, "echo x >x.txt", &["true"]);
    let id = world.create(&request).await;
    world.ends(&id, State::Synced).await;
    who_admitted(world, &id).await
}

/// Waits until the `n`-th core has removed what the loop's first worker left.
async fn cleans(world: &World, n: usize, id: &LoopId) {
    let left = world.dir().join(format!("core{n}/workers/smith-{id}-r1a1"));
    let removed = async {
        while left.exists() {
            // No stream tells it, and a directory can't be waited for.
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    smith_tests::in_time(format!("the removal of {}", left.display()), removed).await;
}

#[tokio::test]
async fn a_leader_that_dies_in_mid_work_is_followed_and_adopts_its_workers_when_it_is_back() {
    let mut scene = Scene::at_its_second_story("over", two_cores()).await;
    let first = number(&scene.world, &who_admitted(&scene.world, &scene.id).await);
    let replicas = scene.world.replicas();
    assert_eq!(replicas.len(), 1, "{replicas:#?}");
    scene.world.cores[first].process.kill().await;
    let second = number(&scene.world, &leads(&scene.world, "by-the-second").await);
    assert_ne!(first, second);

    // The one that leads now can't see the worker, and doesn't take it for gone.
    let client = scene.world.client();
    let attempts = client.attempts(&scene.id).await.unwrap().items;
    assert_eq!(attempts.len(), 1, "{attempts:#?}");
    assert_eq!((&attempts[0].end, attempts[0].gone_at), (&None, None), "{attempts:#?}");
    assert!(scene.world.replicas().contains(&replicas[0]), "the worker runs on");

    // Back, it stands by; when it leads again it knows its worker.
    let settings = scene.world.settings.clone();
    scene.world.cores[first].start_again(&settings).await;
    scene.world.cores[second].process.kill().await;
    let third = leads(&scene.world, "by-the-first").await;
    assert_eq!(number(&scene.world, &third), first);
    assert!(scene.world.replicas().contains(&replicas[0]), "the worker was adopted");
    scene.go.say("on").await;
    let record = scene.world.ends(&scene.id, State::Synced).await.record;
    assert_eq!((record.attempt, record.uncounted_attempts), (1, 0));
    cleans(&scene.world, first, &scene.id).await;
    assert!(!scene.began.has_line().await, "no story was begun again");
    scene.ends_well().await;
}

#[tokio::test]
async fn a_loop_goes_on_to_its_end_while_the_core_that_started_its_worker_is_dead() {
    let mut scene = Scene::at_its_second_story("without", two_cores()).await;
    let first = number(&scene.world, &who_admitted(&scene.world, &scene.id).await);
    scene.world.cores[first].process.kill().await;
    let second = leads(&scene.world, "by-the-second").await;
    scene.go.say("on").await;
    let record = scene.world.ends(&scene.id, State::Synced).await.record;
    assert_eq!((record.attempt, record.uncounted_attempts), (1, 0));
    // Only who owns the worker can remove it.
    let left = scene.world.dir().join(format!("core{first}/workers/smith-without-r1a1"));
    assert!(left.is_dir());
    let second = number(&scene.world, &second);
    let settings = scene.world.settings.clone();
    scene.world.cores[first].start_again(&settings).await;
    scene.world.cores[second].process.kill().await;
    cleans(&scene.world, first, &scene.id).await;
    scene.ends_well().await;
}

#[tokio::test]
async fn a_leader_that_stood_still_beyond_its_lease_does_nothing_when_it_comes_back() {
    // One place: what the first one believes to be free when it wakes was given away by the second one.
    let args = ["--max-loops", "1"].map(str::to_owned).to_vec();
    let mut scene = Scene::at_its_second_story("stopped", Options { args, ..two_cores() }).await;
    let first = number(&scene.world, &who_admitted(&scene.world, &scene.id).await);
    let mut began = Fifo::create(&scene.world.file("next-began"));
    let mut go = Fifo::create(&scene.world.file("next-go"));
    let agent = format!("echo began >{}; read word <{}; echo x >x.txt", began.path(), go.path());
    let repository = scene.world.repository("next");
    let next = world::request("next", &repository, &agent, &["true"]);
    let next = scene.world.create(&next).await;

    scene.world.cores[first].process.signal(Signal::STOP);
    scene.go.say("on").await;
    scene.world.ends(&scene.id, State::Synced).await;
    // Only another leader gives the place to the next one: the lease of the first one is over.
    assert_eq!(began.line().await, "began");
    let second = number(&scene.world, &who_admitted(&scene.world, &next).await);
    assert_ne!(first, second);

    // It wakes, hears that its worker ended, and still sees `next` as one that waits.
    scene.world.cores[first].process.signal(Signal::CONT);
    go.say("on").await;
    let record = scene.world.ends(&next, State::Synced).await.record;
    assert_eq!((record.attempt, record.uncounted_attempts), (1, 0));
    // Its turn comes only when the second one is gone; then it sees to what it left.
    scene.world.cores[second].process.kill().await;
    cleans(&scene.world, first, &scene.id).await;
    assert!(!began.has_line().await, "it ran once");
    assert!(!scene.began.has_line().await, "no story was begun again");
    // Whether a core ever wrote while another one led is seen over the whole history.
    scene.ends_well().await;
}
