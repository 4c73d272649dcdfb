//! Panes, drawn. Only the panes that are seen, and of their terminals the rows that are.

use std::time::Duration;

use ratatui::layout::Rect;
use ratatui::widgets::Widget as _;
use smith_term::input::Focus;
use smith_term::playback::clock;
use smith_term::size::Size;
use smith_term::widget::Pane as Screen;

use super::View;
use super::pane::{self, Pane};
use super::status::{self, Keys};
use crate::action::{Action, Motion};
use crate::draw::{Canvas, Region};
use crate::look::Role;
use crate::panes::{Axis, PaneNo, Player, Playing, Seek, Tape, TerminalAction};
use crate::text;
use crate::world::World;
use crate::world::terminals::{Link, Terminal};

pub(super) fn panes(view: &View, world: &World, area: Rect, canvas: &mut Canvas<'_>) {
    let laid = if view.area == area { view.laid() } else { view.tree.lay(area) };
    for divider in laid.dividers.iter().filter(|divider| divider.axis == Axis::Right) {
        for y in divider.area.y..divider.area.bottom() {
            canvas.text(Rect { y, height: 1, ..divider.area }, "│", Role::Border);
        }
    }
    for (no, area) in &laid.panes {
        if let Some(pane) = view.panes.get(no).filter(|_| !area.is_empty()) {
            one(view, world, (*no, pane), *area, canvas);
        }
    }
}

fn one(
    view: &View,
    world: &World,
    (no, pane): (PaneNo, &Pane),
    area: Rect,
    canvas: &mut Canvas<'_>,
) {
    let terminal = world.terminals.get(&pane.subject);
    let is_focus = no == view.focus;
    let keys = match (is_focus, view.is_typing, view.is_aside) {
        (true, true, _) => Keys::Program,
        (true, false, true) => Keys::Aside,
        (true, false, false) => Keys::Here,
        (false, _, _) => Keys::Elsewhere,
    };
    let content = pane::content(area);
    title(view, world, (no, pane), keys, area, canvas);
    if area.height > 2 {
        let foot = Rect { y: area.bottom() - 1, height: 1, ..area };
        let cut = terminal.and_then(|terminal| {
            let size = terminal.stage.look(|engine| engine.size())?;
            status::cut(size, content.width, content.height)
        });
        below(world, pane, (terminal, keys, cut), foot, canvas);
    }
    let Some(terminal) = terminal else { return };
    if let Some(tapes) = &terminal.tapes {
        list(world, pane, tapes, is_focus, content, canvas);
        return;
    }
    let focus = if is_focus { Focus::In } else { Focus::Out };
    let caret = terminal.stage.look(|engine| {
        let screen = Screen::new(engine, &pane.look).focus(focus);
        (&screen).render(content, canvas.buffer());
        screen.caret(content)
    });
    match caret {
        Some(Some(caret)) if keys == Keys::Program => {
            canvas.put_cursor(caret.position.x, caret.position.y);
        }
        Some(_) => {}
        None => {
            let lines = status::empty(&pane.subject, terminal);
            let columns = usize::from(content.width.saturating_sub(4));
            let lines = lines.iter().flat_map(|line| status::wrapped(line, columns));
            let top = content.y + content.height.saturating_sub(2) / 3;
            for (line, y) in lines.zip(top..content.bottom()) {
                let margin = content.width.min(2);
                let at =
                    Rect { x: content.x + margin, y, width: content.width - margin, height: 1 };
                canvas.text(at, &line, Role::Text);
            }
        }
    }
}

/// The line above: whose terminal it is, and who has its keyboard.
fn title(
    view: &View,
    world: &World,
    (no, pane): (PaneNo, &Pane),
    keys: Keys,
    area: Rect,
    canvas: &mut Canvas<'_>,
) {
    let line = Rect { height: 1, ..area };
    let terminal = world.terminals.get(&pane.subject);
    let role = match keys {
        Keys::Program => Role::Warning,
        Keys::Here | Keys::Aside => Role::Title,
        Keys::Elsewhere => Role::Border,
    };
    let rule = "─".repeat(usize::from(line.width));
    canvas.text(line, &rule, role);
    let content = pane::content(area);
    let (program, size) = terminal
        .and_then(|t| t.stage.look(|e| (e.title().map(str::to_owned), Some(e.size()))))
        .unwrap_or_default();
    let right = match (terminal, pane.subject.session()) {
        (Some(terminal), Some(_)) => {
            let (who, role) = status::who(terminal, keys, world.now);
            let beside = status::beside(terminal, size, content.width, content.height);
            Some((who, role, beside))
        }
        _ => None,
    };
    let mut room = Rect { x: line.x + 1, width: line.width.saturating_sub(1), ..line };
    if let Some((who, role, beside)) = right {
        // Who types is told whatever else has no room.
        let width = cells(&who) + 3;
        let at = Rect { x: room.right().saturating_sub(width).max(room.x), ..room };
        let at = Rect { width: room.right() - at.x, ..at };
        canvas.text(at, &format!(" {who} "), role);
        room.width -= at.width;
        if let Some(beside) = beside {
            let width = cells(&beside) + 3;
            if width + 20 < room.width {
                let at = Rect { x: room.right() - width, width: width - 1, ..room };
                canvas.text(at, &format!(" {beside} "), Role::Dim);
                room.width -= width;
            }
        }
    }
    let sign = if no == view.focus { "▸" } else { " " };
    let zoomed =
        if view.is_zoomed { format!("(1 of {}) ", view.panes.len()) } else { String::new() };
    let of = terminal.and_then(|terminal| {
        // Of a recording it says what it is of, of a worker its attempt.
        let name = terminal.playing.as_ref().map(|playing| format!("({}) ", playing.name));
        name.or_else(|| terminal.no.map(|no| format!("{no} ")))
    });
    let name = format!("{sign}{} {}{zoomed}", pane.subject, of.unwrap_or_default());
    let used = canvas.text(room, &name, role);
    if let Some(program) = program.filter(|_| room.width > used + 4) {
        let rest = Rect { x: room.x + used, width: room.width - used, ..room };
        canvas.text(rest, &format!("{program} "), Role::Dim);
    }
    if keys == Keys::Program {
        canvas.restyle(line, Role::Cursor);
    }
}

/// The line below.
fn below(
    world: &World,
    pane: &Pane,
    (terminal, keys, cut): (Option<&Terminal>, Keys, Option<Size>),
    line: Rect,
    canvas: &mut Canvas<'_>,
) {
    let Some(terminal) = terminal else { return };
    if let Some(playing) = &terminal.playing {
        bar(pane, playing, line, canvas);
        return;
    }
    let is_over = matches!(terminal.link, Link::Over(_));
    if pane.subject.session().is_none() && !is_over {
        // What is fetched is told above.
        if terminal.tapes.is_some() {
            canvas.text(line, " enter plays", Role::Dim);
        }
        return;
    }
    let (text, role) = status::below(pane, terminal, keys, cut, world.now);
    canvas.text(line, &format!(" {text}"), role);
    if is_over {
        canvas.region(Region::click(line, Action::Terminal(TerminalAction::Again)));
    }
}

/// Where a recording stands: in words, and as a bar that can be clicked on.
fn bar(pane: &Pane, playing: &Playing, line: Rect, canvas: &mut Canvas<'_>) {
    let sign = match (playing.is_paused, canvas.look.ascii) {
        (true, false) => "‖",
        (false, false) => "▶",
        (true, true) => "=",
        (false, true) => ">",
    };
    let back = match pane.look.back() {
        0 => String::new(),
        n => format!("  {n} lines back"),
    };
    let found = pane.found.as_ref().map(|(text, count)| format!("  {text:?}: {count}"));
    let words =
        format!(" {sign} {}{back}{}  ", status::playing(playing), found.unwrap_or_default());
    let used = canvas.text(line, &words, Role::Active);
    let room = Rect { x: line.x + used, width: line.width.saturating_sub(used + 1), ..line };
    if room.width < 10 || playing.length == 0 {
        return;
    }
    let (full, rest) = if canvas.look.ascii { ("=", "-") } else { ("━", "─") };
    let part = |n: u64| playing.length * n / u64::from(room.width);
    for n in 0..room.width {
        let cell = Rect { x: room.x + n, width: 1, ..room };
        let is_done = part(n.into()) <= playing.at;
        let (text, role) = if is_done { (full, Role::Active) } else { (rest, Role::Border) };
        canvas.text(cell, text, role);
        let to = Seek::To(Duration::from_millis(part(n.into())));
        let action = Action::Terminal(TerminalAction::Play(Player::Seek(to)));
        canvas.region(Region::click(cell, action));
    }
}

/// The recordings of a loop.
fn list(
    world: &World,
    pane: &Pane,
    tapes: &[Tape],
    is_focus: bool,
    area: Rect,
    canvas: &mut Canvas<'_>,
) {
    if tapes.is_empty() {
        let text =
            "nothing is recorded yet: a part is kept when it is complete, or its process ended";
        canvas.text(area, text, Role::Text);
        return;
    }
    canvas.text(area, "    N  WHAT                 LENGTH    BEGAN", Role::Title);
    let seen = tapes.iter().enumerate().skip(pane.top);
    for ((at, tape), y) in seen.zip(area.y + 1..area.bottom()) {
        let line = Rect { y, height: 1, ..area };
        let what = match tape.iteration {
            0 => format!("{} {}", tape.session, tape.no),
            n => format!("{} {} #{n}", tape.session, tape.no),
        };
        let length = clock::shown(Duration::from_millis(tape.millis));
        let began = text::age(world.now.duration_since(tape.started_at));
        let text = format!("{:>5}  {what:<20} {length:<9} {began} ago", tape.number);
        canvas.text(line, &text, Role::Text);
        let is_here = at == pane.row;
        if is_here {
            canvas.restyle(line, if is_focus { Role::Cursor } else { Role::Marked });
        }
        let act = if is_here { Action::Open } else { Action::Move(Motion::To(at)) };
        canvas.region(Region::click(line, act));
    }
}

fn cells(text: &str) -> u16 {
    u16::try_from(text::width(text)).unwrap_or(u16::MAX)
}
