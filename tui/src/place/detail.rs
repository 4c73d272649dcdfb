//! One loop: its head, which is live from the fleet's row, and pages below it.
//!
//! What the pages show is [`crate::world::Loops`]'s; here is where one is in it. A page is made anew from what is known
//! after every change, as text that a pager shows.

mod acts;
mod draw;
#[cfg(test)]
pub(crate) mod fixtures;
mod handoffs;
mod iterations;
mod overview;
mod pane;
mod sheet;
mod spec;
mod timeline;

use jiff::Timestamp;
use ratatui::layout::Rect;
use serde::{Deserialize, Serialize};
use smith_model::id::{AttemptNo, LoopId};

use crate::action::{Action, Motion};
use crate::draw::{Canvas, Region};
use crate::effect::Effect;
use crate::fetch::Topic;
use crate::journal;
use crate::keys::Context;
use crate::place::Handled;
use crate::world::{Known, World};
pub use iterations::Part;
use pane::{Pane, Piece, Text};
use sheet::Sheet;

/// The columns from which on the overview has two of its own.
const TWO: u16 = 110;
/// The rows of the head.
const HEAD: u16 = 2;

/// A page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Page {
    /// Where it stands and why.
    #[default]
    Overview,
    /// What happened, entry by entry.
    Journal,
    /// What it tried.
    Iterations,
    /// What its attempts handed on.
    Handoffs,
    /// What people did.
    Acts,
    /// What was asked for.
    Spec,
    /// Its life on one axis of time.
    Timeline,
}

impl Page {
    /// All, in the order of their numbers.
    pub const ALL: [Self; 7] = [
        Self::Overview,
        Self::Journal,
        Self::Iterations,
        Self::Handoffs,
        Self::Acts,
        Self::Spec,
        Self::Timeline,
    ];

    fn title(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Journal => "Journal",
            Self::Iterations => "Iterations",
            Self::Handoffs => "Handoffs",
            Self::Acts => "Acts",
            Self::Spec => "Spec",
            Self::Timeline => "Timeline",
        }
    }
}

/// What can be done in a loop's pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DetailAction {
    /// Show a page.
    Page(Page),
    /// Show the page so many further on, round and round.
    Step(i32),
    /// Show an iteration.
    Iteration {
        /// Of which attempt.
        no: AttemptNo,
        /// Counted from 1.
        iteration: u32,
    },
    /// Show what an iteration changed.
    Change {
        /// Of which attempt.
        no: AttemptNo,
        /// Counted from 1.
        iteration: u32,
    },
    /// Show an entry of the journal.
    Entry {
        /// Its number.
        seq: u64,
        /// Its time.
        at: Timestamp,
    },
    /// Show the moment of a journal's entry on the timeline.
    Moment(u64),
    /// Tell times on the timeline the other way.
    Times,
    /// Show a part of the iteration.
    Part(Part),
    /// Give the keys to the other column.
    Across,
    /// Ask for everything again.
    Refresh,
}

/// Which of the overview's columns has the cursor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Side {
    #[default]
    Left,
    Right,
}

/// A loop that is looked at.
#[derive(Clone, Debug)]
pub struct View {
    id: LoopId,
    page: Page,
    side: Side,
    /// The overview has two columns.
    is_wide: bool,
    /// The server says that there is no such loop, and nothing is known of one.
    is_absent: bool,
    standing: Pane,
    facts: Pane,
    journal: journal::View,
    iterations: iterations::View,
    handoffs: Pane,
    acts: Pane,
    spec: Pane,
    timeline: timeline::View,
}

impl View {
    /// Its overview.
    pub fn new(id: LoopId) -> Self {
        Self {
            journal: journal::View::new(vec![id.clone()]),
            id,
            page: Page::default(),
            side: Side::default(),
            is_wide: false,
            is_absent: false,
            standing: Pane::default(),
            facts: Pane::default(),
            iterations: iterations::View::default(),
            handoffs: Pane::default(),
            acts: Pane::default(),
            spec: Pane::default(),
            timeline: timeline::View::default(),
        }
    }

    /// Which loop.
    pub fn id(&self) -> &LoopId {
        &self.id
    }

    pub(super) fn title(&self) -> String {
        self.id.to_string()
    }

    /// What has to be known to show what is shown.
    pub fn topics(&self, world: &World) -> Vec<Topic> {
        let mut topics = self.topics_of_page(world);
        // Whether it is there at all.
        if world.fleet.get(&self.id).is_none() && !topics.contains(&Topic::Detail) {
            topics.push(Topic::Detail);
        }
        topics
    }

    fn topics_of_page(&self, world: &World) -> Vec<Topic> {
        match self.page {
            Page::Overview => overview::TOPICS.to_vec(),
            // Its stream is a source of its own.
            Page::Journal => vec![],
            Page::Iterations => self.iterations.topics(world.loops.get(&self.id)),
            Page::Handoffs => handoffs::TOPICS.to_vec(),
            Page::Acts => acts::TOPICS.to_vec(),
            Page::Spec => spec::TOPICS.to_vec(),
            Page::Timeline => timeline::TOPICS.to_vec(),
        }
    }

    /// Where keys are looked up, nearest first.
    pub(super) fn contexts(&self) -> &'static [Context] {
        match self.page {
            // Its own keys, where they mean something there.
            Page::Journal => &[
                Context::Journal,
                Context::Loop,
                Context::Text,
                Context::List,
                Context::Everywhere,
            ],
            _ => &[Context::Loop, Context::Text, Context::List, Context::Everywhere],
        }
    }

    /// The loops whose journals are shown.
    pub(super) fn journals(&self) -> &[LoopId] {
        match self.page {
            Page::Journal => self.journal.loops(),
            _ => &[],
        }
    }

    pub(super) fn act(&mut self, tab: u64, world: &World, action: &Action) -> Handled {
        match action {
            Action::Detail(action) => return self.detail(*action),
            Action::Back | Action::Dismiss
                if self.page == Page::Iterations && self.iterations.leave() =>
            {
                return Handled::done();
            }
            Action::Move(Motion::Columns(by)) if self.page != Page::Timeline => {
                if let Some(handled) = self.aside(*by) {
                    return handled;
                }
            }
            _ => {}
        }
        let known = world.loops.get(&self.id);
        let name = format!("{}-{}", self.id, self.page.title().to_lowercase());
        let handled = match self.page {
            Page::Journal => self.journal.act(tab, world, action),
            Page::Iterations => self.iterations.act(world, known, action),
            Page::Timeline => self.timeline.act(world, known, action),
            _ => self.pane().act(world, action, &name),
        };
        match handled {
            // What leads to another page of the same loop.
            Handled::Instead(Action::Detail(action)) => self.detail(action),
            handled => handled,
        }
    }

    /// To the other column, else to the next page; nothing, where a text that is cut moves instead.
    fn aside(&mut self, by: i32) -> Option<Handled> {
        let is_cut = match self.page {
            Page::Journal => self.journal.is_cut(),
            Page::Iterations => self.iterations.is_cut(),
            _ => self.pane().is_cut(),
        };
        if is_cut {
            return None;
        }
        let to = if by > 0 { Side::Right } else { Side::Left };
        if self.page == Page::Overview && self.is_wide && self.side != to {
            self.side = to;
            return Some(Handled::done());
        }
        Some(self.detail(DetailAction::Step(by.signum())))
    }

    fn detail(&mut self, action: DetailAction) -> Handled {
        match action {
            DetailAction::Page(page) => self.page = page,
            DetailAction::Step(by) => {
                let count = Page::ALL.len();
                let at = Page::ALL.iter().position(|page| *page == self.page).unwrap_or(0);
                let steps = usize::try_from(by.rem_euclid(count as i32)).unwrap_or(0);
                self.page = Page::ALL[(at + steps) % count];
                self.side = Side::Left;
            }
            DetailAction::Iteration { no, iteration } => {
                self.page = Page::Iterations;
                self.iterations.open(no, iteration);
            }
            DetailAction::Change { no, iteration } => {
                self.page = Page::Iterations;
                self.iterations.open(no, iteration);
                self.iterations.show(Part::Diff);
            }
            DetailAction::Entry { seq, at } => {
                self.page = Page::Journal;
                self.journal.go_to(seq, at);
            }
            DetailAction::Moment(seq) => {
                self.page = Page::Timeline;
                self.timeline.open(seq);
            }
            DetailAction::Times => {
                self.page = Page::Timeline;
                self.timeline.switch_times();
            }
            DetailAction::Part(part) => {
                self.page = Page::Iterations;
                self.iterations.show(part);
            }
            DetailAction::Across => match self.page {
                Page::Iterations => self.iterations.across(),
                _ => {
                    self.side = match self.side {
                        Side::Left => Side::Right,
                        Side::Right => Side::Left,
                    };
                }
            },
            // What is known is the world's.
            DetailAction::Refresh => return Handled::No,
        }
        Handled::done()
    }

    /// The pane that has the keys.
    fn pane(&mut self) -> &mut Pane {
        match self.page {
            Page::Overview if self.side == Side::Right && self.is_wide => &mut self.facts,
            // These have panes of their own.
            Page::Overview | Page::Journal | Page::Iterations | Page::Timeline => {
                &mut self.standing
            }
            Page::Handoffs => &mut self.handoffs,
            Page::Acts => &mut self.acts,
            Page::Spec => &mut self.spec,
        }
    }

    pub(super) fn settle(&mut self, tab: u64, world: &World, area: Rect) -> Vec<Effect> {
        let area = body(area);
        let known = world.loops.get(&self.id);
        let row = world.fleet.get(&self.id).map(AsRef::as_ref);
        let rows = |sheet| Text::new(vec![Piece::Rows(sheet)]);
        self.is_absent = row.is_none() && known.is_some_and(Known::is_absent);
        if self.is_absent {
            self.standing.set(rows(overview::absent(&self.id)));
            self.standing.settle(area);
            return vec![];
        }
        match self.page {
            Page::Overview => {
                self.is_wide = area.width >= TWO;
                let standing = overview::standing(world, row, known);
                let facts = overview::facts(world, row, known);
                if self.is_wide {
                    let (left, right) = columns(area);
                    self.standing.set(rows(standing));
                    self.standing.settle(left);
                    self.facts.set(rows(facts));
                    self.facts.settle(right);
                } else {
                    let pieces = vec![standing, Sheet::blank(), facts];
                    let pieces = pieces.into_iter().map(Piece::Rows).collect();
                    self.standing.set(Text::new(pieces));
                    self.standing.settle(area);
                }
            }
            Page::Journal => return self.journal.settle(tab, world, area),
            Page::Iterations => self.iterations.settle(world, known, area),
            Page::Timeline => self.timeline.settle(world, known, area),
            Page::Handoffs => {
                self.handoffs.set(rows(handoffs::page(world, known)));
                self.handoffs.settle(area);
            }
            Page::Acts => {
                self.acts.set(rows(acts::page(world, known)));
                self.acts.settle(area);
            }
            Page::Spec => {
                self.spec.set(rows(spec::page(known)));
                self.spec.settle(area);
            }
        }
        vec![]
    }

    pub(super) fn draw(&self, world: &World, area: Rect, canvas: &mut Canvas<'_>) {
        draw::head(self, world, area, canvas);
        let area = body(area);
        match self.page {
            _ if self.is_absent => self.standing.draw(area, canvas),
            Page::Overview if self.is_wide => {
                let (left, right) = columns(area);
                draw::divider(area, right.x, canvas);
                let across = Action::Detail(DetailAction::Across);
                match self.side {
                    Side::Left => {
                        self.standing.draw(left, canvas);
                        self.facts.draw_beside(right, canvas);
                        canvas.region(Region::click(right, across));
                    }
                    Side::Right => {
                        self.standing.draw_beside(left, canvas);
                        canvas.region(Region::click(left, across));
                        self.facts.draw(right, canvas);
                    }
                }
            }
            Page::Overview => self.standing.draw(area, canvas),
            Page::Journal => self.journal.draw(world, area, canvas),
            Page::Iterations => self.iterations.draw(area, canvas),
            Page::Timeline => self.timeline.draw(area, canvas),
            Page::Handoffs => self.handoffs.draw(area, canvas),
            Page::Acts => self.acts.draw(area, canvas),
            Page::Spec => self.spec.draw(area, canvas),
        }
    }
}

fn body(area: Rect) -> Rect {
    let y = (area.y + HEAD).min(area.bottom());
    Rect { y, height: area.bottom() - y, ..area }
}

/// Two columns, with room for a line between them.
fn columns(area: Rect) -> (Rect, Rect) {
    let left = Rect { width: area.width * 3 / 5, ..area };
    let x = left.right() + 2;
    (left, Rect { x, width: area.right().saturating_sub(x), ..area })
}

#[cfg(test)]
mod tests;
