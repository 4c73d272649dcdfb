//! Who may not: watchers, viewers, other projects, tickets that were used, tokens that were taken away; and secrets.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use smith_client::Client;
use smith_model::access::{Role, Scope};
use smith_model::problem::Code;
use smith_model::state::State;
use smith_model::terminal::{
    AttachRequest, CommandRequest, DetachRequest, Mode, SUBPROTOCOL, Session, TICKET_PREFIX,
};
use smith_term::message::{About, EndReason, FromViewer, LeaseRequest};
use smith_tests::secret::Planted;
use smith_tests::{Layout, Options, Watcher, in_time};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::Scene;

/// An agent that ends when it is told.
const WAITS: &str = "echo ready; read word <$go; echo x >x.txt";

impl Scene {
    async fn ends(mut self) {
        self.go.say("on").await;
        self.world.ends(&self.id, State::Synced).await;
        self.world.finish().await;
    }
}

#[tokio::test]
async fn who_only_watches_can_not_type() {
    let scene = Scene::begun("watch", Options::default(), WAITS, &["true"]).await;
    let mut watcher = scene.attach(Mode::Read).await;
    watcher.shows("ready").await;
    watcher.type_("no\r").await;
    assert_eq!(watcher.notice().await, About::ReadOnly);
    watcher.say(FromViewer::Lease(LeaseRequest::Take)).await;
    assert_eq!(watcher.notice().await, About::ReadOnly);
    let steal = LeaseRequest::Steal { reason: "I want it".into() };
    watcher.say(FromViewer::Lease(steal)).await;
    assert_eq!(watcher.notice().await, About::ReadOnly);
    let size = smith_model::terminal::Size::new(20, 5).unwrap();
    watcher.say(FromViewer::Resize { size }).await;
    watcher.notice().await;
    let runtime = scene.world.client().runtime(&scene.id).await.unwrap();
    let agent = runtime.sessions.iter().find(|s| s.session == Session::Agent).unwrap();
    assert_ne!(agent.size, size);
    assert!(agent.lease.is_none(), "{agent:?}");
    assert!(!watcher.text().contains("no"), "{}", watcher.text());
    scene.ends().await;
}

async fn refusals(client: &Client, scene: &Scene) -> [Option<Code>; 4] {
    let id = &scene.id;
    let attach = AttachRequest { session: Session::Agent, mode: Mode::Read };
    let command = CommandRequest { command: "id".into(), timeout_seconds: None };
    let detach = DetachRequest { viewer: None };
    [
        client.runtime(id).await.err().and_then(|e| e.code()),
        client.ticket(id, &attach).await.err().and_then(|e| e.code()),
        client.command(id, &command).await.err().and_then(|e| e.code()),
        client.detach(id, &detach).await.err().and_then(|e| e.code()),
    ]
}

#[tokio::test]
async fn a_viewer_sees_who_is_there_and_another_project_has_no_such_loop() {
    let web = "web".parse().unwrap();
    let scene = Scene::of_project("scope", Options::default(), WAITS, &["true"], Some(web)).await;
    let mut watcher = scene.attach(Mode::Write).await;
    watcher.take().await;
    let viewer = scene.person("reader", Role::Viewer, Scope::All).await;
    let no = Some(Code::Forbidden);
    assert_eq!(refusals(&viewer.client, &scene).await, [None, no, no, no]);
    let runtime = viewer.client.runtime(&scene.id).await.unwrap();
    assert!(runtime.attachable, "{runtime:?}");
    let agent = runtime.sessions.iter().find(|s| s.session == Session::Agent).unwrap();
    assert_eq!(agent.lease.as_ref().map(|h| h.name.as_str()), Some("local-admin"));
    assert_eq!(agent.viewers.len(), 1);
    let other = Scope::Projects(BTreeSet::from(["other".parse().unwrap()]));
    let stranger = scene.person("stranger", Role::Operator, other).await;
    assert_eq!(refusals(&stranger.client, &scene).await, [Some(Code::NotFound); 4]);
    scene.ends().await;
}

#[tokio::test]
async fn a_revoked_token_ends_its_terminal_within_seconds() {
    let scene = Scene::begun("revoked", Options::default(), WAITS, &["true"]).await;
    let guest = scene.operator("guest").await;
    let mut watcher = Watcher::attach(&guest.client, &scene.id, Session::Agent, Mode::Write).await;
    watcher.take().await;
    scene.world.client().revoke_token(&guest.id).await.unwrap();
    let at = Instant::now();
    assert_eq!(watcher.end().await.0, EndReason::Revoked);
    let took = at.elapsed();
    assert!(took < Duration::from_secs(8), "it ended after {took:?}");
    // The lease is free again, and that it was lost is recorded.
    let mut admin = scene.attach(Mode::Write).await;
    admin.take().await;
    let acts = scene.acts().await;
    let lost = acts.iter().find(|r| r.action == "terminal.lease.lost");
    assert_eq!(lost.map(|r| r.actor.as_str()), Some("guest"), "{acts:#?}");
    scene.ends().await;
}

/// A WebSocket of one frame each way: says a hello with this ticket, and answers the first message.
async fn first_words(url: &str, scene: &Scene, ticket: &str) -> (TcpStream, String) {
    let host = url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(host).await.unwrap();
    let head = format!(
        "GET /v1/loops/{}/control/terminal HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\n\
         Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\
         Sec-WebSocket-Protocol: {SUBPROTOCOL}, {TICKET_PREFIX}{ticket}\r\n\r\n",
        scene.id
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let hello = r#"{"type":"hello","protocols":[1],"session":"agent","mode":"read","viewer":"","ticket":""}"#;
    // A text frame, masked with zeros, which change nothing.
    let mut frame = vec![0x81, 0x80 | u8::try_from(hello.len()).unwrap(), 0, 0, 0, 0];
    frame.extend(hello.as_bytes());
    // One that is refused may be closed already.
    let _ = stream.write_all(&frame).await;
    let mut answer = vec![];
    let read = async {
        loop {
            let text = String::from_utf8_lossy(&answer).into_owned();
            if let Some((_, message)) = text.split_once("\r\n\r\n")
                && message.contains('}')
            {
                assert!(text.starts_with("HTTP/1.1 101"), "{text}");
                return message.to_owned();
            }
            assert!(stream.read_buf(&mut answer).await.unwrap() > 0, "it ends: {text}");
        }
    };
    let message = in_time("the first words", read).await;
    (stream, message)
}

#[tokio::test]
async fn a_ticket_lets_in_once_whichever_process_is_asked() {
    let layout = Layout::Apart { apis: 2, cores: 1 };
    let options = Options { layout, ..Options::default() };
    let scene = Scene::begun("ticket", options, WAITS, &["true"]).await;
    let request = AttachRequest { session: Session::Agent, mode: Mode::Read };
    let ticket = scene.world.client().ticket(&scene.id, &request).await.unwrap().ticket;
    let (held, first) = first_words(scene.world.url(1), &scene, &ticket).await;
    assert!(first.contains(r#""type":"welcome""#), "{first}");
    for n in 0..2 {
        let (_, again) = first_words(scene.world.url(n), &scene, &ticket).await;
        assert!(
            again.contains(r#""reason":"refused""#) && again.contains("used before"),
            "{again}"
        );
    }
    drop(held);
    scene.ends().await;
}

#[tokio::test]
async fn a_secret_that_a_terminal_shows_is_in_nothing_that_is_kept() {
    let value = "Zx9+/k=secret~of\"the&agent%9Q7w";
    let args = ["--agent-env", "AGENT_TOKEN"].map(str::to_owned).to_vec();
    let env = vec![("AGENT_TOKEN".to_owned(), value.to_owned())];
    let lines = r#"
        printf 'the token is %s.\n' "$AGENT_TOKEN"
        printf %s "$AGENT_TOKEN" | base64
        read word
        test "$word" = "$AGENT_TOKEN" && echo right
        read word <$go
        echo x >x.txt"#;
    let options = Options { args, env, ..Options::default() };
    let mut scene = Scene::begun("secret", options, lines, &["true"]).await;
    let mut watcher = scene.attach(Mode::Write).await;
    watcher.shows("the token is").await;
    watcher.take().await;
    watcher.type_(&format!("{value}\r")).await;
    watcher.shows("right").await;
    watcher.release(Some(&format!("I typed {value}"))).await;
    let command = CommandRequest { command: format!("echo '{value}'"), timeout_seconds: None };
    let answer = scene.world.client().command(&scene.id, &command).await.unwrap();
    assert!(!answer.stdout.contains(value), "{}", answer.stdout);
    scene.go.say("on").await;
    scene.world.ends(&scene.id, State::Synced).await;
    let planted = Planted::new(value);
    let recordings = scene.recordings().await;
    assert_eq!(recordings.len(), 1);
    let text = String::from_utf8_lossy(&recordings[0]).into_owned();
    assert!(text.contains("the token is") && text.contains("[redacted]"), "{text}");
    for recording in &recordings {
        assert_eq!(planted.found_in(recording), Vec::<&str>::new(), "{text}");
    }
    let dir = scene.world.dir().to_owned();
    let found = planted.found_below(&dir, &|_| false);
    assert!(found.is_empty(), "{found:#?}");
    let history = scene.world.finish().await;
    assert_eq!(planted.found_in(&history.dump()), Vec::<&str>::new());
}
