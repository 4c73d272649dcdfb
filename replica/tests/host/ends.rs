//! How processes are ended, and what tries to stay.

use std::time::Duration;

use smith_replica::host::{Exit, Gone, Isolation};
use tokio::io::AsyncWriteExt;

use crate::bench::{KILLED, Place, in_both, in_terminal, in_time, piped};

in_both!(
    who_listens_ends_politely,
    who_ignores_sigterm_is_killed,
    who_forks_away_is_swept,
    a_sweep_spares_other_starts,
    who_forks_on_and_on_is_swept,
    who_kills_its_keeper_is_ended_all_the_same,
    who_stops_its_keeper_is_ended_all_the_same,
    a_dropped_process_is_ended,
    a_dropped_host_ends_everything,
    a_shutdown_is_polite,
    a_shutdown_has_an_end,
);

const LONG: Duration = Duration::from_secs(30);
const SHORT: Duration = Duration::from_millis(200);
const STUBBORN: &str =
    "trap '' TERM HUP INT; exec 9>hold; echo up >&9; while :; do sleep 1000; done";
const POLITE: &str = "trap 'echo bye >&9; exit 3' TERM; exec 9>hold; echo up >&9
    while :; do sleep 0.05; done";
/// Leaves one process in another session without an environment, and one in the same.
const AWAY: &str = "exec 9>hold
    (env -i setsid sh -c 'sh -c \"echo one >&9; trap true TERM HUP; while :; do sleep 1000; done\" &' &)
    sh -c 'trap \"\" HUP; echo two >&9; sleep 1000' &
    exit 5";

async fn who_listens_ends_politely(isolation: Isolation) {
    let place = Place::new();
    let mut held = place.held();
    let host = place.host(isolation).await;
    let (process, _terminal) = in_terminal(&host, POLITE).await;
    held.says("up").await;
    let report = process.end(LONG).await.unwrap();
    assert_eq!((report.exit, report.killed, report.remaining), (Some(Exit::Code(3)), 0, 0));
    assert!(report.asked >= 1);
    held.says("bye").await;
    held.ends().await;
}

async fn who_ignores_sigterm_is_killed(isolation: Isolation) {
    let place = Place::new();
    let mut held = place.held();
    let host = place.host(isolation).await;
    let (process, _terminal) = in_terminal(&host, STUBBORN).await;
    held.says("up").await;
    let report = process.end(SHORT).await.unwrap();
    assert_eq!((report.exit, report.remaining), (KILLED, 0));
    assert!(report.asked >= 1 && report.killed >= 1, "{report:?}");
    held.ends().await;
}

async fn who_forks_away_is_swept(isolation: Isolation) {
    let place = Place::new();
    let mut held = place.held();
    let host = place.host(isolation).await;
    // A session that loses its leader gets a SIGHUP, which must not come before both ignore it.
    let line = AWAY.replace("exit 5", "read go; exit 5");
    let (process, mut terminal) = in_terminal(&host, &line).await;
    held.line().await;
    held.line().await;
    terminal.input.write_all(b"go\n").await.unwrap();
    assert_eq!(process.wait().await.unwrap(), Exit::Code(5));
    assert!(held.is_held());
    assert!(process.stat().await.unwrap().alive >= 2);
    let report = process.sweep().await.unwrap();
    assert_eq!((report.exit, report.asked, report.remaining), (Some(Exit::Code(5)), 0, 0));
    assert!(report.killed >= 2, "{report:?}");
    held.ends().await;
    // Once more is no error, and finds nothing.
    assert_eq!(process.sweep().await.unwrap().killed, 0);
}

async fn a_sweep_spares_other_starts(isolation: Isolation) {
    let (place, other_place) = (Place::new(), Place::new());
    let (mut held, mut other_held) = (place.held(), other_place.held());
    let host = place.host(isolation).await;
    let away = AWAY.replace("hold", &other_place.workspace().join("hold").display().to_string());
    let (other, _pipes) = piped(&host, &away).await;
    other_held.line().await;
    other_held.line().await;
    let (process, _pipes) = piped(&host, AWAY).await;
    held.line().await;
    held.line().await;
    let before = other.stat().await.unwrap().alive;
    process.sweep().await.unwrap();
    held.ends().await;
    assert!(other_held.is_held());
    assert_eq!(other.stat().await.unwrap().alive, before);
    other.sweep().await.unwrap();
    other_held.ends().await;
}

async fn who_forks_on_and_on_is_swept(isolation: Isolation) {
    let place = Place::new();
    let mut held = place.held();
    let host = place.host(isolation).await;
    // Each lives only to fork the next one into a new session.
    std::fs::write(place.workspace().join("next"), "setsid sh ./next &\n").unwrap();
    let line = "exec 9>hold; echo up >&9; for i in 1 2 3; do sh ./next; done; exit 0";
    let (process, _pipes) = piped(&host, line).await;
    held.says("up").await;
    assert_eq!(process.wait().await.unwrap(), Exit::Code(0));
    assert_eq!(process.sweep().await.unwrap().remaining, 0);
    held.ends().await;
}

async fn who_kills_its_keeper_is_ended_all_the_same(isolation: Isolation) {
    let place = Place::new();
    let mut held = place.held();
    let host = place.host(isolation).await;
    let line = format!("exec 9>hold; trap '' HUP; read go; kill -KILL $PPID; {STUBBORN}");
    let (process, mut terminal) = in_terminal(&host, &line).await;
    terminal.input.write_all(b"go\n").await.unwrap();
    assert_eq!(in_time(process.wait()).await.unwrap(), Exit::Unknown);
    in_time(async { while held.next().await.is_some() {} }).await;
    assert_eq!(process.sweep().await.unwrap().remaining, 0);
    // The host goes on.
    let (process, _pipes) = piped(&host, "exit 4").await;
    assert_eq!(process.wait().await.unwrap(), Exit::Code(4));
}

async fn who_stops_its_keeper_is_ended_all_the_same(isolation: Isolation) {
    let place = Place::new();
    let mut held = place.held();
    let host = place.host(isolation).await;
    // At once and again and again; the start and the end are told all the same.
    let line =
        format!("i=0; while [ $i -lt 50 ]; do kill -STOP $PPID; i=$((i+1)); done; {STUBBORN}");
    let (process, _terminal) = in_terminal(&host, &line).await;
    held.says("up").await;
    let report = process.end(SHORT).await.unwrap();
    assert_eq!((report.exit, report.remaining), (KILLED, 0));
    held.ends().await;
    let (process, _pipes) = piped(&host, "kill -STOP $PPID; exit 8").await;
    assert_eq!(in_time(process.wait()).await.unwrap(), Exit::Code(8));
}

async fn a_dropped_process_is_ended(isolation: Isolation) {
    let place = Place::new();
    let mut held = place.held();
    let host = place.host(isolation).await;
    let started = in_terminal(&host, STUBBORN).await;
    held.says("up").await;
    drop(started);
    held.ends().await;
    drop(host);
}

async fn a_dropped_host_ends_everything(isolation: Isolation) {
    let place = Place::new();
    let mut held = place.held();
    let host = place.host(isolation).await;
    let (process, _terminal) = in_terminal(&host, STUBBORN).await;
    held.says("up").await;
    drop(host);
    held.ends().await;
    assert!(process.wait().await.is_err());
    assert!(process.sweep().await.is_err());
}

async fn a_shutdown_is_polite(isolation: Isolation) {
    let place = Place::new();
    let mut held = place.held();
    let host = place.host(isolation).await;
    let (process, _terminal) = in_terminal(&host, POLITE).await;
    held.says("up").await;
    let loss = host.shutdown(LONG).await;
    assert_eq!((loss.reason.as_str(), &loss.gone), ("the host has ended", &Gone::Verified));
    assert_eq!(process.wait().await.unwrap(), Exit::Code(3));
    held.says("bye").await;
    held.ends().await;
    assert_eq!(host.lost().await, loss);
}

async fn a_shutdown_has_an_end(isolation: Isolation) {
    let place = Place::new();
    let mut held = place.held();
    let host = place.host(isolation).await;
    let (process, _terminal) = in_terminal(&host, STUBBORN).await;
    held.says("up").await;
    assert_eq!(host.shutdown(SHORT).await.gone, Gone::Verified);
    assert_eq!(process.wait().await.ok(), KILLED);
    held.ends().await;
}
