//! Workers' terminals in the workstation: watched, typed into, handed back.

use std::time::{Duration, Instant};

use super::*;

#[tokio::test]
async fn a_worker_is_watched_typed_at_and_handed_back_with_a_note() {
    let mut scene = Scene::open(Options::default(), &[]).await;
    let lines = "printf '\\033]0;an agent\\007who? '; read -r name; echo \"hello $name\"\n\
                 read -r one; read -r two; echo \"$one and $two\"\n\
                 read -r word; echo \"$word\" >work.txt";
    let mut one = scene.waiting("alpha", lines, &["grep -q typed work.txt"]).await;
    one.has_begun().await;
    one.go.say("on").await;
    let desk = &mut scene.desk;
    desk.line(&["alpha", "iterating"]).await;
    desk.press("a");
    desk.shows(&["who?", "you watch", "nobody types", "an agent"]).await;
    desk.press("t");
    desk.shows(&["YOU TYPE HERE", "every key goes to the program"]).await;
    desk.types("maria q");
    desk.press("enter");
    desk.shows(&["hello maria q"]).await;
    // It didn't ask for pastes.
    desk.paste("first\nsecond\n");
    desk.shows(&["Paste 2 lines?"]).await;
    desk.press("y");
    desk.shows(&["first and second"]).await;
    desk.press("ctrl-] r");
    desk.shows(&["A note for the next agent"]).await;
    desk.types("said who I am");
    desk.press("enter");
    desk.shows(&["nobody types", "you watch"]).await;
    desk.press("t");
    desk.shows(&["YOU TYPE HERE"]).await;
    desk.types("typed");
    desk.press("enter");
    desk.shows(&["its worker is gone"]).await;
    scene.world.ends(&one.id, State::Synced).await;
    scene.desk.press("q");
    scene.desk.line(&["alpha", "✔ synced"]).await;
    let handoffs = scene.world.client().handoffs(&one.id).await.unwrap().items;
    let interventions = &handoffs[0].draft.interventions;
    assert_eq!(interventions[0].note.as_deref(), Some("said who I am"));
    assert_eq!(interventions[0].typed[0], "maria q");
    assert_eq!(interventions[1].typed, ["typed"]);
    scene.finish().await;
}

#[tokio::test]
async fn a_flood_leaves_keys_and_other_tabs_as_quick_as_ever() {
    let mut scene = Scene::open(Options::default(), &[]).await;
    let mut one = scene.waiting("alpha", "yes 'a flood'", &["true"]).await;
    one.has_begun().await;
    one.go.say("on").await;
    let desk = &mut scene.desk;
    desk.line(&["alpha", "iterating"]).await;
    desk.press("a");
    desk.shows(&["a flood", "you watch"]).await;
    let begun = Instant::now();
    for _ in 0..10 {
        desk.press("?");
        desk.shows(&["keys and commands here"]).await;
        desk.press("q");
        desk.hides(&["keys and commands here"]).await;
    }
    desk.press("ctrl-t F");
    desk.shows(&["1 loop"]).await;
    // Twenty frames and a new tab: a second on a quiet machine, and never the minutes of a queue.
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
    scene.waiting("beta", "true", &["true"]).await;
    scene.desk.line(&["beta", "overwriting"]).await;
    scene.finish().await;
}

#[tokio::test]
async fn a_hostile_worker_s_screen_is_shown_and_doesn_t_act() {
    let mut scene = Scene::open(Options::default(), &[]).await;
    let corpus = scene.world.hostile_corpus();
    let lines = format!("cat '{}'; printf '\\033c'; echo 'after all of it'", corpus.display());
    let mut one = scene.waiting("alpha", &format!("{lines}\nsleep 600"), &["true"]).await;
    one.has_begun().await;
    let desk = &mut scene.desk;
    desk.line(&["alpha", "iterating"]).await;
    desk.press("a");
    desk.shows(&["you watch"]).await;
    one.go.say("on").await;
    let desk = &mut scene.desk;
    desk.shows(&["after all of it"]).await;
    for foreign in ["\x1b]52;", "\x1b]8;", "\x1bc", "\x1b[6n"] {
        assert!(!desk.got(foreign), "{foreign:?} reached the person's terminal");
    }
    desk.press("q");
    desk.line(&["alpha", "overwriting"]).await;
    scene.finish().await;
}
