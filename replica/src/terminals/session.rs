//! One session: the terminal of one process after the other, who watches it, and who may type.
//!
//! The engine is fed where the process's output is read, before any viewer sees it. Viewers are level-triggered: each
//! remembers what it has ([`Sent`]), is woken when anything changed, and takes what it lacks: from the backlog while that
//! reaches back far enough, else a snapshot. So there is no queue a viewer, and one that is slow costs the program and the
//! others nothing.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use jiff::Timestamp;
use smith_model::terminal::{Holder, Mode, Session as Name, SessionState, Viewer, ViewerId};
use smith_term::backlog::Backlog;
use smith_term::engine::Engine;
use smith_term::message::{
    About, EndReason, FromWorker, LeaseRequest, Next, Position, Snapshot, Status,
};
use smith_term::size::Size;
use smith_term::snapshot;
use tokio::sync::{mpsc, watch};

use super::intervention::{Episode, Episodes};
use super::lease::{Lease, Refused, words};
use super::recording::Recorder;
use crate::host::{Echo, Size as Winsize, TerminalWriter};

/// Output that is kept for viewers who come back or lag: a few seconds of a busy program, and a blink of one that floods.
const BACKLOG: usize = 1024 * 1024;
/// The most output that one viewer is handed at once.
const CHUNK: usize = 64 * 1024;
/// Pieces of input on their way to a program that doesn't read them: a person notices before it is many.
const INPUT: usize = 64;

/// A session; shared by its process, its viewers and the server.
#[derive(Debug)]
pub(super) struct Session {
    name: Name,
    state: Mutex<State>,
    /// Counts changes; viewers wait for it to move.
    changed: watch::Sender<u64>,
    episodes: Arc<Episodes>,
}

struct State {
    generation: u64,
    /// What the process of this generation is, for people.
    begun: String,
    engine: Engine,
    backlog: Backlog,
    process: Option<Process>,
    recorder: Option<Recorder>,
    /// How the process of this generation ended.
    exit: Option<Exit>,
    lease: Versioned<Lease>,
    viewers: Versioned<BTreeMap<ViewerId, Viewer>>,
    size: Versioned<Option<ViewerId>>,
    /// The snapshot of this very moment, for the many who are resynced at once.
    newest: Option<(Position, u64, Snapshot)>,
    episode: Option<Episode>,
    replaced: u64,
    /// Nothing follows.
    over: Option<(EndReason, &'static str)>,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "State(generation {}, {} viewers)", self.generation, self.viewers.value.len())
    }
}

/// A value that viewers are told when it changes.
#[derive(Debug, Default)]
struct Versioned<T> {
    value: T,
    version: u64,
}

impl<T> Versioned<T> {
    fn change(&mut self) -> &mut T {
        self.version += 1;
        &mut self.value
    }
}

/// The process that runs.
#[derive(Debug)]
struct Process {
    input: mpsc::Sender<Bytes>,
    terminal: TerminalWriter,
}

#[derive(Clone, Debug)]
struct Exit {
    status: Option<Status>,
    next: Next,
    text: String,
}

/// What a viewer has.
#[derive(Debug)]
pub(super) struct Sent {
    id: ViewerId,
    at: Position,
    /// The screen at `at`, or nothing yet.
    synced: bool,
    /// The exit of this generation was told.
    exit_of: u64,
    lease: u64,
    viewers: u64,
    size: u64,
    replaced: u64,
}

/// What a viewer is told at its beginning.
#[derive(Debug)]
pub(super) struct Joined {
    pub(super) sent: Sent,
    pub(super) generation: u64,
    pub(super) viewers: Vec<Viewer>,
    pub(super) lease: Option<Holder>,
    /// The position from which it goes on without a snapshot.
    pub(super) from: Option<Position>,
}

/// What there is for a viewer.
#[derive(Debug)]
pub(super) enum ForViewer {
    /// This; then ask again.
    Messages(Vec<FromWorker>),
    /// Nothing, until something changes.
    Nothing,
    /// The end.
    End(EndReason, String),
}

/// Input, or a request, that is refused.
#[derive(Debug)]
pub(super) struct No(pub(super) About, pub(super) String);

impl From<Refused> for No {
    fn from(refused: Refused) -> Self {
        let about = match &refused {
            Refused::ReadOnly => About::ReadOnly,
            Refused::Taken(_) => About::LeaseTaken,
            Refused::NoReason | Refused::NotHeld => About::NoLease,
        };
        Self(about, refused.to_string())
    }
}

impl Session {
    pub(super) fn new(name: Name, episodes: Arc<Episodes>) -> Self {
        let state = State {
            generation: 0,
            begun: String::new(),
            engine: Engine::new(Size::DEFAULT),
            backlog: Backlog::new(0, BACKLOG),
            process: None,
            recorder: None,
            exit: None,
            lease: Versioned::default(),
            viewers: Versioned::default(),
            size: Versioned { value: None, version: 0 },
            newest: None,
            episode: None,
            replaced: 0,
            over: None,
        };
        Self { name, state: Mutex::new(state), changed: watch::channel(0).0, episodes }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // The engine contains its own panics; whatever else panicked left a state that can be read.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn told(&self) {
        self.changed.send_modify(|n| *n += 1);
    }

    /// Moves when anything changed.
    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    pub(super) fn runs(&self) -> bool {
        self.state().process.is_some()
    }

    /// A process begins, in a terminal of the session's size. What is typed comes out of the receiver.
    pub(super) fn begin(
        &self,
        what: String,
        terminal: TerminalWriter,
        record: impl FnOnce(u64, Size) -> Recorder,
    ) -> mpsc::Receiver<Bytes> {
        let (input, typed) = mpsc::channel(INPUT);
        let mut state = self.state();
        let size = state.engine.size();
        state.generation += 1;
        state.begun = what;
        state.engine = Engine::new(size);
        state.backlog = Backlog::new(state.generation, BACKLOG);
        state.process = Some(Process { input, terminal });
        state.recorder = Some(record(state.generation, size));
        state.exit = None;
        drop(state);
        self.told();
        typed
    }

    /// The size that the next process gets.
    pub(super) fn size(&self) -> Size {
        self.state().engine.size()
    }

    /// The process printed something.
    pub(super) fn output(&self, bytes: &[u8]) {
        let mut state = self.state();
        let fed = state.engine.feed(bytes);
        state.backlog.push(bytes);
        let State { recorder, engine, backlog, .. } = &mut *state;
        if let Some(recorder) = recorder {
            let size = engine.size();
            recorder.output(bytes, size, || snapshot::take(engine, backlog.end()).state);
        }
        if fed.replaced {
            state.replaced += 1;
        }
        // An answer that the program doesn't read is worth nothing to it.
        if !fed.replies.is_empty()
            && let Some(process) = &state.process
        {
            let _ = process.input.try_send(fed.replies.into());
        }
        let State { episode, engine, .. } = &mut *state;
        if let Some(episode) = episode
            && episode.typed.waits()
        {
            episode.typed.look(&smith_term::screen::to_text(&engine.screen().rows));
        }
        drop(state);
        self.told();
    }

    /// The process ended; its recording, if there was one.
    pub(super) fn ended(
        &self,
        status: Option<Status>,
        next: Next,
        text: String,
    ) -> Option<Recorder> {
        let mut state = self.state();
        state.process = None;
        state.exit = Some(Exit { status, next, text });
        let recorder = state.recorder.take();
        drop(state);
        self.told();
        recorder
    }

    /// Nothing follows: everybody is told, and nobody is let in any more.
    pub(super) fn over(&self, reason: EndReason, text: &'static str) {
        self.state().over.get_or_insert((reason, text));
        self.told();
    }

    /// Lets a viewer in. `from`: what it has of this generation.
    pub(super) fn join(&self, viewer: Viewer, from: Option<Position>) -> Joined {
        let mut state = self.state();
        let id = viewer.id;
        state.viewers.change().insert(id, viewer);
        let from = from.filter(|from| state.backlog.since(*from).is_some());
        let at = from.unwrap_or(Position { generation: state.generation, offset: 0 });
        let joined = Joined {
            sent: Sent {
                id,
                at,
                synced: from.is_some(),
                exit_of: 0,
                lease: state.lease.version,
                viewers: state.viewers.version,
                size: state.size.version,
                replaced: state.replaced,
            },
            generation: state.generation,
            viewers: state.viewers.value.values().cloned().collect(),
            lease: state.lease.value.holder().cloned(),
            from,
        };
        drop(state);
        self.told();
        joined
    }

    /// A viewer is gone; the lease that it had is free.
    pub(super) fn leave(&self, id: ViewerId) {
        let mut state = self.state();
        state.viewers.change().remove(&id);
        if state.lease.value.held_by(id).is_ok() {
            let _ = state.lease.change().release(id);
            self.conclude(&mut state, None);
        }
        drop(state);
        self.told();
    }

    /// Ends attachments: one, or those that `whom` says; who they were.
    pub(super) fn detach(&self, whom: impl Fn(&Viewer) -> bool) -> Vec<Viewer> {
        let mut state = self.state();
        let gone: Vec<Viewer> = state.viewers.value.values().filter(|v| whom(v)).cloned().collect();
        if !gone.is_empty() {
            // Each sees that it isn't among them any more, and ends itself.
            state.viewers.change().retain(|_, v| !gone.contains(v));
        }
        drop(state);
        self.told();
        gone
    }

    /// How it is.
    pub(super) fn status(&self) -> SessionState {
        let state = self.state();
        SessionState {
            session: self.name,
            generation: state.generation,
            running: state.process.is_some(),
            size: state.engine.size(),
            title: state.engine.title().map(str::to_owned),
            lease: state.lease.value.holder().cloned(),
            viewers: state.viewers.value.values().cloned().collect(),
        }
    }

    /// What a viewer lacks; `sent` is what it has then.
    pub(super) fn next(&self, sent: &mut Sent) -> ForViewer {
        let mut state = self.state();
        if !state.viewers.value.contains_key(&sent.id) {
            return ForViewer::End(EndReason::Detached, "detached".to_owned());
        }
        let mut out = vec![];
        if sent.viewers != state.viewers.version {
            sent.viewers = state.viewers.version;
            out.push(FromWorker::Viewers {
                viewers: state.viewers.value.values().cloned().collect(),
            });
        }
        if sent.lease != state.lease.version {
            sent.lease = state.lease.version;
            out.push(FromWorker::Lease { holder: state.lease.value.holder().cloned() });
        }
        state.screen(sent, &mut out);
        if !out.is_empty() {
            return ForViewer::Messages(out);
        }
        match (&state.exit, state.over) {
            // Whoever asks for a shell later gets another one.
            (Some(Exit { next: Next::Over, text, .. }), _) => {
                ForViewer::End(EndReason::SessionOver, text.clone())
            }
            (_, Some((reason, text))) => ForViewer::End(reason, text.to_owned()),
            (_, None) => ForViewer::Nothing,
        }
    }

    /// Where the typed bytes of a viewer go, if it may type.
    pub(super) fn typed(&self, id: ViewerId, bytes: &[u8]) -> Result<mpsc::Sender<Bytes>, No> {
        let mut state = self.state();
        let may = state.lease.value.held_by(id);
        if let Err(refused) = may {
            let only_watches = state.viewers.value.get(&id).is_some_and(|v| v.mode == Mode::Read);
            return Err(if only_watches { Refused::ReadOnly } else { refused }.into());
        }
        let State { process, recorder, episode, .. } = &mut *state;
        let Some(process) = process else {
            return Err(No(About::Other, "nothing runs here that could read it".to_owned()));
        };
        let echo = process.terminal.echo().unwrap_or(Echo::Hidden);
        if let Some(recorder) = recorder {
            recorder.input(bytes, echo);
        }
        if let Some(episode) = episode {
            episode.typed.push(bytes, echo);
        }
        Ok(process.input.clone())
    }

    /// Gives the terminal another size.
    pub(super) fn resize(&self, id: ViewerId, size: Size) -> Result<(), No> {
        let mut state = self.state();
        state.lease.value.held_by(id)?;
        if state.engine.size() == size {
            return Ok(());
        }
        let fed = state.engine.resize(size);
        if fed.replaced {
            state.replaced += 1;
        }
        *state.size.change() = Some(id);
        if let Some(process) = &state.process {
            let winsize = Winsize { rows: size.rows(), cols: size.columns() };
            if let Err(error) = process.terminal.resize(winsize) {
                tracing::debug!(%error, "a terminal can't be resized");
            }
        }
        if let Some(recorder) = &mut state.recorder {
            recorder.resize(size);
        }
        drop(state);
        self.told();
        Ok(())
    }

    /// Somebody wants the lease, or has had it.
    pub(super) fn lease(&self, id: ViewerId, request: LeaseRequest) -> Result<(), No> {
        let now = Timestamp::now();
        let mut state = self.state();
        let Some(viewer) = state.viewers.value.get(&id).cloned() else {
            return Err(Refused::NotHeld.into());
        };
        match request {
            LeaseRequest::Take => {
                if state.lease.value.held_by(id).is_ok() {
                    return Ok(());
                }
                state.lease.value.take(&viewer, now)?;
            }
            LeaseRequest::Steal { reason } => {
                if state.lease.value.held_by(id).is_ok() {
                    return Ok(());
                }
                state.lease.value.steal(&viewer, &reason, now)?;
                self.conclude(&mut state, None);
            }
            LeaseRequest::Release { note } => {
                state.lease.value.release(id)?;
                self.conclude(&mut state, note.as_deref().and_then(words));
            }
        }
        state.lease.version += 1;
        if let Some(holder) = state.lease.value.holder() {
            state.episode = Some(self.episodes.begin(holder.name.clone(), self.name, now));
        }
        drop(state);
        self.told();
        Ok(())
    }

    /// What a person did is over.
    fn conclude(&self, state: &mut State, note: Option<String>) {
        if let Some(episode) = state.episode.take() {
            self.episodes.end(episode, note, Timestamp::now());
        }
    }
}

impl State {
    /// What a viewer lacks of the screen.
    fn screen(&mut self, sent: &mut Sent, out: &mut Vec<FromWorker>) {
        if sent.at.generation != self.generation {
            // It may have missed the end of the process before; how that ended was told, or doesn't matter now.
            sent.at = Position { generation: self.generation, offset: 0 };
            sent.synced = true;
            sent.size = self.size.version;
            out.push(FromWorker::Began {
                generation: self.generation,
                size: self.engine.size(),
                text: self.begun.clone(),
            });
        }
        if sent.replaced != self.replaced {
            sent.replaced = self.replaced;
            sent.synced = false;
            out.push(FromWorker::Notice {
                about: About::EngineReplaced,
                text: "the terminal's engine failed and begins anew with an empty screen"
                    .to_owned(),
            });
        }
        if sent.size != self.size.version {
            sent.size = self.size.version;
            // Each engine breaks lines anew in its own way, so a snapshot follows. Who has none yet needs no more.
            if std::mem::take(&mut sent.synced) {
                out.push(FromWorker::Resize { size: self.engine.size(), by: self.size.value });
            }
        }
        if sent.synced {
            match self.backlog.since(sent.at) {
                Some(([], [])) => {}
                Some((first, second)) => {
                    // The ring's two halves; the rest comes when this was taken.
                    let bytes = if first.is_empty() { second } else { first };
                    let bytes = Bytes::copy_from_slice(&bytes[..bytes.len().min(CHUNK)]);
                    sent.at.offset += bytes.len() as u64;
                    out.push(FromWorker::Output(bytes));
                }
                None => {
                    sent.synced = false;
                    out.push(FromWorker::Notice {
                        about: About::Resynced,
                        text: "output came faster than it could be taken; some of it was left out"
                            .to_owned(),
                    });
                }
            }
        }
        if !sent.synced {
            let snapshot = self.snapshot();
            sent.at = snapshot.at;
            sent.synced = true;
            out.push(FromWorker::Snapshot(snapshot));
        }
        let all = sent.at == self.backlog.end();
        if let Some(exit) = &self.exit
            && all
            && sent.exit_of != self.generation
        {
            sent.exit_of = self.generation;
            let Exit { status, next, text } = exit.clone();
            out.push(FromWorker::Exit { generation: self.generation, status, next, text });
        }
    }

    fn snapshot(&mut self) -> Snapshot {
        let (at, size) = (self.backlog.end(), self.size.version);
        match &self.newest {
            Some((position, version, snapshot)) if *position == at && *version == size => {
                snapshot.clone()
            }
            _ => {
                let taken = snapshot::take(&mut self.engine, at);
                self.newest = Some((at, size, taken.clone()));
                taken
            }
        }
    }
}
