//! Processes die under those who are attached.

use smith_model::journal::Payload;
use smith_model::state::State;
use smith_model::terminal::{Mode, Session};
use smith_term::message::EndReason;
use smith_tests::watcher::{Said, target};
use smith_tests::{AliveFile, Layout, Options, Watcher, in_time, process, wait};

use super::Scene;

#[tokio::test]
async fn a_killed_api_costs_nothing_of_what_its_clients_see() {
    let layout = Layout::Apart { apis: 2, cores: 1 };
    let options = Options { layout, ..Options::default() };
    let lines = r#"
        n=0
        while read word <$go; do
            n=$((n + 1)); echo "line $n"; echo "$n" >$began
            test "$word" != end || break
        done
        echo x >x.txt"#;
    let mut scene = Scene::begun("killed", options, lines, &["true"]).await;
    let [first, second] = [1, 0].map(|n| scene.world.client_at(n, scene.world.token()));
    let terminal = first.terminal(target(&scene.id, Session::Agent, Mode::Read)).or(second);
    let mut watcher = Watcher::welcomed(terminal).await;
    for n in 1..=60 {
        scene.go.say("on").await;
        assert_eq!(scene.began.line().await, n.to_string());
    }
    watcher.shows("line 60").await;
    let at = watcher.position();
    scene.world.servers[1].process.kill().await;
    // While nobody is attached, the agent goes on.
    for n in 61..=90 {
        scene.go.say("on").await;
        assert_eq!(scene.began.line().await, n.to_string());
    }
    watcher.shows("line 90").await;
    assert_eq!(watcher.losses, 1);
    assert_eq!(watcher.welcome.from, at, "it went on where it was, without a snapshot");
    let all: Vec<String> = (1..=90).map(|n| format!("line {n}")).collect();
    let text = watcher.text();
    let lines: Vec<&str> = text.lines().filter(|line| line.starts_with("line")).collect();
    assert_eq!(lines, all, "nothing is lost, nothing doubled");
    let mut fresh = scene.attach(Mode::Read).await;
    watcher.meets(&mut fresh).await;
    assert_eq!(watcher.screen(), fresh.screen());
    scene.go.say("end").await;
    scene.world.ends(&scene.id, State::Synced).await;
    scene.world.finish().await;
}

#[tokio::test]
async fn an_api_that_ends_in_order_sends_its_clients_to_the_other() {
    let layout = Layout::Apart { apis: 2, cores: 1 };
    let options = Options { layout, ..Options::default() };
    let lines = "echo ready; read word <$go; echo more; read word <$go; echo x >x.txt";
    let mut scene = Scene::begun("order", options, lines, &["true"]).await;
    let [first, second] = [1, 0].map(|n| scene.world.client_at(n, scene.world.token()));
    let terminal = first.terminal(target(&scene.id, Session::Agent, Mode::Read)).or(second);
    let mut watcher = Watcher::welcomed(terminal).await;
    watcher.shows("ready").await;
    let at = watcher.position();
    scene.world.servers[1].stop().await;
    scene.go.say("on").await;
    watcher.shows("more").await;
    assert_eq!((watcher.losses, watcher.welcome.from), (1, at));
    scene.go.say("on").await;
    scene.world.ends(&scene.id, State::Synced).await;
    scene.world.finish().await;
}

#[tokio::test]
async fn a_killed_worker_is_told_and_the_next_attempts_terminal_can_be_attached_to() {
    let lines = "echo \"ready $SMITH_ITERATION\"; read word <$go; echo x >x.txt";
    let mut scene = Scene::begun("dead", Options::default(), lines, &["true"]).await;
    let mut watcher = scene.attach(Mode::Read).await;
    watcher.shows("ready").await;
    let replicas = scene.world.replicas();
    let first = scene.world.client().runtime(&scene.id).await.unwrap().worker;
    assert!(process::Held::take(&replicas[0]).unwrap().kill().await);
    match watcher.said().await {
        Said::Lost(_) | Said::Over(Some(_)) => {}
        told => panic!("{told:?}"),
    }
    scene.next_begun().await;
    let mut watcher = scene.attach(Mode::Read).await;
    watcher.shows("ready").await;
    let second = scene.world.client().runtime(&scene.id).await.unwrap();
    assert_ne!(second.worker, first);
    scene.go.say("on").await;
    scene.world.ends(&scene.id, State::Synced).await;
    scene.world.finish().await;
}

#[tokio::test]
async fn a_cancel_is_told_to_who_is_attached_and_leaves_no_process() {
    let mut scene =
        Scene::begun("cancel", Options::default(), "read word <$go; exec cat", &["true"]).await;
    let alive = AliveFile::create(&scene.world.file("alive"));
    let mut shell =
        Watcher::attach(&scene.world.client(), &scene.id, Session::Shell, Mode::Write).await;
    let mut agent = scene.attach(Mode::Read).await;
    shell.take().await;
    // What a person left running in the shell, hidden from it.
    let lines = format!(
        "{}; trap '' TERM HUP INT; setsid sh -c 'trap \"\" TERM HUP INT; while :; do sleep 1; done' & echo le''ft\r",
        alive.take()
    );
    shell.type_(&lines).await;
    shell.shows("left").await;
    assert!(alive.is_held());
    scene.go.say("on").await;
    scene.world.cancel(&scene.id).await;
    for watcher in [&mut shell, &mut agent] {
        let (reason, text) = in_time("the end", watcher.end()).await;
        assert!(
            matches!(reason, EndReason::ReplicaEnding | EndReason::SessionOver),
            "{reason:?}: {text}"
        );
    }
    alive.released().await;
    let gone =
        |e: &smith_model::journal::Entry| matches!(e.draft.payload, Some(Payload::ProcessesGone));
    wait::entry(&scene.world.client(), &scene.id, "that the processes are gone", gone).await;
    scene.world.finish().await;
}
