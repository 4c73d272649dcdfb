//! A real etcd under a real parent: started, found again, orphaned, ended.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use etcd_client::{Certificate, Client, ConnectOptions, Identity, TlsOptions};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, Signal, kill_process};

use crate::embedded::etcd::{Connection, Error, Etcd, EtcdConfig, Origin, ProbeError};
use crate::embedded::ports::{Asked, Ports};
use crate::embedded::state_dir::StateDir;

/// Names the state directory to the copy of this test program that acts as a smithd.
const PARENT_STATE: &str = "SMITH_TEST_PARENT_STATE";
/// How long anything here may take on a busy machine.
const LONG: Duration = Duration::from_secs(60);

async fn client(connection: &Connection) -> Result<Client, etcd_client::Error> {
    let tls = TlsOptions::new()
        .ca_certificate(Certificate::from_pem(&connection.ca))
        .identity(Identity::from_pem(&connection.cert, &connection.key));
    let options = ConnectOptions::new().with_tls(tls).with_timeout(Duration::from_secs(2));
    Client::connect(&connection.endpoints, Some(options)).await
}

/// A linearizable read, as the store's would be.
async fn probe(connection: &Connection) -> Result<(), ProbeError> {
    client(connection).await?.get("probe", None).await?;
    Ok(())
}

fn open(path: &Path) -> (StateDir, Ports) {
    let state = StateDir::open(path).unwrap();
    let ports = state.ports(&Asked::default()).unwrap();
    (state, ports)
}

async fn start(path: &Path) -> (StateDir, Etcd) {
    let (state, ports) = open(path);
    let etcd = Etcd::start(&state, &ports, &EtcdConfig::default(), probe).await.unwrap();
    (state, etcd)
}

fn alive(pid: u32) -> bool {
    // A zombie has no command line; it holds nothing any more.
    std::fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| !line.is_empty())
}

fn kill(pid: u32) {
    kill_process(Pid::from_raw(pid.try_into().unwrap()).unwrap(), Signal::KILL).unwrap();
}

/// Waits for the end of a process that isn't our child.
fn wait_gone(pid: u32) {
    let pid = Pid::from_raw(pid.try_into().unwrap()).unwrap();
    let Ok(pidfd) = rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()) else {
        return;
    };
    let mut fds = [PollFd::new(&pidfd, PollFlags::IN)];
    let ready = poll(&mut fds, Some(&LONG.try_into().unwrap())).unwrap();
    assert_eq!(ready, 1, "the process ends");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_written_is_there_after_stop_and_start() {
    let directory = tempfile::tempdir().unwrap();
    let (state, etcd) = start(directory.path()).await;
    assert_eq!(etcd.origin(), Origin::Started);
    let mut writer = client(etcd.connection()).await.unwrap();
    writer.put("key", "value", None).await.unwrap();
    assert_eq!(
        writer.lease_grant(1, None).await.unwrap().ttl(),
        1,
        "the shortest lease is that short"
    );
    let (pid, ended) = (etcd.pid(), etcd.ended());
    etcd.stop().await.unwrap();
    assert!(!alive(pid));
    assert!(ended.await.exit.contains("SIGTERM"), "it ended by itself after SIGTERM");
    drop(state);

    let (state, etcd) = start(directory.path()).await;
    let mut reader = client(etcd.connection()).await.unwrap();
    assert_eq!(reader.get("key", None).await.unwrap().kvs()[0].value(), b"value");
    etcd.stop().await.unwrap();

    // With other ports the same data is used.
    let elsewhere = tempfile::tempdir().unwrap();
    let (_, other) = open(elsewhere.path());
    let asked =
        Asked { etcd_client: Some(other.etcd_client), etcd_peer: Some(other.etcd_peer), api: None };
    let ports = state.ports(&asked).unwrap();
    let etcd = Etcd::start(&state, &ports, &EtcdConfig::default(), probe).await.unwrap();
    assert_eq!(etcd.connection().endpoints, [format!("https://127.0.0.1:{}", other.etcd_client)]);
    let mut reader = client(etcd.connection()).await.unwrap();
    assert_eq!(reader.get("key", None).await.unwrap().kvs()[0].value(), b"value");
    etcd.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn only_our_certificates_are_let_in() {
    let (ours, theirs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (state, etcd) = start(ours.path()).await;
    let (_, ports) = open(theirs.path());
    let other =
        crate::embedded::certs::Certs::open(&theirs.path().join("certs"), jiff::Timestamp::now())
            .unwrap();

    let mut stranger = etcd.connection().clone();
    (stranger.cert, stranger.key) = (other.client().to_owned(), other.client_key().to_owned());
    assert!(probe(&stranger).await.is_err(), "a certificate of another authority");
    let plain = Client::connect([etcd.connection().endpoints[0].replace("https", "http")], None)
        .await
        .unwrap();
    assert!(plain.kv_client().get("probe", None).await.is_err(), "no TLS");
    let anonymous = ConnectOptions::new()
        .with_tls(TlsOptions::new().ca_certificate(Certificate::from_pem(&etcd.connection().ca)));
    let anonymous = Client::connect(&etcd.connection().endpoints, Some(anonymous)).await.unwrap();
    assert!(anonymous.kv_client().get("probe", None).await.is_err(), "no client certificate");
    probe(etcd.connection()).await.unwrap();
    assert_ne!(ports, state.ports(&Asked::default()).unwrap());
    etcd.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unexpected_end_is_told_with_the_last_lines() {
    let directory = tempfile::tempdir().unwrap();
    let (_state, etcd) = start(directory.path()).await;
    let ended = etcd.ended();
    kill(etcd.pid());
    let ended = tokio::time::timeout(LONG, ended).await.unwrap();
    assert!(ended.exit.contains("SIGKILL"), "{ended}");
    assert!(!ended.log_tail.is_empty(), "{ended}");
    etcd.stop().await.expect("one that has ended is stopped");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_fails_says_what_etcd_said() {
    let directory = tempfile::tempdir().unwrap();
    let (state, ports) = open(directory.path());
    let wal = state.etcd_data().join("member/wal");
    std::fs::create_dir_all(&wal).unwrap();
    std::fs::write(wal.join("0000000000000000-0000000000000000.wal"), "not a log").unwrap();
    let error = Etcd::start(&state, &ports, &EtcdConfig::default(), probe).await.unwrap_err();
    assert!(matches!(error, Error::EndedEarly(_)), "{error}");
    let text = error.to_string();
    assert!(
        text.contains("etcd.log") && text.contains("fatal") || text.contains("panic"),
        "{text}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_never_gets_healthy_is_ended() {
    let directory = tempfile::tempdir().unwrap();
    let (state, ports) = open(directory.path());
    let config = EtcdConfig { healthy_within: Duration::from_millis(300), ..EtcdConfig::default() };
    let never = async |_: &Connection| Err("never".into());
    let error = Etcd::start(&state, &ports, &config, never).await.unwrap_err();
    assert!(matches!(error, Error::NotHealthy { .. }), "{error}");
    assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "never");
    // The ports and the data are free again.
    let etcd = Etcd::start(&state, &ports, &EtcdConfig::default(), probe).await.unwrap();
    etcd.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_taken_port_is_named_before_anything_starts() {
    let directory = tempfile::tempdir().unwrap();
    let (state, ports) = open(directory.path());
    let _other = std::net::TcpListener::bind(("127.0.0.1", ports.etcd_peer)).unwrap();
    let error = Etcd::start(&state, &ports, &EtcdConfig::default(), probe).await.unwrap_err();
    assert!(
        error.to_string().contains(&format!("port {} (for the peers", ports.etcd_peer)),
        "{error}"
    );
    assert!(!state.etcd_log().exists());
}

/// Not a test of its own: the smithd that the tests below start and kill.
#[tokio::test(flavor = "multi_thread")]
async fn parent() {
    let Some(path) = std::env::var_os(PARENT_STATE) else { return };
    let (_state, etcd) = start(Path::new(&path)).await;
    println!("\netcd {} {:?}", etcd.pid(), etcd.origin());
    etcd.ended().await;
}

/// A smithd in a process of its own, that is killed at the latest when this is dropped.
struct Parent {
    process: std::process::Child,
    etcd: u32,
    origin: String,
}

impl Parent {
    fn start(state: &Path, path: Option<&Path>) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["--exact", "embedded::tests::child::parent", "--nocapture", "--test-threads=1"])
            .env(PARENT_STATE, state)
            .env("SMITH_ETCD", EtcdConfig::default().search.etcd().unwrap())
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        if let Some(path) = path {
            command.env("PATH", path);
        }
        let mut process = command.spawn().unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let line = lines
            .map(Result::unwrap)
            .find(|line| line.starts_with("etcd "))
            .expect("it starts its etcd");
        let mut words = line.split(' ').skip(1);
        let etcd = words.next().unwrap().parse().unwrap();
        Self { process, etcd, origin: words.next().unwrap().to_owned() }
    }

    fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for Parent {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A PATH in which there is no setpriv.
fn without_setpriv(directory: &Path) -> PathBuf {
    let path = directory.join("empty");
    std::fs::create_dir_all(&path).unwrap();
    path
}

#[tokio::test(flavor = "multi_thread")]
async fn etcd_dies_with_a_killed_parent() {
    let directory = tempfile::tempdir().unwrap();
    let mut parent = Parent::start(directory.path(), None);
    assert!(alive(parent.etcd));
    let refusal = StateDir::open(directory.path()).unwrap_err().to_string();
    assert!(refusal.contains(&format!("pid {}", parent.process.id())), "{refusal}");
    parent.kill();
    wait_gone(parent.etcd);
    let (_state, etcd) = start(directory.path()).await;
    assert_eq!(etcd.origin(), Origin::Started);
    etcd.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_orphan_is_taken_over() {
    let directory = tempfile::tempdir().unwrap();
    let path = without_setpriv(directory.path());
    let state_path = directory.path().join("state");
    let mut parent = Parent::start(&state_path, Some(&path));
    assert_eq!(parent.origin, "Started");
    parent.kill();
    assert!(alive(parent.etcd), "without setpriv nothing ends it");

    // Taken over by another process, and once more after that one was killed too.
    let mut second = Parent::start(&state_path, Some(&path));
    assert_eq!((second.origin.as_str(), second.etcd), ("TakenOver", parent.etcd));
    second.kill();
    let (_state, etcd) = start(&state_path).await;
    assert_eq!((etcd.origin(), etcd.pid()), (Origin::TakenOver, parent.etcd));
    probe(etcd.connection()).await.unwrap();

    let ended = etcd.ended();
    etcd.stop().await.unwrap();
    assert!(ended.await.exit.contains("earlier smithd"));
    wait_gone(parent.etcd);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_orphan_that_differs_or_hangs_is_replaced() {
    let directory = tempfile::tempdir().unwrap();
    let path = without_setpriv(directory.path());
    let state_path = directory.path().join("state");
    let mut parent = Parent::start(&state_path, Some(&path));
    parent.kill();
    let (state, ports) = open(&state_path);
    let config = EtcdConfig { quota_backend_bytes: 1 << 30, ..EtcdConfig::default() };
    let etcd = Etcd::start(&state, &ports, &config, probe).await.unwrap();
    assert_eq!(etcd.origin(), Origin::Started);
    wait_gone(parent.etcd);
    etcd.stop().await.unwrap();
    drop(state);

    let mut parent = Parent::start(&state_path, Some(&path));
    parent.kill();
    kill_process(Pid::from_raw(parent.etcd.try_into().unwrap()).unwrap(), Signal::STOP).unwrap();
    let (state, ports) = open(&state_path);
    // A stopped process takes no SIGTERM.
    let config = EtcdConfig { stop_within: Duration::from_secs(1), ..EtcdConfig::default() };
    let etcd = Etcd::start(&state, &ports, &config, probe).await.unwrap();
    assert_eq!(etcd.origin(), Origin::Started);
    wait_gone(parent.etcd);
    etcd.stop().await.unwrap();
}
