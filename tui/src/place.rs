//! What a tab can show: a file each.

pub mod detail;
pub mod fleet;
pub mod inbox;
pub mod terminals;

use jiff::Timestamp;
use ratatui::layout::Rect;
use smith_model::id::LoopId;

use crate::action::Action;
use crate::draw::Canvas;
use crate::effect::Effect;
use crate::fleet::Row;
use crate::journal;
use crate::keys::Context;
use crate::layers::Layer;
use crate::panes::Subject;
use crate::world::World;

/// What a tab shows, with where its cursor is and how far it is scrolled.
#[derive(Clone, Debug)]
pub enum Place {
    /// The fleet.
    Fleet(Box<fleet::View>),
    /// Journals.
    Journal(Box<journal::View>),
    /// A loop.
    Detail(Box<detail::View>),
    /// The loops that wait for a person.
    Inbox(Box<inbox::View>),
    /// Terminals, in panes.
    Terminals(Box<terminals::View>),
}

/// What a place did with an action.
#[derive(Debug)]
pub enum Handled {
    /// It isn't for it.
    No,
    /// It is done; this has to be done outside.
    Yes(Vec<Effect>),
    /// It means that this is to be done instead.
    Instead(Action),
    /// This is to lie over it.
    Over(Box<Layer>),
    /// It can't be done; why.
    Refused(String),
}

impl Handled {
    /// It is done.
    pub fn done() -> Self {
        Self::Yes(vec![])
    }
}

impl Place {
    /// Where keys are looked up, nearest first.
    pub fn contexts(&self) -> &'static [Context] {
        match self {
            Self::Fleet(view) => view.contexts(),
            Self::Journal(view) => view.contexts(),
            Self::Detail(view) => view.contexts(),
            Self::Terminals(view) => view.contexts(),
            Self::Inbox(_) => &[Context::Inbox, Context::List, Context::Everywhere],
        }
    }

    /// The loop that it is about at the moment.
    pub fn subject<'a>(&self, world: &'a World) -> Option<&'a Row> {
        match self {
            Self::Fleet(view) => view.subject(&world.fleet),
            Self::Detail(view) => world.fleet.get(view.id()).map(|row| &**row),
            Self::Inbox(view) => world.fleet.get(view.selected()?).map(|row| &**row),
            Self::Terminals(view) => world.fleet.get(view.subject().loop_id()).map(|row| &**row),
            Self::Journal(view) => match view.loops() {
                [id] => world.fleet.get(id).map(|row| &**row),
                _ => None,
            },
        }
    }

    /// The loops whose journals it shows.
    pub fn journals(&self) -> &[LoopId] {
        match self {
            Self::Fleet(_) | Self::Inbox(_) | Self::Terminals(_) => &[],
            Self::Journal(view) => view.loops(),
            Self::Detail(view) => view.journals(),
        }
    }

    /// What stands on its tab.
    pub fn title(&self, world: &World) -> String {
        match self {
            Self::Fleet(view) => view.title(world),
            Self::Journal(view) => view.title(world),
            Self::Detail(view) => view.title(),
            Self::Inbox(view) => view.title(world),
            Self::Terminals(view) => view.title(world),
        }
    }

    /// Does what was asked for, if it is for this place. `tab` is the number of its tab.
    pub fn act(&mut self, tab: u64, world: &World, action: &Action) -> Handled {
        match self {
            Self::Fleet(view) => view.act(tab, world, action),
            Self::Journal(view) => view.act(tab, world, action),
            Self::Detail(view) => view.act(tab, world, action),
            Self::Inbox(view) => view.act(world, action),
            Self::Terminals(view) => view.act(world, action),
        }
    }

    /// Makes it fit its area, and asks for what it needs to show. Called after every change.
    pub fn settle(&mut self, tab: u64, world: &World, area: Rect) -> Vec<Effect> {
        match self {
            Self::Fleet(view) => view.settle(tab, world, area),
            Self::Journal(view) => view.settle(tab, world, area),
            Self::Detail(view) => view.settle(tab, world, area),
            Self::Inbox(view) => {
                view.settle(world, area);
                vec![]
            }
            Self::Terminals(view) => view.settle(world, area),
        }
    }

    /// The loops that an act here is for: the marked ones, else that of the cursor, else the one that is shown.
    pub fn targets(&self, world: &World) -> Vec<LoopId> {
        match self {
            Self::Fleet(view) => view.targets(&world.fleet),
            Self::Journal(view) => view.targets(world),
            Self::Detail(view) => vec![view.id().clone()],
            Self::Inbox(view) => {
                view.targets(world).iter().map(|item| item.loop_id.clone()).collect()
            }
            Self::Terminals(view) => vec![view.subject().loop_id().clone()],
        }
    }

    /// The terminals that it looks at, and which of them are seen while it is shown.
    pub fn subjects(&self) -> Vec<(Subject, bool)> {
        match self {
            Self::Fleet(_) | Self::Journal(_) | Self::Detail(_) | Self::Inbox(_) => vec![],
            Self::Terminals(view) => view.subjects(),
        }
    }

    /// Was a terminal's keyboard lost so shortly ago that keys may still be meant for its program?
    pub fn spills(&self, now: Timestamp) -> bool {
        match self {
            Self::Fleet(_) | Self::Journal(_) | Self::Detail(_) | Self::Inbox(_) => false,
            Self::Terminals(view) => view.spills(now),
        }
    }

    /// The same, where it is made of terminals.
    pub fn terminals_mut(&mut self) -> Option<&mut terminals::View> {
        match self {
            Self::Fleet(_) | Self::Journal(_) | Self::Detail(_) | Self::Inbox(_) => None,
            Self::Terminals(view) => Some(view),
        }
    }

    /// Draws it.
    pub fn draw(&self, world: &World, area: Rect, canvas: &mut Canvas<'_>) {
        match self {
            Self::Fleet(view) => view.draw(world, area, canvas),
            Self::Journal(view) => view.draw(world, area, canvas),
            Self::Detail(view) => view.draw(world, area, canvas),
            Self::Inbox(view) => view.draw(world, area, canvas),
            Self::Terminals(view) => view.draw(world, area, canvas),
        }
    }
}
