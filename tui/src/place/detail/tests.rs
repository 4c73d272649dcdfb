//! A loop that is looked at, from actions and answers to what is drawn.

use ratatui::layout::Rect;
use smith_model::state::State as LoopState;

use super::fixtures::{answer, id, now, row};
use crate::action::{Action, Destination};
use crate::draw::picture::picture;
use crate::effect::Effect;
use crate::fetch::{Failure, Fetch, Fetched, Topic};
use crate::look::Look;
use crate::msg::{FleetChange, Msg, Stream};
use crate::place::Place;
use crate::place::detail::{DetailAction, Page, Part};
use crate::state::State;
use crate::update::update;
use crate::world::Session;

/// A workstation with the loops `a` and `base`, that looks at `a`.
struct Scene {
    state: State,
    /// What was asked and isn't answered.
    asked: Vec<Fetch>,
    copied: Vec<String>,
}

impl Scene {
    fn new(size: (u16, u16)) -> Self {
        let state = State::new(now(), Session::default(), Look::default(), size);
        let mut scene = Self { state, asked: vec![], copied: vec![] };
        scene.happens(Msg::Fleet(Stream::Reset));
        let rows = [row("a", "overwriting"), row("base", "synced")];
        let rows = rows.map(|row| FleetChange::Updated(Box::new(row)));
        scene.happens(Msg::Fleet(Stream::Changes(rows.to_vec())));
        scene.happens(Msg::Fleet(Stream::Ready));
        scene.does(Action::Go(Destination::Loop(id("a"))));
        scene
    }

    fn at(size: (u16, u16), page: Page) -> Self {
        let mut scene = Self::new(size);
        scene.does(Action::Detail(DetailAction::Page(page)));
        scene.answered();
        scene
    }

    fn happens(&mut self, msg: Msg) {
        for effect in update(&mut self.state, now(), msg) {
            match effect {
                Effect::Fetch(fetch) => self.asked.push(fetch),
                Effect::Copy(text) => self.copied.push(text),
                _ => {}
            }
        }
    }

    fn does(&mut self, action: Action) {
        self.happens(Msg::Action(action));
    }

    fn runs(&mut self, command: &str) {
        self.does(crate::command::parse(command).unwrap());
    }

    fn presses(&mut self, keys: &str) {
        for chord in crate::keys::Chord::sequence(keys).unwrap() {
            self.happens(Msg::Key(chord));
        }
    }

    /// The server answers everything, also what is asked for then.
    fn answered(&mut self) {
        while let Some(fetch) = self.asked.pop() {
            self.happens(Msg::Fetched(Box::new(answer(fetch))));
        }
    }

    fn topics(&self) -> Vec<&Topic> {
        self.asked.iter().map(|fetch| &fetch.topic).collect()
    }

    fn shown(&self) -> String {
        let (columns, rows) = self.state.size;
        picture((columns, rows), |area: Rect, canvas| {
            self.state.tabs.current().place.draw(&self.state.world, area, canvas);
        })
    }

    fn page(&self) -> Page {
        match &self.state.tabs.current().place {
            Place::Detail(view) => view.page,
            _ => panic!("no loop is shown"),
        }
    }
}

const SIZES: [(u16, u16); 4] = [(60, 20), (80, 24), (120, 40), (200, 60)];

#[test]
fn pages_are_drawn() {
    for (columns, rows) in SIZES {
        for page in [Page::Overview, Page::Timeline] {
            // Bar and last line belong to the frame.
            let scene = Scene::at((columns, rows - 2), page);
            let name = format!("{}-{columns}x{rows}", page.title().to_lowercase());
            insta::assert_snapshot!(name, scene.shown());
        }
    }
    for page in [Page::Handoffs, Page::Acts, Page::Spec, Page::Iterations] {
        let scene = Scene::at((100, 30), page);
        insta::assert_snapshot!(page.title().to_lowercase(), scene.shown());
    }
}

#[test]
fn an_iteration_is_shown_in_parts() {
    for part in [Part::Record, Part::Prompt, Part::Output, Part::Gates, Part::Diff] {
        let mut scene = Scene::at((100, 22), Page::Iterations);
        scene.does(Action::Detail(DetailAction::Part(part)));
        scene.answered();
        insta::assert_snapshot!(format!("part-{}", part.title()), scene.shown());
    }
    let mut scene = Scene::at((60, 18), Page::Iterations);
    insta::assert_snapshot!("list-60x20", scene.shown());
    scene.presses("d");
    scene.answered();
    insta::assert_snapshot!("part-diff-60x20", scene.shown());
}

#[test]
fn nothing_is_too_small_to_be_drawn() {
    for size in [(1, 1), (3, 2), (12, 4), (11, 9)] {
        for page in Page::ALL {
            let mut scene = Scene::at(size, page);
            scene.presses("j j down right left end home");
            scene.shown();
        }
    }
}

#[test]
fn only_what_is_shown_is_asked() {
    let mut scene = Scene::new((120, 40));
    let overview = [
        &Topic::Detail,
        &Topic::Why,
        &Topic::Attempts,
        &Topic::Stories,
        &Topic::Iterations,
        &Topic::Cost,
    ];
    assert_eq!(scene.topics(), overview);
    scene.answered();
    scene.runs("page handoffs");
    assert_eq!(scene.topics(), [&Topic::Handoffs]);
    scene.answered();
    scene.runs("page iterations");
    assert_eq!(scene.topics(), [] as [&Topic; 0], "known already");
    scene.runs("show diff");
    assert!(matches!(scene.topics()[..], [Topic::Artifact { .. }]));
    scene.answered();
    scene.runs("fleet");
    let mut changed = row("a", "overwriting");
    changed.iteration += 1;
    scene.happens(Msg::Fleet(Stream::Changes(vec![FleetChange::Updated(Box::new(changed))])));
    assert_eq!(scene.topics(), [] as [&Topic; 0], "nobody looks");
    scene.does(Action::Back);
    assert_eq!(scene.topics(), [&Topic::Iterations]);
}

#[test]
fn an_answer_that_says_nothing_new_is_not_drawn() {
    let mut scene = Scene::at((120, 40), Page::Spec);
    scene.state.is_dirty = false;
    let fetch = Fetch { loop_id: id("a"), topic: Topic::Detail };
    scene.happens(Msg::Fetched(Box::new(answer(fetch))));
    assert!(!scene.state.is_dirty);
}

#[test]
fn going_back_is_to_where_one_was() {
    let mut scene = Scene::at((120, 40), Page::Overview);
    scene.runs("page spec");
    scene.answered();
    scene.presses("j j j");
    let before = scene.shown();
    scene.runs("loop base");
    assert_ne!(scene.shown(), before);
    scene.presses("q");
    assert_eq!(scene.shown(), before);
}

#[test]
fn a_story_leads_to_its_iteration_and_from_there_back_to_the_list() {
    let mut scene = Scene::at((120, 40), Page::Overview);
    scene.presses("/");
    scene.happens(Msg::Paste("certified".to_owned()));
    scene.presses("enter enter");
    assert_eq!(scene.page(), Page::Iterations);
    assert!(scene.shown().contains("r1a2 #1 on US-001"), "{}", scene.shown());
    scene.presses("esc");
    assert_eq!(scene.page(), Page::Iterations);
    scene.presses("q");
    assert!(matches!(scene.state.tabs.current().place, Place::Fleet(_)));
}

#[test]
fn what_has_an_id_is_copied_as_such() {
    let mut scene = Scene::at((120, 40), Page::Iterations);
    scene.presses("y");
    assert_eq!(scene.copied, ["c".repeat(40)]);
}

#[test]
fn n_goes_from_hunk_to_hunk_until_words_are_looked_for() {
    let mut scene = Scene::at((120, 40), Page::Iterations);
    scene.presses("d");
    scene.answered();
    let cursor = |scene: &Scene| {
        let shown = scene.shown();
        let line =
            shown.lines().find_map(|line| line.split_once('‹').filter(|_| line.contains("│‹")));
        line.map(|(_, line)| line.trim().to_owned()).unwrap_or_default()
    };
    scene.presses("n");
    assert!(cursor(&scene).starts_with("@@ -1,4"), "{}", scene.shown());
    scene.presses("N");
    assert!(cursor(&scene).starts_with("diff --git"), "{}", scene.shown());
}

#[test]
fn a_loop_that_is_gone_is_said_to_be() {
    let mut scene = Scene::at((120, 40), Page::Overview);
    let removed = FleetChange::Removed(id("a"));
    scene.happens(Msg::Fleet(Stream::Changes(vec![removed])));
    assert!(scene.shown().contains("a  was deleted; what was known of it stands below"));
    scene.runs("loop nobody");
    for fetch in std::mem::take(&mut scene.asked) {
        let failure = Failure { why: "there is no loop nobody".into(), is_absent: true };
        scene.happens(Msg::Fetched(Box::new(Fetched { fetch, answer: Err(failure) })));
    }
    let shown = scene.shown();
    assert!(shown.contains("nobody  isn't there: it was deleted, or never existed"), "{shown}");
    assert!(shown.contains("! there is no loop nobody") && !shown.contains("…"), "{shown}");
}

#[test]
fn a_failure_is_said_beside_what_was_known() {
    let mut scene = Scene::at((120, 40), Page::Overview);
    let failure = Failure { why: "no route to host".into(), is_absent: false };
    let fetch = Fetch { loop_id: id("a"), topic: Topic::Stories };
    scene.happens(Msg::Fetched(Box::new(Fetched { fetch, answer: Err(failure) })));
    let shown = scene.shown();
    assert!(shown.contains("! can't ask for the stories: no route to host"), "{shown}");
    assert!(shown.contains("US-001   done"), "{shown}");
    scene.runs("refresh");
    assert!(scene.topics().contains(&&Topic::Stories));
    scene.answered();
    assert!(!scene.shown().contains("no route"));
}

#[test]
fn the_head_is_live_before_anything_is_known() {
    let mut scene = Scene::new((120, 40));
    assert!(scene.shown().starts_with("a  ▶ overwriting (admitted)"), "{}", scene.shown());
    let mut changed = row("a", "overwriting");
    changed.state = LoopState::Flatline;
    scene.happens(Msg::Fleet(Stream::Changes(vec![FleetChange::Updated(Box::new(changed))])));
    assert!(scene.shown().starts_with("a  ✖ flatline"), "{}", scene.shown());
}

#[test]
fn the_timeline_goes_from_event_to_event() {
    let mut scene = Scene::at((120, 40), Page::Timeline);
    let event = |scene: &Scene| {
        let shown = scene.shown();
        let at =
            shown.lines().find_map(|line| line.split_once("event ").map(|(_, at)| at.to_owned()));
        at.unwrap_or_default()
    };
    assert_eq!(event(&scene), "15 of 15");
    scene.presses("left left left");
    assert_eq!(event(&scene), "12 of 15");
    let shown = scene.shown();
    assert!(shown.contains("#1 on US-001") && shown.contains("Stories done  none"), "{shown}");
    scene.presses("home left");
    assert_eq!(event(&scene), "1 of 15");
    scene.presses("right right right right enter");
    assert_eq!(scene.page(), Page::Iterations);
    assert!(scene.shown().contains("r1a1 #1 on US-001"), "{}", scene.shown());
    scene.runs("page timeline");
    scene.runs("clock");
    assert!(scene.shown().contains("2026-01-01 12:00:39 UTC"), "{}", scene.shown());
}

#[test]
fn the_side_keys_turn_pages_where_nothing_else_moves() {
    let mut scene = Scene::at((80, 24), Page::Overview);
    scene.presses("right");
    assert_eq!(scene.page(), Page::Journal);
    scene.presses("right");
    assert_eq!(scene.page(), Page::Iterations);
    scene.presses("left left left");
    assert_eq!(scene.page(), Page::Timeline);
    let mut wide = Scene::at((160, 40), Page::Overview);
    wide.presses("right");
    assert_eq!(wide.page(), Page::Overview, "the other column first");
    wide.presses("right");
    assert_eq!(wide.page(), Page::Journal);
}
