//! What stands around a place: the bar at the top, the tabs, the tip.

use ratatui::layout::Rect;
use smith_model::inbox::Severity;
use smith_model::state::State as LoopState;

use crate::action::{Action, Destination, TabAction};
use crate::command;
use crate::draw::{Canvas, Region};
use crate::fleet::Link;
use crate::keys::keys_text;
use crate::look::{Look, Role};
use crate::state::State;
use crate::text;
use crate::world::inbox::Trust;

/// The most cells of a tab.
const TAB: usize = 30;

/// A piece of the bar: what it says, and what it is.
type Piece = (String, Role);

/// The bar: how the connection does and how many loops are in which state, in any width; the rest as far as it fits.
pub(super) fn bar(state: &State, area: Rect, canvas: &mut Canvas<'_>) {
    canvas.clear(area, Role::Bar);
    let session = &state.world.session;
    let (short, long, link_role) = link(state);
    let place = session.context.as_deref().unwrap_or(&session.server);
    let read_only = if session.may_act().is_err() {
        vec![(" READ ONLY".to_owned(), Role::Warning)]
    } else {
        vec![]
    };
    let who = session.identity.as_ref().map(|who| format!("{} ({})", who.name, who.role));
    let who = who.map(|who| (format!("  {who}"), Role::Bar));
    let name = vec![(" Smith ".to_owned(), Role::Bar)];
    // As they stand; taken in as they matter.
    let mut parts: [Vec<Piece>; 6] = [
        name,
        vec![(format!(" {}", text::clean(place)), Role::Bar)],
        who.into_iter().collect(),
        read_only,
        inbox(state, canvas.look),
        counts(state, canvas.look),
    ];
    let width = |pieces: &[Piece]| pieces.iter().map(|(text, _)| text::width(text)).sum::<usize>();
    let room = usize::from(area.width);
    // A blank on each side of it.
    let mut used = text::width(&short) + 2;
    // Of the counts, those that want somebody stand first.
    let least = used;
    for counts in &mut parts[4..] {
        counts.retain(|piece| {
            let fits = used + text::width(&piece.0) <= room;
            used += if fits { text::width(&piece.0) } else { 0 };
            fits
        });
    }
    used = least;
    let mut is_shown = [false; 6];
    for at in [4, 5, 3, 1] {
        is_shown[at] = used + width(&parts[at]) <= room;
        used += if is_shown[at] { width(&parts[at]) } else { 0 };
    }
    let more = text::width(&long).saturating_sub(text::width(&short));
    let link = if used + more <= room { long } else { short.clone() };
    used = used.saturating_sub(text::width(&short)) + text::width(&link);
    for at in [0, 2] {
        is_shown[at] = used + width(&parts[at]) <= room;
        used += if is_shown[at] { width(&parts[at]) } else { 0 };
    }
    let before: usize = (0..4).filter(|at| is_shown[*at]).map(|at| width(&parts[at])).sum();
    let fit = |cells: usize| u16::try_from(cells).unwrap_or(u16::MAX).min(area.width);
    let x = area.x + fit(before);
    let at = Rect { x, width: fit(width(&parts[4])).min(area.right() - x), ..area };
    canvas.region(Region::click(at, Action::Go(Destination::Inbox)));
    let shown = parts.iter().zip(is_shown).filter(|(_, is_shown)| *is_shown);
    let pieces: Vec<(&str, Role)> =
        shown.flat_map(|(part, _)| part).map(|(text, role)| (text.as_str(), *role)).collect();
    canvas.spans(area, &pieces);
    let link = format!(" {link} ");
    let width = u16::try_from(text::width(&link)).unwrap_or(u16::MAX).min(area.width);
    let at = Rect { x: area.right() - width, width, ..area };
    canvas.text(at, &link, link_role);
}

/// How the connection does, in few words and in more.
fn link(state: &State) -> (String, String, Role) {
    let fleet = &state.world.fleet;
    let now = state.world.now;
    let busy = state.world.look.busy(now);
    let heard = fleet.heard().map(|at| text::age(now.duration_since(at)));
    let heard = heard.as_deref().unwrap_or("?");
    match fleet.link() {
        Link::Connecting => {
            let text = format!("{busy} connecting");
            (text.clone(), text, Role::Bar)
        }
        Link::Loading => {
            let text = format!("{busy} loading {}", fleet.len());
            (text.clone(), text, Role::Bar)
        }
        Link::Live => (format!("live {heard}"), format!("live, last event {heard} ago"), Role::Bar),
        Link::Lost { since, .. } => {
            let since = text::age(now.duration_since(*since));
            (format!("LOST {since}"), format!("CONNECTION LOST {since} ago"), Role::Bad)
        }
        Link::Refused { .. } => ("REFUSED".to_owned(), "REFUSED".to_owned(), Role::Bad),
    }
}

/// How many loops ask for somebody, by severity.
fn inbox(state: &State, look: Look) -> Vec<Piece> {
    let inbox = &state.world.inbox;
    let counted = Severity::ALL.into_iter().filter(|severity| inbox.open_of(*severity) > 0);
    let mut pieces: Vec<Piece> = counted
        .map(|severity| {
            let text = format!(" {}{}", look.sign_of_severity(severity), inbox.open_of(severity));
            (text, look.role_of_severity(severity))
        })
        .collect();
    match (inbox.trust(), pieces.is_empty()) {
        (Trust::Lost { .. }, _) => pieces.push((" inbox lost".to_owned(), Role::Bad)),
        (Trust::Live | Trust::Loading, true) => pieces.push((" calm".to_owned(), Role::Bar)),
        (Trust::Unknown, _) | (Trust::Live | Trust::Loading, false) => {}
    }
    if let Some((text, _)) = pieces.first_mut() {
        text.insert(0, ' ');
    }
    pieces
}

/// How many loops are in each state, those first that want somebody.
fn counts(state: &State, look: Look) -> Vec<Piece> {
    const ORDER: [LoopState; 5] = [
        LoopState::Flatline,
        LoopState::Overwriting,
        LoopState::Unresolved,
        LoopState::Synced,
        LoopState::Cancelled,
    ];
    let by_state = state.world.fleet.counts().by_state();
    let counted = ORDER.into_iter().filter_map(|of| {
        let count = by_state.of(of);
        (count > 0).then(|| (format!("  {} {count}", look.sign_of(of)), look.role_of(of)))
    });
    counted.collect()
}

/// The tabs; the one that is shown is always seen, and how many are not.
pub(super) fn tabs(state: &State, area: Rect, canvas: &mut Canvas<'_>) {
    if area.is_empty() {
        return;
    }
    let look = canvas.look;
    let label = |(at, tab): (usize, &crate::tabs::Tab)| {
        let title = tab.name.clone().unwrap_or_else(|| tab.place.title(&state.world));
        text::cut(&format!(" {} {} ", at + 1, text::clean(&title)), TAB, look.ellipsis())
            .into_owned()
    };
    let labels: Vec<String> = state.tabs.all().iter().enumerate().map(label).collect();
    let shown = state.tabs.shown();
    let seen = seen(
        &labels.iter().map(|label| text::width(label) + 1).collect::<Vec<_>>(),
        shown,
        area.width.into(),
    );
    let mut x = area.x;
    let mut put = |text: &str, role: Role, action: Action, canvas: &mut Canvas<'_>| {
        let room = Rect { x, width: area.right().saturating_sub(x), ..area };
        let width = canvas.text(room, text, role);
        canvas.region(Region::click(Rect { width, ..room }, action));
        x = x.saturating_add(width + 1);
    };
    if seen.start > 0 {
        let text = format!("<{}", seen.start);
        put(&text, Role::Key, Action::Tab(TabAction::Show(seen.start)), canvas);
    }
    for at in seen.clone() {
        let role = if at == shown { Role::Cursor } else { Role::Dim };
        put(&labels[at], role, Action::Tab(TabAction::Show(at + 1)), canvas);
    }
    if seen.end < labels.len() {
        let text = format!("{}>", labels.len() - seen.end);
        put(&text, Role::Key, Action::Tab(TabAction::Show(seen.end + 1)), canvas);
    }
}

/// Which of these widths fit around the one that is shown.
fn seen(widths: &[usize], shown: usize, room: usize) -> std::ops::Range<usize> {
    /// The cells that say how many more there are, on each side.
    const MORE: usize = 4;
    if widths.iter().sum::<usize>() <= room {
        return 0..widths.len();
    }
    let room = room.saturating_sub(2 * MORE);
    let (mut start, mut end) = (shown, shown + 1);
    let mut used = widths[shown];
    loop {
        if end < widths.len() && used + widths[end] <= room {
            used += widths[end];
            end += 1;
        } else if start > 0 && used + widths[start - 1] <= room {
            start -= 1;
            used += widths[start];
        } else {
            return start..end;
        }
    }
}

/// A tip for the first days.
pub(super) fn tip(state: &State, area: Rect, canvas: &mut Canvas<'_>) {
    let Some(tip) = state.tip().filter(|_| !area.is_empty()) else { return };
    let Ok(action) = command::parse(tip.command) else { return };
    let contexts = state.contexts();
    let keys = state.keymap.keys_of(contexts, &action).map(keys_text);
    let keys = keys.unwrap_or_else(|| format!(":{}", tip.command));
    let dismiss = state.keymap.keys_of(contexts, &Action::Dismiss).map(keys_text);
    let dismiss = dismiss.map(|keys| format!("  {keys} hides this")).unwrap_or_default();
    canvas.spans(
        area,
        &[
            ("Tip: ", Role::Dim),
            (&keys, Role::Key),
            (" ", Role::Text),
            (tip.text, Role::Text),
            (&dismiss, Role::Dim),
        ],
    );
    canvas.region(Region::click(area, action));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tab_that_is_shown_is_always_seen() {
        let widths = [10; 9];
        assert_eq!(seen(&widths, 0, 90), 0..9);
        for shown in 0..9 {
            for room in [0, 12, 30, 60] {
                let seen = seen(&widths, shown, room);
                assert!(seen.contains(&shown), "{shown} in {room}");
            }
        }
        assert_eq!(seen(&widths, 0, 40), 0..3);
        assert_eq!(seen(&widths, 8, 40), 6..9);
    }
}
