//! The inbox: what went wrong stands in it, is counted in the bar, and is taken care of.

use super::*;

#[tokio::test]
async fn a_flatlined_loop_stands_in_the_inbox_until_somebody_has_seen_it() {
    let mut scene = Scene::open(Options::default(), &[]).await;
    let agent = scene.world.agent("wrong", "echo wrong >work.txt");
    let request = world::request("alpha", &scene.repository, &agent, &["grep -q right work.txt"]);
    let id = scene.world.create(&request).await;
    let desk = &mut scene.desk;
    desk.line(&["alpha", "✖ flatline"]).await;
    desk.line(&["Smith", "!1"]).await;
    desk.press("I");
    desk.shows(&["1 needs somebody", "flatlined", "alpha", "claim"]).await;
    desk.press("c");
    desk.shows(&["claimed by local-admin"]).await;
    desk.press("a");
    desk.shows(&["quiet, hidden"]).await;
    desk.hides(&["!1"]).await;
    desk.press(".");
    desk.line(&["alpha", "flatlined"]).await;
    scene.world.ends(&id, State::Flatline).await;
    scene.finish().await;
}
