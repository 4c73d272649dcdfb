//! Everything that the workstation knows and shows.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use crate::config::Setup;
use crate::draw::{Hits, Layout};
use crate::effect::Effect;
use crate::hints::{Hints, Tip};
use crate::keys::{Chord, Context, Keymap};
use crate::layers::Layer;
use crate::look::{Look, Role};
use crate::panes::Subject;
use crate::place::{Place, fleet};
use crate::tabs::Tabs;
use crate::world::journals::Ask;
use crate::world::{Session, World};

/// How long the line at the bottom shows what was said.
pub const SAID: SignedDuration = SignedDuration::from_secs(6);

/// The most commands that are remembered.
const MOST_TYPED: usize = 100;

/// Everything.
#[derive(Debug)]
pub struct State {
    /// What is known.
    pub world: World,
    /// What is shown.
    pub tabs: Tabs,
    /// What lies over it; the last is on top.
    pub layers: Vec<Layer>,
    /// Which keys mean what.
    pub keymap: Keymap,
    /// Keys that may become a binding with what follows.
    pub pending: Vec<Chord>,
    /// Commands that were typed or chosen, oldest first.
    pub typed: Vec<String>,
    /// What was said last.
    pub said: Option<Said>,
    /// The window's columns and rows.
    pub size: (u16, u16),
    /// How this workstation is set up.
    pub setup: Setup,
    /// What somebody knows already.
    pub hints: Hints,
    /// Where the mouse can do what on the newest frame.
    pub hits: Hits,
    /// Drawn at the start: what keys of requests are made of.
    pub seed: Uuid,
    /// Keys that were made.
    keys: u64,
    /// What the terminal's window was called last.
    pub titled: Option<String>,
    /// The clone that the workstation was started in, as a repository's address.
    pub here: Option<String>,
    /// A frame is due.
    pub is_dirty: bool,
    /// A person was told what isn't over yet, and may leave nevertheless.
    pub is_leaving: bool,
    /// The program is to end.
    pub is_over: bool,
}

/// Something said to the person.
#[derive(Clone, Debug, PartialEq)]
pub struct Said {
    /// What.
    pub text: String,
    /// How it looks.
    pub role: Role,
    /// Until when it stands.
    pub until: Timestamp,
}

/// Something outside that the state wants to hear from, for as long as it does.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// The fleet.
    Fleet,
    /// Who we are.
    Identity,
    /// A journal.
    Journal(Ask),
    /// The inbox, which the bar at the top counts wherever one is.
    Inbox,
    /// A terminal or a recording; its number is another one when it is asked for anew.
    Terminal(Subject, u64),
}

impl State {
    /// At the start.
    pub fn new(now: Timestamp, session: Session, look: Look, size: (u16, u16)) -> Self {
        Self {
            world: World::new(now, session, look),
            tabs: Tabs::new(Place::Fleet(Box::new(fleet::View::new()))),
            layers: vec![],
            keymap: Keymap::standard(),
            pending: vec![],
            typed: vec![],
            said: None,
            size,
            setup: Setup::default(),
            hints: Hints::default(),
            hits: Hits::default(),
            seed: Uuid::nil(),
            keys: 0,
            titled: None,
            here: None,
            is_dirty: true,
            is_leaving: false,
            is_over: false,
        }
    }

    /// Sets it up, at the start and whenever the settings changed.
    pub fn set_up(&mut self, setup: Setup) -> Vec<Effect> {
        self.world.look = setup.look();
        self.keymap = setup.config.keymap.clone();
        let wrong: Vec<String> = setup.config.wrong().map(|problem| problem.to_string()).collect();
        if let [first, more @ ..] = wrong.as_slice() {
            let more = match more.len() {
                0 => ":config shows it".to_owned(),
                more => format!("{more} more, see :config"),
            };
            self.say(format!("{first}; {more}"), Role::Bad);
        }
        let has_mouse = setup.has_mouse();
        self.setup = setup;
        let session = &self.world.session;
        let whom = session.context.as_deref().unwrap_or(&session.server);
        vec![Effect::Mouse(has_mouse), Effect::Title(format!("Smith {whom}"))]
    }

    /// The tip to be shown.
    pub fn tip(&self) -> Option<Tip> {
        self.hints.tip().filter(|_| self.setup.config.hints.value)
    }

    /// Where things are on the screen.
    pub fn layout(&self) -> Layout {
        let (columns, rows) = self.size;
        let layout = Layout::new(columns, rows, self.tabs.all().len());
        if self.tip().is_some() { layout.with_tip() } else { layout }
    }

    /// What it wants to hear from.
    pub fn wanted(&self) -> BTreeSet<Source> {
        let mut wanted = BTreeSet::from([Source::Fleet, Source::Inbox]);
        let Session { identity, refused, .. } = &self.world.session;
        if identity.is_none() && refused.is_none() {
            wanted.insert(Source::Identity);
        }
        let journals = self.tabs.current().place.journals().iter();
        let journals = journals.filter_map(|id| self.world.journals.ask(id)).map(Source::Journal);
        wanted.extend(journals);
        let shown = self.tabs.current().place.subjects().into_iter().filter(|(_, is)| *is);
        let shown: Vec<Subject> = shown.map(|(subject, _)| subject).collect();
        for subject in shown.iter().chain(self.world.terminals.held()) {
            if let Some(terminal) = self.world.terminals.get(subject) {
                wanted.insert(Source::Terminal(subject.clone(), terminal.number));
            }
        }
        wanted
    }

    /// A key for a request that no other request has, of this run or another.
    pub fn draw_key(&mut self) -> String {
        self.keys += 1;
        format!("smith/{}/{}", self.seed, self.keys)
    }

    /// Remembers a command, for the line's history and the palette.
    pub fn remember(&mut self, command: &str) {
        self.typed.retain(|typed| typed != command);
        if self.typed.len() == MOST_TYPED {
            self.typed.remove(0);
        }
        self.typed.push(command.to_owned());
    }

    /// Where keys are looked up, nearest first: for the topmost layer that has any, else for what the tab shows.
    pub fn contexts(&self) -> &'static [Context] {
        let over = self.layers.iter().rev().find_map(Layer::contexts);
        over.unwrap_or_else(|| self.tabs.current().place.contexts())
    }

    /// Says something to the person.
    pub fn say(&mut self, text: impl Into<String>, role: Role) {
        self.said = Some(Said { text: text.into(), role, until: self.world.now + SAID });
    }
}
