//! The inbox as a person sees it: a workstation with what its streams said, and keys.

use jiff::{SignedDuration, Timestamp};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use smith_model::access::{Identity, Role, Scope};
use smith_model::inbox::{Item, Kind};

use crate::command;
use crate::draw;
use crate::effect::Effect;
use crate::keys::Chord;
use crate::layers::Layer;
use crate::look::{Look, Theme};
use crate::msg::{Msg, Stream};
use crate::place::Place;
use crate::state::State;
use crate::update::update;
use crate::world::Session;
use crate::world::inbox::tests::{item, marked, now, updated};
use crate::world::inbox::{Act, InboxChange, Order, Outcome, Until};

/// A workstation with an inbox.
struct Desk {
    state: State,
    now: Timestamp,
}

impl Desk {
    /// Nothing is heard yet.
    fn new(columns: u16, rows: u16) -> Self {
        let identity = Identity {
            token_id: "abcdefghijkl".parse().unwrap(),
            name: "ana".to_owned(),
            role: Role::Operator,
            scope: Scope::All,
            expires_at: None,
        };
        let session = Session {
            server: "https://smith.example".to_owned(),
            identity: Some(identity),
            ..Session::default()
        };
        let look = Look { theme: Theme::Plain, ..Look::default() };
        let state = State::new(now(), session, look, (columns, rows));
        let mut desk = Self { state, now: now() };
        desk.take(Msg::Fleet(Stream::Reset));
        desk.take(Msg::Fleet(Stream::Ready));
        desk
    }

    /// The inbox is shown, and holds these.
    fn with(columns: u16, rows: u16, items: impl IntoIterator<Item = Item>) -> Self {
        let mut desk = Self::new(columns, rows);
        desk.press("I");
        desk.take(Msg::Inbox(Stream::Reset));
        desk.change(items.into_iter().map(updated));
        desk.take(Msg::Inbox(Stream::Ready));
        desk
    }

    fn take(&mut self, msg: Msg) -> Vec<Effect> {
        update(&mut self.state, self.now, msg)
    }

    fn change(&mut self, changes: impl IntoIterator<Item = InboxChange>) {
        self.take(Msg::Inbox(Stream::Changes(changes.into_iter().collect())));
    }

    fn wait(&mut self, seconds: i64) -> Vec<Effect> {
        let told = (0..seconds).flat_map(|_| {
            self.now += SignedDuration::from_secs(1);
            update(&mut self.state, self.now, Msg::Tick)
        });
        told.collect()
    }

    fn press(&mut self, keys: &str) -> Vec<Effect> {
        let chords = Chord::sequence(keys).unwrap();
        chords.into_iter().flat_map(|chord| self.take(Msg::Key(chord))).collect()
    }

    fn type_in(&mut self, text: &str) {
        for c in text.chars() {
            let name = if c == ' ' { "space".to_owned() } else { c.to_string() };
            self.press(&name);
        }
    }

    fn run(&mut self, command: &str) -> Vec<Effect> {
        let action = command::parse(command).unwrap();
        self.take(Msg::Action(action))
    }

    fn screen(&mut self) -> String {
        let (columns, rows) = self.state.size;
        let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
        let mut hits = None;
        let drawn = terminal.draw(|frame| hits = Some(draw::frame(&self.state, frame))).unwrap();
        let buffer = drawn.buffer.clone();
        self.state.hits = hits.unwrap();
        let lines = buffer.content.chunks(columns.into()).map(|cells| {
            let line: String = cells.iter().map(|cell| cell.symbol()).collect();
            line.trim_end().to_owned()
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    fn view(&self) -> &super::View {
        match &self.state.tabs.current().place {
            Place::Inbox(view) => view,
            other => panic!("the inbox is shown, not {other:?}"),
        }
    }

    fn selected(&self) -> &str {
        self.view().selected().map_or("", |id| id.as_str())
    }

    fn shown(&self) -> Vec<&str> {
        self.view().rows.items().map(|item| item.loop_id.as_str()).collect()
    }

    fn said(&self) -> &str {
        self.state.said.as_ref().map_or("", |said| said.text.as_str())
    }
}

/// What was ordered.
fn ordered(effects: Vec<Effect>) -> (u64, Order) {
    let mut orders = effects.into_iter().filter_map(|effect| match effect {
        Effect::Mark(number, order) => Some((number, order)),
        _ => None,
    });
    orders.next().expect("something was ordered")
}

fn ids(order: &Order) -> Vec<&str> {
    order.targets.iter().map(|target| target.id.as_str()).collect()
}

/// One of everything.
fn items() -> Vec<Item> {
    let ago = |minutes| now() - SignedDuration::from_mins(minutes);
    vec![
        Item {
            message: "the gate `make test` failed in each of 3 attempts, the last time with exit \
                      code 2"
                .to_owned(),
            next: "Look at the gate's output in its journal, then retry it, fresh if the base has \
                   moved."
                .to_owned(),
            ..item("checkout-17", Kind::Flatlined, 42, 1)
        },
        item("docs-depend-on-checkout-and-more", Kind::DependencyEnded, 40, 1),
        marked(item("search-4", Kind::Suspect, 7, 1), |mark| {
            mark.claimed_by = Some("jun".to_owned());
            mark.claimed_at = Some(ago(3));
            mark.note = Some("waiting for the vendor".to_owned());
        }),
        item("api", Kind::WorkerSilent, 2, 1),
        Item {
            message: "日本語の説明\u{1b}[31m を待つ".to_owned(),
            ..item("docs-9", Kind::Held, 600, 1)
        },
        marked(item("shop-1", Kind::Retrying, 9, 1), |mark| {
            mark.snoozed_by = Some("ana".to_owned());
            mark.snoozed_until = Some(now() + SignedDuration::from_hours(5));
        }),
        marked(item("shop-2", Kind::Held, 90, 1), |mark| {
            mark.acknowledged_by = Some("jun".to_owned());
            mark.acknowledged_at = Some(ago(80));
        }),
    ]
}

#[test]
fn the_screen_in_any_size() {
    for (columns, rows) in [(60, 20), (80, 24), (120, 40), (200, 60)] {
        let mut desk = Desk::with(columns, rows, items());
        desk.state.said = None;
        insta::assert_snapshot!(format!("inbox-{columns}x{rows}"), desk.screen());
        desk.press(". G k k k space");
        insta::assert_snapshot!(format!("quiet-{columns}x{rows}"), desk.screen());
    }
    let mut desk = Desk::with(80, 24, items());
    desk.state.world.look.ascii = true;
    desk.state.said = None;
    insta::assert_snapshot!("without_unicode", desk.screen());
    for size in [(1, 1), (2, 3), (5, 5), (20, 6), (300, 80), (300, 1), (1, 80)] {
        desk.take(Msg::Resize { columns: size.0, rows: size.1 });
        desk.screen();
        desk.press("z");
        desk.screen();
        desk.press("esc");
    }
}

#[test]
fn nothing_is_said_to_be_fine_that_is_not_known_to_be() {
    let mut screens = vec![];
    let mut desk = Desk::new(80, 24);
    desk.press("I");
    screens.push(("loading", desk.screen()));
    desk.take(Msg::Inbox(Stream::Reset));
    desk.take(Msg::Inbox(Stream::Ready));
    desk.wait(200);
    screens.push(("calm", desk.screen()));
    let since = desk.now;
    desk.wait(40);
    desk.take(Msg::Inbox(Stream::Lost { since, why: "connection refused".to_owned() }));
    screens.push(("lost and empty", desk.screen()));
    let mut desk = Desk::with(80, 24, items().into_iter().take(1));
    desk.change([InboxChange::StoreLost(now())]);
    desk.wait(40);
    screens.push(("the store is lost", desk.screen()));
    desk.take(Msg::Inbox(Stream::Reset));
    screens.push(("told anew", desk.screen()));
    desk.take(Msg::Inbox(Stream::Ready));
    desk.press("/");
    desk.type_in("severity:notice");
    screens.push(("filtered", desk.screen()));
    let screens: Vec<String> =
        screens.into_iter().map(|(what, screen)| format!("{what}:\n{screen}")).collect();
    insta::assert_snapshot!(screens.join("\n"));
}

#[test]
fn the_cursor_stays_on_its_loop_whatever_comes_and_goes() {
    let mut desk = Desk::with(80, 24, items());
    assert_eq!(desk.selected(), "checkout-17");
    desk.press("j j");
    assert_eq!(desk.selected(), "search-4");
    desk.change([updated(item("worse", Kind::Flatlined, 90, 1))]);
    assert_eq!(desk.selected(), "search-4");
    // It gets worse itself.
    desk.change([updated(item("search-4", Kind::Flatlined, 0, 2))]);
    assert_eq!(desk.selected(), "search-4");
    assert_eq!(desk.shown()[3], "search-4");
    // It goes: the next one is where it was.
    desk.change([InboxChange::Removed("search-4".parse().unwrap())]);
    assert_eq!(desk.selected(), "api");
    // One that was never chosen is one all the same: a key is for what was seen.
    let mut desk = Desk::with(80, 24, items());
    desk.change([updated(item("worse", Kind::Flatlined, 90, 1))]);
    assert_eq!(desk.selected(), "checkout-17");
    assert!(desk.screen().contains("+  ! flatlined        worse"), "{}", desk.screen());
}

#[test]
fn the_filter_knows_what_an_item_is_and_whose() {
    let mut desk = Desk::with(80, 24, items());
    for (filter, expect) in [
        ("severity:critical", &["checkout-17", "docs-depend-on-checkout-and-more"][..]),
        ("kind:held,suspect", &["search-4", "docs-9"]),
        ("!project:web", &[]),
        ("claimed:none severity:warning", &["api"]),
        ("claimed:jun", &["search-4"]),
        ("claimed:me", &[]),
        ("GATE", &["checkout-17"]),
    ] {
        desk.run(&format!("filter {filter}"));
        assert_eq!(desk.shown(), expect, "{filter}");
    }
    desk.run("filter severity:bad");
    assert!(desk.said().starts_with("severity:bad: "), "{}", desk.said());
    desk.run("filter state:flatline");
    assert!(desk.said().contains("isn't a field of the inbox"), "{}", desk.said());
    desk.press("esc u");
    assert_eq!(desk.view().filter().text(), "claimed:none");
    desk.press("u .");
    assert_eq!(desk.shown().len(), 7);
}

#[test]
fn acts_are_for_the_occurrences_that_were_seen() {
    let mut desk = Desk::with(80, 24, items());
    let (_, order) = ordered(desk.press("c"));
    assert_eq!(order.act, Act::Claim { reason: None });
    assert_eq!(order.targets[0].occurrence.as_str(), "flatlined.00000000.1");
    desk.press("space space");
    let (_, order) = ordered(desk.press("a"));
    assert_eq!(ids(&order), ["checkout-17", "docs-depend-on-checkout-and-more"]);
    // A note is for what was seen when it was begun.
    desk.press("M n");
    desk.type_in("known, see #12");
    desk.change([updated(item("search-4", Kind::Flatlined, 0, 9))]);
    let (_, order) = ordered(desk.press("enter"));
    assert_eq!(order.act, Act::Acknowledge { note: Some("known, see #12".to_owned()) });
    assert_eq!(order.targets[0].occurrence.as_str(), "suspect.00000000.1");
}

#[test]
fn snoozing_is_chosen_or_typed() {
    let mut desk = Desk::with(80, 24, items());
    desk.press("z");
    insta::assert_snapshot!("snooze", desk.screen());
    let (_, order) = ordered(desk.press("down enter"));
    let hour = Act::Snooze { until: Until::For("1h".parse().unwrap()), note: None };
    assert_eq!(order.act, hour);
    assert!(desk.state.layers.is_empty());
    desk.press("z");
    desk.type_in("soon");
    assert!(desk.press("enter").is_empty());
    assert!(desk.screen().contains("\"soon\" says no time"));
    desk.press("ctrl-u");
    desk.type_in("8:30");
    let (_, order) = ordered(desk.press("enter"));
    let clock = Act::Snooze { until: Until::Clock { hour: 8, minute: 30 }, note: None };
    assert_eq!(order.act, clock);
    let (_, order) = ordered(desk.run("snooze 2026-11-25T08:00:00Z until the vendor is back"));
    let note = Some("until the vendor is back".to_owned());
    let at = "2026-11-25T08:00:00Z".parse().unwrap();
    assert_eq!(order.act, Act::Snooze { until: Until::At(at), note });
}

#[test]
fn what_somebody_else_has_is_taken_over_with_a_reason() {
    let mut desk = Desk::with(80, 24, items());
    desk.press("j j");
    let (number, order) = ordered(desk.press("c"));
    let why = "jun has claimed it since 2026-11-24T11:57:00Z; give a reason to take it over";
    let outcome = Outcome::Claimed(why.to_owned());
    desk.take(Msg::Marked { order: number, target: order.targets[0].clone(), outcome });
    insta::assert_snapshot!("taken_over", desk.screen());
    assert!(desk.press("enter").is_empty());
    desk.type_in("jun is asleep");
    let (number, order) = ordered(desk.press("enter"));
    assert_eq!(order.act, Act::Claim { reason: Some("jun is asleep".to_owned()) });
    let target = order.targets[0].clone();
    desk.take(Msg::Marked { order: number, target, outcome: Outcome::Done });
    assert_eq!(desk.said(), "search-4 is claimed");
    // Of several, how many; and who types something else isn't interrupted.
    let (number, order) = ordered(desk.press("ctrl-a c"));
    desk.press(":");
    let last = order.targets.len() - 1;
    for (at, target) in order.targets.into_iter().enumerate() {
        let outcome = if at == last {
            Outcome::Refused("it isn't in the inbox so any more".to_owned())
        } else {
            Outcome::Done
        };
        desk.take(Msg::Marked { order: number, target, outcome });
    }
    assert_eq!(
        desk.said(),
        "4 of 5 are claimed, 1 not; search-4: it isn't in the inbox so any more"
    );
    assert!(matches!(desk.state.layers.as_slice(), [Layer::Line(_)]));
}

#[test]
fn whoever_only_reads_is_told_why_nothing_is_done() {
    let mut desk = Desk::with(80, 24, items());
    desk.state.world.session.read_only = true;
    for keys in ["c", "C", "a", "n", "z", "Z"] {
        assert!(desk.press(keys).is_empty());
        assert!(desk.said().contains("--read-only"), "{keys}: {}", desk.said());
        assert!(desk.state.layers.is_empty());
    }
}

#[test]
fn the_next_item_that_needs_one_is_a_key_away_from_anywhere() {
    let mut desk = Desk::with(80, 24, items());
    desk.press("F");
    desk.press("!");
    assert_eq!(desk.selected(), "checkout-17");
    let mut seen = vec![];
    for _ in 0..4 {
        desk.press("!");
        seen.push(desk.selected().to_owned());
    }
    // Not what somebody else has claimed, nor what is quiet.
    assert_eq!(seen, ["docs-depend-on-checkout-and-more", "api", "docs-9", "checkout-17"]);
    desk.run("filter kind:held");
    desk.press("! !");
    assert_eq!(desk.selected(), "docs-depend-on-checkout-and-more");
    let mut desk = Desk::with(80, 24, []);
    desk.press("F !");
    assert_eq!(desk.said(), "nothing needs you");
    desk.take(Msg::Inbox(Stream::Lost { since: now(), why: "gone".to_owned() }));
    desk.press("!");
    assert_eq!(desk.said(), "the source is lost: nobody knows what needs you");
}

#[test]
fn the_window_says_how_many_need_one() {
    let titles = |effects: Vec<Effect>| -> Vec<String> {
        let titles = effects.into_iter().filter_map(|effect| match effect {
            Effect::Title(title) => Some(title),
            _ => None,
        });
        titles.collect()
    };
    let mut desk = Desk::new(80, 24);
    assert!(titles(desk.take(Msg::Tick)).is_empty());
    desk.take(Msg::Inbox(Stream::Reset));
    desk.change(items().into_iter().map(updated));
    assert_eq!(titles(desk.take(Msg::Inbox(Stream::Ready))), ["Smith: 5 need you"]);
    assert_eq!(desk.said(), "5 need you: I shows them");
    assert!(titles(desk.wait(10)).is_empty());
    let lost = Msg::Inbox(Stream::Lost { since: now(), why: "gone".to_owned() });
    assert_eq!(titles(desk.take(lost)), ["Smith: 5 needed you, source lost"]);
    desk.take(Msg::Inbox(Stream::Reset));
    assert_eq!(titles(desk.take(Msg::Inbox(Stream::Ready))), ["Smith"]);
}

#[test]
fn what_happens_is_told_to_who_looks_elsewhere_and_to_who_looks_here() {
    let mut desk = Desk::with(80, 24, []);
    desk.change([updated(item("a", Kind::Flatlined, 0, 1))]);
    let told = desk.wait(1);
    assert!(told.iter().any(|effect| matches!(effect, Effect::Notify(_))), "{told:?}");
    assert_eq!(desk.said(), "a flatlined; ! goes there");
}

#[test]
fn an_item_leads_to_its_loop_here_and_for_others() {
    let mut desk = Desk::with(80, 24, items());
    let copied = desk.press("y").into_iter().find_map(|effect| match effect {
        Effect::Copy(text) => Some(text),
        _ => None,
    });
    assert_eq!(
        copied.unwrap(),
        "smithctl loop get checkout-17  # flatlined since 2026-11-24T11:18:00Z, \
         flatlined.00000000.1"
    );
    desk.press("enter");
    let place = &desk.state.tabs.current().place;
    assert!(matches!(place, Place::Detail(view) if view.id().as_str() == "checkout-17"));
}
