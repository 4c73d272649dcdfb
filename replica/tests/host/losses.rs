//! Hosts and replicas that die.

use std::process::Stdio;

use smith_replica::host::{Error, Exit, Gone, Isolation, Signal, Stdin};
use tokio::io::AsyncWriteExt;

use crate::bench::{
    KILLED, Place, has_namespaces, in_both, in_terminal, in_time, kill, piped, shell,
};

in_both!(
    a_killed_host_leaves_nothing,
    a_killed_guard_leaves_nothing,
    a_terminated_host_leaves_nothing,
    a_host_that_hangs_is_given_up,
    a_killed_replica_leaves_nothing,
    a_killed_replica_with_a_stopped_host_leaves_nothing,
);

/// Two processes that stay, one of them in a session and with an environment of its own.
const STAY: &str = "trap '' TERM HUP; exec 9>hold
    (env -i setsid sh -c 'trap \"\" TERM HUP; echo up >&9; while :; do sleep 1000; done' &)
    while :; do sleep 1000; done";

async fn lose(isolation: Isolation, strike: impl AsyncFnOnce(&Place)) {
    let place = Place::new();
    let mut held = place.held();
    let host = place.host(isolation).await;
    let (process, _terminal) = in_terminal(&host, STAY).await;
    held.says("up").await;
    strike(&place).await;
    let loss = in_time(host.lost()).await;
    assert_eq!(loss.gone, Gone::Verified, "{loss}");
    // Verified means: now, not soon.
    held.ends().await;
    // A host that could still tell how it ended did so.
    match process.wait().await {
        Err(Error::Lost(of)) => assert_eq!(of, loss),
        end => assert_eq!(end.ok(), KILLED),
    }
    assert!(matches!(host.suspend().await, Err(Error::Lost(_))));
}

async fn a_killed_host_leaves_nothing(isolation: Isolation) {
    lose(isolation, async |place| kill(place.host_pid(), Signal::KILL)).await;
}

async fn a_killed_guard_leaves_nothing(isolation: Isolation) {
    lose(isolation, async |place| kill(place.outermost_pid(), Signal::KILL)).await;
}

async fn a_terminated_host_leaves_nothing(isolation: Isolation) {
    lose(isolation, async |place| kill(place.host_pid(), Signal::TERM)).await;
}

async fn a_host_that_hangs_is_given_up(isolation: Isolation) {
    let place = Place::new();
    let mut held = place.held();
    let host = place.host(isolation).await;
    let (process, _terminal) = in_terminal(&host, STAY).await;
    held.says("up").await;
    kill(place.host_pid(), Signal::STOP);
    match process.stat().await {
        Err(Error::Lost(loss)) => {
            assert!(loss.reason.contains("did not answer"), "{loss}");
            assert_eq!(loss.gone, Gone::Verified);
        }
        other => panic!("{other:?}"),
    }
    held.ends().await;
}

/// Not a test: the replica that is killed below. It runs in a process of its own.
#[tokio::test]
#[ignore = "the other half of a_killed_replica_leaves_nothing"]
async fn replica() {
    let Ok(place) = std::env::var("TEST_REPLICA_PLACE") else {
        return;
    };
    let isolation = match std::env::var("TEST_REPLICA_ISOLATION").as_deref() {
        Ok("processes") => Isolation::Processes,
        _ => smith_replica::host::support().await.isolation,
    };
    let place = Place::existing(place.into());
    let host = place.host(isolation).await;
    let _in_terminal = in_terminal(&host, STAY).await;
    let _in_pipes = piped(&host, STAY).await;
    std::future::pending().await
}

async fn kill_replica(isolation: Isolation, before: impl FnOnce(&Place)) {
    let place = Place::new();
    let mut held = place.held();
    let mut replica = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "losses::replica"])
        .env("TEST_REPLICA_PLACE", place.path())
        .env(
            "TEST_REPLICA_ISOLATION",
            if isolation == Isolation::Processes { "processes" } else { "namespace" },
        )
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    held.says("up").await;
    held.says("up").await;
    before(&place);
    replica.kill().unwrap();
    replica.wait().unwrap();
    held.ends().await;
}

async fn a_killed_replica_leaves_nothing(isolation: Isolation) {
    kill_replica(isolation, |_| {}).await;
}

async fn a_killed_replica_with_a_stopped_host_leaves_nothing(isolation: Isolation) {
    kill_replica(isolation, |place| kill(place.host_pid(), Signal::STOP)).await;
}

#[tokio::test]
async fn without_guard_and_host_the_keepers_end_what_they_keep() {
    let place = Place::new();
    let mut held = place.held();
    let host = place.host(Isolation::Processes).await;
    let (_process, _terminal) = in_terminal(&host, STAY).await;
    held.says("up").await;
    let (guard, of_guard) = (place.outermost_pid(), place.host_pid());
    kill(guard, Signal::STOP);
    kill(of_guard, Signal::KILL);
    kill(guard, Signal::KILL);
    let loss = in_time(host.lost()).await;
    assert!(matches!(loss.gone, Gone::Unverified { .. }), "nobody could know: {loss}");
    held.ends().await;
}

#[tokio::test]
async fn nothing_in_a_namespace_can_end_its_host() {
    if !has_namespaces().await {
        return;
    }
    let place = Place::new();
    let host = place.host(smith_replica::host::support().await.isolation).await;
    let line = "read go; kill -KILL 1; kill -STOP 1; kill -KILL -1; exec sleep 1000";
    let (process, mut pipes) = host.start_in_pipes(shell(line), Stdin::Pipe).await.unwrap();
    pipes.stdin.as_mut().unwrap().write_all(b"go\n").await.unwrap();
    // The keeper is killed, with whatever else can be; the kernel spares the host.
    assert_eq!(in_time(process.wait()).await.unwrap(), Exit::Unknown);
    let (process, _pipes) = piped(&host, "exit 6").await;
    assert_eq!(process.wait().await.unwrap(), Exit::Code(6));
}
