//! How a character looks: colours and attributes, and the escape sequence that asks for them.

use std::io::Write as _;

/// A colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Color {
    /// The terminal's own.
    #[default]
    Default,
    /// One of the palette: 0 to 15 are named, 16 to 231 a cube, 232 to 255 greys.
    Indexed(u8),
    /// Red, green, blue.
    Rgb(u8, u8, u8),
}

/// The line beneath.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Underline {
    /// None.
    #[default]
    None,
    /// One line.
    Single,
    /// Two lines.
    Double,
    /// A wave.
    Curly,
    /// Dots.
    Dotted,
    /// Dashes.
    Dashed,
}

/// Colours and attributes of a cell. Blinking isn't among them: nobody wants it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Style {
    /// The colour of the character.
    pub foreground: Color,
    /// The colour behind it.
    pub background: Color,
    /// The line beneath.
    pub underline: Underline,
    /// Its colour; the default is the character's.
    pub underline_color: Color,
    /// Bold.
    pub bold: bool,
    /// Faint.
    pub dim: bool,
    /// Slanted.
    pub italic: bool,
    /// Both colours swapped.
    pub inverse: bool,
    /// Not shown.
    pub hidden: bool,
    /// Struck out.
    pub strike: bool,
}

impl Style {
    /// Writes the SGR sequence that sets exactly this, whatever was set before.
    pub fn write(&self, out: &mut Vec<u8>) {
        let Self {
            foreground,
            background,
            underline,
            underline_color,
            bold,
            dim,
            italic,
            inverse,
            hidden,
            strike,
        } = *self;
        out.extend_from_slice(b"\x1b[0");
        let flags = [
            (bold, "1"),
            (dim, "2"),
            (italic, "3"),
            (inverse, "7"),
            (hidden, "8"),
            (strike, "9"),
            (underline == Underline::Single, "4"),
            (underline == Underline::Double, "4:2"),
            (underline == Underline::Curly, "4:3"),
            (underline == Underline::Dotted, "4:4"),
            (underline == Underline::Dashed, "4:5"),
        ];
        for (_, code) in flags.into_iter().filter(|(is_set, _)| *is_set) {
            out.push(b';');
            out.extend_from_slice(code.as_bytes());
        }
        let written = match foreground {
            Color::Default => Ok(()),
            Color::Indexed(i @ 0..8) => write!(out, ";{}", 30 + i),
            Color::Indexed(i @ 8..16) => write!(out, ";{}", 82 + i),
            Color::Indexed(i) => write!(out, ";38;5;{i}"),
            Color::Rgb(r, g, b) => write!(out, ";38;2;{r};{g};{b}"),
        }
        .and_then(|()| match background {
            Color::Default => Ok(()),
            Color::Indexed(i @ 0..8) => write!(out, ";{}", 40 + i),
            Color::Indexed(i @ 8..16) => write!(out, ";{}", 92 + i),
            Color::Indexed(i) => write!(out, ";48;5;{i}"),
            Color::Rgb(r, g, b) => write!(out, ";48;2;{r};{g};{b}"),
        })
        .and_then(|()| match underline_color {
            Color::Default => Ok(()),
            // With colons, so that a terminal that doesn't know it skips the whole.
            Color::Indexed(i) => write!(out, ";58:5:{i}"),
            Color::Rgb(r, g, b) => write!(out, ";58:2::{r}:{g}:{b}"),
        });
        written.expect("a Vec takes every write");
        out.push(b'm');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_style_is_one_sequence() {
        let written = |style: Style| {
            let mut out = vec![];
            style.write(&mut out);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(written(Style::default()), "\x1b[0m");
        let style = Style {
            foreground: Color::Indexed(9),
            background: Color::Rgb(1, 2, 3),
            underline: Underline::Curly,
            underline_color: Color::Indexed(200),
            bold: true,
            ..Style::default()
        };
        assert_eq!(written(style), "\x1b[0;1;4:3;91;48;2;1;2;3;58:5:200m");
    }
}
