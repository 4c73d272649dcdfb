//! The fleet on a screen: loops come and change by themselves, and the table is worked by keys and by the mouse.

use super::*;

#[tokio::test]
async fn a_loop_appears_by_itself_and_its_states_are_seen() {
    let mut scene = Scene::open(Options::default(), &[]).await;
    scene.desk.shows(&["There are no loops."]).await;
    let mut one = scene.waiting("alpha", "echo done >work.txt", &["true"]).await;
    scene.desk.line(&["alpha", "▶ overwriting"]).await;
    one.has_begun().await;
    scene.desk.line(&["alpha", "iterating"]).await;
    one.go.say("on").await;
    scene.desk.line(&["alpha", "✔ synced", "1/1", "the loop alpha"]).await;
    scene.desk.shows(&[" 1 loop", "✔ 1 synced"]).await;
    scene.finish().await;
}

#[tokio::test]
async fn rows_are_filtered_sorted_and_marked_by_keys_and_by_clicks() {
    let mut scene = Scene::open(Options::default(), &[]).await;
    for name in ["alpha", "beta", "gamma"] {
        scene.waiting(name, "true", &["true"]).await;
        scene.desk.line(&[name, "overwriting"]).await;
    }
    let desk = &mut scene.desk;
    desk.press("/");
    desk.types("et");
    desk.shows(&["1 of 3"]).await;
    desk.hides(&["the loop alpha", "the loop gamma"]).await;
    desk.press("enter");
    desk.shows(&["1 of 3", "beta"]).await;
    desk.press("esc");
    desk.shows(&["the loop alpha", "the loop beta", "the loop gamma"]).await;

    let is_sorted = |names: [&'static str; 3]| {
        move |text: &str| {
            let at = names.map(|name| text.find(&format!("the loop {name}")));
            at.iter().all(Option::is_some) && at.is_sorted()
        }
    };
    desk.press("L");
    desk.until("order by name", is_sorted(["alpha", "beta", "gamma"])).await;
    desk.click("LOOP");
    desk.until("the other order", is_sorted(["gamma", "beta", "alpha"])).await;

    desk.press("g g space");
    desk.shows(&["1 marked"]).await;
    desk.click("the loop alpha");
    desk.until("the cursor on alpha", |text| text.contains("▸alpha")).await;
    desk.press("V");
    desk.shows(&["3 marked"]).await;
    desk.press("M");
    desk.hides(&["marked"]).await;
    scene.finish().await;
}

#[tokio::test]
async fn tabs_hold_places_of_their_own_and_steps_go_back_and_forth() {
    let mut scene = Scene::open(Options::default(), &[]).await;
    scene.waiting("alpha", "true", &["true"]).await;
    let desk = &mut scene.desk;
    desk.line(&["alpha", "overwriting"]).await;
    desk.press("enter");
    desk.shows(&["1 Overview"]).await;
    desk.press("q");
    desk.shows(&["1 loop"]).await;
    desk.press("]");
    desk.shows(&["1 Overview"]).await;
    desk.press("[");
    desk.shows(&["1 loop"]).await;

    desk.press("ctrl-t");
    desk.line(&["1 ", "2 "]).await;
    desk.press("enter");
    desk.shows(&["1 Overview"]).await;
    desk.press("alt-1");
    desk.hides(&["1 Overview"]).await;
    desk.press("tab");
    desk.shows(&["1 Overview"]).await;
    desk.click("1 Fleet");
    desk.hides(&["1 Overview"]).await;
    desk.command("tab 2");
    desk.shows(&["1 Overview"]).await;
    desk.press("ctrl-w");
    desk.hides(&["1 Overview"]).await;
    scene.finish().await;
}
