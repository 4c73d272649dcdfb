//! What is seen of the journals of one loop or several.

use std::cmp::Ordering;

use jiff::Timestamp;
use ratatui::layout::Rect;
use smith_model::id::LoopId;

use super::entry::{Style, Whose};
use super::index::{At, Index, Key, Moved, Shown};
use super::{Clock, Filter, Form, JournalAction, draw, form};
use crate::action::{Action, Motion};
use crate::draw::Canvas;
use crate::effect::{Effect, OlderEntries, Save, SaveJournal};
use crate::keys::Context;
use crate::layers::Layer;
use crate::layers::line::{Line, Purpose};
use crate::pager::{self, Done, PagerAction};
use crate::place::Handled;
use crate::world::World;
use crate::world::journals::Journals;

/// The most loops whose journals are mixed.
const MOST_LOOPS: usize = 64;

/// What is seen of journals.
#[derive(Clone, Debug)]
pub struct View {
    loops: Vec<LoopId>,
    pub(super) clock: Clock,
    pub(super) filter: Filter,
    pub(super) index: Index,
    pub(super) pager: pager::View,
    /// The index has to be made anew.
    is_stale: bool,
    /// By loop: the newest entry that was there when one last followed.
    seen: Vec<u64>,
    /// Entries that came since.
    pub(super) unseen: usize,
    /// By loop: before which entry of which epoch older ones were asked for.
    asked: Vec<Option<(u64, u64)>>,
    columns: usize,
    /// The entry that the cursor is to go to, once it is there.
    wanted: Option<Key>,
}

impl View {
    /// The journals of these loops, as one; at their end.
    pub fn new(mut loops: Vec<LoopId>) -> Self {
        loops.truncate(MOST_LOOPS);
        Self {
            clock: Clock::default(),
            filter: Filter::default(),
            index: Index::default(),
            pager: pager::View::following(),
            is_stale: true,
            seen: vec![0; loops.len()],
            unseen: 0,
            asked: vec![None; loops.len()],
            columns: 0,
            wanted: None,
            loops,
        }
    }

    /// Are long lines cut, so that one can move to the side?
    pub fn is_cut(&self) -> bool {
        !self.pager.is_wrapped()
    }

    /// Puts the cursor on an entry of the first loop, as soon as it is there.
    pub fn go_to(&mut self, seq: u64, at: Timestamp) {
        self.wanted = Some(Key { at, of: 0, seq });
    }

    /// The loops.
    pub fn loops(&self) -> &[LoopId] {
        &self.loops
    }

    /// The loop that an act is for: that of the cursor's entry.
    pub fn targets(&self, world: &World) -> Vec<LoopId> {
        let under_cursor = self.shown(world).entry(self.pager.cursor()).map(|(id, _)| id);
        under_cursor.or(self.loops.first()).cloned().into_iter().collect()
    }

    /// Where keys are looked up, nearest first.
    pub fn contexts(&self) -> &'static [Context] {
        &[Context::Journal, Context::Text, Context::List, Context::Everywhere]
    }

    /// What stands on its tab.
    pub fn title(&self, _world: &World) -> String {
        format!("Journal {}", self.about())
    }

    /// What it is about, in a few words.
    fn about(&self) -> String {
        match self.loops.as_slice() {
            [id] => id.to_string(),
            loops => format!("{}-loops", loops.len()),
        }
    }

    /// Does what was asked for, if it is for it.
    pub fn act(&mut self, _tab: u64, world: &World, action: &Action) -> Handled {
        match action {
            Action::Move(motion) => {
                self.wanted = None;
                let Self { pager, index, loops, .. } = self;
                let style = style(self.clock, self.columns, loops, world);
                pager.go(&Shown::new(index, loops, &world.journals, style), *motion);
                self.ask_again(world, *motion);
                Handled::done()
            }
            Action::Open => self.open(world),
            Action::Pager(action) => self.paged(world, action),
            Action::Journal(action) => self.journal(world, action),
            Action::Dismiss if self.pager.dismiss() => Handled::done(),
            _ => Handled::No,
        }
    }

    fn open(&self, world: &World) -> Handled {
        match self.shown(world).entry(self.pager.cursor()) {
            Some((id, entry)) => {
                Handled::Over(Box::new(Layer::Sheet(Box::new(form::sheet(id, entry)))))
            }
            None => Handled::Refused("there is no entry here".to_owned()),
        }
    }

    fn paged(&mut self, world: &World, action: &PagerAction) -> Handled {
        let Self { pager, index, loops, .. } = self;
        let style = style(self.clock, self.columns, loops, world);
        let shown = Shown::new(index, loops, &world.journals, style);
        let whose = |id| (loops.len() > 1).then_some(id);
        match pager.act(&shown, action) {
            Done::Yes => Handled::done(),
            Done::No(why) => Handled::Refused(why),
            Done::Open => self.open(world),
            Done::EditFind(before) => {
                Handled::Over(Box::new(Layer::Line(Line::new(Purpose::Find, &before))))
            }
            Done::Copy(Some(lines)) => {
                Handled::Yes(vec![Effect::Copy(pager::text_of(&shown, lines))])
            }
            Done::Copy(None) => match shown.entry(pager.cursor()) {
                Some((id, entry)) => {
                    Handled::Yes(vec![Effect::Copy(Form::Text.of(whose(id), entry))])
                }
                None => Handled::Refused("there is no entry here".to_owned()),
            },
            Done::Save(name) => {
                let form = name.as_deref().and_then(Form::of_name).unwrap_or(Form::Text);
                let name = name.unwrap_or_else(|| Save::name(&self.about(), world.now, "txt"));
                let heads = (0..self.index.len())
                    .filter(|at| self.index.line(*at).is_some_and(|line| line.part == 0));
                let shown = self.shown(world);
                let whose = |id| (self.loops.len() > 1).then_some(id);
                let entries = heads.filter_map(|at| shown.entry(at));
                let text = entries.map(|(id, entry)| form.of(whose(id), entry)).collect();
                Handled::Yes(vec![Effect::Save(Save { name, text })])
            }
        }
    }

    fn journal(&mut self, world: &World, action: &JournalAction) -> Handled {
        match action {
            JournalAction::Open => return Handled::No,
            JournalAction::EditFilter => {
                let before = self.filter.text();
                let line = Line::new(Purpose::Grep(before.to_owned()), before);
                return Handled::Over(Box::new(Layer::Line(line)));
            }
            JournalAction::Filter(text) => match self.filter.with_words(text) {
                Ok(filter) => self.filter = filter,
                Err(why) => return Handled::Refused(why),
            },
            JournalAction::Level(level) => self.filter.toggle_level(*level),
            JournalAction::Phase(phase) => self.filter.toggle_phase(*phase),
            JournalAction::Times(clock) => {
                self.clock = clock.unwrap_or(self.clock.next());
                return Handled::done();
            }
            JournalAction::Follow => {
                self.pager.toggle_following();
                return Handled::done();
            }
            JournalAction::Fold => {
                if let Some(line) = self.index.line(self.pager.cursor()) {
                    self.index.fold(line.key);
                }
            }
            JournalAction::FoldAll => self.index.fold_all(),
            JournalAction::SaveAll(name) => {
                let form = name.as_deref().and_then(Form::of_name).unwrap_or(Form::JsonLines);
                let name = name.clone();
                let name = name.unwrap_or_else(|| Save::name(&self.about(), world.now, "jsonl"));
                let loops = self.loops.clone();
                return Handled::Yes(vec![Effect::SaveJournal(SaveJournal { loops, name, form })]);
            }
        }
        self.is_stale = true;
        Handled::done()
    }

    /// Makes it fit its area, follows the journals, and asks for what is missing at the top.
    pub fn settle(&mut self, _tab: u64, world: &World, area: Rect) -> Vec<Effect> {
        self.follow(&world.journals);
        let body = draw::layout(self, world, area).body;
        self.columns = pager::View::columns_of(body);
        let Self { pager, index, loops, .. } = self;
        let style = style(self.clock, self.columns, loops, world);
        let shown = Shown::new(index, loops, &world.journals, style);
        pager.settle(&shown, self.columns, body.height.into());
        if let Some(key) = self.wanted {
            let line = index.find(At { key, part: 0 });
            let is_there = index.line(line).is_some_and(|found| found.key == key);
            if index.len() > 0 {
                // Until it is there, the top: older ones are asked for from it.
                pager.go(&shown, Motion::To(line));
                pager.settle(&shown, self.columns, body.height.into());
            }
            if is_there {
                self.wanted = None;
            }
        }
        if pager.is_following() {
            self.unseen = 0;
            let last = |id| world.journals.get(id).and_then(|journal| journal.last()).unwrap_or(0);
            self.seen = self.loops.iter().map(last).collect();
        }
        self.older(&world.journals)
    }

    fn follow(&mut self, journals: &Journals) {
        if !self.is_stale
            && let Some(moved) = self.index.follow(journals, &self.loops, &self.filter)
        {
            let Moved { before, gone, came } = moved;
            if gone > 0 {
                self.pager.went_before(gone);
            }
            if before > 0 {
                self.pager.came_before(before);
            }
            self.unseen += came;
            return;
        }
        self.is_stale = false;
        let lines = [self.pager.top(), self.pager.cursor()].map(|at| self.index.line(at));
        self.index.build(journals, &self.loops, &self.filter);
        let [top, cursor] = lines.map(|line| line.map_or(0, |line| self.index.find(line)));
        self.pager.replaced(top, cursor);
        let unseen = self.seen.iter().enumerate().map(|(of, seq)| self.index.behind(of, *seq));
        self.unseen = unseen.sum();
    }

    /// Asks for older entries, once one is at the first that is known.
    fn older(&mut self, journals: &Journals) -> Vec<Effect> {
        if self.pager.top() > 0 {
            return vec![];
        }
        let mut effects = vec![];
        for (id, asked) in self.loops.iter().zip(&mut self.asked) {
            let Some(journal) = journals.get(id) else { continue };
            let Some(before) = journal.older_than() else { continue };
            let ask = Some((journal.epoch(), before));
            if *asked != ask {
                *asked = ask;
                let (loop_id, generation) = (id.clone(), journal.generation());
                effects.push(Effect::Older(OlderEntries { loop_id, generation, before }));
            }
        }
        effects
    }

    /// Older entries that didn't come are asked for again when one goes up again.
    fn ask_again(&mut self, world: &World, motion: Motion) {
        let is_up = match motion {
            Motion::Rows(by) | Motion::HalfPages(by) | Motion::Pages(by) => {
                by.cmp(&0) == Ordering::Less
            }
            Motion::Top => true,
            Motion::Bottom | Motion::To(_) | Motion::Columns(_) => false,
        };
        if !is_up {
            return;
        }
        for (id, asked) in self.loops.iter().zip(&mut self.asked) {
            if world.journals.get(id).is_some_and(|journal| journal.no_older().is_some()) {
                *asked = None;
            }
        }
    }

    pub(super) fn shown<'a>(&'a self, world: &'a World) -> Shown<'a> {
        let style = style(self.clock, self.columns, &self.loops, world);
        Shown::new(&self.index, &self.loops, &world.journals, style)
    }

    /// Draws it.
    pub fn draw(&self, world: &World, area: Rect, canvas: &mut Canvas<'_>) {
        draw::page(self, world, area, canvas);
    }
}

fn style(clock: Clock, columns: usize, loops: &[LoopId], world: &World) -> Style {
    let whose = if loops.len() > 1 { Whose::Several } else { Whose::One };
    Style { clock, now: world.now, columns, whose }
}
