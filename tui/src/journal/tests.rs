//! What a person does with journals, and what they see.

use insta::assert_snapshot;
use jiff::SignedDuration;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use smith_model::journal::{Entry, Level, Phase};
use smith_model::state::State as LoopState;

use super::fixtures::{begin, chain, eventful, id, row};
use super::*;
use crate::action::{Action, Destination, Motion};
use crate::command::complete;
use crate::draw;
use crate::draw::picture::picture;
use crate::effect::{Effect, OlderEntries, Save, SaveJournal};
use crate::keys::Chord;
use crate::look::{Look, Theme};
use crate::msg::{Button, FleetChange, Mouse, MouseKind, Msg, Stream};
use crate::pager::PagerAction;
use crate::place::Place;
use crate::state::{Source, State};
use crate::update::update;
use crate::world::Session;
use crate::world::journals::{Ask, Heard, Said};

/// A workstation that shows the journals of loops, two minutes after these began.
struct Desk {
    state: State,
}

impl Desk {
    fn new(loops: &[&str]) -> Self {
        let now = begin() + SignedDuration::from_secs(120);
        let session = Session { server: "http://localhost".into(), ..Session::default() };
        let look = Look { theme: Theme::Plain, ..Look::default() };
        let mut desk = Self { state: State::new(now, session, look, (80, 14)) };
        let rows = loops.iter().map(|name| row(name, LoopState::Overwriting));
        let rows = rows.map(|row| FleetChange::Updated(Box::new(row))).collect();
        desk.hear(Msg::Fleet(Stream::Changes(rows)));
        desk.act(Action::Go(Destination::Journal(loops.iter().map(|name| id(name)).collect())));
        desk
    }

    fn hear(&mut self, msg: Msg) -> Vec<Effect> {
        let now = self.state.world.now;
        update(&mut self.state, now, msg)
    }

    fn act(&mut self, action: Action) -> Vec<Effect> {
        self.hear(Msg::Action(action))
    }

    fn journal(&mut self, action: JournalAction) -> Vec<Effect> {
        self.act(Action::Journal(action))
    }

    fn keys(&mut self, keys: &str) -> Vec<Effect> {
        let keys = Chord::sequence(keys).unwrap();
        keys.into_iter().flat_map(|chord| self.hear(Msg::Key(chord))).collect()
    }

    fn ask(&self, name: &str) -> Ask {
        self.state.world.journals.ask(&id(name)).unwrap()
    }

    fn said(&mut self, name: &str, said: Said) -> Vec<Effect> {
        let Ask { loop_id, generation, .. } = self.ask(name);
        self.hear(Msg::Journal(Heard { loop_id, generation, said }))
    }

    fn written(&mut self, entries: &[Entry]) -> Vec<Effect> {
        self.said("a", Said::Written(entries.to_vec(), None))
    }

    fn mouse(&mut self, kind: MouseKind, (column, row): (u16, u16)) {
        let mut terminal = Terminal::new(TestBackend::new(self.state.size.0, self.state.size.1));
        let terminal = terminal.as_mut().unwrap();
        let mut hits = None;
        terminal.draw(|frame| hits = Some(draw::frame(&self.state, frame))).unwrap();
        self.state.hits = hits.unwrap();
        let mouse = Mouse { kind, column, row, shift: false, ctrl: false, alt: false };
        self.hear(Msg::Mouse(mouse));
    }

    /// The whole screen, at its size.
    fn screen(&self) -> String {
        let size = self.state.size;
        picture(size, |area, canvas| {
            let layout = draw::Layout::new(area.width, area.height, 1);
            let place = &self.state.tabs.current().place;
            place.draw(&self.state.world, layout.body, canvas);
            for layer in &self.state.layers {
                layer.draw(&self.state, area, canvas);
            }
        })
    }

    /// What is seen of the entries.
    fn rows(&self) -> Vec<String> {
        let screen = self.screen();
        let rows = screen.lines().skip(2).filter(|row| row.contains(':') || row.contains('│'));
        rows.filter(|row| !row.contains("UTC")).map(str::to_owned).collect()
    }

    fn foot(&self) -> String {
        self.screen().lines().last().unwrap_or_default().trim().to_owned()
    }

    fn view(&self) -> &View {
        match &self.state.tabs.current().place {
            Place::Journal(view) => view,
            _ => panic!("a journal is shown"),
        }
    }
}

#[test]
fn a_journal_is_wanted_while_it_is_shown() {
    let mut desk = Desk::new(&["a"]);
    let ask = desk.ask("a");
    let wanted = desk.state.wanted();
    assert!(wanted.contains(&Source::Journal(ask)));
    desk.keys("q");
    let is_journal = |source: &Source| matches!(source, Source::Journal(_));
    assert!(!desk.state.wanted().iter().any(is_journal));
    desk.keys("]");
    assert!(desk.state.wanted().contains(&Source::Journal(desk.ask("a"))));
}

#[test]
fn scrolling_up_pauses_and_says_how_much_is_new() {
    let all = chain(1, 60);
    let mut desk = Desk::new(&["a"]);
    desk.said("a", Said::Newest(all[..40].to_vec()));
    assert!(desk.foot().starts_with("following"), "{}", desk.foot());
    assert!(desk.rows().last().unwrap().ends_with("entry 40"));
    desk.written(&all[40..45]);
    assert!(desk.rows().last().unwrap().ends_with("entry 45"));
    desk.act(Action::Pager(PagerAction::Scroll(-3)));
    let rows = desk.rows();
    assert!(desk.foot().starts_with("paused: G follows"), "{}", desk.foot());
    desk.written(&all[45..52]);
    desk.written(&all[50..52]);
    assert_eq!(desk.rows(), rows, "nothing moves");
    assert!(desk.foot().starts_with("paused, 7 new: G follows"), "{}", desk.foot());
    // What a filter hides isn't new.
    desk.journal(JournalAction::Filter("entry !47 !48".to_owned()));
    assert!(desk.foot().starts_with("paused, 5 new"), "{}", desk.foot());
    desk.keys("G");
    assert!(desk.foot().starts_with("following"), "{}", desk.foot());
    assert!(desk.rows().last().unwrap().ends_with("entry 52"));
}

#[test]
fn older_entries_are_asked_for_at_the_first_and_move_nothing() {
    let all = chain(1, 60);
    let mut desk = Desk::new(&["a"]);
    let effects = desk.said("a", Said::Newest(all[30..].to_vec()));
    assert!(effects.is_empty(), "one is at the end: {effects:?}");
    let effects = desk.keys("g g");
    let generation = desk.ask("a").generation;
    let older = OlderEntries { loop_id: id("a"), generation, before: 31 };
    assert!(matches!(effects.as_slice(), [Effect::Older(asked)] if *asked == older), "{effects:?}");
    assert!(desk.keys("k").is_empty(), "once");
    let rows = desk.rows();
    let effects = desk.said("a", Said::Older(Err("no answer".to_owned())));
    assert!(effects.is_empty() && desk.foot().contains("no answer"), "{}", desk.foot());
    assert!(matches!(desk.keys("k").as_slice(), [Effect::Older(_)]), "and again");
    desk.said("a", Said::Older(Ok(all[10..30].to_vec())));
    assert_eq!(desk.rows(), rows);
    assert!(desk.foot().contains("entries 11 to 60"), "{}", desk.foot());
}

#[test]
fn chips_choose_and_words_hide() {
    let mut desk = Desk::new(&["a"]);
    desk.said("a", Said::Newest(eventful()));
    let shown = |desk: &Desk| {
        let shown = desk.view().shown(&desk.state.world);
        let mut seqs: Vec<u64> =
            (0..desk.view().index.len()).map(|at| shown.entry(at).unwrap().1.seq).collect();
        seqs.dedup();
        seqs
    };
    desk.keys("l w");
    assert_eq!(shown(&desk), [5]);
    desk.keys("l e");
    assert_eq!(shown(&desk), [5, 7]);
    desk.keys("p g");
    assert_eq!(shown(&desk), [5]);
    desk.keys("l a p a");
    assert_eq!(shown(&desk), [1, 2, 3, 4, 5, 6, 7]);
    desk.journal(JournalAction::Filter("/test \\d+ failed/".to_owned()));
    assert_eq!(shown(&desk), [4]);
    desk.journal(JournalAction::Filter("nowhere".to_owned()));
    assert!(desk.screen().contains("hides all 7 entries"), "{}", desk.screen());
    desk.journal(JournalAction::Filter("!maria".to_owned()));
    assert_eq!(shown(&desk), [2, 3, 4, 5, 7]);
    // A filter that is typed and thought better of.
    desk.keys("f r e d esc");
    assert_eq!(desk.view().filter.text(), "!maria");
    desk.journal(JournalAction::Filter(String::new()));
    desk.journal(JournalAction::Phase(Some(Phase::Operator)));
    desk.journal(JournalAction::Level(Some(Level::Error)));
    assert!(shown(&desk).is_empty());
}

#[test]
fn an_entry_is_unfolded_in_its_place_and_opened_as_a_whole() {
    let mut desk = Desk::new(&["a"]);
    desk.said("a", Said::Newest(eventful()));
    // It is folded: what stands for it is found, and then the line itself.
    desk.act(Action::Pager(PagerAction::Find("test 20 failed".to_owned())));
    let folded = desk.state.said.as_ref().map(|said| &said.text);
    assert_eq!((folded, desk.view().pager.finding()), (None, Some(("test 20 failed", Some(1), 1))));
    assert!(desk.screen().contains("‹          │ … 34 more lines (z)"), "{}", desk.screen());
    let cursor = desk.view().pager.cursor();
    let before = desk.view().index.len();
    desk.keys("z");
    assert_eq!(desk.view().index.len(), before + 42 - 9, "40 lines, what is left out, where it is");
    assert_eq!(desk.view().pager.cursor(), cursor);
    desk.keys("n");
    assert!(desk.screen().contains("‹          │ test 20 failed"), "{}", desk.screen());
    desk.act(Action::Move(Motion::To(cursor)));
    desk.keys("Z z");
    assert_eq!(desk.view().index.len(), before, "all but this one");
    desk.keys("enter");
    desk.state.size = (60, 20);
    desk.keys("w / / e x i t / enter");
    assert_snapshot!(desk.screen());
    desk.keys("q");
    assert!(desk.state.layers.is_empty());
}

#[test]
fn the_mouse_chooses_chips_lines_and_following() {
    let mut desk = Desk::new(&["a"]);
    desk.said("a", Said::Newest(chain(1, 40)));
    desk.mouse(MouseKind::WheelUp, (20, 5));
    assert!(desk.foot().starts_with("paused"), "{}", desk.foot());
    let row_of_5 = desk.rows()[3].clone();
    desk.mouse(MouseKind::Down(Button::Left), (20, 6));
    desk.mouse(MouseKind::Drag(Button::Left), (20, 4));
    desk.mouse(MouseKind::Up(Button::Left), (20, 4));
    assert!(desk.foot().contains("3 lines chosen: y copies"), "{}", desk.foot());
    let copied = desk.keys("y");
    let [Effect::Copy(text)] = copied.as_slice() else { panic!("{copied:?}") };
    assert_eq!(text.lines().nth(1), Some(row_of_5.trim()));
    desk.mouse(MouseKind::Down(Button::Left), (3, 12));
    assert!(desk.foot().starts_with("following"), "{}", desk.foot());
    // The chip of `!warn`, of which there are none.
    let column = desk.screen().lines().nth(1).and_then(|row| row.find("!warn")).unwrap();
    desk.mouse(MouseKind::Down(Button::Left), (u16::try_from(column).unwrap(), 1));
    assert!(desk.screen().contains("[!warn 0]"), "{}", desk.screen());
    desk.keys("l a enter");
    assert_eq!(desk.state.layers.len(), 1);
    desk.mouse(MouseKind::Down(Button::Left), (u16::try_from(column).unwrap(), 1));
    assert!(!desk.screen().contains("[!warn"), "what lies over it takes the click");
    desk.mouse(MouseKind::Down(Button::Left), (3, 0));
    assert!(desk.state.layers.is_empty());
}

#[test]
fn entries_are_copied_and_saved() {
    let mut desk = Desk::new(&["a"]);
    desk.said("a", Said::Newest(eventful()));
    desk.keys("g g");
    let copied = desk.keys("y");
    let [Effect::Copy(text)] = copied.as_slice() else { panic!("{copied:?}") };
    assert_eq!(
        text,
        "2026-01-01T12:00:10Z          ingress     info    created by maria from Add search\n"
    );
    let copied = desk.keys("v j y");
    let [Effect::Copy(text)] = copied.as_slice() else { panic!("{copied:?}") };
    assert_eq!(text.lines().count(), 2);
    desk.keys("l w");
    let saved = desk.act(Action::Pager(PagerAction::Save(None)));
    let [Effect::Save(Save { name, text })] = saved.as_slice() else { panic!("{saved:?}") };
    assert_eq!(name, "a-20260101T120200Z.txt");
    assert!(text.contains("red: cargo test") && text.lines().count() == 1, "{text}");
    let saved = desk.act(Action::Pager(PagerAction::Save(Some("x.jsonl".to_owned()))));
    let [Effect::Save(Save { text, .. })] = saved.as_slice() else { panic!("{saved:?}") };
    let entry: Entry = serde_json::from_str(text).unwrap();
    assert_eq!(entry, eventful()[4]);
    let saved = desk.keys("S");
    let [Effect::SaveJournal(SaveJournal { loops, name, form })] = saved.as_slice() else {
        panic!("{saved:?}")
    };
    assert_eq!(
        (loops.as_slice(), name.as_str()),
        ([id("a")].as_slice(), "a-20260101T120200Z.jsonl")
    );
    assert_eq!(*form, Form::JsonLines);
}

#[test]
fn how_it_stands_is_said() {
    let mut desk = Desk::new(&["a"]);
    assert!(desk.foot().ends_with("connecting"), "{}", desk.foot());
    desk.said("a", Said::Newest(eventful()));
    assert!(desk.foot().ends_with("live"), "{}", desk.foot());
    let since = desk.state.world.now - SignedDuration::from_secs(12);
    desk.said("a", Said::Lost { since, why: "refused".into() });
    assert!(desk.foot().ends_with("CONNECTION LOST 12s ago"), "{}", desk.foot());
    desk.said("a", Said::Back);
    desk.said("a", Said::Ended);
    assert!(desk.foot().ends_with("the loop has ended: this is all"), "{}", desk.foot());
    assert!(desk.foot().starts_with("at the end"), "{}", desk.foot());
    desk.said("a", Said::Refused { why: "there is no loop a".into() });
    assert!(desk.foot().ends_with("there is no loop a"), "{}", desk.foot());
    desk.said("a", Said::Replaced);
    assert_eq!(desk.rows(), Vec::<String>::new());
}

#[test]
fn each_loop_of_a_list_is_completed() {
    let desk = Desk::new(&["fix-1", "fix-2"]);
    let offers = |line: &str| -> Vec<String> {
        let offers = complete::offers(line, &desk.state.world);
        offers.into_iter().map(|offer| offer.text).collect()
    };
    assert_eq!(offers("journal fix"), ["journal fix-1", "journal fix-2"]);
    assert_eq!(offers("journal fix-2 ix-1"), ["journal fix-2 fix-1"]);
    assert!(offers("loop fix-1 fix").is_empty());
}

#[test]
fn journals_of_several_loops_are_one_in_the_order_of_time() {
    let mut desk = Desk::new(&["a", "b"]);
    desk.state.size = (100, 20);
    desk.said("a", Said::Newest(chain(1, 4)));
    let mut other = chain(2, 3);
    for entry in &mut other {
        entry.at += SignedDuration::from_secs(5);
        entry.draft.message = format!("b says {}", entry.seq);
    }
    desk.said("b", Said::Newest(other));
    desk.written(&chain(1, 5)[4..]);
    assert_snapshot!(desk.screen());
}

#[test]
fn a_journal_fits_every_screen() {
    let mut desk = Desk::new(&["a"]);
    desk.said("a", Said::Newest(eventful()));
    for size in [(60, 20), (80, 24), (120, 40), (200, 60)] {
        desk.hear(Msg::Resize { columns: size.0, rows: size.1 });
        assert_snapshot!(format!("{}x{}", size.0, size.1), desk.screen());
    }
    for columns in 1..30 {
        for rows in 1..9 {
            desk.hear(Msg::Resize { columns, rows });
            desk.screen();
        }
    }
}
