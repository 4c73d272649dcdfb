//! Peers that don't keep to the protocol, and sockets that are no place for it.

use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use smith_replica::host::{Access, Error, Gone, Host, Isolation, Local};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};

use crate::bench::{PROGRAM, Place, SOON, in_time};

fn frame(json: &str) -> Vec<u8> {
    let mut bytes = u32::try_from(json.len()).unwrap().to_be_bytes().to_vec();
    bytes.push(0);
    bytes.extend_from_slice(json.as_bytes());
    bytes
}

const HELLO: &str = r#"{"type":"hello","version":2,"pid":1}"#;

/// A host that is nothing but these bytes.
async fn accept(said: Vec<u8>) -> (Result<Host, Error>, UnixStream) {
    let place = Place::new();
    let socket = place.socket();
    let peer = async {
        let mut stream = loop {
            match UnixStream::connect(&socket).await {
                Ok(stream) => break stream,
                Err(_) => tokio::task::yield_now().await,
            }
        };
        stream.write_all(&said).await.unwrap();
        stream
    };
    in_time(async { tokio::join!(Host::accept(&socket, Access::Owner, SOON), peer) }).await
}

#[tokio::test]
async fn another_version_is_named() {
    let (host, _peer) = accept(frame(r#"{"type":"hello","version":7,"pid":1}"#)).await;
    assert!(matches!(host, Err(Error::Version { theirs: 7, .. })), "{host:?}");
}

#[tokio::test]
async fn what_does_not_say_hello_is_no_host() {
    for said in [frame(r#"{"type":"gone","remaining":0}"#), frame("{}"), vec![0xff; 64], vec![0; 5]]
    {
        let (host, _peer) = accept(said).await;
        assert!(matches!(host, Err(Error::NotAHost(_))), "{host:?}");
    }
}

#[tokio::test]
async fn a_host_that_breaks_the_protocol_is_lost() {
    let unasked = frame(r#"{"type":"started","id":99,"pid":1}"#);
    for noise in [vec![0xff; 8], frame("[]"), frame(r#"{"type":"ended","id":-1}"#)] {
        let (host, mut peer) = accept(frame(HELLO)).await;
        let host = host.unwrap();
        // What nobody asked for is dropped, what is no message ends it.
        peer.write_all(&unasked).await.unwrap();
        peer.write_all(&noise).await.unwrap();
        let loss = in_time(host.lost()).await;
        assert!(loss.reason.contains("broke the protocol"), "{loss}");
        assert!(matches!(loss.gone, Gone::Unverified { .. }));
        assert_eq!(peer.read(&mut [0; 8]).await.unwrap_or(0), 0, "the replica hung up");
    }
}

#[tokio::test]
async fn a_remote_host_is_believed_when_it_says_that_nothing_is_left() {
    let (host, mut peer) = accept(frame(HELLO)).await;
    let host = host.unwrap();
    peer.write_all(&frame(r#"{"type":"gone","remaining":0}"#)).await.unwrap();
    drop(peer);
    assert_eq!(in_time(host.lost()).await.gone, Gone::Verified);
}

#[tokio::test]
async fn a_replica_that_breaks_the_protocol_ends_the_host_and_all_of_it() {
    let start = r#"{"type":"start","id":1,"io":{"pipes":"null"},"command":{"cwd":"","env":{},
        "program":{"shell":"exec 9>hold; echo up >&9; exec /bin/sleep 1000"}}}"#;
    for noise in [vec![0xff; 8], frame("{}"), frame(r#"{"type":"stat","call":1}"#)] {
        let place = Place::new();
        let mut held = place.held();
        let socket = place.workspace().join("socket");
        let listener = UnixListener::bind(&socket).unwrap();
        let mut host = tokio::process::Command::new(PROGRAM)
            .args(["host", "--socket", socket.to_str().unwrap()])
            .args(["--workspace", place.workspace().to_str().unwrap()])
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let (mut stream, _) = in_time(listener.accept()).await.unwrap();
        stream.write_all(&frame(start)).await.unwrap();
        held.says("up").await;
        stream.write_all(&noise).await.unwrap();
        let status = in_time(host.wait()).await.unwrap();
        assert_eq!(status.code(), Some(1));
        let mut said = String::new();
        host.stderr.take().unwrap().read_to_string(&mut said).await.unwrap();
        assert!(said.contains("connection to the replica failed"), "{said}");
        assert!(!said.contains("panicked"), "{said}");
        held.ends().await;
    }
}

#[tokio::test]
async fn the_socket_is_private_and_there_only_until_the_host_is() {
    let place = Place::new();
    let isolation = Isolation::Processes;
    let _host = place.host(isolation).await;
    let folder = place.socket().parent().unwrap().to_path_buf();
    assert_eq!(folder.metadata().unwrap().permissions().mode() & 0o777, 0o700);
    assert!(!place.socket().exists());

    let refused = async |local: Local| match Host::spawn_local(&local).await {
        Err(Error::Socket { rule, .. }) => rule,
        other => panic!("{other:?}"),
    };
    let mut local = place.local(isolation);
    local.socket = place.workspace().join("x".repeat(200));
    assert!(refused(local.clone()).await.contains("107"));
    local.socket = place.workspace().join("socket");
    std::fs::set_permissions(place.workspace(), PermissionsExt::from_mode(0o755)).unwrap();
    assert!(refused(local.clone()).await.contains("chmod 700"));
    std::fs::set_permissions(place.workspace(), PermissionsExt::from_mode(0o700)).unwrap();
    std::fs::write(&local.socket, "").unwrap();
    assert!(refused(local).await.contains("no socket"));
}

#[tokio::test]
async fn a_program_that_is_no_host_is_an_error() {
    let place = Place::new();
    let mut local = place.local(Isolation::Processes);
    local.program = "/bin/false".into();
    assert!(matches!(in_time(Host::spawn_local(&local)).await, Err(Error::EndedEarly(_))));
    local.program = "/no/such/program".into();
    assert!(matches!(in_time(Host::spawn_local(&local)).await, Err(Error::Launch { .. })));
}
