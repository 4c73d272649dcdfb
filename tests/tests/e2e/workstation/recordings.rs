//! A session that was recorded is shown again as it was, without what is nobody's business.

use super::*;

#[tokio::test]
async fn a_recorded_session_ends_with_the_same_screen_and_holds_no_secret() {
    let scene = Scene::open(Options::default(), &[]).await;
    let lines = "read -r word; echo \"$word\" >work.txt";
    let mut one = scene.waiting("alpha", lines, &["true"]).await;
    one.has_begun().await;
    let file = scene.world.file("session");
    let args = ["--record", file.to_str().unwrap()];
    let mut desk = Desk::open(scene.world.smith(&args)).await;
    desk.line(&["alpha", "iterating"]).await;
    one.go.say("on").await;
    desk.press("a");
    desk.shows(&["you watch"]).await;
    desk.press("t");
    desk.shows(&["YOU TYPE HERE"]).await;
    desk.types("open-sesame");
    desk.press("enter");
    desk.shows(&["its worker is gone"]).await;
    desk.press("q");
    desk.line(&["alpha", "✔ synced"]).await;
    desk.press("enter");
    desk.shows(&["1 of 1 done", "smith/alpha"]).await;
    desk.press("3");
    desk.line(&["r1a1", "#1"]).await;
    desk.press("t");
    desk.shows(&["exit code 0"]).await;
    let last = desk.text();
    desk.quit().await;

    let text = std::fs::read_to_string(&file).unwrap();
    assert!(!text.contains(scene.world.token().trim()), "the token is in the recording");
    assert!(!text.contains("open-sesame"), "what was typed into a terminal is in the recording");
    let mut command = desk::program(&scene.world.home());
    command.arg("--replay").arg(&file);
    let mut again = Desk::open(command).await;
    // Ages go on for as long as it was recorded.
    let body = |text: &str| text.lines().skip(1).map(str::to_owned).collect::<Vec<_>>();
    let expected = body(&last);
    again.until(&format!("the same as\n{last}"), |text| body(text) == expected).await;
    again.press("q");
    let (status, _) = again.ended().await;
    assert!(status.success());
    scene.finish().await;
}
