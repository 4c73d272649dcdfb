//! What everything is drawn on: cells, and where the mouse can do what.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::{Modifier, Style};
use unicode_width::UnicodeWidthChar as _;

use crate::action::Action;
use crate::keys::{Chord, Context, Keymap};
use crate::look::{Look, Role};
use crate::text;

/// A part of the screen that the mouse can do something with.
#[derive(Clone, Debug, PartialEq)]
pub struct Region {
    /// Where.
    pub area: Rect,
    /// What a click means.
    pub click: Option<Action>,
    /// Whether the wheel moves the cursor of what is there.
    pub takes_wheel: bool,
    /// Whether it is rows of a text, which the mouse scrolls and chooses.
    pub is_text: bool,
}

impl Region {
    /// One to be clicked on.
    pub fn click(area: Rect, action: Action) -> Self {
        Self { area, click: Some(action), takes_wheel: false, is_text: false }
    }

    /// One that the wheel moves.
    pub fn wheel(area: Rect) -> Self {
        Self { area, click: None, takes_wheel: true, is_text: false }
    }

    /// One with rows of a text.
    pub fn text(area: Rect) -> Self {
        Self { area, click: None, takes_wheel: true, is_text: true }
    }
}

/// Where the mouse can do what, in the order in which it was drawn.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Hits {
    regions: Vec<Region>,
}

impl Hits {
    /// What a click there means: what was drawn last lies on top.
    pub fn click(&self, column: u16, row: u16) -> Option<&Action> {
        let mut regions = self.at(column, row);
        regions.find(|region| region.click.is_some() || region.is_text)?.click.as_ref()
    }

    /// Does the wheel move something there?
    pub fn takes_wheel(&self, column: u16, row: u16) -> bool {
        self.at(column, row).any(|region| region.takes_wheel)
    }

    /// Which row of a text is there, if what lies on top there is one.
    pub fn text_row(&self, column: u16, row: u16) -> Option<u16> {
        let top = self.at(column, row).next()?;
        top.is_text.then(|| row - top.area.y)
    }

    fn at(&self, column: u16, row: u16) -> impl Iterator<Item = &Region> {
        let at = Position { x: column, y: row };
        self.regions.iter().rev().filter(move |region| region.area.contains(at))
    }
}

/// What everything is drawn on.
pub struct Canvas<'a> {
    buffer: &'a mut Buffer,
    hits: &'a mut Hits,
    cursor: Option<Position>,
    keys: Option<(&'a Keymap, &'a [Context])>,
    /// How things look.
    pub look: Look,
}

impl<'a> Canvas<'a> {
    /// On this buffer.
    pub fn new(buffer: &'a mut Buffer, hits: &'a mut Hits, look: Look) -> Self {
        Self { buffer, hits, cursor: None, keys: None, look }
    }

    /// The same, for a screen on which keys mean this, there.
    pub fn with_keys(self, keymap: &'a Keymap, contexts: &'a [Context]) -> Self {
        Self { keys: Some((keymap, contexts)), ..self }
    }

    /// The keys that one would press for an action here, as people name them; nothing, where none are bound.
    pub fn keys_of(&self, action: &Action) -> Option<String> {
        let (keymap, contexts) = self.keys?;
        let keys = keymap.keys_of(contexts, action)?;
        Some(keys.iter().map(Chord::to_string).collect::<Vec<_>>().join(" "))
    }

    /// Writes a line of text from outside, made printable and cut; answers the cells that it took.
    pub fn text(&mut self, area: Rect, text: &str, role: Role) -> u16 {
        self.styled(area, text, self.look.style(role))
    }

    /// The same with a style of its own.
    pub fn styled(&mut self, area: Rect, text: &str, style: Style) -> u16 {
        let area = area.intersection(self.buffer.area);
        if area.is_empty() {
            return 0;
        }
        let clean = text::clean(text);
        let cut = text::cut(&clean, area.width.into(), self.look.ellipsis());
        let ascii;
        let shown = if self.look.ascii && !cut.is_ascii() {
            ascii = cut.chars().map(to_ascii).collect::<String>();
            ascii.as_str()
        } else {
            &cut
        };
        let (end, _) = self.buffer.set_stringn(area.x, area.y, shown, area.width.into(), style);
        end - area.x
    }

    /// Writes texts one behind the other; answers the cells that they took.
    pub fn spans(&mut self, area: Rect, spans: &[(&str, Role)]) -> u16 {
        let mut used = 0;
        for (text, role) in spans {
            let rest = Rect { x: area.x + used, width: area.width.saturating_sub(used), ..area };
            used += self.text(rest, text, *role);
        }
        used
    }

    /// Gives what is there another look.
    pub fn restyle(&mut self, area: Rect, role: Role) {
        self.buffer.set_style(area.intersection(self.buffer.area), self.look.style(role));
    }

    /// Underlines an area: something can be typed there.
    pub fn underline(&mut self, area: Rect) {
        let style = Style::default().add_modifier(Modifier::UNDERLINED);
        self.buffer.set_style(area.intersection(self.buffer.area), style);
    }

    /// From here on the mouse can't do anything with what was drawn before: something lies over it.
    pub fn cover(&mut self) {
        self.hits.regions.clear();
        self.cursor = None;
    }

    /// Fills an area with blanks, as a ground for what lies over the rest.
    pub fn clear(&mut self, area: Rect, role: Role) {
        let base = self.look.base();
        // A blank on the terminal's own ground has no colour, so that it needn't be written.
        let style = match role {
            Role::Text => base,
            role => base.patch(self.look.style(role)),
        };
        let area = area.intersection(self.buffer.area);
        for position in area.positions() {
            let cell = &mut self.buffer[position];
            cell.reset();
            cell.set_style(style);
        }
    }

    /// Says what the mouse can do somewhere.
    pub fn region(&mut self, region: Region) {
        self.hits.regions.push(region);
    }

    /// Puts the terminal's cursor somewhere; the last one counts.
    pub fn put_cursor(&mut self, x: u16, y: u16) {
        self.cursor = Some(Position { x, y });
    }

    /// Where the cursor was put.
    pub fn cursor(&self) -> Option<Position> {
        self.cursor
    }

    /// The cells themselves, for widgets.
    pub fn buffer(&mut self) -> &mut Buffer {
        self.buffer
    }
}

/// The nearest that a terminal without Unicode can show, in as many cells.
fn to_ascii(c: char) -> char {
    match c {
        c if c.is_ascii() => c,
        '─' | '━' | '–' | '—' => '-',
        '│' | '┃' => '|',
        '┌' | '┐' | '└' | '┘' | '├' | '┤' | '┬' | '┴' | '┼' | '╭' | '╮' | '╰' | '╯' => {
            '+'
        }
        '…' => '~',
        '→' | '▸' | '▶' => '>',
        '←' => '<',
        '↑' => '^',
        '↓' => 'v',
        '·' | '•' => '.',
        c if c.width() == Some(1) => '?',
        c => c,
    }
}
