//! What a terminal shows, as plain data: for whoever draws it, compares it or reads it.

use crate::size::Size;
use crate::style::Style;

/// How a character takes its cells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Span {
    /// It has this cell.
    #[default]
    Narrow,
    /// It has this one and the next.
    Wide,
    /// The second cell of a wide one.
    Rest,
    /// Left blank at the end of a row, since a wide one didn't fit there.
    Pad,
}

/// One cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// The character: always printable, a space where there is none.
    pub c: char,
    /// What is put onto it and takes no cell of its own: accents, joiners, variants.
    pub marks: Option<Box<str>>,
    /// How it looks.
    pub style: Style,
    /// How it takes its cells.
    pub span: Span,
}

impl Default for Cell {
    fn default() -> Self {
        Self { c: ' ', marks: None, style: Style::default(), span: Span::Narrow }
    }
}

/// One row. Cells at its end that nothing was ever written to may be left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// The cells, from the left.
    pub cells: Vec<Cell>,
    /// Whether its text goes on in the next row, since it didn't fit.
    pub wrapped: bool,
}

impl Row {
    /// Its text, without the blanks at its end unless it goes on.
    pub fn text(&self) -> String {
        let mut text = String::with_capacity(self.cells.len());
        for cell in self.cells.iter().filter(|c| matches!(c.span, Span::Narrow | Span::Wide)) {
            text.push(cell.c);
            text.push_str(cell.marks.as_deref().unwrap_or_default());
        }
        if !self.wrapped {
            text.truncate(text.trim_end_matches(' ').len());
        }
        text
    }

    /// Leaves out the blanks at its end.
    pub(crate) fn trim(&mut self) {
        let blank = Cell::default();
        let used = self.cells.iter().rposition(|cell| *cell != blank).map_or(0, |at| at + 1);
        self.cells.truncate(used);
    }
}

/// The text of rows: what was broken for want of room is one line again, blank lines at the end are left out.
pub fn to_text<'a>(rows: impl IntoIterator<Item = &'a Row>) -> String {
    let mut text = String::new();
    for row in rows {
        text.push_str(&row.text());
        if !row.wrapped {
            text.truncate(text.trim_end_matches(' ').len());
            text.push('\n');
        }
    }
    text.truncate(text.trim_end_matches([' ', '\n']).len());
    if !text.is_empty() {
        text.push('\n');
    }
    text
}

/// How the cursor looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shape {
    /// Over the whole cell.
    #[default]
    Block,
    /// Below the character.
    Underline,
    /// Before the character.
    Beam,
}

/// The cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// From the top, from 0.
    pub row: u16,
    /// From the left, from 0.
    pub column: u16,
    /// How it looks.
    pub shape: Shape,
    /// Whether it blinks.
    pub blinking: bool,
}

/// Which movements of the mouse the program wants to hear of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mouse {
    /// None.
    #[default]
    Off,
    /// Buttons.
    Clicks,
    /// Buttons, and movements while one is held.
    Drag,
    /// All.
    Motion,
}

/// How those are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MouseEncoding {
    /// As xterm did first.
    #[default]
    Bytes,
    /// The same as UTF-8.
    Utf8,
    /// As numbers.
    Sgr,
}

/// What the program asked of its terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Modes {
    /// Cursor keys send `ESC O`, not `ESC [`.
    pub app_cursor: bool,
    /// The keypad sends sequences, not digits.
    pub app_keypad: bool,
    /// A paste is to be put between marks.
    pub bracketed_paste: bool,
    /// It wants to hear when the terminal gets and loses the focus.
    pub focus: bool,
    /// It wants to hear of the mouse.
    pub mouse: Mouse,
    /// In this form.
    pub mouse_encoding: MouseEncoding,
    /// The alternate screen is shown, which has no scrollback.
    pub alternate_screen: bool,
    /// There, the wheel sends cursor keys.
    pub alternate_scroll: bool,
    /// Text goes on in the next row.
    pub line_wrap: bool,
    /// Rows are counted from the top of the scroll region.
    pub origin: bool,
    /// Text pushes what is there to the right.
    pub insert: bool,
    /// A line feed also returns.
    pub newline: bool,
    /// It is in the middle of drawing (DEC mode 2026): a good moment not to draw, for a short time.
    pub updating: bool,
}

impl Default for Modes {
    fn default() -> Self {
        Self {
            app_cursor: false,
            app_keypad: false,
            bracketed_paste: false,
            focus: false,
            mouse: Mouse::Off,
            mouse_encoding: MouseEncoding::Bytes,
            alternate_screen: false,
            alternate_scroll: true,
            line_wrap: true,
            origin: false,
            insert: false,
            newline: false,
            updating: false,
        }
    }
}

/// What a terminal shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Screen {
    /// The size.
    pub size: Size,
    /// As many rows, each with as many cells.
    pub rows: Vec<Row>,
    /// The cursor, unless it is hidden.
    pub cursor: Option<Cursor>,
    /// What the program asked for.
    pub modes: Modes,
    /// The title that the program set, printable and bounded.
    pub title: Option<String>,
}

impl Screen {
    /// An empty one.
    pub fn blank(size: Size) -> Self {
        let row = Row { cells: vec![Cell::default(); usize::from(size.columns())], wrapped: false };
        Self {
            size,
            rows: vec![row; usize::from(size.rows())],
            cursor: None,
            modes: Modes::default(),
            title: None,
        }
    }

    /// Its text.
    pub fn to_text(&self) -> String {
        to_text(&self.rows)
    }
}
