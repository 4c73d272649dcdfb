//! Acts on loops: asked about, done under the token's name, refused where they can't be.

use smith_client::AuditFilter;

use super::*;

#[tokio::test]
async fn a_cancel_asks_does_nothing_by_default_and_stands_in_the_audit() {
    let mut scene = Scene::open(Options::default(), &[]).await;
    let mut one = scene.waiting("alpha", "true", &["true"]).await;
    one.has_begun().await;
    let desk = &mut scene.desk;
    desk.line(&["alpha", "iterating"]).await;
    desk.press("x");
    desk.shows(&["Cancel alpha?", "The worker of attempt 1 is stopped now", "No", "Yes, cancel"])
        .await;
    desk.press("enter");
    desk.hides(&["Cancel alpha?"]).await;
    desk.command("acts");
    desk.shows(&["nothing was done from here yet"]).await;
    desk.press("esc");
    desk.hides(&["nothing was done"]).await;

    desk.press("x");
    desk.shows(&["Cancel alpha?"]).await;
    desk.types("it is no use");
    desk.shows(&["it is no use"]).await;
    desk.press("ctrl-y");
    desk.line(&["alpha", "■ cancelled"]).await;
    desk.shows(&["alpha is cancelled"]).await;
    scene.world.ends(&one.id, State::Cancelled).await;
    let filter = AuditFilter { loop_id: Some(one.id.clone()), ..AuditFilter::default() };
    let records = scene.world.client().audit(&filter).await.unwrap().items;
    let told: Vec<String> = records.iter().map(|record| format!("{record:?}")).collect();
    let is_it = |told: &&String| told.contains("it is no use");
    let record = told.iter().find(is_it).unwrap_or_else(|| panic!("{told:#?}"));
    assert!(record.contains("local-admin"), "{record}");

    let desk = &mut scene.desk;
    desk.press("enter");
    desk.shows(&["1 Overview"]).await;
    desk.press("5");
    desk.shows(&["it is no use", "local-admin"]).await;
    desk.press("q");
    desk.shows(&["1 loop"]).await;

    desk.press("x");
    desk.shows(&["alpha can't be cancelled: it is cancelled already: nothing runs"]).await;
    desk.press("r");
    desk.shows(&["Retry alpha?", "Round 2 begins"]).await;
    desk.press("right enter");
    desk.line(&["alpha", "▶ overwriting"]).await;
    one.has_begun().await;
    scene.finish().await;
}

#[tokio::test]
async fn a_loop_is_held_and_released_by_one_key() {
    let mut scene = Scene::open(Options::default(), &[]).await;
    let mut one = scene.waiting("alpha", "true", &["true"]).await;
    one.has_begun().await;
    let desk = &mut scene.desk;
    desk.line(&["alpha", "iterating"]).await;
    desk.press("h");
    desk.shows(&["Hold alpha?", "The iteration that runs goes on to its end"]).await;
    desk.types("I look at it");
    desk.press("ctrl-y");
    desk.shows(&["alpha is held"]).await;
    desk.press("enter");
    desk.shows(&["HELD by local-admin"]).await;
    desk.press("h");
    desk.shows(&["Release alpha?", "I look at it"]).await;
    desk.press("ctrl-y");
    desk.shows(&["alpha is released"]).await;
    desk.hides(&["HELD"]).await;
    scene.finish().await;
}

#[tokio::test]
async fn who_only_looks_is_refused_and_told_why() {
    let mut scene = Scene::open(Options::default(), &["--read-only"]).await;
    scene.waiting("alpha", "true", &["true"]).await;
    let desk = &mut scene.desk;
    desk.line(&["alpha", "overwriting"]).await;
    desk.shows(&["READ ONLY"]).await;
    for key in ["x", "h", "+"] {
        desk.press(key);
        desk.shows(&["it was started with --read-only"]).await;
        desk.press("esc");
        desk.hides(&["it was started with --read-only"]).await;
    }
    let (_, file) = scene.token("watcher", Role::Viewer).await;
    let mut viewer = Desk::open(smith_as(&scene.world, &file, &[])).await;
    viewer.shows(&["READ ONLY", "watcher (viewer)", "alpha"]).await;
    viewer.press("x");
    viewer.shows(&["the token of watcher only reads (role viewer)"]).await;
    viewer.quit().await;
    scene.finish().await;
}
