//! Never more at once than allowed, whoever leads.

use futures::future::join_all;
use smith_model::id::LoopId;
use smith_model::state::State;
use smith_tests::{Layout, Options, World, world};

#[tokio::test]
async fn fifty_loops_on_two_cores_never_run_six_at_once_and_each_runs_once() {
    let layout = Layout::Apart { apis: 2, cores: 2 };
    let args = ["--max-loops", "5"].map(str::to_owned).to_vec();
    let world = World::start(Options { layout, args, ..Options::default() }).await;
    let repository = world.repository("many");
    // The cheapest agent and gate there are, so that what is measured is Smith: one process of `sh` each.
    let runs = world.file("runs");
    let agent = format!("echo x >x.txt; echo \"$SMITH_LOOP_ID\" >>'{}'", runs.display());
    let requests: Vec<_> = (0..50)
        .map(|n| world::request(&format!("n-{n}"), &repository, &agent, &["true"]))
        .collect();
    let mut ids = join_all(requests.iter().map(|request| world.create(request))).await;
    for id in &ids {
        let item = world.ends(id, State::Synced).await;
        assert_eq!((item.record.attempt, item.record.uncounted_attempts), (1, 0), "{id}");
    }
    let told = std::fs::read_to_string(&runs).unwrap();
    let mut ran: Vec<&str> = told.lines().collect();
    ran.sort_unstable();
    ids.sort();
    assert_eq!(ran, ids.iter().map(LoopId::as_str).collect::<Vec<_>>(), "each ran once");
    let history = world.finish().await;
    assert_eq!(history.most_running(), 5);
}
