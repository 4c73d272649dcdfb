//! A terminal's screen as an SVG: text as text, so that two of them can be compared line by line, and it can be read aloud
//! and searched.

use std::fmt::Write as _;

use smith_term::screen::{Cell, Row, Screen, Span};
use smith_term::style::{Color, Style, Underline};

/// A cell, in pixels, and the space around all of them.
const WIDTH: f64 = 8.0;
const HEIGHT: f64 = 17.0;
const MARGIN: f64 = 10.0;
/// From the top of a row to the line that letters stand on.
const BASE: f64 = 13.0;
/// The terminal's own colours.
const INK: &str = "#d8dee9";
const PAPER: &str = "#16181d";
/// The named ones.
const NAMED: [&str; 16] = [
    "#3b4252", "#e06c75", "#98c379", "#e5c07b", "#61afef", "#c678dd", "#56b6c2", "#d8dee9",
    "#5c6370", "#ff7a85", "#b0e08f", "#ffd890", "#82c4ff", "#de94f0", "#76d4df", "#ffffff",
];

/// Cells of one look.
struct Run {
    from: usize,
    cells: usize,
    style: Style,
    text: String,
}

/// The picture; the title says what it shows to who can't see it.
pub fn svg(screen: &Screen, title: &str) -> String {
    let (columns, rows) = (f64::from(screen.size.columns()), f64::from(screen.size.rows()));
    let (width, height) = (columns * WIDTH + 2.0 * MARGIN, rows * HEIGHT + 2.0 * MARGIN);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" role=\"img\">\n\
         <title>{}</title>\n\
         <style>text {{ font: 13px ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace; white-space: pre; fill: {INK} }}</style>\n\
         <rect width=\"{width}\" height=\"{height}\" rx=\"6\" fill=\"{PAPER}\"/>\n",
        escaped(title)
    );
    for (row, y) in screen.rows.iter().zip(0_u16..) {
        for run in runs(row) {
            draw(&run, MARGIN + f64::from(y) * HEIGHT, &mut out);
        }
    }
    out.push_str("</svg>\n");
    out
}

fn runs(row: &Row) -> Vec<Run> {
    let mut runs: Vec<Run> = vec![];
    for (at, cell) in row.cells.iter().enumerate() {
        match runs.last_mut().filter(|run| run.style == cell.style && joins(run, cell)) {
            Some(run) => {
                run.cells += 1;
                push(cell, &mut run.text);
            }
            None => {
                let mut text = String::new();
                push(cell, &mut text);
                runs.push(Run { from: at, cells: 1, style: cell.style, text });
            }
        }
    }
    runs
}

/// Letters go on; a sign stands alone, since no two fonts agree on how wide it is.
fn joins(run: &Run, cell: &Cell) -> bool {
    cell.span == Span::Rest
        || (cell.c.is_ascii() && run.text.is_ascii())
        || run.text.chars().all(|c| c == cell.c)
}

fn push(cell: &Cell, text: &mut String) {
    if matches!(cell.span, Span::Narrow | Span::Wide) {
        text.push(cell.c);
        text.push_str(cell.marks.as_deref().unwrap_or_default());
    }
}

fn draw(run: &Run, top: f64, out: &mut String) {
    let Run { from, cells, style, text } = run;
    let (mut ink, mut paper) = (color(style.foreground), color(style.background));
    if style.inverse {
        (ink, paper) = (paper.or(Some(PAPER.to_owned())), ink.or(Some(INK.to_owned())));
    }
    let x = MARGIN + cells_wide(*from);
    let width = cells_wide(*cells);
    let mut say = |line: std::fmt::Arguments<'_>| {
        out.write_fmt(line).expect("a String takes every write");
    };
    if let Some(paper) = paper {
        say(format_args!(
            "<rect x=\"{x}\" y=\"{top}\" width=\"{width}\" height=\"{HEIGHT}\" fill=\"{paper}\"/>\n"
        ));
    }
    if text.trim().is_empty() || style.hidden {
        return;
    }
    let mut looks = String::new();
    let mut look = |is_so: bool, text: &str| {
        if is_so {
            looks.push_str(text);
        }
    };
    if let Some(ink) = ink {
        look(true, &format!(" style=\"fill:{ink}\""));
    }
    look(style.bold, " font-weight=\"bold\"");
    look(style.italic, " font-style=\"italic\"");
    look(style.dim, " opacity=\"0.6\"");
    look(style.underline != Underline::None, " text-decoration=\"underline\"");
    look(style.strike, " text-decoration=\"line-through\"");
    let y = top + BASE;
    let text = escaped(text);
    say(format_args!("<text x=\"{x}\" y=\"{y}\" textLength=\"{width}\"{looks}>{text}</text>\n"));
}

fn cells_wide(cells: usize) -> f64 {
    f64::from(u32::try_from(cells).unwrap_or(u32::MAX)) * WIDTH
}

/// As SVG writes it; nothing for the terminal's own.
fn color(color: Color) -> Option<String> {
    match color {
        Color::Default => None,
        Color::Indexed(at @ 0..16) => Some(NAMED[usize::from(at)].to_owned()),
        Color::Indexed(at @ 16..232) => {
            let level = |n: u8| if n == 0 { 0 } else { 55 + 40 * n };
            let (red, green, blue) = ((at - 16) / 36, (at - 16) / 6 % 6, (at - 16) % 6);
            Some(format!("#{:02x}{:02x}{:02x}", level(red), level(green), level(blue)))
        }
        Color::Indexed(at) => {
            let grey = 8 + 10 * (at - 232);
            Some(format!("#{grey:02x}{grey:02x}{grey:02x}"))
        }
        Color::Rgb(red, green, blue) => Some(format!("#{red:02x}{green:02x}{blue:02x}")),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use smith_term::engine::Engine;
    use smith_term::size::Size;

    use super::*;

    #[test]
    fn a_picture_holds_the_text_its_looks_and_nothing_that_acts() {
        let mut engine = Engine::new(Size::nearest(24, 2));
        engine.feed(b"plain \x1b[1;38;2;1;2;3mbold\x1b[0m a<b&c \x1b[7m in \x1b[0m");
        let svg = svg(&engine.screen(), "a <test>");
        assert!(svg.contains("<title>a &lt;test&gt;</title>"), "{svg}");
        assert!(svg.contains(" style=\"fill:#010203\" font-weight=\"bold\">bold</text>"), "{svg}");
        assert!(svg.contains(" a&lt;b&amp;c "), "{svg}");
        assert!(svg.contains(&format!("height=\"17\" fill=\"{INK}\"/>")), "{svg}");
        assert!(svg.contains(&format!("style=\"fill:{PAPER}\"> in </text>")), "{svg}");
    }
}
