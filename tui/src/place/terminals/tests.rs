//! Panes of terminals: what keys, the mouse and news do to them, and how they look.

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use ratatui::Terminal as Window;
use ratatui::backend::TestBackend;
use smith_model::id::{AttemptNo, LoopId};
use smith_model::terminal::{Holder, Session, Steal, ViewerId};
use smith_term::message::{FromWorker, LeaseRequest};
use smith_term::mirror::Mirror;
use smith_term::size::Size;

use crate::action::{Action, Destination};
use crate::draw;
use crate::effect::Effect;
use crate::keys::Chord;
use crate::look::Look;
use crate::msg::{Button, Mouse, MouseKind, Msg};
use crate::panes::{
    Axis, Content, News, Order, Over, PaneAction, Playing, Subject, Tape, TerminalAction, Way,
};
use crate::state::{Source, State};
use crate::text;
use crate::update::terminals::is_private;
use crate::update::update;
use crate::world::Session as Who;

const NO: AttemptNo = AttemptNo { round: 1, attempt: 1 };

fn id(name: &str) -> LoopId {
    name.parse().unwrap()
}

fn agent(name: &str) -> Subject {
    Subject::Agent(id(name))
}

struct Desk {
    state: State,
    now: Timestamp,
}

impl Desk {
    fn new(columns: u16, rows: u16) -> Self {
        let now = Timestamp::UNIX_EPOCH;
        let who = Who { server: "http://smith".to_owned(), ..Who::default() };
        Self { state: State::new(now, who, Look::default(), (columns, rows)), now }
    }

    /// With one terminal that is attached and shows this.
    fn watching(columns: u16, rows: u16, shows: &str) -> Self {
        let mut desk = Self::new(columns, rows);
        desk.go(agent("api"));
        desk.attach(&agent("api"), shows);
        desk
    }

    fn hears(&mut self, msg: Msg) -> Vec<Effect> {
        update(&mut self.state, self.now, msg)
    }

    fn go(&mut self, subject: Subject) {
        self.hears(Msg::Action(Action::Go(Destination::Terminal(subject))));
    }

    fn act(&mut self, action: TerminalAction) -> Vec<Effect> {
        self.hears(Msg::Action(Action::Terminal(action)))
    }

    fn news(&mut self, subject: &Subject, news: News) -> Vec<Effect> {
        self.hears(Msg::Terminal(subject.clone(), news))
    }

    fn attach(&mut self, subject: &Subject, shows: &str) {
        let mut mirror = Mirror::new();
        let size = Size::DEFAULT;
        mirror.apply(&FromWorker::Began { generation: 1, size, text: String::new() });
        mirror.apply(&FromWorker::Output(Bytes::copy_from_slice(shows.as_bytes())));
        let stage = self.state.world.terminals.get(subject).unwrap().stage.clone();
        stage.change(|content| *content = Content::Live(Box::new(mirror)));
        self.news(subject, News::Attached(NO));
        let viewers = vec!["me".to_owned()];
        self.news(subject, News::Welcome { you: ViewerId(1), viewers, holder: None });
    }

    fn holds(&mut self, subject: &Subject, holder: Option<Holder>) -> Vec<Effect> {
        self.news(subject, News::Holder(holder))
    }

    fn key(&mut self, keys: &str) -> Vec<Effect> {
        let chords = Chord::sequence(keys).unwrap();
        chords.into_iter().flat_map(|chord| self.hears(Msg::Key(chord))).collect()
    }

    fn mouse(&mut self, kind: MouseKind, column: u16, row: u16) -> Vec<Effect> {
        let (shift, ctrl, alt) = (false, false, false);
        self.hears(Msg::Mouse(Mouse { kind, column, row, shift, ctrl, alt }))
    }

    fn screen(&mut self) -> String {
        let (columns, rows) = self.state.size;
        let mut window = Window::new(TestBackend::new(columns, rows)).unwrap();
        window.draw(|frame| self.state.hits = draw::frame(&self.state, frame)).unwrap();
        let buffer = window.backend().buffer();
        let line = |y: u16| {
            let mut x = 0;
            let mut line = String::new();
            while x < columns {
                let symbol = buffer[(x, y)].symbol();
                line.push_str(symbol);
                x += u16::try_from(text::width(symbol)).unwrap().max(1);
            }
            line
        };
        (0..rows).map(|y| line(y).trim_end().to_owned() + "\n").collect()
    }

    fn wants(&self) -> Vec<Subject> {
        let wanted = self.state.wanted().into_iter();
        wanted
            .filter_map(|source| match source {
                Source::Terminal(subject, ..) => Some(subject),
                Source::Fleet | Source::Identity | Source::Journal(_) | Source::Inbox => None,
            })
            .collect()
    }
}

fn me() -> Option<Holder> {
    Some(holder(1, "me", None))
}

fn holder(id: u32, name: &str, reason: Option<&str>) -> Holder {
    let steal = |reason: &str| Steal { from: "me".to_owned(), reason: reason.to_owned() };
    Holder {
        id: ViewerId(id),
        name: name.to_owned(),
        since: Timestamp::UNIX_EPOCH,
        stolen: reason.map(steal),
    }
}

fn typed(effects: &[Effect]) -> Vec<u8> {
    let bytes = effects.iter().filter_map(|effect| match effect {
        Effect::Terminal(_, Order::Type(bytes)) => Some(bytes.clone()),
        _ => None,
    });
    bytes.flatten().collect()
}

fn leases(effects: &[Effect]) -> Vec<LeaseRequest> {
    let leases = effects.iter().filter_map(|effect| match effect {
        Effect::Terminal(_, Order::Lease(lease)) => Some(lease.clone()),
        _ => None,
    });
    leases.collect()
}

#[test]
fn while_one_types_every_key_is_the_program_s_but_the_prefix() {
    let mut desk = Desk::watching(120, 40, "$ ");
    assert_eq!(typed(&desk.key("q")), b"", "who watches doesn't type");
    let mut desk = Desk::watching(120, 40, "$ ");
    assert_eq!(leases(&desk.key("t")), [LeaseRequest::Take]);
    desk.holds(&agent("api"), me());
    assert_eq!(typed(&desk.key("q ctrl-c : tab esc Q")), b"q\x03:\t\x1bQ");
    assert_eq!(typed(&desk.key("ctrl-]")), b"");
    assert_eq!(typed(&desk.key("ctrl-]")), b"\x1d", "twice it is itself");
    assert_eq!(typed(&desk.key("ctrl-] X")), b"", "nothing is bound to that, and nothing typed");
    assert_eq!(typed(&desk.key("x")), b"x");
    assert!(desk.key("ctrl-] r").is_empty());
    desk.key("d o n e");
    let note = Some("done".to_owned());
    assert_eq!(leases(&desk.key("enter")), [LeaseRequest::Release { note }]);
    desk.holds(&agent("api"), None);
    assert_eq!(desk.state.said.as_ref().unwrap().text, "api agent: you handed the keyboard back");
}

#[test]
fn cursor_keys_pastes_and_the_mouse_are_as_the_program_asked() {
    let mut desk = Desk::watching(120, 40, "\x1b[?1h\x1b[?2004h\x1b[?1000h\x1b[?1006h");
    assert!(desk.hears(Msg::Paste("a\nb".to_owned())).is_empty(), "who watches pastes nothing");
    desk.holds(&agent("api"), me());
    assert_eq!(typed(&desk.key("up")), b"\x1bOA");
    assert_eq!(typed(&desk.hears(Msg::Paste("a\nb".to_owned()))), b"\x1b[200~a\rb\x1b[201~");
    let click = desk.mouse(MouseKind::Down(Button::Left), 4, 3);
    assert_eq!(typed(&click), b"\x1b[<0;5;2M");
}

#[test]
fn a_keyboard_isn_t_left_behind_by_going_elsewhere() {
    let mut desk = Desk::watching(120, 40, "$ ");
    desk.holds(&agent("api"), me());
    for keys in ["ctrl-] q", "ctrl-] :", "F o o"] {
        desk.key(keys);
    }
    desk.key("esc");
    desk.hears(Msg::Action(Action::Go(Destination::Fleet)));
    assert!(desk.state.said.as_ref().unwrap().text.contains("you have the keyboard of api agent"));
    assert_eq!(desk.wants(), [agent("api")]);
    desk.key("ctrl-] x");
    assert!(desk.wants().is_empty());
    assert!(desk.state.said.as_ref().unwrap().text.contains("its keyboard given back"));
}

#[test]
fn lines_are_pasted_to_who_asked_for_no_marks_only_after_a_yes() {
    let mut desk = Desk::watching(120, 40, "$ ");
    desk.holds(&agent("api"), me());
    assert_eq!(typed(&desk.hears(Msg::Paste("ls\n".to_owned()))), b"ls\r", "one line");
    assert!(desk.hears(Msg::Paste("rm a\nrm b".to_owned())).is_empty());
    assert!(desk.screen().contains("Paste 2 lines?"));
    assert!(desk.key("n").is_empty());
    desk.hears(Msg::Paste("rm a\nrm b".to_owned()));
    assert_eq!(typed(&desk.key("y")), b"rm a\rrm b");
    desk.hears(Msg::Paste("rm a\rrm b\r".to_owned()));
    assert!(desk.screen().contains("Paste 2 lines?"), "as terminals paste");
}

#[test]
fn nothing_that_is_typed_is_recorded() {
    let mut desk = Desk::watching(120, 40, "$ ");
    let key = |key: &str| Msg::Key(key.parse().unwrap());
    assert!(!is_private(&desk.state, &key("x")));
    desk.holds(&agent("api"), me());
    assert!(is_private(&desk.state, &key("x")));
    assert!(is_private(&desk.state, &Msg::Paste("secret".to_owned())));
    assert!(!is_private(&desk.state, &key("ctrl-]")));
    desk.key("ctrl-]");
    assert!(!is_private(&desk.state, &key("r")));
    desk.key("esc");
    assert!(!is_private(&desk.state, &key("x")), "aside");
}

#[test]
fn keys_meant_for_a_program_whose_keyboard_was_stolen_do_nothing() {
    let mut desk = Desk::watching(120, 40, "$ ");
    desk.holds(&agent("api"), me());
    desk.key("l");
    desk.holds(&agent("api"), Some(holder(2, "maria", Some("it hangs"))));
    let said = &desk.state.said.as_ref().unwrap().text;
    assert_eq!(said, "api agent: maria took the keyboard from you: it hangs");
    let panes = desk.state.tabs.current().place.subjects().len();
    for _ in 0..5 {
        desk.now += SignedDuration::from_millis(800);
        assert!(
            desk.key("|").is_empty() && is_private(&desk.state, &Msg::Key("x".parse().unwrap()))
        );
    }
    assert_eq!(desk.state.tabs.current().place.subjects().len(), panes);
    desk.now += SignedDuration::from_millis(1300);
    desk.key("|");
    assert_eq!(desk.state.tabs.current().place.subjects().len(), panes + 1);
}

#[test]
fn a_keyboard_that_somebody_has_is_taken_with_a_reason_only() {
    let mut desk = Desk::watching(120, 40, "$ ");
    desk.holds(&agent("api"), Some(holder(2, "maria", None)));
    assert!(leases(&desk.key("t enter")).is_empty());
    assert!(desk.screen().contains("maria types. Why do you take the keyboard?"));
    desk.key("h u n g");
    let reason = "hung".to_owned();
    assert_eq!(leases(&desk.key("enter")), [LeaseRequest::Steal { reason }]);
}

#[test]
fn with_read_only_nothing_can_be_typed() {
    let mut desk = Desk::watching(120, 40, "$ ");
    desk.state.world.session.read_only = true;
    assert!(desk.key("t").is_empty());
    assert!(desk.state.said.as_ref().unwrap().text.contains("--read-only"));
}

#[test]
fn the_pane_of_who_types_is_the_terminal_s_size() {
    let mut desk = Desk::watching(100, 30, "$ ");
    let resized = |effects: &[Effect]| -> Vec<Size> {
        let sizes = effects.iter().filter_map(|effect| match effect {
            Effect::Terminal(_, Order::Resize(size)) => Some(*size),
            _ => None,
        });
        sizes.collect()
    };
    assert_eq!(resized(&desk.hears(Msg::Resize { columns: 90, rows: 20 })), [], "who watches");
    let effects = desk.holds(&agent("api"), me());
    assert_eq!(resized(&effects), [Size::nearest(90, 16)]);
    assert_eq!(resized(&desk.hears(Msg::Tick)), [], "it is asked for once");
    let effects = desk.hears(Msg::Resize { columns: 80, rows: 24 });
    assert_eq!(resized(&effects), [Size::nearest(80, 20)]);
}

#[test]
fn only_what_is_seen_is_attached_and_what_one_types_into() {
    let mut desk = Desk::watching(120, 40, "$ ");
    desk.act(TerminalAction::Split(Axis::Right, Some(Session::Shell)));
    let shell = Subject::Shell(id("api"));
    assert_eq!(desk.wants(), [agent("api"), shell.clone()]);
    desk.key("z");
    assert_eq!(desk.wants().as_slice(), std::slice::from_ref(&shell));
    desk.key("z ctrl-t F");
    assert!(desk.wants().is_empty(), "the tab isn't shown");
    desk.key("alt-1");
    desk.attach(&shell, "$ ");
    desk.holds(&shell, me());
    desk.key("ctrl-] shift-tab");
    assert_eq!(desk.wants(), [shell], "its keyboard would be lost");
}

#[test]
fn keys_stop_with_the_focus_and_go_on_with_it() {
    let mut desk = Desk::watching(120, 40, "\x1b[?1004h$ ");
    desk.act(TerminalAction::Split(Axis::Below, Some(Session::Shell)));
    desk.key("up");
    assert_eq!(typed(&desk.holds(&agent("api"), me())), b"\x1b[I");
    assert_eq!(typed(&desk.key("ctrl-] down")), b"\x1b[O");
    assert!(desk.screen().contains("you type here when the focus is back"));
    assert_eq!(typed(&desk.key("j")), b"");
    assert_eq!(typed(&desk.key("up")), b"\x1b[I");
    assert_eq!(typed(&desk.key("j")), b"j");
    assert_eq!(typed(&desk.hears(Msg::Focus(false))), b"\x1b[O");
}

#[test]
fn what_is_dragged_over_is_copied_and_the_wheel_scrolls() {
    let shows: String = (1..=100).map(|n| format!("line {n} of many\r\n")).collect();
    let mut desk = Desk::watching(120, 40, &shows);
    desk.screen();
    desk.mouse(MouseKind::Down(Button::Left), 0, 2);
    desk.mouse(MouseKind::Drag(Button::Left), 3, 3);
    let effects = desk.mouse(MouseKind::Up(Button::Left), 3, 3);
    let [Effect::Copy(text)] = effects.as_slice() else { panic!("{effects:?}") };
    assert!(text.ends_with("of many\nline"), "{text:?}");
    desk.now += SignedDuration::from_secs(1);
    for _ in 0..2 {
        desk.mouse(MouseKind::Down(Button::Left), 9, 5);
        desk.mouse(MouseKind::Up(Button::Left), 9, 5);
    }
    desk.mouse(MouseKind::WheelUp, 9, 5);
    assert!(desk.screen().contains("3 lines back, not live"));
    desk.key("/ 9 0 enter");
    assert!(desk.screen().contains("\"90\": 1 of 1"), "{}", desk.screen());
    desk.key("G");
    assert!(!desk.screen().contains("lines back"));
}

#[test]
fn an_end_says_how_and_what_comes_then() {
    let mut desk = Desk::watching(120, 40, "it was here");
    desk.news(&agent("api"), News::Exit("the agent exited with code 1".to_owned()));
    let why = "loop api is flatline: its worker is gone".to_owned();
    desk.news(&agent("api"), News::Over(Over { why, is_followed: true }));
    let screen = desk.screen();
    assert!(screen.contains("it was here") && screen.contains("exited with code 1; loop api is"));
    let before = desk.state.wanted();
    desk.key("enter");
    assert_ne!(desk.state.wanted(), before, "it is asked for anew");
}

#[test]
fn screens_of_panes() {
    for (columns, rows) in [(60, 20), (80, 24), (120, 40), (200, 60)] {
        let shows = "\x1b]0;vim README.md\x07# Smith\r\n\r\n日本語 and \x1b[1mbold\x1b[0m\r\n";
        let mut desk = Desk::watching(columns, rows, shows);
        desk.act(TerminalAction::Split(Axis::Right, Some(Session::Shell)));
        desk.attach(&Subject::Shell(id("api")), "$ ls\r\nREADME.md\r\n$ ");
        desk.act(TerminalAction::Split(Axis::Below, None));
        desk.act(TerminalAction::Show(agent("web")));
        let why = "loop web is unresolved: it has no worker".to_owned();
        desk.news(&agent("web"), News::Over(Over { why, is_followed: true }));
        desk.act(TerminalAction::Pane(PaneAction::Focus(Way::Left)));
        desk.holds(&agent("api"), me());
        desk.state.said = None;
        let (bytes, skipped) = (500_000, 31_000_000);
        let printed = News::Printed { bytes, skipped, is_echo: false };
        desk.news(&Subject::Shell(id("api")), printed);
        insta::assert_snapshot!(format!("panes_{columns}x{rows}"), desk.screen());
    }
}

#[test]
fn screens_of_recordings() {
    for (columns, rows) in [(60, 20), (80, 24), (120, 40), (200, 60)] {
        let mut desk = Desk::new(columns, rows);
        let list = Subject::Recordings(id("api"));
        desk.go(list.clone());
        let tape = |number, session, iteration| Tape {
            number,
            no: NO,
            session,
            iteration,
            started_at: Timestamp::UNIX_EPOCH,
            millis: 65_000,
            parts: 1,
        };
        let tapes = vec![tape(2, Session::Shell, 0), tape(1, Session::Agent, 3)];
        desk.news(&list, News::Tapes(tapes));
        desk.act(TerminalAction::Split(Axis::Below, None));
        desk.key("j enter");
        let recording = Subject::Recording(id("api"), 1);
        desk.attach(&recording, "what was shown");
        let name = "agent r1a1 #3".to_owned();
        let (at, length, speed) = (30_000, 65_000, 2.0);
        let (is_paused, is_seeking) = (false, false);
        let playing = Playing { name, at, length, speed, is_paused, is_seeking };
        desk.news(&recording, News::Playing(playing));
        insta::assert_snapshot!(format!("recordings_{columns}x{rows}"), desk.screen());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn whatever_is_done_the_focus_is_on_a_pane_and_every_size_is_drawn(
        keys in prop::collection::vec(
            prop::sample::select(vec![
                "|", "minus", "x", "z", "w", "o", "left", "right", "up", "down", "H", "L", "K", "J",
                "t", "k", "pgup", "G", "ctrl-t", "tab", "ctrl-]", "esc", "y", "r", "enter", "q", "[",
            ]),
            0..40,
        ),
        clicks in prop::collection::vec((0..130_u16, 0..45_u16), 0..6),
        size in (1..130_u16, 1..45_u16),
    ) {
        let mut desk = Desk::watching(120, 40, "$ ");
        for (at, key) in keys.iter().enumerate() {
            desk.key(key);
            if at % 7 == 3 {
                desk.holds(&agent("api"), me());
            }
        }
        for (column, row) in clicks {
            desk.mouse(MouseKind::Down(Button::Left), column, row);
            desk.mouse(MouseKind::Drag(Button::Left), row, column.min(44));
            desk.mouse(MouseKind::Up(Button::Left), row, column.min(44));
        }
        desk.hears(Msg::Resize { columns: size.0, rows: size.1 });
        desk.screen();
    }
}

#[test]
fn who_handed_the_keyboard_back_uses_the_workstation_s_keys_at_once() {
    let mut desk = Desk::watching(120, 40, "$ ");
    desk.holds(&agent("api"), me());
    desk.key("x");
    desk.key("ctrl-] r");
    assert!(!desk.key("enter").is_empty(), "it is asked for");
    desk.holds(&agent("api"), None);
    assert!(!desk.key("t").is_empty(), "it is taken again");
}
