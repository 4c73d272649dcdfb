//! Terminals over real WebSockets, on a real etcd, with API processes as there may be several, and a worker that speaks
//! frames on a real unix socket as it is told.

mod control;
mod pump;
mod recordings;
mod tickets;
mod worker;

use std::net::SocketAddr;
use std::sync::Arc;

use futures::future::BoxFuture;
use futures::{SinkExt as _, StreamExt as _};
use smith_model::access::{Identity, Role, Scope};
use smith_model::api::TokenRequest;
use smith_model::attempt::AttemptRecord;
use smith_model::audit::AuditRecord;
use smith_model::chain::Key;
use smith_model::id::AttemptNo;
use smith_model::journal::{Actor, ActorKind, Draft, Payload, Phase};
use smith_model::redact::Secrets;
use smith_model::spec::Rules;
use smith_model::state::Step;
use smith_model::terminal::{Mode, Session};
use smith_model::worker::{Bearer, ClaimRequest, PROTOCOLS, claim_token};
use smith_term::message::{EndReason, FromViewer, FromWorker, Hello, Ticket};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Error as WsError, Message};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::*;
use crate::app::audit::AuditFilter;
use crate::app::tokens::bootstrap;
use crate::app::why::RuntimeView;
use crate::app::{App, Settings};
use crate::controller::fleet::Limits;
use crate::outbound::artifacts::Artifacts;
use crate::runtime::local::nearby::Nearby;
use crate::runtime::{Duplex, NoTerminal, WorkerReport};
use crate::store::Store;
use crate::store::change::{Change, Decision, LockStep};
use crate::testing::{Etcd, LONG};
use crate::view::audits::Audits;
use crate::view::journals::Journals;
use crate::view::{Inbox, View};
use worker::Worker;

const ROOT: &[u8] = b"a root key for tests";
const NO: AttemptNo = AttemptNo { round: 1, attempt: 1 };

async fn in_time<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(LONG, future).await.expect("in time")
}

/// A loop with a worker, and an admin.
struct Lab {
    etcd: Etcd,
    prefix: String,
    dir: tempfile::TempDir,
    id: LoopId,
    store: Store,
    admin: String,
    worker: Worker,
}

/// An API process.
struct Process {
    app: App,
    address: SocketAddr,
    shutdown: CancellationToken,
    tasks: JoinSet<()>,
}

struct OnDisk(Nearby);

impl RuntimeView for OnDisk {
    fn worker(&self, _: String) -> BoxFuture<'_, Option<WorkerReport>> {
        Box::pin(async { None })
    }

    fn terminal(&self, name: String) -> BoxFuture<'_, Result<Box<dyn Duplex>, NoTerminal>> {
        Box::pin(async move { self.0.terminal(&name).await })
    }
}

impl Lab {
    async fn new() -> Self {
        let etcd = Etcd::shared().await;
        let prefix = format!("/t/{}", Uuid::new_v4());
        let store = etcd.open(&prefix).await.unwrap();
        let admin = bootstrap(&store, "root", Role::Admin).await.unwrap();
        let dir = tempfile::tempdir().unwrap();
        let id: LoopId = "a".parse().unwrap();
        let worker = Worker::start(dir.path(), store.installation(), &id, NO);
        let lab = Self { etcd, prefix, dir, id, store, admin, worker };
        lab.run_a_loop().await;
        lab
    }

    async fn app(&self, shutdown: &CancellationToken, tasks: &mut JoinSet<()>) -> App {
        let store = self.etcd.open(&self.prefix).await.unwrap();
        let (view, feeding) = View::start(store.clone(), shutdown.clone()).await.unwrap();
        let (journals, following) = Journals::start(store.clone(), shutdown.clone());
        tasks.spawn(async { feeding.await.unwrap() });
        let (audits, auditing) = Audits::start(store.clone(), view.generation(), shutdown.clone());
        tasks.spawn(following);
        tasks.spawn(auditing);
        let (inbox, watching) = Inbox::start(view.clone(), shutdown.clone());
        tasks.spawn(watching);
        let artifacts = Artifacts::in_directory(&self.dir.path().join("artifacts")).unwrap();
        let rules = Rules { file_roots: vec!["/".into()], ..Rules::default() };
        let settings = Settings {
            rules,
            worker_ttl: Duration::from_secs(600),
            limits: Limits::of_fleet(4),
            secrets: Secrets::new(["planted-secret"]),
        };
        App::new(store, view, (journals, audits, inbox), artifacts, ROOT, settings)
    }

    async fn process(&self) -> Process {
        self.process_with(Patience::default()).await
    }

    async fn process_with(&self, patience: Patience) -> Process {
        let (shutdown, mut tasks) = (CancellationToken::new(), JoinSet::new());
        let app = self.app(&shutdown, &mut tasks).await;
        let nearby = Nearby::new(vec![self.dir.path().into()], self.store.installation());
        let metrics = Arc::new(crate::api::metrics::Metrics::new(app.clone()));
        let mut api = Api::new(app.clone(), metrics, Arc::new(OnDisk(nearby)), shutdown.clone());
        api.patience = patience;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let ended = api.ended();
        let serving = crate::api::serve(listener, crate::api::router(api), shutdown.clone());
        tasks.spawn(async move {
            serving.await.unwrap();
            ended.await;
        });
        Process { app, address, shutdown, tasks }
    }

    /// Creates the loop, admits it, and claims its attempt.
    async fn run_a_loop(&self) {
        let (shutdown, mut tasks) = (CancellationToken::new(), JoinSet::new());
        let app = self.app(&shutdown, &mut tasks).await;
        let caller = self.caller(&app, &self.admin).await;
        let request = serde_json::json!({
            "loop_id": "a", "repository": "file:///r", "prompt": "p", "gates": ["true"], "command": "c",
        });
        let request = serde_json::from_value(request).unwrap();
        app.create(&caller, request, Some("k".into())).await.unwrap();
        self.admit().await;
        let uid = self.store.state(&self.id).await.unwrap().unwrap().value.uid;
        let key = Key::derive(ROOT, "worker");
        let token = claim_token(&key, self.store.installation(), uid, &self.id, NO);
        let bearer: Bearer = token.parse().unwrap();
        let claim = ClaimRequest { protocols: PROTOCOLS.to_vec(), session: "0".repeat(64) };
        app.claim(&bearer, &claim).await.unwrap();
        shutdown.cancel();
    }

    async fn admit(&self) {
        let now = jiff::Timestamp::now();
        let admitted = self.store.change(&self.id, now, |snapshot| {
            let state = &snapshot.state.value;
            let next = state.step(&Step::Admit, now).expect("may be admitted");
            let before = snapshot.attempt.as_ref().map(|a| &a.value);
            let entry =
                Draft::info(Phase::Core, "admitted").with(Payload::transition(Some(state), &next));
            let record = AttemptRecord::admitted(&next, before, now);
            let actor = Actor { kind: ActorKind::Core, id: "t".into() };
            let change = Change {
                entries: vec![(actor, Some(record.no), entry)],
                state: Some(next),
                attempt: Some(record),
                lock: LockStep::Absent,
                ..Change::default()
            };
            Ok::<_, ()>(Decision::Write(Box::new(change), ()))
        });
        assert!(admitted.await.is_ok());
    }

    async fn caller(&self, app: &App, token: &str) -> Caller {
        Caller { identity: app.authenticate(token).await.unwrap(), request_id: None }
    }

    /// A token of a name and role, for all projects.
    async fn token(&self, process: &Process, name: &str, role: Role) -> (String, Identity) {
        let caller = self.caller(&process.app, &self.admin).await;
        let scope = Scope::All;
        let request = TokenRequest { name: name.into(), role, scope, expires_in: None };
        let token = process.app.create_token(&caller, &request).await.unwrap().token;
        let identity = process.app.authenticate(&token).await.unwrap();
        (token, identity)
    }

    /// What was recorded of terminals, oldest first, after checking that each stands in the loop's journal too.
    async fn acts(&self, process: &Process) -> Vec<AuditRecord> {
        let caller = self.caller(&process.app, &self.admin).await;
        let filter = AuditFilter { loop_id: Some(self.id.clone()), ..AuditFilter::default() };
        let page = process.app.audit(&caller, &filter, None, 1000).await.unwrap();
        let mut acts: Vec<AuditRecord> = page.items;
        acts.retain(|act| act.action.starts_with("terminal."));
        acts.reverse();
        let journal = self.store.journal(&self.id, 0, 1000).await.unwrap().items;
        for act in &acts {
            let entry = &journal[usize::try_from(act.seq).unwrap() - 1];
            match &entry.draft.payload {
                Some(Payload::Act { action, audit }) => {
                    assert_eq!((action, audit.id), (&act.action, act.id));
                }
                other => panic!("{other:?}"),
            }
        }
        acts
    }

    /// Waits until so many acts of a kind are recorded.
    async fn recorded(&self, process: &Process, action: &str, n: usize) -> Vec<AuditRecord> {
        let mut follow = process.app.follow(&self.id, 0);
        in_time(async {
            loop {
                let acts = self.acts(process).await;
                if acts.iter().filter(|act| act.action == action).count() >= n {
                    return acts;
                }
                follow.next().await.expect("the loop is there");
            }
        })
        .await
    }
}

impl Process {
    /// An HTTP request; its status and the answer as JSON.
    async fn post(
        &self,
        token: &str,
        path: &str,
        body: serde_json::Value,
    ) -> (u16, serde_json::Value) {
        self.ask(token, "POST", path, &body.to_string()).await
    }

    async fn ask(
        &self,
        token: &str,
        method: &str,
        path: &str,
        body: &str,
    ) -> (u16, serde_json::Value) {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let (length, host) = (body.len(), self.address);
        let head = format!(
            "{method} /v1/loops/a/{path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\
             Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = String::new();
        in_time(stream.read_to_string(&mut answer)).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").expect("an answer");
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, serde_json::from_str(body).unwrap())
    }

    async fn ticket(&self, token: &str, mode: &str) -> String {
        let (status, answer) =
            self.post(token, "control/attach", serde_json::json!({ "mode": mode })).await;
        assert_eq!(status, 200, "{answer}");
        answer["ticket"].as_str().unwrap().to_owned()
    }

    /// Upgrades with these subprotocols and headers.
    async fn upgrade(
        &self,
        protocols: &[&str],
        more: &[(&'static str, &str)],
    ) -> Result<Viewer, (u16, serde_json::Value)> {
        let url = format!("ws://{}/v1/loops/a/control/terminal", self.address);
        let mut request = url.into_client_request().unwrap();
        let headers = request.headers_mut();
        if !protocols.is_empty() {
            headers.insert("sec-websocket-protocol", protocols.join(", ").parse().unwrap());
        }
        for (name, value) in more {
            headers.insert(*name, value.parse().unwrap());
        }
        let stream = TcpStream::connect(self.address).await.unwrap();
        match in_time(tokio_tungstenite::client_async(request, stream)).await {
            Ok((socket, answer)) => {
                assert_eq!(answer.headers()["sec-websocket-protocol"], SUBPROTOCOL);
                Ok(Viewer { socket })
            }
            Err(WsError::Http(answer)) => {
                let body = answer.body().as_deref().unwrap_or_default();
                Err((answer.status().as_u16(), serde_json::from_slice(body).unwrap()))
            }
            Err(error) => panic!("{error}"),
        }
    }

    async fn open(&self, ticket: &str) -> Viewer {
        let ticket = format!("{TICKET_PREFIX}{ticket}");
        self.upgrade(&[SUBPROTOCOL, &ticket], &[]).await.unwrap()
    }

    /// Attaches, up to what the worker gets.
    async fn attach(&self, lab: &Lab, token: &str, mode: &str) -> (Viewer, worker::Attached) {
        let mut viewer = self.open(&self.ticket(token, mode).await).await;
        viewer.hello().await;
        let attached = lab.worker.attached().await;
        (viewer, attached)
    }
}

/// A person's end of a WebSocket.
struct Viewer {
    socket: WebSocketStream<TcpStream>,
}

impl Viewer {
    async fn say(&mut self, message: &FromViewer) {
        let message = match message.to_frame() {
            smith_term::frame::Frame::Bytes(bytes) => Message::Binary(bytes),
            smith_term::frame::Frame::Text(text) => Message::Text(text.into()),
        };
        self.socket.send(message).await.unwrap();
    }

    async fn hello(&mut self) {
        // What it says of itself is worth nothing.
        self.say(&FromViewer::Hello(Hello {
            protocols: vec![1, 999],
            session: Session::Shell,
            mode: Mode::Write,
            viewer: "somebody-else".into(),
            ticket: Ticket("none".into()),
            size: None,
            from: None,
        }))
        .await;
    }

    /// The next message; `None`: it was closed, with this code.
    async fn next(&mut self) -> Result<FromWorker, u16> {
        loop {
            let message = in_time(self.socket.next()).await;
            let frame = match message {
                Some(Ok(Message::Binary(bytes))) => smith_term::frame::Frame::Bytes(bytes),
                Some(Ok(Message::Text(text))) => smith_term::frame::Frame::Text(text.to_string()),
                Some(Ok(Message::Close(Some(close)))) => return Err(close.code.into()),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => continue,
                other => panic!("{other:?}"),
            };
            return Ok(FromWorker::from_frame(frame).unwrap());
        }
    }

    /// Reads up to the end; its reason, its text and the close code.
    async fn end(&mut self) -> (EndReason, String, u16) {
        loop {
            if let FromWorker::End { reason, text } = self.next().await.unwrap() {
                let code = self.next().await.expect_err("nothing follows an end");
                return (reason, text, code);
            }
        }
    }
}
