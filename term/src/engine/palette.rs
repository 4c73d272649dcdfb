//! The colours that a program is told of when it asks and has set none: xterm's.

/// Red, green and blue of a place in the palette: 0 to 255, then foreground, background and cursor.
pub(super) fn standard(index: usize) -> (u8, u8, u8) {
    const BACKGROUND: usize = 257;
    const LEVELS: [u8; 6] = [0, 95, 135, 175, 215, 255];
    const NAMED: [(u8, u8, u8); 16] = [
        (0, 0, 0),
        (205, 0, 0),
        (0, 205, 0),
        (205, 205, 0),
        (0, 0, 238),
        (205, 0, 205),
        (0, 205, 205),
        (229, 229, 229),
        (127, 127, 127),
        (255, 0, 0),
        (0, 255, 0),
        (255, 255, 0),
        (92, 92, 255),
        (255, 0, 255),
        (0, 255, 255),
        (255, 255, 255),
    ];
    match index {
        0..16 => NAMED[index],
        16..232 => {
            let cube = index - 16;
            (LEVELS[cube / 36], LEVELS[cube / 6 % 6], LEVELS[cube % 6])
        }
        232..=255 => {
            let grey = 8 + 10 * (index - 232) as u8;
            (grey, grey, grey)
        }
        // Light on dark, as most have it: programs ask to choose between two themes.
        _ if index == BACKGROUND => NAMED[0],
        _ => NAMED[7],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_palette_is_xterms() {
        for (index, expected) in [
            (1, (205, 0, 0)),
            (16, (0, 0, 0)),
            (110, (135, 175, 215)),
            (231, (255, 255, 255)),
            (232, (8, 8, 8)),
            (255, (238, 238, 238)),
            (257, (0, 0, 0)),
        ] {
            assert_eq!(standard(index), expected, "{index}");
        }
    }
}
