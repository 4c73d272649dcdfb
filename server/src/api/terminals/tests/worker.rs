//! A worker as far as its socket: it answers asks by itself, and hands those who attach to the test.

use std::path::Path;
use std::sync::Arc;

use bytes::BytesMut;
use jiff::Timestamp;
use smith_model::attempt::Exit;
use smith_model::id::{AttemptNo, LoopId};
use smith_model::terminal::{
    CommandAnswer, Holder, Mode, Session, SessionState, Size, Viewer, ViewerId,
};
use smith_term::frame::{Sender, decode, encode};
use smith_term::message::{Answer, Ask, FromViewer, FromWorker, Hello, Welcome};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinSet;
use uuid::Uuid;

use super::in_time;
use crate::runtime::WorkerLabels;

pub(super) struct Worker {
    attached: Mutex<mpsc::Receiver<Attached>>,
    /// Command lines that were begun, and those whose asker hung up.
    pub(super) begun: Mutex<mpsc::Receiver<String>>,
    pub(super) hung_up: Mutex<mpsc::Receiver<String>>,
    _tasks: JoinSet<()>,
}

/// Somebody who attached.
pub(super) struct Attached {
    pub(super) hello: Hello,
    stream: UnixStream,
    buffer: BytesMut,
}

struct Tell {
    attached: mpsc::Sender<Attached>,
    begun: mpsc::Sender<String>,
    hung_up: mpsc::Sender<String>,
}

impl Worker {
    pub(super) fn start(dir: &Path, installation: Uuid, id: &LoopId, no: AttemptNo) -> Self {
        let name = no.worker_name(id);
        let dir = dir.join("workers").join(&name);
        std::fs::create_dir_all(&dir).unwrap();
        let labels = WorkerLabels { name, installation, loop_id: id.clone(), uid: Uuid::nil(), no };
        std::fs::write(dir.join("labels.json"), serde_json::to_vec(&labels).unwrap()).unwrap();
        let listener = UnixListener::bind(dir.join("terminal.sock")).unwrap();
        let (attached, told) = mpsc::channel(64);
        let (begun, lines) = mpsc::channel(64);
        let (hung_up, ended) = mpsc::channel(64);
        let tell = Arc::new(Tell { attached, begun, hung_up });
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut serving = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                serving.spawn(serve(stream, Arc::clone(&tell)));
            }
        });
        Self {
            attached: Mutex::new(told),
            begun: Mutex::new(lines),
            hung_up: Mutex::new(ended),
            _tasks: tasks,
        }
    }

    pub(super) async fn attached(&self) -> Attached {
        in_time(self.attached.lock().await.recv()).await.unwrap()
    }
}

pub(super) fn viewers() -> Vec<Viewer> {
    let viewer = |id, name: &str| Viewer { id: ViewerId(id), name: name.into(), mode: Mode::Read };
    vec![viewer(1, "maria"), viewer(2, "olaf")]
}

async fn serve(mut stream: UnixStream, tell: Arc<Tell>) {
    let mut buffer = BytesMut::new();
    let answer = match read(&mut stream, &mut buffer).await {
        None => return,
        Some(FromViewer::Hello(hello)) => {
            tell.attached.send(Attached { hello, stream, buffer }).await.unwrap();
            return;
        }
        Some(FromViewer::Ask(Ask::Status { .. })) => {
            let session = |session, viewers| SessionState {
                session,
                generation: 1,
                running: true,
                size: Size::DEFAULT,
                title: None,
                lease: None,
                viewers,
            };
            let sessions =
                vec![session(Session::Agent, viewers()), session(Session::Shell, vec![])];
            Answer::Status { sessions }
        }
        Some(FromViewer::Ask(Ask::Command { line, .. })) => {
            tell.begun.send(line.clone()).await.unwrap();
            if line.contains("for ever") {
                // Until its asker hangs up.
                assert_eq!(read(&mut stream, &mut buffer).await, None);
                tell.hung_up.send(line).await.unwrap();
                return;
            }
            Answer::Command(CommandAnswer {
                exit: Exit::Code(3),
                millis: 7,
                stdout: "out".into(),
                stdout_omitted: 0,
                stderr: String::new(),
                stderr_omitted: 0,
            })
        }
        Some(FromViewer::Ask(Ask::Detach { viewer, own_only, .. })) => {
            let mut viewers = viewers();
            viewers.retain(|v| viewer.map_or(v.name == "maria", |id| v.id == id));
            viewers.retain(|v| !own_only || v.name == "maria");
            Answer::Detached { viewers }
        }
        other => panic!("{other:?}"),
    };
    let mut out = BytesMut::new();
    encode(&FromWorker::Answer(answer).to_frame(), Sender::Worker, &mut out).unwrap();
    // Its asker may have hung up.
    let _ = stream.write_all(&out).await;
}

async fn read(stream: &mut UnixStream, buffer: &mut BytesMut) -> Option<FromViewer> {
    loop {
        if let Some(frame) = decode(buffer, Sender::Viewer).unwrap() {
            return Some(FromViewer::from_frame(frame).unwrap());
        }
        if stream.read_buf(buffer).await.unwrap_or(0) == 0 {
            return None;
        }
    }
}

impl Attached {
    /// The viewer's next message; `None`: its stream was closed.
    pub(super) async fn next(&mut self) -> Option<FromViewer> {
        in_time(read(&mut self.stream, &mut self.buffer)).await
    }

    /// False: nobody takes it any more.
    pub(super) async fn say(&mut self, message: &FromWorker) -> bool {
        let mut out = BytesMut::new();
        encode(&message.to_frame(), Sender::Worker, &mut out).unwrap();
        in_time(self.stream.write_all(&out)).await.is_ok()
    }

    pub(super) async fn welcome(&mut self, you: u32) {
        let welcome = Welcome {
            version: 1,
            session: self.hello.session,
            generation: 1,
            you: ViewerId(you),
            viewers: vec![],
            lease: None,
            from: None,
        };
        self.say(&FromWorker::Welcome(welcome)).await;
    }

    pub(super) async fn lease(&mut self, holder: Option<(u32, Option<&str>)>) {
        let holder = holder.map(|(id, reason)| Holder {
            id: ViewerId(id),
            name: format!("v{id}"),
            since: Timestamp::UNIX_EPOCH,
            stolen: reason.map(|reason| smith_model::terminal::Steal {
                from: "v9".into(),
                reason: reason.into(),
            }),
        });
        self.say(&FromWorker::Lease { holder }).await;
    }
}
