//! How code, changes and what programs painted look. Pure.

use ratatui::style::{Color, Modifier, Style};

use crate::host::Depth;
use crate::look::{Ground, Look, Rgb, Theme};
use crate::paper::{Colour, Ink, Paint};

/// What a piece of text is within a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Change {
    /// It is in none, or stays.
    None,
    /// Of an added line.
    Added,
    /// What is new in it.
    AddedWord,
    /// Of a removed line.
    Removed,
    /// What is gone from it.
    RemovedWord,
}

/// Without colours: signs say what is added and removed.
pub(super) fn plain(ink: Ink, change: Change) -> Modifier {
    match (ink, change) {
        (Ink::Painted(paint), _) => modifiers(paint),
        (_, Change::AddedWord | Change::RemovedWord) => Modifier::UNDERLINED,
        (_, Change::None | Change::Added | Change::Removed) => Modifier::empty(),
    }
}

/// The style of a piece of text, whose colour would be `text` otherwise.
pub(super) fn style(look: Look, text: Color, ink: Ink, change: Change) -> Style {
    let style = Style::default().add_modifier(plain(ink, change));
    if let Ink::Painted(paint) = ink {
        let colour = |colour| match colour {
            Colour::Indexed(n) => Color::Indexed(n),
            Colour::Rgb(red, green, blue) => Rgb(red, green, blue).on(look.depth),
        };
        let Paint { foreground, background, .. } = paint;
        let foreground = foreground.map_or(text, colour);
        return Style { fg: Some(foreground), bg: background.map(colour), ..style };
    }
    match look.depth {
        // Of sixteen none is quiet enough to be the ground of a line: its text says what it is.
        Depth::Sixteen => style.fg(match change {
            Change::Added | Change::AddedWord => Color::Green,
            Change::Removed | Change::RemovedWord => Color::Red,
            Change::None => sixteen(ink).unwrap_or(text),
        }),
        Depth::Indexed | Depth::True => {
            let inks = match look.theme.ground() {
                Some(Ground::Light) => LIGHT_INKS,
                Some(Ground::Dark) | None => DARK_INKS,
            };
            let grounds = match look.theme {
                Theme::ColourBlind => DARK_BLUE_AND_ORANGE,
                Theme::ColourBlindLight => LIGHT_BLUE_AND_ORANGE,
                Theme::Light | Theme::HighContrastLight => LIGHT_GROUNDS,
                Theme::Dark | Theme::HighContrast | Theme::Plain => DARK_GROUNDS,
            };
            let style = style.fg(at(ink).map_or(text, |at| Rgb::hex(inks[at]).on(look.depth)));
            let (line, word) = match change {
                Change::None => return style,
                Change::Added | Change::AddedWord => (0, 1),
                Change::Removed | Change::RemovedWord => (2, 3),
            };
            let is_word = matches!(change, Change::AddedWord | Change::RemovedWord);
            match look.depth {
                Depth::True => {
                    let at = if is_word { word } else { line };
                    style.bg(Rgb::hex(grounds.rgb[at]).on(look.depth))
                }
                // The nearest of 256 to a quiet ground is a grey: these are told apart, and words by their line beneath.
                Depth::Indexed | Depth::Sixteen => {
                    style.bg(Color::Indexed(grounds.indexed[line / 2]))
                }
            }
        }
    }
}

/// What lies under added lines and what is new in them, under removed lines and what is gone from them.
struct Grounds {
    rgb: [u32; 4],
    /// Under added lines, under removed ones.
    indexed: [u8; 2],
}

/// Comments, keywords, strings, constants, types, functions.
const DARK_INKS: [u32; 6] =
    [0x9a_9a_9a, 0xd7_87_d7, 0xaf_d7_87, 0xff_af_5f, 0x87_d7_d7, 0x87_af_ff];
const LIGHT_INKS: [u32; 6] =
    [0x5a_5a_5a, 0x80_20_80, 0x2f_5a_10, 0x7a_44_00, 0x00_5f_68, 0x1f_45_a0];
const DARK_GROUNDS: Grounds =
    Grounds { rgb: [0x0f_2f_17, 0x1c_50_2b, 0x3a_14_17, 0x66_1d_23], indexed: [22, 52] };
const LIGHT_GROUNDS: Grounds =
    Grounds { rgb: [0xdc_f5_e0, 0xa8_e4_b3, 0xfb_e0_e0, 0xf4_b4_b4], indexed: [194, 224] };
/// The same for eyes that don't tell green from red.
const DARK_BLUE_AND_ORANGE: Grounds =
    Grounds { rgb: [0x10_28_4a, 0x1d_44_78, 0x3a_25_08, 0x60_3c_10], indexed: [17, 58] };
const LIGHT_BLUE_AND_ORANGE: Grounds =
    Grounds { rgb: [0xdb_e8_fb, 0xb4_d0_f6, 0xfb_ea_d4, 0xf5_d0_a0], indexed: [189, 223] };

/// Which of the inks.
fn at(ink: Ink) -> Option<usize> {
    Some(match ink {
        Ink::Plain | Ink::Painted(_) => return None,
        Ink::Comment => 0,
        Ink::Keyword => 1,
        Ink::String => 2,
        Ink::Constant => 3,
        Ink::Type => 4,
        Ink::Function => 5,
    })
}

fn sixteen(ink: Ink) -> Option<Color> {
    Some(match ink {
        Ink::Plain | Ink::Painted(_) | Ink::Comment => return None,
        Ink::Keyword => Color::Magenta,
        Ink::String => Color::Green,
        Ink::Constant => Color::Yellow,
        Ink::Type => Color::Cyan,
        Ink::Function => Color::Blue,
    })
}

fn modifiers(paint: Paint) -> Modifier {
    let Paint { foreground: _, background: _, bold, dim, italic, underline, inverse } = paint;
    let mut all = Modifier::empty();
    all.set(Modifier::BOLD, bold);
    all.set(Modifier::DIM, dim);
    all.set(Modifier::ITALIC, italic);
    all.set(Modifier::UNDERLINED, underline);
    all.set(Modifier::REVERSED, inverse);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_read_on_every_ground() {
        for (inks, grounds) in [
            (DARK_INKS, DARK_GROUNDS),
            (DARK_INKS, DARK_BLUE_AND_ORANGE),
            (LIGHT_INKS, LIGHT_GROUNDS),
            (LIGHT_INKS, LIGHT_BLUE_AND_ORANGE),
        ] {
            for ink in inks {
                for ground in grounds.rgb {
                    let contrast = Rgb::hex(ink).contrast(Rgb::hex(ground));
                    assert!(contrast >= 3.0, "{ink:06x} on {ground:06x}: {contrast}");
                }
            }
        }
    }
}
