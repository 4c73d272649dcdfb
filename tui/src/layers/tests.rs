//! What layers do to a state and to its screen.

use jiff::Timestamp;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use crate::action::Action;
use crate::config::{Config, Setup};
use crate::effect::Effect;
use crate::fleet::Row;
use crate::look::Look;
use crate::msg::{FleetChange, Msg, Stream};
use crate::state::State;
use crate::update::update;
use crate::world::Session;

pub(crate) const SIZES: [(u16, u16); 4] = [(60, 20), (80, 24), (120, 40), (200, 60)];

fn now() -> Timestamp {
    "2026-11-24T12:00:00Z".parse().unwrap()
}

pub(crate) fn row(id: &str, state: &str, title: &str) -> Row {
    let value = serde_json::json!({
        "id": id, "uid": "01234567-89ab-7def-8123-456789abcdef", "revision": 1,
        "project": "default", "title": title, "provider": "command", "source": "",
        "repository": "/srv/repo", "priority": 0, "labels": [], "depends_on": [],
        "state": state, "reason": "created", "message": "", "round": 1, "attempt": 1, "used": 1,
        "allowed": 3, "not_before": null, "branch": null, "commit": null, "hold": null,
        "claimed": true, "phase": null, "iteration": 0, "story": null, "stories": null,
        "usage": smith_model::story::Usage::default(), "suspect": false,
        "created_at": "2026-11-24T11:00:00Z", "updated_at": "2026-11-24T11:50:00Z",
    });
    serde_json::from_value(value).unwrap()
}

/// A state that knows some loops, and what it asked for.
pub(crate) fn state(size: (u16, u16)) -> State {
    let session = Session {
        context: Some("local".to_owned()),
        server: "http://127.0.0.1:1".to_owned(),
        ..Session::default()
    };
    let mut state = State::new(now(), session, Look::default(), size);
    let loops = [
        ("fix-login", "flatline", "Fix the login"),
        ("add-search", "overwriting", "Add a search for words"),
        ("tidy-docs", "unresolved", "Tidy the documentation"),
    ];
    let changes =
        loops.map(|(id, at, title)| FleetChange::Updated(Box::new(row(id, at, title)))).to_vec();
    for said in [Stream::Reset, Stream::Changes(changes), Stream::Ready] {
        happens(&mut state, Msg::Fleet(said));
    }
    state
}

/// Something happens, and what it asks for is done.
pub(crate) fn happens(state: &mut State, msg: Msg) -> Vec<Effect> {
    let mut left = vec![];
    for effect in update(state, now(), msg) {
        match effect {
            Effect::Order(job) => left.extend(happens(state, Msg::Ordered(job.run()))),
            Effect::Seek(job) => left.extend(happens(state, Msg::Found(job.run()))),
            other => left.push(other),
        }
    }
    left
}

pub(crate) fn keys(state: &mut State, keys: &str) -> Vec<Effect> {
    let keys = keys.split(' ').map(|key| Msg::Key(key.parse().unwrap()));
    keys.flat_map(|key| happens(state, key)).collect()
}

pub(crate) fn types(state: &mut State, text: &str) {
    for c in text.chars() {
        let key = if c == ' ' { "space".to_owned() } else { c.to_string() };
        keys(state, &key);
    }
}

pub(crate) fn screen(state: &mut State) -> String {
    let (columns, rows) = state.size;
    let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
    let mut hits = None;
    terminal.draw(|frame| hits = Some(crate::draw::frame(state, frame))).unwrap();
    state.hits = hits.unwrap();
    terminal.backend().to_string()
}

fn rebound(size: (u16, u16)) -> State {
    let mut state = state(size);
    let config =
        Config::read(None, Some("[keys.fleet]\n\"x m\" = \"mark\"\n\"x f\" = \"faults\"\n"));
    state.set_up(Setup { config, ..Setup::default() });
    state
}

#[test]
fn help_lists_what_is_bound_now() {
    for size in SIZES {
        let mut state = rebound(size);
        keys(&mut state, "?");
        insta::assert_snapshot!(format!("help-{}x{}", size.0, size.1), screen(&mut state));
    }
    let mut state = rebound((80, 24));
    keys(&mut state, "?");
    keys(&mut state, "/ m a r k");
    assert!(screen(&mut state).contains("x m"));
    keys(&mut state, "enter esc esc");
    assert!(state.layers.is_empty());
}

#[test]
fn the_palette_finds_commands_and_loops() {
    for size in SIZES {
        let mut state = state(size);
        keys(&mut state, "ctrl-p");
        types(&mut state, "sea");
        insta::assert_snapshot!(format!("palette-{}x{}", size.0, size.1), screen(&mut state));
    }
    for (typed, first) in [
        ("quit", "quit"),
        ("flatl", "flatline"),
        ("login", "loop fix-login"),
        ("theme cb", "theme"),
    ] {
        let mut state = state((120, 40));
        keys(&mut state, "ctrl-p");
        types(&mut state, typed);
        let screen = screen(&mut state);
        let at = screen.lines().position(|line| line.contains(&format!("> {typed}"))).unwrap();
        let line = screen.lines().nth(at + 2).unwrap();
        assert!(line.contains(first), "{typed}:\n{screen}");
    }
}

#[test]
fn what_was_chosen_lately_comes_first_in_the_palette() {
    let mut state = state((120, 40));
    keys(&mut state, "ctrl-p");
    types(&mut state, "faults");
    keys(&mut state, "enter");
    assert!(state.layers.is_empty());
    assert_eq!(state.typed, ["faults"]);
    keys(&mut state, "ctrl-p");
    let screen = screen(&mut state);
    let at = screen.lines().position(|line| line.contains("│ > ")).unwrap();
    assert!(screen.lines().nth(at + 2).unwrap().contains("faults"), "{screen}");
}

#[test]
fn a_palette_of_many_loops_asks_elsewhere_and_takes_the_newest_answer() {
    let mut state = state((120, 40));
    update(&mut state, now(), Msg::Action(Action::Palette));
    let seek = |state: &mut State, key: &str| {
        let effects = update(state, now(), Msg::Key(key.parse().unwrap()));
        effects.into_iter().find_map(|effect| match effect {
            Effect::Seek(job) => Some(job),
            _ => None,
        })
    };
    let first = seek(&mut state, "d").unwrap();
    let second = seek(&mut state, "q").unwrap();
    update(&mut state, now(), Msg::Found(second.run()));
    update(&mut state, now(), Msg::Found(first.run()));
    assert!(!screen(&mut state).contains("loop tidy-docs"));
}

#[test]
fn a_command_is_completed_recalled_and_explained() {
    let mut state = state((80, 24));
    types(&mut state, ":sor");
    keys(&mut state, "tab");
    types(&mut state, "ti");
    keys(&mut state, "tab");
    assert!(screen(&mut state).contains(":sort title"));
    keys(&mut state, "enter : up");
    assert!(screen(&mut state).contains(":sort title"));
    keys(&mut state, "esc");
    types(&mut state, ":loop add");
    keys(&mut state, "tab");
    assert!(screen(&mut state).contains(":loop add-search"));
    keys(&mut state, "esc");
    types(&mut state, ":group ");
    insta::assert_snapshot!("line", screen(&mut state));
    keys(&mut state, "tab tab");
    assert!(screen(&mut state).contains(":group project"));
    keys(&mut state, "shift-tab");
    assert!(screen(&mut state).contains(":group none"));
    keys(&mut state, "esc");
    types(&mut state, ":quti");
    keys(&mut state, "enter");
    assert!(screen(&mut state).contains("did you mean \"quit\"?"));
}

#[test]
fn keys_that_wait_say_what_may_follow_until_they_are_let_go() {
    let mut state = rebound((80, 24));
    keys(&mut state, "x");
    insta::assert_snapshot!("which-key", screen(&mut state));
    keys(&mut state, "esc");
    assert!(state.pending.is_empty() && state.said.is_none());
    keys(&mut state, "x f");
    assert!(state.pending.is_empty());
}

#[test]
fn the_wheel_and_a_click_beside_it_are_for_the_layer() {
    use crate::msg::{Button, Mouse, MouseKind};
    let mouse =
        |kind| Msg::Mouse(Mouse { kind, column: 0, row: 3, shift: false, ctrl: false, alt: false });
    let mut state = state((60, 20));
    keys(&mut state, "?");
    let before = screen(&mut state);
    happens(&mut state, mouse(MouseKind::WheelDown));
    assert_ne!(screen(&mut state), before);
    happens(&mut state, mouse(MouseKind::Down(Button::Left)));
    assert!(state.layers.is_empty());
}

#[test]
fn no_window_is_too_small_or_too_big() {
    let layers = ["?", "ctrl-p", ":", "/"];
    let opened = |size: (u16, u16), layer: &str| {
        let mut state = rebound(size);
        keys(&mut state, layer);
        types(&mut state, "se");
        screen(&mut state);
    };
    let mut sizes = vec![(1, 1), (2, 1), (1, 2), (3, 3), (7, 4), (300, 80), (300, 1), (1, 80)];
    sizes.extend(SIZES);
    for size in sizes {
        for layer in layers {
            opened(size, layer);
        }
        for action in [Action::Themes, Action::Config(crate::action::ConfigAction::Show)] {
            let mut state = state(size);
            happens(&mut state, Msg::Action(action));
            screen(&mut state);
        }
        let mut state = rebound(size);
        keys(&mut state, "x");
        screen(&mut state);
        for _ in 0..12 {
            keys(&mut state, "ctrl-t");
        }
        screen(&mut state);
    }
}

#[test]
fn the_bar_keeps_what_counts_in_any_width() {
    for (columns, rows) in SIZES {
        let mut state = state((columns, rows));
        state.hints = crate::hints::Hints::new();
        for _ in 0..6 {
            keys(&mut state, "ctrl-t");
        }
        let screen = screen(&mut state);
        let lines: Vec<&str> = screen.lines().collect();
        let around = [&lines[..3], &lines[lines.len() - 2..]].concat().join("\n");
        insta::assert_snapshot!(format!("around-{columns}x{rows}"), around);
    }
    let mut state = state((40, 10));
    let since = now();
    happens(&mut state, Msg::Fleet(Stream::Lost { since, why: "reset".to_owned() }));
    let screen = screen(&mut state);
    assert!(screen.contains("LOST 0s") && screen.contains("✖ 1"), "{screen}");
}

#[test]
fn a_tip_goes_when_it_was_used_or_let_go() {
    let mut state = state((120, 40));
    state.hints = crate::hints::Hints::new();
    assert!(screen(&mut state).contains("Tip: ctrl-p finds everything"));
    let kept = keys(&mut state, "esc");
    assert!(matches!(kept.as_slice(), [Effect::KeepHints(_)]));
    assert!(screen(&mut state).contains("Tip: ? lists the keys"));
    keys(&mut state, "? esc");
    assert!(screen(&mut state).contains("Tip: ? lists the keys"));
    keys(&mut state, "? esc");
    assert!(screen(&mut state).contains("Tip: / shows only"));
    let config = Config::read(None, Some("hints = false"));
    state.set_up(Setup { config, ..Setup::default() });
    assert!(!screen(&mut state).contains("Tip:"));
}

#[test]
fn the_mouse_reaches_what_keys_reach() {
    use crate::msg::{Button, Mouse, MouseKind};
    let click = |state: &mut State, on: &str| {
        let screen = screen(state);
        let (row, line) = screen
            .lines()
            .enumerate()
            .find(|(_, line)| line.contains(on))
            .unwrap_or_else(|| panic!("no {on}:\n{screen}"));
        // The backend puts a quote before each line.
        let column = line[..line.find(on).unwrap()].chars().count() - 1;
        let (column, row) = (u16::try_from(column).unwrap(), u16::try_from(row).unwrap());
        let kind = MouseKind::Down(Button::Left);
        happens(
            state,
            Msg::Mouse(Mouse { kind, column, row, shift: false, ctrl: false, alt: false }),
        )
    };
    let mut state = rebound((120, 40));
    click(&mut state, "everything");
    click(&mut state, "sort ");
    assert!(screen(&mut state).contains(":sort"));
    keys(&mut state, "esc");
    click(&mut state, "help");
    assert!(screen(&mut state).contains("keys and commands here"));
    keys(&mut state, "esc x");
    click(&mut state, "mark the loop");
    assert!(state.pending.is_empty());
}

#[test]
fn one_can_stop_and_draw_anew_whatever_lies_on_top() {
    for layer in LAYERS {
        let mut state = opened((80, 24), layer);
        assert!(matches!(keys(&mut state, "ctrl-z").as_slice(), [Effect::Suspend]), "{layer}");
        assert!(matches!(keys(&mut state, "ctrl-l").as_slice(), [Effect::Redraw]), "{layer}");
        assert!(!state.layers.is_empty());
    }
}

/// Everything that can lie over the fleet, opened with a few letters typed.
fn opened(size: (u16, u16), layer: &str) -> State {
    let mut state = rebound(size);
    state.hints = crate::hints::Hints::new();
    happens(&mut state, Msg::Action(crate::command::parse(layer).unwrap()));
    types(&mut state, "se");
    state
}

const LAYERS: [&str; 6] = ["help", "palette", "command", "filter", "theme", "config"];

#[test]
fn without_unicode_everything_is_ascii() {
    for layer in LAYERS {
        let mut state = opened((120, 40), layer);
        state.world.look.ascii = true;
        let screen = screen(&mut state);
        assert!(screen.is_ascii(), "{layer}:\n{screen}");
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(48))]

    #[test]
    fn no_window_is_too_odd(columns in 1_u16..300, rows in 1_u16..80, layer in 0_usize..6) {
        let mut state = opened((columns, rows), LAYERS[layer]);
        screen(&mut state);
        happens(&mut state, Msg::Resize { columns: rows, rows: columns.min(80) });
        screen(&mut state);
    }
}
