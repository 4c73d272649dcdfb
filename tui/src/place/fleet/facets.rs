//! What there is how often, beside the table: states, projects and reasons, each a word of the filter.
//!
//! Both are counted: how many the filter lets through, and how many there are in all.

use ratatui::layout::Rect;
use smith_model::id::ProjectName;
use smith_model::state::Reason;

use super::View;
use super::header::LOOKED_AT;
use crate::action::{Action, Motion};
use crate::draw::{Canvas, Region};
use crate::fleet::{Counts, FleetAction};
use crate::look::Role;
use crate::place::Handled;
use crate::world::World;

/// The most projects and reasons that are shown.
const MOST: usize = 12;

/// The facets beside the table.
#[derive(Clone, Debug, Default)]
pub(super) struct Facets {
    at: At,
    /// The cursor's word.
    word: Option<String>,
    /// The first line that is seen.
    top: usize,
    /// How many lines are seen.
    rows: usize,
    lines: Vec<Entry>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum At {
    #[default]
    Closed,
    /// Seen; keys go to the table.
    Beside,
    /// Keys go here.
    Within,
}

/// A line of the facets.
#[derive(Clone, Debug, PartialEq)]
enum Entry {
    Heading(&'static str),
    /// So many more aren't shown.
    More(usize),
    Word {
        text: String,
        word: String,
        shown: usize,
        all: usize,
    },
}

impl Facets {
    pub(super) fn is_open(&self) -> bool {
        self.at != At::Closed
    }

    pub(super) fn has_keys(&self) -> bool {
        self.at == At::Within
    }

    /// Opened, gone into, closed.
    pub(super) fn step(&mut self) {
        self.at = match self.at {
            At::Closed | At::Beside => At::Within,
            At::Within => At::Closed,
        };
    }

    /// The keys go to the table again.
    pub(super) fn leave(&mut self) {
        if self.at == At::Within {
            self.at = At::Beside;
        }
    }

    fn words(&self) -> impl Iterator<Item = (usize, &str)> {
        self.lines.iter().enumerate().filter_map(|(line, entry)| match entry {
            Entry::Word { word, .. } => Some((line, word.as_str())),
            Entry::Heading(_) | Entry::More(_) => None,
        })
    }

    /// The line of the cursor.
    fn cursor(&self) -> Option<usize> {
        let own = self.word.as_deref();
        let found = self.words().find(|(_, word)| Some(*word) == own);
        found.or_else(|| self.words().next()).map(|(line, _)| line)
    }

    fn go(&mut self, motion: Motion) {
        let words: Vec<String> = self.words().map(|(_, word)| word.to_owned()).collect();
        let Some(last) = words.len().checked_sub(1) else { return };
        let at = words.iter().position(|word| Some(word) == self.word.as_ref()).unwrap_or(0);
        let Some(to) = motion.lands(at, last, self.rows) else { return };
        self.word = words.into_iter().nth(to);
    }
}

impl View {
    /// What an action means while the keys go to the facets; nothing: what it means in the table.
    pub(super) fn act_in_facets(&mut self, world: &World, action: &Action) -> Option<Handled> {
        match action {
            Action::Move(Motion::Columns(_)) => return None,
            Action::Move(motion) => self.facets.go(*motion),
            Action::Open => {
                let line = self.facets.cursor()?;
                let Some(Entry::Word { word, .. }) = self.facets.lines.get(line) else {
                    return None;
                };
                let word = word.clone();
                self.facets.word = Some(word.clone());
                return Some(self.look_otherwise(world, &FleetAction::Word(word)));
            }
            Action::Dismiss => self.facets.leave(),
            _ => return None,
        }
        Some(Handled::done())
    }

    pub(super) fn settle_facets(&mut self, world: &World) {
        if !self.facets.is_open() {
            self.facets.lines.clear();
            return;
        }
        self.facets.lines = entries(self.shown.counts(), world.fleet.counts());
        if let Some(cursor) = self.facets.cursor() {
            self.facets.rows = self.rows + 1;
            let highest = (cursor + 1).saturating_sub(self.facets.rows);
            // With its heading, where that is the line above.
            self.facets.top = self.facets.top.clamp(highest, cursor.saturating_sub(1).max(highest));
        }
    }
}

fn entries(shown: &Counts, all: &Counts) -> Vec<Entry> {
    let mut lines = vec![Entry::Heading("STATE")];
    for state in LOOKED_AT {
        let count = all.by_state().of(state);
        if count > 0 {
            let shown = shown.by_state().of(state);
            lines.push(entry("state", state.as_str(), shown, count));
        }
    }
    let mut projects: Vec<(&ProjectName, usize)> =
        all.by_project().iter().map(|(name, tally)| (name, tally.total())).collect();
    projects.sort_by(|one, other| other.1.cmp(&one.1).then(one.0.cmp(other.0)));
    lines.push(Entry::Heading("PROJECT"));
    for (name, count) in projects.iter().take(MOST) {
        let shown = shown.by_project().get(*name).map_or(0, |tally| tally.total());
        lines.push(entry("project", name.as_str(), shown, *count));
    }
    more(projects.len(), &mut lines);
    let mut reasons: Vec<(Reason, usize)> = all.by_reason().to_vec();
    reasons.sort_by(|one, other| {
        other.1.cmp(&one.1).then_with(|| one.0.as_str().cmp(other.0.as_str()))
    });
    lines.push(Entry::Heading("REASON"));
    for (reason, count) in reasons.iter().take(MOST) {
        let of = shown.by_reason().iter().find(|(other, _)| other == reason);
        lines.push(entry("reason", reason.as_str(), of.map_or(0, |(_, count)| *count), *count));
    }
    more(reasons.len(), &mut lines);
    lines
}

fn entry(field: &str, text: &str, shown: usize, all: usize) -> Entry {
    Entry::Word { text: text.to_owned(), word: format!("{field}:={text}"), shown, all }
}

fn more(count: usize, lines: &mut Vec<Entry>) {
    if count > MOST {
        lines.push(Entry::More(count - MOST));
    }
}

pub(super) fn draw(view: &View, _world: &World, area: Rect, canvas: &mut Canvas<'_>) {
    if area.is_empty() {
        return;
    }
    canvas.clear(area, Role::Text);
    let bar = if canvas.look.ascii { "|" } else { "│" };
    for y in area.y..area.bottom() {
        canvas.text(Rect { x: area.x, y, width: 1, height: 1 }, bar, Role::Border);
    }
    let inner = Rect { x: area.x + 2, width: area.width.saturating_sub(3), ..area };
    let cursor = view.facets.cursor().filter(|_| view.facets.has_keys());
    let seen = view.facets.lines.iter().enumerate().skip(view.facets.top);
    for ((at, entry), y) in seen.zip(inner.y..inner.bottom()) {
        let line = Rect { y, height: 1, ..inner };
        match entry {
            Entry::Heading(title) => {
                canvas.text(line, title, Role::Title);
                if at == 0 {
                    let said = "shown of all";
                    let width = 12.min(line.width.saturating_sub(8));
                    let right = Rect { x: line.right() - width, width, ..line };
                    canvas.text(right, said, Role::Dim);
                }
            }
            Entry::More(count) => {
                canvas.text(line, &format!("  and {count} more"), Role::Dim);
            }
            Entry::Word { text, word, shown, all } => {
                let is_in = view.look.filter.has(word);
                let (sign, role) = if is_in { ("/ ", Role::Hit) } else { ("  ", Role::Text) };
                let count = format!("{shown}/{all}");
                let width = u16::try_from(count.len()).unwrap_or(u16::MAX).min(line.width);
                let left = Rect { width: line.width.saturating_sub(width + 1), ..line };
                canvas.spans(left, &[(sign, Role::Key), (text, role)]);
                let right = Rect { x: line.right() - width, width, ..line };
                canvas.text(right, &count, if *shown > 0 { Role::Text } else { Role::Dim });
                let act = FleetAction::Word(word.clone());
                canvas.region(Region::click(line, Action::Fleet(act)));
                if cursor == Some(at) {
                    canvas.restyle(line, Role::Cursor);
                    let sign = if canvas.look.ascii { ">" } else { "▸" };
                    canvas.text(Rect { x: area.x + 1, width: 1, ..line }, sign, Role::Key);
                }
            }
        }
    }
}
