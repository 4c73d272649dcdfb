//! What lies over a place: each takes the keys while it is on top. The topmost is the last.
//!
//! A layer is a variant of [`Layer`] with a file of its own. It gets every key first, changes itself, and answers with
//! what is to be done ([`Answer`]); it never changes the state behind it. What takes time is asked for with an action whose
//! effects are carried out elsewhere; their answers are messages, which [`crate::update`] hands to the layer. After every
//! message, the tick of a second among them, it may look at what is known ([`Layer::settle`]). It draws on the whole screen,
//! as much of it as it wants. Whatever else wants to lie over the workstation (a wizard, say) becomes another variant.

pub mod area;
pub mod ask;
pub mod confirm;
pub mod dialog;
pub mod form;
mod frame;
pub mod help;
pub mod history;
pub mod line;
pub mod page;
pub mod palette;
pub mod picker;
pub mod prompt;
pub mod start;
pub mod themes;
pub mod which_key;
pub mod words;

use ratatui::layout::Rect;

use crate::action::Action;
use crate::draw::{Canvas, Region};
use crate::effect::Effect;
use crate::keys::{Chord, Context};
use crate::pager::Sheet;
use crate::place::Handled;
use crate::state::State;
use crate::world::World;

/// Something that lies over a place.
#[derive(Clone, Debug)]
pub enum Layer {
    /// A line that is typed: a command, or a filter.
    Line(line::Line),
    /// A text in a box.
    Page(page::Page),
    /// Which keys do what.
    Help(Box<help::Help>),
    /// Everything that can be done.
    Palette(Box<palette::Palette>),
    /// The themes to choose from.
    Themes(themes::Themes),
    /// The question for the words of an act about items of the inbox.
    Words(words::Words),
    /// The question before an act.
    Confirm(confirm::Confirm),
    /// What was done from here.
    History(history::History),
    /// A request for a loop.
    Form(form::Form),
    /// A list to choose from.
    Picker(picker::Picker),
    /// The question for a server.
    Prompt(prompt::Prompt),
    /// No server is known, or smithd is being started.
    Start(start::Start),
    /// A text to be read.
    Sheet(Box<Sheet>),
    /// A question about a terminal.
    Ask(ask::Ask),
}

/// What a layer did with a key.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// It isn't for it: what is behind may have it.
    Ignored,
    /// It took it.
    Taken,
    /// It took it, and this is to be done now; it stays.
    Do(Action),
    /// It is over.
    Close,
    /// It is over, and this is to be done.
    CloseAnd(Action),
}

impl Layer {
    /// A key, for the topmost layer.
    pub fn key(&mut self, chord: Chord) -> Answer {
        match self {
            Self::Line(line) => line.key(chord),
            Self::Page(page) => page.key(chord),
            Self::Help(help) => help.key(chord),
            Self::Palette(palette) => palette.key(chord),
            Self::Themes(themes) => themes.key(chord),
            Self::Words(words) => words.key(chord),
            Self::Confirm(confirm) => confirm.key(chord),
            Self::History(history) => history.key(chord),
            Self::Form(form) => form.key(chord),
            Self::Picker(picker) => picker.key(chord),
            Self::Prompt(prompt) => prompt.key(chord),
            Self::Start(start) => start.key(chord),
            Self::Sheet(_) => Answer::Ignored,
            Self::Ask(ask) => ask.key(chord),
        }
    }

    /// A paste, for the topmost layer.
    pub fn paste(&mut self, text: &str) -> Answer {
        match self {
            Self::Line(line) => line.paste(text),
            Self::Help(help) => help.paste(text),
            Self::Palette(palette) => palette.paste(text),
            Self::Words(words) => words.paste(text),
            Self::Ask(ask) => ask.paste(text),
            Self::Confirm(confirm) => confirm.paste(text),
            Self::Form(form) => form.paste(text),
            Self::Picker(picker) => picker.paste(text),
            Self::Prompt(prompt) => prompt.paste(text),
            Self::Page(_) | Self::Themes(_) | Self::History(_) | Self::Start(_) => Answer::Taken,
            Self::Sheet(_) => Answer::Ignored,
        }
    }

    /// Makes it fit the state behind it and the window. Called after every change, and when time went on.
    pub fn settle(&mut self, state: &State) -> Vec<Effect> {
        match self {
            Self::Palette(palette) => return palette.settle(state),
            Self::Line(line) => line.settle(state),
            Self::Help(help) => help.settle(state),
            Self::Words(words) => words.settle(&state.world),
            Self::Confirm(confirm) => confirm.settle(&state.world),
            Self::History(history) => history.settle(state.world.acts.landed().len()),
            Self::Start(start) => start.settle(&state.world),
            Self::Page(page) => page.settle(state.size),
            Self::Sheet(sheet) => sheet.settle(state.size),
            Self::Themes(_) | Self::Form(_) | Self::Picker(_) | Self::Prompt(_) | Self::Ask(_) => {}
        }
        vec![]
    }

    /// Is it a list or a text, which the wheel goes through and a click beside it closes?
    pub fn is_looked_through(&self) -> bool {
        match self {
            Self::Help(_) | Self::Palette(_) | Self::Page(_) | Self::Themes(_) => true,
            Self::Line(_)
            | Self::Words(_)
            | Self::Ask(_)
            | Self::Confirm(_)
            | Self::History(_)
            | Self::Form(_)
            | Self::Picker(_)
            | Self::Prompt(_)
            | Self::Start(_)
            | Self::Sheet(_) => false,
        }
    }

    /// Draws it over what is there.
    pub fn draw(&self, state: &State, area: Rect, canvas: &mut Canvas<'_>) {
        if self.is_looked_through() {
            canvas.region(Region::click(area, Action::Dismiss));
        }
        match self {
            Self::Line(line) => line.draw(area, canvas),
            Self::Page(page) => page.draw(area, canvas),
            Self::Help(help) => help.draw(area, canvas),
            Self::Palette(palette) => palette.draw(area, canvas),
            Self::Themes(themes) => themes.draw(state.world.look.theme, area, canvas),
            Self::Words(words) => words.draw(area, canvas),
            Self::Ask(ask) => ask.draw(area, canvas),
            Self::Confirm(confirm) => confirm.draw(state, area, canvas),
            Self::History(history) => history.draw(state, area, canvas),
            Self::Form(form) => form.draw(area, canvas),
            Self::Picker(picker) => picker.draw(area, canvas),
            Self::Prompt(prompt) => prompt.draw(area, canvas),
            Self::Start(start) => start.draw(state, area, canvas),
            Self::Sheet(sheet) => sheet.draw(area, canvas),
        }
    }

    /// The text that it shows, where that is what it is: its keys are bound as those of a place are.
    fn sheet(&self) -> Option<&Sheet> {
        match self {
            Self::Sheet(sheet) => Some(sheet),
            _ => None,
        }
    }

    /// Where its keys are looked up, nearest first; nothing, where it reads keys itself.
    pub fn contexts(&self) -> Option<&'static [Context]> {
        self.sheet().map(Sheet::contexts)
    }

    /// Does what was asked for, if it is for this layer.
    pub fn act(&mut self, world: &World, action: &Action) -> Handled {
        match self {
            Self::Sheet(sheet) => sheet.act(world, action),
            _ => Handled::No,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
