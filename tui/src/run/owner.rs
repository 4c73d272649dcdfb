//! The one task that owns the state: what happens comes to it as messages, and what an update asks for goes out from it.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crossterm::event::{Event, EventStream};
use futures::StreamExt as _;
use jiff::Timestamp;
use smith_client::Client;
use smith_model::terminal::Mode;
use tokio::sync::mpsc;

use crate::args::Args;
use crate::connect::ConnectNews;
use crate::effect::{Edit, Effect};
use crate::fleet::{OrderJob, ViewsJob};
use crate::layers::palette::SeekJob;
use crate::look::{Motion, Role};
use crate::msg::Msg;
use crate::panes::News;
use crate::replay::{Begin, Line};
use crate::run::acts::Acts;
use crate::run::connect::{Connector, Told};
use crate::run::editor::Editor;
use crate::run::fetches::Fetches;
use crate::run::finds::Finds;
use crate::run::host::Beside;
use crate::run::input::Late;
use crate::run::journal::Journals;
use crate::run::paint::Painter;
use crate::run::recorder::Recorder;
use crate::run::save::Saver;
use crate::run::signals::{Asked, Signals};
use crate::run::sources::Sources;
use crate::run::views::Views;
use crate::run::window::Window;
use crate::run::{Error, connect, files, sleep_until, window};
use crate::settings::{Env, Target};
use crate::state::State;
use crate::update::terminals::{is_private, untaken};
use crate::update::update;
use crate::world::Session;

/// Messages from outside that wait for the owner. A batch of a stream is one message; behind so many the streams wait.
const MESSAGES: usize = 64;
/// Messages that are taken before the next frame, once it is due.
const BURST: usize = 64;
/// The time between two frames that only data asks for. A key's frame doesn't wait.
const DATA_FRAME: Duration = Duration::from_millis(33);
/// How often the time on the screen moves on.
const TICK: Duration = Duration::from_secs(1);

/// Runs the workstation until its person leaves it; with nobody to speak to yet, it asks.
pub(super) async fn own(args: &Args, env: Env, target: Option<Target>) -> Result<(), Error> {
    let signals = Signals::register().map_err(Error::Signals)?;
    let mut session = Session { read_only: args.read_only, ..Session::default() };
    let client = target.map(|target| {
        let Target { context, project, client } = target;
        (session.context, session.project) = (context, project);
        session.server = client.server().to_owned();
        client
    });
    let (window, mut answers) = Window::open()?;
    let size = window.size();
    let late = Late::new(answers.end());
    // Nothing is asked of anybody before it is spoken to; then both are made anew.
    let (tx, rx) = mpsc::channel(MESSAGES);
    let (tell, told) = mpsc::channel(MESSAGES);
    let setup = files::setup(&env, answers.ground);
    let mut state = State::new(Timestamp::now(), session, setup.look(), size);
    let effects = state.set_up(setup);
    state.hints = files::hints(&env);
    state.seed = uuid::Uuid::new_v4();
    state.here = env.here.clone();
    let mut owner = Owner {
        painter: Painter::new(size).map_err(Error::Terminal)?,
        state,
        events: Some(window.events()),
        window,
        late,
        signals,
        rx,
        told,
        beside: Beside::new(env.host),
        orders: orders(tx.clone()),
        seeks: seeks(tx),
        saver: Saver::new(tell.clone()),
        views: Views::new(tell.clone(), env.config_dir.as_deref()),
        acts: Acts::new(tell.clone()),
        connector: Connector::new(env.clone(), tell),
        env,
        server: None,
        drawn: None,
        is_urgent: true,
        recorder: None,
    };
    let error = |path: &PathBuf, source| Error::Record { path: path.clone(), source };
    if let Some(path) = &args.record {
        let begun = Recorder::create(
            path,
            &Begin::of(&owner.state, files::read_config(&owner.env).ok().flatten()),
        );
        owner.recorder = Some(begun.map_err(|source| error(path, source))?);
    }
    owner.carry_out(effects).await.map_err(Error::Terminal)?;
    for chord in answers.typed {
        owner.take(Msg::Key(chord)).await.map_err(Error::Terminal)?;
    }
    owner.views.ask(ViewsJob::Load);
    match client {
        Some(client) => owner.speak_to(client),
        None => owner.take(Msg::Connect(ConnectNews::Nobody)).await.map_err(Error::Terminal)?,
    }
    let ended = owner.run().await;
    let recorded = owner.recorder.take().map_or(Ok(()), Recorder::end);
    let is_open = owner.window.is_open();
    drop(owner);
    if !is_open {
        return Err(Error::Panicked);
    }
    let ended = ended.map_err(Error::Terminal);
    match (&args.record, recorded) {
        (Some(path), Err(source)) => ended.and(Err(error(path, source))),
        _ => ended,
    }
}

struct Owner {
    env: Env,
    state: State,
    window: Window,
    /// Nothing while the terminal is lent.
    events: Option<EventStream>,
    signals: Signals,
    painter: Painter,
    beside: Beside,
    late: Late,
    /// What the server in use said, and orders.
    rx: mpsc::Receiver<Msg>,
    /// What goes on whatever server is in use.
    told: mpsc::Receiver<Told>,
    /// By tab: a newer order of it makes one that waits void.
    orders: Finds<u64, OrderJob>,
    /// What a palette's words may mean.
    seeks: Finds<(), SeekJob>,
    saver: Saver,
    views: Views,
    acts: Acts,
    connector: Connector,
    server: Option<Server>,
    /// When the newest frame was drawn.
    drawn: Option<Instant>,
    /// A person waits for the next frame.
    is_urgent: bool,
    recorder: Option<Recorder>,
}

fn orders(tx: mpsc::Sender<Msg>) -> Finds<u64, OrderJob> {
    Finds::new(tx, |job| Msg::Ordered(job.run()))
}

fn seeks(tx: mpsc::Sender<Msg>) -> Finds<(), SeekJob> {
    Finds::new(tx, |job| Msg::Found(job.run()))
}

/// The server in use.
struct Server {
    client: Client,
    journals: Journals,
    fetches: Fetches,
    sources: Sources,
}

impl Owner {
    /// Speaks to this server from now on. What the one before still had to say isn't heard any more.
    fn speak_to(&mut self, client: Client) {
        let (tx, rx) = mpsc::channel(MESSAGES);
        self.rx = rx;
        self.orders = orders(tx.clone());
        self.seeks = seeks(tx.clone());
        let mode = if self.state.world.session.read_only { Mode::Read } else { Mode::Write };
        self.server = Some(Server {
            journals: Journals::new(client.clone(), tx.clone()),
            fetches: Fetches::new(client.clone(), tx.clone()),
            sources: Sources::new(client.clone(), tx, mode),
            client,
        });
    }

    async fn hear(&mut self, told: Told) -> io::Result<()> {
        match told {
            Told::Msg(msg) => self.take(msg).await,
            Told::Server(target, identity) => {
                let connected = connect::connected(&target, identity);
                self.speak_to(target.client);
                self.take(Msg::Connect(ConnectNews::Connected(connected))).await
            }
        }
    }

    async fn run(&mut self) -> io::Result<()> {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while !self.state.is_over {
            if !self.window.is_open() {
                return Ok(());
            }
            if let Some(server) = &mut self.server {
                server.sources.reconcile(self.state.wanted(), &self.state.world.terminals);
            }
            self.draw()?;
            let due = self.due();
            // Whatever a person does comes first; frames last, since what waits may be part of them. All of these may
            // be dropped: nothing is taken before it is ready.
            tokio::select! {
                biased;
                asked = self.signals.next() => match asked {
                    Asked::Stop => {
                        let msg = self.suspend().await?;
                        self.take(msg).await?;
                    }
                    Asked::End => return Ok(()),
                },
                event = typed(&mut self.events) => match event {
                    Some(event) => {
                        if let Some(msg) = self.late.msg(event?) {
                            self.is_urgent = true;
                            self.take(msg).await?;
                        }
                    }
                    None => return Ok(()),
                },
                written = self.painter.written() => written?,
                Some(told) = self.told.recv() => self.hear(told).await?,
                Some(msg) = self.rx.recv() => {
                    self.take(msg).await?;
                    for _ in 1..BURST {
                        let Ok(msg) = self.rx.try_recv() else { break };
                        self.take(msg).await?;
                    }
                }
                _ = tick.tick() => {
                    self.look_at_size().await?;
                    self.take(Msg::Tick).await?;
                }
                () = sleep_until(due), if due.is_some() => {}
            }
        }
        Ok(())
    }

    /// Takes a size that nobody told: of several changes within a moment the terminal's reader can miss the last.
    async fn look_at_size(&mut self) -> io::Result<()> {
        let (columns, rows) = self.window.size();
        if self.events.is_some() && (columns, rows) != self.state.size {
            self.is_urgent = true;
            self.take(Msg::Resize { columns, rows }).await?;
        }
        Ok(())
    }

    async fn take(&mut self, msg: Msg) -> io::Result<()> {
        if let Msg::Resize { columns, rows } = msg {
            self.painter.resize((columns, rows))?;
        }
        if let Msg::Ordered(ordered) = &msg {
            self.orders.done(&ordered.view.tab);
        }
        if let Msg::Terminal(_, News::Printed { is_echo: true, .. }) = &msg {
            self.is_urgent = true;
        }
        if let Msg::Found(_) = &msg {
            self.seeks.done(&());
        }
        if let Msg::Fetched(fetched) = &msg
            && let Some(Server { fetches, .. }) = &mut self.server
        {
            fetches.done(&fetched.fetch);
        }
        self.beside.hears(&msg);
        let effects = self.happens(msg);
        self.carry_out(effects).await
    }

    async fn carry_out(&mut self, effects: Vec<Effect>) -> io::Result<()> {
        let mut effects = VecDeque::from(effects);
        while let Some(effect) = effects.pop_front() {
            if let Some(answer) = self.begin(effect).await? {
                effects.extend(self.happens(answer));
            }
        }
        Ok(())
    }

    /// Begins what is asked for; answers what came of it, where that is known at once.
    async fn begin(&mut self, effect: Effect) -> io::Result<Option<Msg>> {
        let config = &self.state.setup.config;
        match effect {
            Effect::Order(job) => self.orders.ask(job.view.tab, job),
            Effect::Seek(job) => self.seeks.ask((), job),
            Effect::Views(job) => self.views.ask(job),
            Effect::Save(save) => self.saver.save(save),
            Effect::Contexts => self.connector.contexts(),
            Effect::Connect(asked) => self.connector.connect(asked),
            Effect::StartSmithd => self.connector.start_smithd(),
            Effect::Act(number, order) => {
                if let Some(Server { client, .. }) = &self.server {
                    self.acts.begin(client.clone(), number, order);
                }
            }
            Effect::Create(draft) => {
                if let Some(Server { client, .. }) = &self.server {
                    self.acts.create(client.clone(), draft);
                }
            }
            Effect::Mark(number, order) => {
                if let Some(Server { client, .. }) = &self.server {
                    self.acts.mark(client.clone(), number, order);
                }
            }
            Effect::Fetch(fetch) => {
                if let Some(Server { fetches, .. }) = &mut self.server {
                    fetches.ask(fetch);
                }
            }
            Effect::Older(older) => {
                if let Some(Server { journals, .. }) = &mut self.server {
                    journals.older(older);
                }
            }
            Effect::SaveJournal(what) => {
                if let Some(Server { journals, .. }) = &mut self.server {
                    journals.save(what);
                }
            }
            Effect::Terminal(subject, order) => {
                let refused = match &mut self.server {
                    Some(server) => server.sources.order(&subject, order).err(),
                    None => Some(order),
                };
                return Ok(refused.and_then(|order| untaken(subject, &order)));
            }
            Effect::Redraw => self.painter.redraw()?,
            Effect::Title(text) => self.beside.title(config, &text),
            Effect::Notify(notice) => self.beside.notify(config, &notice),
            Effect::Mouse(has_mouse) => {
                let said = self.window.set_mouse(has_mouse)?;
                self.beside.tell(said);
            }
            Effect::KeepHints(hints) => {
                let env = self.env.clone();
                self.saver.keep(move || files::keep_hints(&env, &hints));
            }
            Effect::Edit(edit) => return self.edit(edit).await.map(Some),
            Effect::Suspend => return self.suspend().await.map(Some),
            Effect::Copy(text) => return Ok(Some(self.beside.copy(&text))),
            // A small file, and a person waits for it.
            Effect::ReadConfig => {
                return Ok(Some(Msg::Config(files::read_config(&self.env))));
            }
        }
        Ok(None)
    }

    /// Lets a message happen, now, and records it.
    fn happens(&mut self, msg: Msg) -> Vec<Effect> {
        let now = Timestamp::now();
        self.record(now, &msg);
        update(&mut self.state, now, msg)
    }

    fn record(&mut self, at: Timestamp, msg: &Msg) {
        let Some(recorder) = &self.recorder else { return };
        // Not even how many keys there were, and when: that tells much of a password.
        if is_private(&self.state, msg) {
            return;
        }
        let Some(msg) = msg.for_recording() else { return };
        if recorder.note(&Line { at, msg: Cow::Borrowed(msg) }).is_ok() {
            return;
        }
        let why = match self.recorder.take().map(Recorder::end) {
            Some(Err(error)) => error.to_string(),
            _ => "the disk can't keep up".to_owned(),
        };
        self.state.say(format!("the recording has ended: {why}"), Role::Bad);
    }

    /// When the next frame may be drawn, if one is wanted and the one before is written.
    fn due(&self) -> Option<Instant> {
        if !self.state.is_dirty || self.painter.is_writing() {
            return None;
        }
        let now = Instant::now();
        let drawn = self.drawn.filter(|_| !self.is_urgent);
        let apart = apart(self.state.world.look.motion);
        Some(drawn.map_or(now, |drawn| now.max(drawn + apart)))
    }

    fn draw(&mut self) -> io::Result<()> {
        let due = self.due();
        let now = Instant::now();
        if due.is_none_or(|due| due > now) {
            return Ok(());
        }
        self.painter.draw(&mut self.state, self.beside.take())?;
        self.state.is_dirty = false;
        self.is_urgent = false;
        self.drawn = Some(now);
        Ok(())
    }

    /// Lends the terminal to the person's editor; answers what came of it.
    async fn edit(&mut self, edit: Edit) -> io::Result<Msg> {
        while self.painter.is_writing() {
            self.painter.written().await?;
        }
        // Nothing else may read what is typed meanwhile.
        self.events = None;
        self.window.lend();
        let after = match Editor::start(&self.env.editor, &edit.name, &edit.text) {
            Ok(mut editor) => {
                let ended = loop {
                    // The editor first: what it left counts, whatever else happens. All may be dropped.
                    tokio::select! {
                        biased;
                        ended = editor.ended() => break Some(ended),
                        _ = self.signals.stop.recv() => window::stop_with_editor()?,
                        _ = self.signals.term.recv() => break None,
                        _ = self.signals.hup.recv() => break None,
                    }
                };
                match ended {
                    Some(ended) => editor.text(ended),
                    None => {
                        self.state.is_over = true;
                        let ended = Err("the workstation was asked to end".to_owned());
                        return Ok(Msg::Edited { edit, after: ended });
                    }
                }
            }
            Err(error) => Err(error),
        };
        // Ctrl-C was for the editor.
        self.signals.forget_interrupts()?;
        self.window.take_back()?;
        self.events = Some(self.window.events());
        self.painter.redraw()?;
        self.is_urgent = true;
        // Its size may be another one.
        let (columns, rows) = self.window.size();
        self.painter.resize((columns, rows))?;
        self.happens(Msg::Resize { columns, rows });
        Ok(Msg::Edited { edit, after })
    }

    /// Gives the terminal back, stops, and takes it again when the shell says so; answers what came of it.
    async fn suspend(&mut self) -> io::Result<Msg> {
        while self.painter.is_writing() {
            self.painter.written().await?;
        }
        if !self.window.suspend()? {
            let why = "no shell waits behind this: nothing would start it again";
            return Ok(Msg::Told(Err(why.to_owned())));
        }
        let (columns, rows) = self.window.size();
        self.painter.resize((columns, rows))?;
        Ok(Msg::Resize { columns, rows })
    }
}

/// The time between two frames that nobody waits for.
fn apart(motion: Motion) -> Duration {
    match motion {
        Motion::Full => DATA_FRAME,
        Motion::Reduced => TICK,
    }
}

/// What a person does next; never, while the terminal is lent.
async fn typed(events: &mut Option<EventStream>) -> Option<io::Result<Event>> {
    match events {
        Some(events) => events.next().await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn with_reduced_motion_the_screen_changes_by_itself_once_a_second() {
        assert!(apart(Motion::Full) < Duration::from_millis(50));
        assert_eq!(apart(Motion::Reduced), Duration::from_secs(1));
    }
}
