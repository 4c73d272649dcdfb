//! `smithctl attach`: a worker's terminal in the operator's own.

use std::io::IsTerminal as _;
use std::time::Duration;

use futures::FutureExt as _;
use smith_client::terminal::{Signal, Target, Terminal};
use smith_model::id::LoopId;
use smith_model::terminal::{Mode, Session, Size};
use smith_term::draw::{Painter, input_modes};
use smith_term::message::{EndReason, FromViewer, FromWorker, LeaseRequest, Next};
use smith_term::mirror::Mirror;
use smith_term::screen::Modes;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::Instant;

use crate::app::App;
use crate::attached::keys::{Command, Keys, Typed};
use crate::attached::line::{Answer, Line};
use crate::attached::status::Status;
use crate::attached::window::Window;
use crate::error::{Error, Exit};

/// The arguments.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The loop.
    #[arg(value_name = "ID")]
    id: LoopId,
    /// Type too, not only watch.
    #[arg(long)]
    write: bool,
    /// Which terminal: agent (what the agent runs in), or shell (one in its workspace, started if there is none).
    #[arg(long, value_name = "SESSION", default_value = "agent", value_parser = session)]
    session: Session,
}

fn session(text: &str) -> Result<Session, String> {
    let found = Session::ALL.into_iter().find(|session| session.as_str() == text);
    found.ok_or_else(|| "agent or shell".to_owned())
}

/// The shortest time between two paintings: a screen shows no more, and a flood costs no more.
const FRAME: Duration = Duration::from_millis(16);
/// How long a program may be in the middle of drawing before it is shown as it stands.
const UPDATING: Duration = Duration::from_millis(150);
/// How often the worker hears of a viewer that does nothing.
const PING: Duration = Duration::from_secs(15);

const HELP: &str = "^] then: d leave, t take the keyboard, s steal it, r hand it back, ^] send ^]";

/// Runs it.
pub(crate) async fn run(app: &App, args: Args) -> Result<Exit, Error> {
    let Args { id, write, session } = args;
    if !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
        return Err(Error::usage(
            "attach needs a terminal on both sides, for keys and for the screen",
        )
        .hint(format!("run a command without one: smithctl exec {id} -- COMMAND"))
        .hint(format!("follow what it prints: smithctl loop logs -f {id}")));
    }
    let client = app.client()?;
    let mode = if write { Mode::Write } else { Mode::Read };
    let target = Target { loop_id: id.clone(), session, mode, size: None };
    let mut terminal = client.terminal(target);
    // What is refused at once is told on an ordinary screen.
    let first = match terminal.next().await {
        Some(Ok(signal)) => signal,
        Some(Err(error)) => return Err(error.into()),
        None => return Err(Error::failed("the terminal ended before it began")),
    };
    let window = Window::open()?;
    let mut attached = Attached::new(window, format!("{id} {session}"), mode);
    attached.take(&mut terminal, first).await?;
    let end = attached.run(&mut terminal).await;
    drop(attached);
    let (reason, text) = end?;
    match reason {
        None | Some(EndReason::Detached) => Ok(Exit::Done),
        Some(EndReason::SessionOver | EndReason::ReplicaEnding) => {
            app.ui.note(&text);
            Ok(Exit::Done)
        }
        Some(_) => Err(Error::failed(text)),
    }
}

/// How it ended: by the operator, or by the other side.
type End = (Option<EndReason>, String);

/// What is asked for on the status line.
#[derive(Clone, Copy)]
enum Asked {
    Reason,
    Note,
}

struct Attached {
    window: Window,
    painter: Painter,
    mirror: Mirror,
    status: Status,
    keys: Keys,
    asked: Option<(Asked, Line)>,
    /// What the operator's terminal was made to send.
    modes: Modes,
    /// When something is to be painted.
    due: Option<Instant>,
    updating: Option<Instant>,
    end: Option<End>,
}

impl Attached {
    fn new(window: Window, place: String, mode: Mode) -> Self {
        let (columns, rows) = window.size();
        let status =
            Status { place, mode, you: None, holder: None, viewers: 0, said: None, is_lost: false };
        Self {
            window,
            painter: Painter::new(columns, rows - 1),
            mirror: Mirror::new(),
            status,
            keys: Keys::default(),
            asked: None,
            modes: Modes::default(),
            due: Some(Instant::now()),
            updating: None,
            end: None,
        }
    }

    async fn run(&mut self, terminal: &mut Terminal) -> Result<End, Error> {
        let mut keyboard = self.window.keyboard()?;
        let mut resized = signal(SignalKind::window_change())?;
        let mut told = signal(SignalKind::terminate())?;
        let mut hung_up = signal(SignalKind::hangup())?;
        let mut ping = tokio::time::interval(PING);
        loop {
            if let Some(end) = self.end.take() {
                return Ok(end);
            }
            let due = self.due;
            // All arms can be dropped. Keys first: a flood of output must not keep anybody from leaving.
            tokio::select! { biased;
                _ = told.recv() => return Ok((None, String::new())),
                _ = hung_up.recv() => return Ok((None, String::new())),
                bytes = keyboard.recv() => match bytes {
                    Some(bytes) => self.typed(terminal, &bytes).await?,
                    None => return Ok((None, String::new())),
                },
                _ = resized.recv() => self.resized(terminal).await,
                () = tokio::time::sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                    self.paint()?;
                }
                _ = ping.tick() => drop(terminal.send(FromViewer::Ping { nonce: 0 }).await),
                signal = terminal.next() => {
                    let Some(signal) = signal else {
                        return Ok((Some(EndReason::Error), "the terminal is over".to_owned()));
                    };
                    self.take(terminal, signal?).await?;
                    // Whatever else is there already belongs to the same picture.
                    for _ in 0..64 {
                        match terminal.next().now_or_never() {
                            Some(Some(signal)) => self.take(terminal, signal?).await?,
                            _ => break,
                        }
                    }
                }
            }
        }
    }

    fn changed(&mut self) {
        self.due.get_or_insert_with(|| Instant::now() + FRAME);
    }

    fn say(&mut self, text: impl Into<String>) {
        self.status.said = Some(text.into());
        self.changed();
    }

    async fn take(&mut self, terminal: &mut Terminal, signal: Signal) -> Result<(), Error> {
        self.changed();
        let message = match signal {
            Signal::Attached(_) => {
                self.status.is_lost = false;
                return Ok(());
            }
            Signal::Reconnecting { error, since: _ } => {
                self.status.is_lost = true;
                self.status.holder = None;
                self.say(error.to_string());
                return Ok(());
            }
            Signal::Message(message) => message,
        };
        self.mirror.apply(&message);
        match message {
            FromWorker::Welcome(welcome) => {
                self.status.you = Some(welcome.you);
                self.status.holder = welcome.lease;
                self.status.viewers = welcome.viewers.len();
                if self.status.mode == Mode::Write && self.status.holder.is_none() {
                    let _ = terminal.send(FromViewer::Lease(LeaseRequest::Take)).await;
                }
            }
            FromWorker::Lease { holder } => {
                let held = self.status.holds();
                self.status.holder = holder;
                match (held, self.status.holds()) {
                    (false, true) => {
                        self.status.said = None;
                        self.offer_size(terminal).await;
                    }
                    (true, false) => {
                        let stolen = self.status.holder.as_ref().and_then(|h| {
                            Some(format!(
                                "{} took the keyboard: {}",
                                h.name,
                                h.stolen.as_ref()?.reason
                            ))
                        });
                        self.status.said = stolen;
                    }
                    _ => {}
                }
            }
            FromWorker::Viewers { viewers } => self.status.viewers = viewers.len(),
            FromWorker::Notice { text, .. } | FromWorker::Began { text, .. } => self.say(text),
            FromWorker::Exit { text, next, .. } => self.say(match next {
                Next::Another => format!("{text}; another one follows"),
                Next::Over => text,
            }),
            FromWorker::End { reason, text } => self.end = Some((Some(reason), text)),
            FromWorker::Snapshot(_)
            | FromWorker::Output(_)
            | FromWorker::Resize { .. }
            | FromWorker::Answer(_)
            | FromWorker::Pong { .. }
            | FromWorker::Unknown => {}
        }
        Ok(())
    }

    async fn typed(&mut self, terminal: &mut Terminal, bytes: &[u8]) -> Result<(), Error> {
        if let Some((asked, line)) = &mut self.asked {
            let asked = *asked;
            match line.push(bytes) {
                Answer::Asking => {}
                Answer::Dropped => self.asked = None,
                Answer::Given(text) => {
                    self.asked = None;
                    let note = Some(text.clone()).filter(|text| !text.is_empty());
                    let request = match asked {
                        Asked::Reason => LeaseRequest::Steal { reason: text },
                        Asked::Note => LeaseRequest::Release { note },
                    };
                    let _ = terminal.send(FromViewer::Lease(request)).await;
                }
            }
            self.changed();
            return Ok(());
        }
        for typed in self.keys.push(bytes) {
            match typed {
                Typed::Input(bytes) if self.status.holds() => {
                    let _ = terminal.send(FromViewer::Input(bytes.into())).await;
                }
                Typed::Input(_) if self.status.mode == Mode::Read => {
                    self.say("you only watch: ^] d leaves; attach --write types");
                }
                Typed::Input(_) => self.say("you don't have the keyboard: ^] t takes it"),
                Typed::Command(command) => self.command(terminal, command).await,
            }
        }
        Ok(())
    }

    async fn command(&mut self, terminal: &mut Terminal, command: Command) {
        let reads = self.status.mode == Mode::Read;
        match command {
            Command::Detach => {
                let _ = terminal.send(FromViewer::Detach).await;
                self.end = Some((None, String::new()));
            }
            Command::Take | Command::Steal | Command::Release if reads => {
                self.say("you only watch: attach --write types");
            }
            Command::Take => {
                let _ = terminal.send(FromViewer::Lease(LeaseRequest::Take)).await;
            }
            Command::Steal => self.ask(Asked::Reason, "Why do you take the keyboard?"),
            Command::Release if self.status.holds() => {
                self.ask(Asked::Note, "A note for the next agent (may be empty):");
            }
            Command::Release => self.say("you don't have the keyboard"),
            Command::Help => self.say(HELP),
        }
        self.changed();
    }

    fn ask(&mut self, asked: Asked, question: &'static str) {
        self.asked = Some((asked, Line::ask(question)));
    }

    async fn resized(&mut self, terminal: &mut Terminal) {
        let (columns, rows) = self.window.size();
        self.painter.reset(columns, rows - 1);
        self.changed();
        if self.status.holds() {
            self.offer_size(terminal).await;
        }
    }

    /// Who types decides how large the terminal is.
    async fn offer_size(&mut self, terminal: &mut Terminal) {
        let (columns, rows) = self.window.size();
        let size = Size::nearest(columns, rows - 1);
        let _ = terminal.send(FromViewer::Resize { size }).await;
    }

    fn paint(&mut self) -> Result<(), Error> {
        self.due = None;
        let mut bytes = vec![];
        if let Some(engine) = self.mirror.engine() {
            let screen = engine.screen();
            let now = Instant::now();
            if screen.modes.updating {
                let until = *self.updating.get_or_insert(now + UPDATING);
                if now < until {
                    self.due = Some(until);
                    return Ok(());
                }
            } else {
                self.updating = None;
            }
            bytes.extend(self.painter.paint(&screen));
            let wanted = if self.status.holds() { screen.modes } else { Modes::default() };
            bytes.extend(input_modes(&self.modes, &wanted));
            self.modes = wanted;
        }
        let (columns, rows) = self.window.size();
        let question = self.asked.as_ref().map(|(_, line)| line.shown());
        bytes.extend(self.status.paint(question.as_deref(), columns, rows));
        self.window.write(&bytes)?;
        Ok(())
    }
}
