//! Everything that a terminal consists of, as plain data: what a snapshot is made of.

use crate::screen::{Modes, Row, Shape};
use crate::size::Size;
use crate::style::Style;

/// A character set that a program can choose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Charset {
    #[default]
    Ascii,
    /// Lines and corners in place of small letters.
    Drawing,
}

/// Where text goes next, and how it will look.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pen {
    pub(crate) row: u16,
    pub(crate) column: u16,
    /// The last column was written: the next character goes to the next row.
    pub(crate) wraps: bool,
    pub(crate) style: Style,
    /// G0 to G3.
    pub(crate) charsets: [Charset; 4],
}

/// One of the two screens. Rows are trimmed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) rows: Vec<Row>,
    pub(crate) pen: Pen,
    pub(crate) saved: Pen,
}

/// Which set is used, of the first two.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Shift {
    #[default]
    G0,
    G1,
}

/// The emulator's part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct State {
    pub(crate) size: Size,
    /// Scrolled out, oldest first, trimmed.
    pub(crate) history: Vec<Row>,
    pub(crate) main: Page,
    /// The alternate screen, while it is shown.
    pub(crate) alternate: Option<Page>,
    /// The cursor that was saved in the alternate screen; it outlives it.
    pub(crate) alternate_saved: Pen,
    pub(crate) modes: Modes,
    pub(crate) cursor_visible: bool,
    pub(crate) cursor_shape: Shape,
    pub(crate) cursor_blinking: bool,
    /// The first row of the scroll region, and the one behind its last.
    pub(crate) region: (u16, u16),
    /// The tab stops, where they aren't every eight columns.
    pub(crate) tabs: Option<Vec<u16>>,
    pub(crate) shift: Shift,
    /// Colours that were set: 0 to 255, then foreground, background and cursor.
    pub(crate) palette: Vec<(u16, (u8, u8, u8))>,
}
