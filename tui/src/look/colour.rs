//! Colours as numbers: how far apart two are for an eye, and the nearest that a terminal has. Pure.

use ratatui::style::Color;

use crate::host::Depth;

/// A colour of the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rgb(pub u8, pub u8, pub u8);

impl Rgb {
    /// From `0xrrggbb`.
    pub(super) const fn hex(rgb: u32) -> Self {
        let [_, red, green, blue] = rgb.to_be_bytes();
        Self(red, green, blue)
    }

    /// How bright it is, from 0 to 1, as WCAG 2 has it.
    pub fn luminance(self) -> f64 {
        let [red, green, blue] = self.linear();
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }

    /// The contrast of two colours as WCAG 2 has it: from 1 to 21.
    pub fn contrast(self, other: Self) -> f64 {
        let (one, other) = (self.luminance(), other.luminance());
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    /// Is it nearer to white than to black?
    pub fn is_light(self) -> bool {
        self.contrast(Self(0, 0, 0)) > self.contrast(Self(255, 255, 255))
    }

    fn linear(self) -> [f64; 3] {
        [self.0, self.1, self.2].map(|channel| {
            let channel = f64::from(channel) / 255.0;
            if channel <= 0.04045 { channel / 12.92 } else { ((channel + 0.055) / 1.055).powf(2.4) }
        })
    }

    /// The nearest that the terminal has, where it has more than sixteen.
    pub(super) fn on(self, depth: Depth) -> Color {
        match depth {
            Depth::True => Color::Rgb(self.0, self.1, self.2),
            Depth::Indexed | Depth::Sixteen => Color::Indexed(self.indexed().0),
        }
    }

    /// The nearest of the 240 colours that are the same everywhere: its number, and what it is.
    fn indexed(self) -> (u8, Self) {
        let cube = [self.0, self.1, self.2].map(|channel| {
            let steps = STEPS.iter().enumerate();
            let near = steps.min_by_key(|(_, step)| step.abs_diff(channel));
            near.map_or(0, |(at, _)| at as u8)
        });
        let [red, green, blue] = cube;
        let coloured =
            Self(STEPS[usize::from(red)], STEPS[usize::from(green)], STEPS[usize::from(blue)]);
        let mean = (u16::from(self.0) + u16::from(self.1) + u16::from(self.2)) / 3;
        let step = (mean.saturating_sub(3) / 10).min(23) as u8;
        let level = 8 + 10 * step;
        let grey = Self(level, level, level);
        if self.distance(grey) < self.distance(coloured) {
            (232 + step, grey)
        } else {
            (16 + 36 * red + 6 * green + blue, coloured)
        }
    }

    fn distance(self, other: Self) -> u32 {
        [(self.0, other.0), (self.1, other.1), (self.2, other.2)]
            .map(|(one, other)| u32::from(one.abs_diff(other)).pow(2))
            .iter()
            .sum()
    }
}

/// The levels of a channel in the cube of 216 colours.
const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// What is seen of it on a terminal of 256 colours.
    pub(in crate::look) fn on_256(colour: Rgb) -> Rgb {
        colour.indexed().1
    }

    /// What an eye without red (0), green (1) or blue (2) cones sees, after Machado, Oliveira and Fernandes (2009).
    pub(in crate::look) fn seen_without(cones: usize, colour: Rgb) -> Rgb {
        const SEEN: [[[f64; 3]; 3]; 3] = [
            [
                [0.152286, 1.052583, -0.204868],
                [0.114503, 0.786281, 0.099216],
                [-0.003882, -0.048116, 1.051998],
            ],
            [
                [0.367322, 0.860646, -0.227968],
                [0.280085, 0.672501, 0.047413],
                [-0.011820, 0.042940, 0.968881],
            ],
            [
                [1.255528, -0.076749, -0.178779],
                [-0.078411, 0.930809, 0.147602],
                [0.004733, 0.691367, 0.303900],
            ],
        ];
        let linear = colour.linear();
        let [red, green, blue] = SEEN[cones].map(|row| {
            let value: f64 = row.iter().zip(linear).map(|(factor, channel)| factor * channel).sum();
            let value = value.clamp(0.0, 1.0);
            let value = if value <= 0.003_130_8 {
                value * 12.92
            } else {
                1.055 * value.powf(1.0 / 2.4) - 0.055
            };
            (value * 255.0).round() as u8
        });
        Rgb(red, green, blue)
    }

    /// How different two colours are for an eye, as CIE 1976 has it: from about 10 on, one sees it at a glance.
    pub(in crate::look) fn difference(one: Rgb, other: Rgb) -> f64 {
        let lab = |colour: Rgb| {
            let [r, g, b] = colour.linear();
            let f = |t: f64| if t > 0.008_856 { t.cbrt() } else { 7.787 * t + 16.0 / 116.0 };
            let x = f((0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.9505);
            let y = f(0.2126 * r + 0.7152 * g + 0.0722 * b);
            let z = f((0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.089);
            [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
        };
        let squares = lab(one).into_iter().zip(lab(other)).map(|(a, b)| (a - b).powi(2));
        squares.sum::<f64>().sqrt()
    }

    #[test]
    fn a_contrast_is_what_wcag_says() {
        let (black, white) = (Rgb(0, 0, 0), Rgb(255, 255, 255));
        assert!((black.contrast(white) - 21.0).abs() < 0.01);
        assert!((white.contrast(Rgb::hex(0x777777)) - 4.48).abs() < 0.01);
        assert!(white.is_light() && !black.is_light() && !Rgb::hex(0x1e1e2e).is_light());
    }

    #[test]
    fn the_nearest_of_256_colours_is_found() {
        for (rgb, expect) in [(0x000000, 16), (0xffffff, 231), (0xff0000, 196), (0x808080, 244)] {
            assert_eq!(Rgb::hex(rgb).indexed().0, expect, "{rgb:06x}");
        }
    }
}
