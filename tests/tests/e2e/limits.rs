//! Never more at once than allowed, whoever leads.

use futures::future::join_all;
use smith_model::state::State;
use smith_tests::{Layout, Options, World, world};

#[tokio::test]
async fn twenty_loops_on_two_cores_never_run_six_at_once_and_each_runs_once() {
    let layout = Layout::Apart { apis: 2, cores: 2 };
    let args = ["--max-loops", "5"].map(str::to_owned).to_vec();
    let world = World::start(Options { layout, args, ..Options::default() }).await;
    let repository = world.repository("many");
    let agent = world.agent("write", "echo x >x.txt");
    let ids = (0..20).map(|n| world::request(&format!("n-{n}"), &repository, &agent, &["true"]));
    let ids: Vec<_> =
        join_all(ids.map(|r| async move { r }).map(|r| async { world.create(&r.await).await }))
            .await;
    for id in &ids {
        let item = world.ends(id, State::Synced).await;
        assert_eq!((item.record.attempt, item.record.uncounted_attempts), (1, 0), "{id}");
    }
    let history = world.finish().await;
    assert_eq!(history.most_running(), 5);
}

#[tokio::test]
async fn another_core_takes_over_when_the_leader_dies() {
    let layout = Layout::Apart { apis: 1, cores: 2 };
    let mut world = World::start(Options { layout, ..Options::default() }).await;
    let repository = world.repository("over");
    let agent = world.agent("write", "echo x >x.txt");
    let first = world.create(&world::request("first", &repository, &agent, &["true"])).await;
    world.ends(&first, State::Synced).await;
    let admitted = world.client().trace(&first).await.unwrap().journal;
    let leader =
        admitted.iter().find(|e| e.actor.kind == smith_model::journal::ActorKind::Core).unwrap();
    let pid: i32 = leader.actor.id.rsplit('-').next().unwrap().parse().unwrap();
    let dead = world.cores.iter_mut().find(|core| core.process.pid() == Some(pid)).unwrap();
    dead.process.kill().await;
    let second = world.create(&world::request("second", &repository, &agent, &["true"])).await;
    world.ends(&second, State::Synced).await;
    world.finish().await;
}
