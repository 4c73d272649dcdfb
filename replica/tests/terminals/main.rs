//! The terminals of a worker, with real processes in a real host, watched through the real socket.

#![allow(clippy::unwrap_used, reason = "in a test it is an assertion")]
#![allow(unreachable_pub)]

mod viewer;

use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use smith_model::attempt::Exit;
use smith_model::chain::Key;
use smith_model::id::AttemptNo;
use smith_model::redact::Secrets;
use smith_model::terminal::ticket::{self, Act};
use smith_model::terminal::{Mode, Session, Size};
use smith_replica::host::{Command, Host, Local, Process, Program, TerminalReader};
use smith_replica::terminals::{Setting, Tap, Terminals};
use smith_term::message::{
    About, Answer, Ask, EndReason, FromViewer, FromWorker, LeaseRequest, Next, Position, Status,
};
use tokio::io::AsyncReadExt as _;
use tokio::task::JoinHandle;

use viewer::{Viewer, hello, ticket};

const LOOP: &str = "a-loop";
const NO: AttemptNo = AttemptNo { round: 1, attempt: 1 };
const SECRET: &str = "hunter2hunter2";

fn key() -> Key {
    ticket::key("the attempt's secret")
}

/// A worker's terminals without the rest of the worker.
struct Worker {
    dir: tempfile::TempDir,
    host: Arc<Host>,
    terminals: Terminals,
    serving: JoinHandle<()>,
}

impl Worker {
    async fn start() -> Self {
        smith_replica::run::harden().unwrap();
        let dir = tempfile::Builder::new().prefix("smith-").tempdir().unwrap();
        let at = |name: &str| {
            let path = dir.path().join(name);
            std::fs::create_dir(&path).unwrap();
            path
        };
        let local = Local {
            program: env!("CARGO_BIN_EXE_smith-replica").into(),
            socket: dir.path().join("host/s"),
            workspace: at("workspace"),
            isolation: None,
            hidden: vec![],
        };
        let host = Arc::new(Host::spawn_local(&local).await.unwrap());
        let env = ["PATH", "HOME"].map(|n| (n.to_owned(), std::env::var(n).unwrap_or_default()));
        let mut env = env.to_vec();
        env.extend(
            [("TERM", "xterm-256color"), ("SHELL", "/bin/sh"), ("PS1", "$ "), ("KEY", SECRET)]
                .map(|(n, v)| (n.to_owned(), v.to_owned())),
        );
        let setting = Setting {
            host: Arc::clone(&host),
            dir: dir.path().to_owned(),
            captures: at("captures"),
            secrets: Secrets::new([SECRET]),
            env,
            key: key(),
            loop_id: LOOP.parse().unwrap(),
            no: NO,
        };
        let (terminals, serving) = Terminals::open(setting);
        Self { dir, host, terminals, serving: tokio::spawn(serving) }
    }

    fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// An agent that is this line.
    async fn agent(&self, iteration: u32, line: &str) -> Agent {
        let command = Command {
            program: Program::Shell(line.to_owned()),
            env: [
                ("TERM".to_owned(), "xterm-256color".to_owned()),
                ("PATH".to_owned(), std::env::var("PATH").unwrap()),
            ]
            .into(),
            cwd: Default::default(),
        };
        let size = self.terminals.agent_size();
        let (process, terminal) = self.host.start_in_terminal(command, size).await.unwrap();
        let (tap, typing) = self.terminals.agent(iteration, terminal.input);
        let running = run(process, terminal.output, tap, typing);
        Agent { running: tokio::spawn(running) }
    }

    /// Everything is over; nobody is left.
    async fn end(self) {
        self.host.shutdown(Duration::ZERO).await;
        self.terminals.close().await;
        tokio::time::timeout(Duration::from_secs(20), self.serving).await.unwrap().unwrap();
    }
}

struct Agent {
    running: JoinHandle<()>,
}

impl Agent {
    async fn ended(self) {
        tokio::time::timeout(Duration::from_secs(60), self.running).await.unwrap().unwrap();
    }
}

async fn run(
    process: Process,
    mut output: TerminalReader,
    tap: Tap,
    typing: impl Future<Output = Infallible>,
) {
    let reading = async {
        let mut buffer = vec![0; 16 * 1024];
        while let Ok(n @ 1..) = output.read(&mut buffer).await {
            tap.output(&buffer[..n]);
        }
        process.wait().await.unwrap()
    };
    let exit = tokio::select! {
        exit = reading => exit,
        never = typing => match never {},
    };
    let status = match exit {
        smith_replica::host::Exit::Code(code) => Some(Status::Code(code)),
        smith_replica::host::Exit::Signal(signal) => Some(Status::Signal(signal)),
        smith_replica::host::Exit::Unknown => None,
    };
    process.sweep().await.unwrap();
    tap.ended(status, Next::Another, "the agent ended".to_owned());
}

fn take() -> FromViewer {
    FromViewer::Lease(LeaseRequest::Take)
}

fn notice(message: &FromWorker) -> Option<About> {
    match message {
        FromWorker::Notice { about, .. } => Some(*about),
        _ => None,
    }
}

fn held(message: &FromWorker) -> Option<Option<String>> {
    match message {
        FromWorker::Lease { holder } => Some(holder.as_ref().map(|h| h.name.clone())),
        _ => None,
    }
}

#[tokio::test]
async fn one_watches_one_types_and_both_see_the_same() {
    let worker = Worker::start().await;
    let agent = worker.agent(1, "echo ready; read line; echo \"got $line\"; exit 3").await;
    let (mut watcher, welcome) =
        Viewer::attach(worker.dir(), "ann", Session::Agent, Mode::Read).await;
    assert_eq!((welcome.session, welcome.generation), (Session::Agent, 1));
    watcher.shows("ready").await;
    // Who watches can't type, nor take the lease.
    watcher.type_("no\r").await;
    assert_eq!(watcher.until(notice).await, About::ReadOnly);
    watcher.say(take()).await;
    assert_eq!(watcher.until(notice).await, About::ReadOnly);
    let (mut typist, welcome) =
        Viewer::attach(worker.dir(), "bob", Session::Agent, Mode::Write).await;
    assert_eq!(welcome.viewers.len(), 2);
    // Nor can anybody without the lease.
    typist.type_("no\r").await;
    assert_eq!(typist.until(notice).await, About::NoLease);
    typist.say(take()).await;
    assert_eq!(typist.until(held).await.as_deref(), Some("bob"));
    assert_eq!(watcher.until(held).await.as_deref(), Some("bob"));
    typist.type_("hello\r").await;
    for viewer in [&mut typist, &mut watcher] {
        viewer.shows("got hello").await;
        let exit = viewer.until(|m| match m {
            FromWorker::Exit { generation, status, next, .. } => {
                Some((*generation, *status, *next))
            }
            _ => None,
        });
        assert_eq!(exit.await, (1, Some(Status::Code(3)), Next::Another));
    }
    agent.ended().await;
    // The next iteration's agent: the session says so, and goes on.
    let agent = worker.agent(2, "echo again").await;
    for viewer in [&mut typist, &mut watcher] {
        let began = viewer.until(|m| match m {
            FromWorker::Began { generation, .. } => Some(*generation),
            _ => None,
        });
        assert_eq!(began.await, 2);
        let screen = viewer.shows("again").await;
        assert!(!screen.contains("hello"), "a fresh terminal:\n{screen}");
    }
    agent.ended().await;
    let closing = worker.terminals.clone();
    let closing = tokio::spawn(async move { closing.close().await });
    let end = watcher.until(|m| match m {
        FromWorker::End { reason, .. } => Some(*reason),
        _ => None,
    });
    assert_eq!(end.await, EndReason::ReplicaEnding);
    closing.await.unwrap();
    worker.end().await;
}

#[tokio::test]
async fn a_lease_is_stolen_with_a_reason_handed_back_with_a_note_and_lost_with_its_holder() {
    let worker = Worker::start().await;
    let agent = worker.agent(1, "cat").await;
    let attach =
        async |name| Viewer::attach(worker.dir(), name, Session::Agent, Mode::Write).await.0;
    let (mut ann, mut bob) = (attach("ann").await, attach("bob").await);
    ann.say(take()).await;
    assert_eq!(bob.until(held).await.as_deref(), Some("ann"));
    bob.say(take()).await;
    assert_eq!(bob.until(notice).await, About::LeaseTaken);
    bob.say(FromViewer::Lease(LeaseRequest::Steal { reason: " ".into() })).await;
    assert_eq!(bob.until(notice).await, About::NoLease);
    ann.type_("one\r").await;
    ann.shows("one").await;
    bob.say(FromViewer::Lease(LeaseRequest::Steal { reason: "prod is down".into() })).await;
    let stolen = ann.until(|m| match m {
        FromWorker::Lease { holder: Some(h) } if h.name == "bob" => h.stolen.clone(),
        _ => None,
    });
    assert_eq!(stolen.await.reason, "prod is down");
    ann.type_("two\r").await;
    assert_eq!(ann.until(notice).await, About::NoLease);
    bob.type_("three\r").await;
    let note = Some("mind the gap".to_owned());
    bob.say(FromViewer::Lease(LeaseRequest::Release { note })).await;
    assert_eq!(ann.until(held).await, None);
    ann.say(take()).await;
    bob.until(|m| held(m).flatten().filter(|name| name == "ann")).await;
    drop(ann);
    assert_eq!(bob.until(held).await, None);
    // What both did is told, what they only wanted isn't.
    let interventions = worker.terminals.interventions().await;
    let told: Vec<_> = interventions.iter().map(|c| &c.intervention).collect();
    assert_eq!(told.len(), 2, "{told:#?}");
    assert_eq!((told[0].by.as_str(), &told[0].typed[..]), ("ann", &["one".to_owned()][..]));
    assert_eq!(told[1].typed, ["three"]);
    assert_eq!(told[1].note.as_deref(), Some("mind the gap"));
    drop(agent);
    worker.end().await;
}

#[tokio::test]
async fn what_somebody_did_who_had_the_lease_to_the_last_is_told_too() {
    let worker = Worker::start().await;
    let agent = worker.agent(1, "read line; echo \"got $line\"").await;
    let (mut ann, _) = Viewer::attach(worker.dir(), "ann", Session::Agent, Mode::Write).await;
    ann.say(take()).await;
    ann.until(|m| held(m).flatten()).await;
    ann.type_("to the last\r").await;
    ann.shows("got to the last").await;
    agent.ended().await;
    worker.terminals.close().await;
    let told = worker.terminals.interventions().await;
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].intervention.typed, ["to the last"]);
    worker.end().await;
}

#[tokio::test]
async fn tickets_let_in_whom_they_name_where_they_say_and_nobody_else() {
    let worker = Worker::start().await;
    let attach = Act::Attach { session: Session::Agent, mode: Mode::Read };
    let end = async |message| {
        let mut viewer = Viewer::connect(worker.dir()).await;
        viewer.say(message).await;
        match viewer.next().await {
            FromWorker::End { reason, .. } => {
                assert!(viewer.next_or_end().await.is_none());
                reason
            }
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(end(hello(ticket("ann", attach, -1), None)).await, EndReason::Expired);
    assert_eq!(end(hello(ticket("ann", Act::Command, 60), None)).await, EndReason::Refused);
    let forged = smith_term::message::Ticket("a-loop.1.1.e30.00".into());
    assert_eq!(end(hello(forged.clone(), None)).await, EndReason::Refused);
    assert_eq!(end(FromViewer::Detach).await, EndReason::Protocol);
    for ask in [
        Ask::Status { ticket: forged },
        Ask::Command {
            ticket: ticket("ann", Act::Status, 60),
            line: "id".into(),
            timeout_millis: 1,
        },
    ] {
        let answer = Viewer::ask(worker.dir(), ask).await;
        assert!(matches!(answer, FromWorker::Answer(Answer::Refused { .. })), "{answer:?}");
    }
    let status = Ask::Status { ticket: ticket("ann", Act::Status, 60) };
    let FromWorker::Answer(Answer::Status { sessions }) = Viewer::ask(worker.dir(), status).await
    else {
        panic!("no status")
    };
    assert_eq!(
        sessions.iter().map(|s| (s.session, s.running)).collect::<Vec<_>>(),
        [(Session::Agent, false), (Session::Shell, false)]
    );
    worker.end().await;
}

#[tokio::test]
async fn a_shell_is_started_for_whoever_asks_shared_and_started_again_after_its_end() {
    let worker = Worker::start().await;
    let attach = async |name| Viewer::attach(worker.dir(), name, Session::Shell, Mode::Write).await;
    let ((mut ann, _), (mut bob, welcome)) = tokio::join!(attach("ann"), attach("bob"));
    assert_eq!(welcome.generation, 1, "one shell for both");
    ann.say(take()).await;
    ann.until(|m| held(m).flatten()).await;
    ann.type_("pwd; echo x >made; stty size\r").await;
    bob.shows("40 120").await;
    assert!(worker.dir().join("workspace/made").exists());
    let size = Size::new(80, 24).unwrap();
    ann.say(FromViewer::Resize { size }).await;
    ann.type_("stty size\r").await;
    bob.shows("24 80").await;
    assert_eq!(bob.mirror.engine().unwrap().size(), size);
    ann.type_("exit 7\r").await;
    let end = |m: &FromWorker| match m {
        FromWorker::End { reason, .. } => Some(*reason),
        _ => None,
    };
    assert_eq!(bob.until(end).await, EndReason::SessionOver);
    assert_eq!(ann.until(end).await, EndReason::SessionOver);
    let (mut carl, welcome) = attach("carl").await;
    assert_eq!(welcome.generation, 2);
    carl.say(take()).await;
    carl.until(|m| held(m).flatten()).await;
    carl.type_("echo $((6*7))\r").await;
    carl.shows("42").await;
    worker.end().await;
}

#[tokio::test]
async fn a_command_is_bounded_in_time_and_output_and_ends_with_its_asker() {
    let worker = Worker::start().await;
    let run = async |line: &str, timeout_millis| {
        let ticket = ticket("ann", Act::Command, 60);
        let ask = Ask::Command { ticket, line: line.to_owned(), timeout_millis };
        match Viewer::ask(worker.dir(), ask).await {
            FromWorker::Answer(Answer::Command(answer)) => answer,
            other => panic!("{other:?}"),
        }
    };
    let answer = run("echo out; echo $KEY >&2; exit 5", 10_000).await;
    assert_eq!((answer.exit, answer.stdout.as_str()), (Exit::Code(5), "out\n"));
    assert_eq!(answer.stderr, "[redacted]\n");
    let answer = run("yes | head -c 1000000", 20_000).await;
    assert_eq!(answer.stdout_omitted + answer.stdout.len() as u64, 1_000_000);
    assert!(answer.stdout.len() <= 256 * 1024);
    let answer = run("trap '' TERM; echo begun; sleep 1000", 300).await;
    assert_eq!((answer.exit, answer.stdout.as_str()), (Exit::TimedOut, "begun\n"));
    // A child that goes on in another session doesn't hold the answer up.
    let answer = run("setsid sleep 1000 & echo done", 20_000).await;
    assert_eq!((answer.exit, answer.stdout.as_str()), (Exit::Code(0), "done\n"));
    // Whoever hangs up ends it: the FIFO's last writer is gone.
    let fifo = worker.dir().join("workspace/alive");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &fifo,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RWXU,
        0,
    )
    .unwrap();
    let mut alive = tokio::net::unix::pipe::OpenOptions::new().open_receiver(&fifo).unwrap();
    let mut viewer = Viewer::connect(worker.dir()).await;
    let line = "exec 3>alive; echo x >&3; sleep 1000".to_owned();
    let ticket = ticket("ann", Act::Command, 60);
    viewer.say(FromViewer::Ask(Ask::Command { ticket, line, timeout_millis: 100_000 })).await;
    let mut byte = [0; 8];
    alive.readable().await.unwrap();
    assert_eq!(alive.read(&mut byte).await.unwrap(), 2);
    drop(viewer);
    let gone = tokio::time::timeout(Duration::from_secs(20), alive.read(&mut byte)).await;
    assert_eq!(gone.unwrap().unwrap(), 0, "nobody holds it any more");
    worker.end().await;
}

#[tokio::test]
async fn a_flood_is_not_slowed_by_who_reads_nothing_and_who_lags_is_resynced() {
    let worker = Worker::start().await;
    // It waits until both are there, and floods far beyond what is kept.
    let agent =
        worker.agent(1, "read go; yes 0123456789 | head -c 30000000; echo; echo the end").await;
    let (_stuck, _) = Viewer::attach(worker.dir(), "stuck", Session::Agent, Mode::Read).await;
    let (mut slow, _) = Viewer::attach(worker.dir(), "slow", Session::Agent, Mode::Write).await;
    slow.say(take()).await;
    slow.until(|m| held(m).flatten()).await;
    slow.type_("go\r").await;
    agent.ended().await;
    assert_eq!(slow.until(|m| notice(m).filter(|a| *a == About::Resynced)).await, About::Resynced);
    slow.shows("the end").await;
    worker.end().await;
}

#[tokio::test]
async fn who_comes_back_goes_on_where_it_was() {
    let worker = Worker::start().await;
    let agent = worker.agent(1, "printf 'one\\n'; read a; printf 'two\\n'; read b").await;
    let (mut first, _) = Viewer::attach(worker.dir(), "ann", Session::Agent, Mode::Write).await;
    first.shows("one").await;
    let from = first.mirror.position();
    first.say(take()).await;
    first.until(|m| held(m).flatten()).await;
    first.type_("\r").await;
    first.shows("two").await;
    let attach = Act::Attach { session: Session::Agent, mode: Mode::Read };
    let mut second = Viewer::connect(worker.dir()).await;
    second.say(hello(ticket("ann", attach, 60), from)).await;
    let FromWorker::Welcome(welcome) = second.next_without_mirror().await else { panic!() };
    assert_eq!(welcome.from, from, "without a snapshot");
    let FromWorker::Output(bytes) = second.next_without_mirror().await else { panic!() };
    let text = String::from_utf8_lossy(&bytes).into_owned();
    assert!(text.contains("two") && !text.contains("one"), "{text:?}");
    // A position that nobody ever had gets a snapshot.
    let mut third = Viewer::connect(worker.dir()).await;
    let from = Some(Position { generation: 1, offset: 1 << 40 });
    third.say(hello(ticket("ann", attach, 60), from)).await;
    third.shows("two").await;
    drop(agent);
    worker.end().await;
}

#[tokio::test]
async fn recordings_hold_what_was_shown_and_no_secret_and_no_password() {
    let worker = Worker::start().await;
    let line = format!(
        "printf 'key {SECRET} out\\n'; read shown; stty -echo; echo quiet; read hidden; stty echo; echo over"
    );
    let agent = worker.agent(4, &line).await;
    let (mut ann, _) = Viewer::attach(worker.dir(), "ann", Session::Agent, Mode::Write).await;
    ann.say(take()).await;
    ann.until(|m| held(m).flatten()).await;
    ann.shows("out").await;
    ann.type_("visible\r").await;
    ann.shows("visible").await;
    ann.shows("quiet").await;
    ann.type_("correct horse\r").await;
    ann.shows("over").await;
    agent.ended().await;
    let recordings = worker.terminals.recordings();
    assert_eq!(recordings.len(), 1);
    assert_eq!((recordings[0].iteration, recordings[0].segment), (4, 1));
    let text = std::fs::read_to_string(&recordings[0].captured.path).unwrap();
    let cast = smith_term::recording::Recording::read(text.as_bytes()).unwrap();
    assert!(text.contains("visible") && text.contains("[redacted]"), "{text}");
    assert!(!text.contains(SECRET) && !text.contains("correct horse"), "{text}");
    assert!(text.contains("input that isn't shown"), "{text}");
    drop(cast);
    ann.say(FromViewer::Lease(LeaseRequest::Release { note: None })).await;
    ann.until(|m| held(m).filter(Option::is_none)).await;
    let told = worker.terminals.interventions().await;
    assert_eq!(told[0].intervention.typed, ["visible"]);
    assert!(told[0].intervention.hidden);
    worker.end().await;
}

#[tokio::test]
async fn a_thousand_attaches_leave_nothing() {
    let worker = Worker::start().await;
    let agent = worker.agent(1, "echo ready; cat").await;
    let open = || std::fs::read_dir("/proc/self/fd").unwrap().count();
    let (mut first, _) = Viewer::attach(worker.dir(), "first", Session::Agent, Mode::Write).await;
    first.shows("ready").await;
    let before = open();
    for _ in 0..10 {
        let many = (0..100).map(|_| Viewer::attach(worker.dir(), "x", Session::Agent, Mode::Write));
        let many = futures::future::join_all(many).await;
        assert_eq!(many.len(), 100);
        drop(many);
        // Everybody has left before the next hundred come.
        first
            .until(|m| match m {
                FromWorker::Viewers { viewers } => (viewers.len() == 1).then_some(()),
                _ => None,
            })
            .await;
    }
    worker.closed(before).await;
    assert_eq!(open(), before);
    drop(agent);
    worker.end().await;
}

impl Worker {
    /// Waits until the server has closed what its viewers left.
    async fn closed(&self, files: usize) {
        let closed = async {
            while std::fs::read_dir("/proc/self/fd").unwrap().count() > files {
                // Each answer is one more turn of the server.
                let status = Ask::Status { ticket: ticket("ann", Act::Status, 60) };
                let _ = Viewer::ask(self.dir(), status).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), closed).await.unwrap();
    }
}
