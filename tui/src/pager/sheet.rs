//! A text of its own, to be read over everything else.

use ratatui::layout::Rect;

use super::{Done, Line, Lines, View};
use crate::action::Action;
use crate::draw::{Canvas, Region};
use crate::effect::{Effect, Save};
use crate::keys::Context;
use crate::layers::Layer;
use crate::layers::line::{self, Purpose};
use crate::look::Role;
use crate::place::Handled;
use crate::world::World;

/// A text that is there as a whole.
#[derive(Clone, Debug, Default)]
pub struct Sheet {
    title: String,
    /// Without an ending: what a file is named after.
    name: String,
    lines: Text,
    view: View,
}

/// Its lines.
#[derive(Clone, Debug, Default)]
struct Text(Vec<(String, Role)>);

impl Lines for Text {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn write(&self, at: usize, line: &mut Line) {
        if let Some((text, role)) = self.0.get(at) {
            line.push(text, *role);
        }
    }
}

impl Sheet {
    /// Under a title; `name` is what a file is named after.
    pub fn new(title: impl Into<String>, name: impl Into<String>) -> Self {
        Self { title: title.into(), name: name.into(), ..Self::default() }
    }

    /// Adds a text, line by line.
    pub fn push(&mut self, text: &str, role: Role) {
        self.lines.0.extend(text.split('\n').map(|line| (line.to_owned(), role)));
    }

    /// Where keys are looked up, nearest first.
    pub fn contexts(&self) -> &'static [Context] {
        &[Context::Text, Context::List, Context::Everywhere]
    }

    /// Does what was asked for, if it is for it.
    pub fn act(&mut self, world: &World, action: &Action) -> Handled {
        let done = match action {
            Action::Move(motion) => {
                self.view.go(&self.lines, *motion);
                return Handled::done();
            }
            Action::Pager(action) => self.view.act(&self.lines, action),
            Action::Back => return Handled::Instead(Action::Dismiss),
            Action::Dismiss if self.view.dismiss() => return Handled::done(),
            _ => return Handled::No,
        };
        match done {
            Done::Yes | Done::Open => Handled::done(),
            Done::No(why) => Handled::Refused(why),
            Done::EditFind(before) => {
                let line = line::Line::new(Purpose::Find, &before);
                Handled::Over(Box::new(Layer::Line(line)))
            }
            Done::Copy(chosen) => {
                let at = self.view.cursor();
                let text = text_of(&self.lines, chosen.unwrap_or(at..=at));
                Handled::Yes(vec![Effect::Copy(text)])
            }
            Done::Save(name) => {
                let name = name.unwrap_or_else(|| Save::name(&self.name, world.now, "txt"));
                let all = 0..=self.lines.len().saturating_sub(1);
                Handled::Yes(vec![Effect::Save(Save { name, text: text_of(&self.lines, all) })])
            }
        }
    }

    /// Makes it fit the window.
    pub fn settle(&mut self, (columns, rows): (u16, u16)) {
        let body = body(Rect::new(0, 0, columns, rows));
        self.view.settle(&self.lines, View::columns_of(body), body.height.into());
    }

    /// Draws it over what is there.
    pub fn draw(&self, area: Rect, canvas: &mut Canvas<'_>) {
        canvas.clear(Rect { height: area.height.saturating_sub(1), ..area }, Role::Text);
        let head = Rect { height: 1.min(area.height), ..area };
        canvas.clear(head, Role::Bar);
        canvas.region(Region::click(head, Action::Dismiss));
        let found = self.view.finding().map(|(text, at, count)| found(text, at, count));
        let at = (self.view.cursor() + 1).min(self.lines.len());
        let position = format!("{at}/{} ", self.lines.len());
        let title = format!(" {}   {}", self.title, found.unwrap_or_default());
        let used = canvas.text(head, &title, Role::Bar);
        let width = u16::try_from(position.len()).unwrap_or(0);
        if used + width < head.width {
            canvas.text(Rect { x: head.right() - width, width, ..head }, &position, Role::Bar);
        }
        self.view.draw(&self.lines, body(area), canvas);
    }
}

/// The last row stays free for what is said and typed there.
fn body(area: Rect) -> Rect {
    let y = area.y + 1.min(area.height);
    Rect { y, height: area.height.saturating_sub(2), ..area }
}

/// What is looked for, and how many lines have it.
pub(crate) fn found(text: &str, at: Option<usize>, count: usize) -> String {
    match at {
        Some(at) => format!("find {text}: {at} of {count}"),
        None => format!("find {text}: {count} lines"),
    }
}

/// Lines as a text to be copied or saved.
pub(crate) fn text_of(lines: &dyn Lines, which: std::ops::RangeInclusive<usize>) -> String {
    let (mut text, mut line) = (String::new(), Line::default());
    for at in which.take_while(|at| *at < lines.len()) {
        line.clear();
        lines.write(at, &mut line);
        text.push_str(line.text().trim_end());
        text.push('\n');
    }
    text
}
