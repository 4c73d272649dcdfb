//! Themes: which colour each part of the palette has. Pure.
//!
//! A test computes the contrast of every text against its ground, on what usual terminals have as their ground and on
//! what is painted, with all colours and with 256.

use ratatui::style::Color;
use serde::{Deserialize, Serialize};

use super::colour::Rgb;

/// A theme by its name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Theme {
    /// For a dark terminal.
    #[default]
    Dark,
    /// For a light one.
    Light,
    /// Black ground, and nothing on it that is hard to read.
    HighContrast,
    /// The same on white.
    HighContrastLight,
    /// Blue and orange, which eyes without red, green or blue cones tell apart.
    ColourBlind,
    /// The same for a light terminal.
    ColourBlindLight,
    /// No colours at all.
    Plain,
}

/// The ground that a terminal has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ground {
    /// Nearer to black.
    Dark,
    /// Nearer to white.
    Light,
}

impl Ground {
    /// Of a colour.
    pub fn of(colour: Rgb) -> Self {
        if colour.is_light() { Self::Light } else { Self::Dark }
    }
}

/// What of a palette something is drawn in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ink {
    Text,
    Dim,
    Title,
    Key,
    Mark,
    Good,
    Active,
    Warning,
    Bad,
    Border,
    Bar,
}

/// The colours of a theme: exact, and of the terminal's own sixteen.
pub(super) struct Palette {
    pub(super) ground: (Rgb, Color),
    pub(super) bar: (Rgb, Color),
    inks: [(Rgb, Color); 11],
}

impl Palette {
    /// The colour of something.
    pub(super) fn ink(&self, ink: Ink) -> (Rgb, Color) {
        self.inks[ink as usize]
    }
}

impl Theme {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Dark,
        Self::Light,
        Self::HighContrast,
        Self::HighContrastLight,
        Self::ColourBlind,
        Self::ColourBlindLight,
        Self::Plain,
    ];

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dark => "dark",
            Self::Light => "light",
            Self::HighContrast => "high-contrast",
            Self::HighContrastLight => "high-contrast-light",
            Self::ColourBlind => "colour-blind",
            Self::ColourBlindLight => "colour-blind-light",
            Self::Plain => "plain",
        }
    }

    /// The theme of a name, however `colour` is spelled.
    pub fn named(name: &str) -> Option<Self> {
        let name = name.replace("color", "colour");
        Self::ALL.into_iter().find(|theme| theme.as_str() == name)
    }

    /// What it is for, in a few words.
    pub fn about(self) -> &'static str {
        match self {
            Self::Dark => "for a dark terminal",
            Self::Light => "for a light terminal",
            Self::HighContrast => "white on black, nothing hard to read",
            Self::HighContrastLight => "black on white, nothing hard to read",
            Self::ColourBlind => "blue and orange on dark",
            Self::ColourBlindLight => "blue and orange on light",
            Self::Plain => "no colours",
        }
    }

    /// The theme of the same kind that suits a terminal, for those who chose a kind only.
    pub fn on(self, ground: Ground) -> Self {
        match (self, ground) {
            (Self::HighContrast, Ground::Light) => Self::HighContrastLight,
            (Self::ColourBlind, Ground::Light) => Self::ColourBlindLight,
            (theme, _) => theme,
        }
    }

    /// The ground that it is made for; nothing, where any will do.
    pub fn ground(self) -> Option<Ground> {
        match self {
            Self::Dark | Self::HighContrast | Self::ColourBlind => Some(Ground::Dark),
            Self::Light | Self::HighContrastLight | Self::ColourBlindLight => Some(Ground::Light),
            Self::Plain => None,
        }
    }

    pub(super) fn palette(self) -> Option<&'static Palette> {
        Some(match self {
            Self::Dark => &DARK,
            Self::Light => &LIGHT,
            Self::HighContrast => &HIGH_CONTRAST,
            Self::HighContrastLight => &HIGH_CONTRAST_LIGHT,
            Self::ColourBlind => &COLOUR_BLIND,
            Self::ColourBlindLight => &COLOUR_BLIND_LIGHT,
            Self::Plain => return None,
        })
    }
}

const fn of(hex: u32, sixteen: Color) -> (Rgb, Color) {
    (Rgb::hex(hex), sixteen)
}

// In the order of `Ink`: text, dim, title, key, mark, good, active, warning, bad, border, bar.

const DARK: Palette = Palette {
    ground: of(0x16181d, Color::Black),
    bar: of(0x2d333b, Color::Black),
    inks: [
        of(0xe6e6e6, Color::Gray),
        of(0xa9b1be, Color::Gray),
        of(0x7fd4e8, Color::Cyan),
        of(0xf2cc60, Color::LightYellow),
        of(0xd8a6ff, Color::LightMagenta),
        of(0x7fd88f, Color::Green),
        of(0x9ac4ff, Color::LightCyan),
        of(0xf5b862, Color::LightYellow),
        of(0xff9a90, Color::LightRed),
        of(0x8b939e, Color::Gray),
        of(0xffffff, Color::White),
    ],
};

const LIGHT: Palette = Palette {
    ground: of(0xfafafa, Color::White),
    bar: of(0xe6ebf1, Color::White),
    inks: [
        of(0x1f2328, Color::Black),
        of(0x4c545d, Color::DarkGray),
        of(0x0b4f66, Color::Blue),
        of(0x6b4200, Color::Magenta),
        of(0x7226b8, Color::Magenta),
        of(0x0f5a25, Color::Black),
        of(0x0a47b0, Color::Blue),
        of(0x7d3f00, Color::Magenta),
        of(0xa81210, Color::Red),
        of(0x6e7781, Color::DarkGray),
        of(0x000000, Color::Black),
    ],
};

const HIGH_CONTRAST: Palette = Palette {
    ground: of(0x000000, Color::Black),
    bar: of(0x1c1c1c, Color::Black),
    inks: [
        of(0xffffff, Color::White),
        of(0xd7d7d7, Color::Gray),
        of(0x87ffff, Color::LightCyan),
        of(0xffff5f, Color::LightYellow),
        of(0xffafff, Color::LightMagenta),
        of(0x87ff87, Color::LightGreen),
        of(0xafd7ff, Color::LightCyan),
        of(0xffd75f, Color::LightYellow),
        of(0xffafaf, Color::LightRed),
        of(0xd7d7d7, Color::Gray),
        of(0xffffff, Color::White),
    ],
};

const HIGH_CONTRAST_LIGHT: Palette = Palette {
    ground: of(0xffffff, Color::White),
    bar: of(0xe4e4e4, Color::White),
    inks: [
        of(0x000000, Color::Black),
        of(0x303030, Color::Black),
        of(0x00005f, Color::Blue),
        of(0x4a2e00, Color::Magenta),
        of(0x4f0d85, Color::Magenta),
        of(0x000000, Color::Black),
        of(0x00287a, Color::Blue),
        of(0x572b00, Color::Magenta),
        of(0x780000, Color::Red),
        of(0x303030, Color::Black),
        of(0x000000, Color::Black),
    ],
};

const COLOUR_BLIND: Palette = Palette {
    ground: of(0x16181d, Color::Black),
    bar: of(0x2d333b, Color::Black),
    inks: [
        of(0xe6e6e6, Color::Gray),
        of(0xa9b1be, Color::Gray),
        of(0xe6e6e6, Color::White),
        of(0xf0e442, Color::LightYellow),
        of(0xe8b4d4, Color::LightMagenta),
        of(0x6cb6ff, Color::Cyan),
        of(0xb5dcff, Color::LightCyan),
        of(0xf0e442, Color::LightYellow),
        of(0xff9f4a, Color::LightYellow),
        of(0x8b939e, Color::Gray),
        of(0xffffff, Color::White),
    ],
};

const COLOUR_BLIND_LIGHT: Palette = Palette {
    ground: of(0xfafafa, Color::White),
    bar: of(0xe6ebf1, Color::White),
    inks: [
        of(0x1f2328, Color::Black),
        of(0x4c545d, Color::DarkGray),
        of(0x1f2328, Color::Black),
        of(0x5f4700, Color::Magenta),
        of(0x7d2760, Color::Magenta),
        of(0x0a47a0, Color::Blue),
        of(0x00527a, Color::Blue),
        of(0x6b5000, Color::Red),
        of(0x963700, Color::Red),
        of(0x6e7781, Color::DarkGray),
        of(0x000000, Color::Black),
    ],
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::look::colour::tests::{difference, on_256, seen_without};

    const TEXTS: [Ink; 9] = [
        Ink::Text,
        Ink::Dim,
        Ink::Title,
        Ink::Key,
        Ink::Mark,
        Ink::Good,
        Ink::Active,
        Ink::Warning,
        Ink::Bad,
    ];

    fn grounds(theme: Theme, palette: &Palette) -> Vec<Rgb> {
        // Painted, and what terminals usually have: black, One Dark; white, Solarized's light one.
        let usual = match theme.ground() {
            Some(Ground::Dark) => [0x000000, 0x282c34],
            _ => [0xffffff, 0xeee8d5],
        };
        usual.into_iter().map(Rgb::hex).chain([palette.ground.0, palette.bar.0]).collect()
    }

    #[test]
    fn every_text_can_be_read_on_every_ground() {
        for theme in Theme::ALL {
            let Some(palette) = theme.palette() else { continue };
            let is_high = theme.as_str().starts_with("high");
            let least = if is_high { 7.0 } else { 4.5 };
            for ground in grounds(theme, palette) {
                for ink in TEXTS {
                    let colour = palette.ink(ink).0;
                    for (colour, ground) in [
                        (colour, ground),
                        (on_256(colour), ground),
                        (on_256(colour), on_256(ground)),
                    ] {
                        let contrast = colour.contrast(ground);
                        let name = theme.as_str();
                        assert!(contrast >= least, "{name}: {ink:?} on {ground:?}: {contrast:.2}");
                    }
                }
                let border = palette.ink(Ink::Border).0.contrast(ground);
                assert!(border >= 3.0, "{}: border on {ground:?}: {border:.2}", theme.as_str());
            }
            assert!(palette.ink(Ink::Bar).0.contrast(palette.bar.0) >= 7.0);
        }
    }

    #[test]
    fn well_and_wrong_look_different_to_every_eye() {
        for theme in [Theme::ColourBlind, Theme::ColourBlindLight] {
            let palette = theme.palette().unwrap();
            for (one, other) in
                [(Ink::Good, Ink::Bad), (Ink::Good, Ink::Warning), (Ink::Active, Ink::Bad)]
            {
                let pair = (palette.ink(one).0, palette.ink(other).0);
                for cones in 0..3 {
                    let seen = (seen_without(cones, pair.0), seen_without(cones, pair.1));
                    let apart = difference(seen.0, seen.1);
                    let name = theme.as_str();
                    assert!(
                        apart > 25.0,
                        "{name}: {one:?} and {other:?} without {cones}: {apart:.1}"
                    );
                }
            }
        }
    }

    #[test]
    fn the_sixteen_colours_of_a_terminal_can_be_read() {
        // As xterm and the VGA have them, whichever is harder to read: only those that a palette may name.
        let seen = |colour: Color| match colour {
            Color::Black => 0x000000,
            Color::White => 0xffffff,
            Color::Gray => 0xaaaaaa,
            Color::DarkGray => 0x666666,
            Color::Blue => 0x0000ee,
            Color::Magenta => 0xaa00aa,
            Color::Red => 0xcd0000,
            Color::Cyan => 0x00aaaa,
            Color::Green => 0x00aa00,
            Color::LightCyan => 0x55ffff,
            Color::LightRed => 0xff5555,
            Color::LightGreen => 0x55ff55,
            Color::LightYellow => 0xffff55,
            Color::LightMagenta => 0xff55ff,
            other => panic!("{other:?} is hard to read somewhere"),
        };
        for theme in Theme::ALL {
            let Some(palette) = theme.palette() else { continue };
            let ground = Rgb::hex(seen(palette.ground.1));
            for ink in TEXTS {
                let contrast = Rgb::hex(seen(palette.ink(ink).1)).contrast(ground);
                assert!(contrast >= 4.5, "{}: {ink:?}: {contrast:.2}", theme.as_str());
            }
        }
    }

    #[test]
    fn a_theme_has_the_name_that_is_written_of_it() {
        for theme in Theme::ALL {
            assert_eq!(Theme::named(theme.as_str()), Some(theme));
            assert_eq!(serde_json::to_value(theme).unwrap(), theme.as_str());
        }
        assert_eq!(Theme::named("color-blind"), Some(Theme::ColourBlind));
    }
}
