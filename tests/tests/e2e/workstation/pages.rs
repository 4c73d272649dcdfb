//! The pages of a loop on a screen.

use super::*;

#[tokio::test]
async fn a_journal_is_followed_until_one_looks_back_and_says_how_much_came_meanwhile() {
    let mut scene = Scene::open(Options::default(), &[]).await;
    let lines = "for i in $(seq 1 60); do echo \"line $i of the agent\"; done\necho done >work.txt";
    let mut one = scene.waiting("alpha", lines, &["true"]).await;
    one.has_begun().await;
    let desk = &mut scene.desk;
    desk.line(&["alpha", "iterating"]).await;
    desk.press("l");
    desk.shows(&["following", "live", "claimed"]).await;
    desk.press("up");
    desk.shows(&["paused"]).await;
    one.go.say("on").await;
    desk.shows(&["new: G follows"]).await;
    desk.press("G");
    desk.shows(&["the loop has ended: this is all", "→ synced"]).await;
    desk.hides(&["new: G follows"]).await;
    desk.press("/");
    desk.types("line 1 of the agent");
    desk.press("enter");
    desk.shows(&["line 1 of the agent"]).await;
    scene.finish().await;
}

#[tokio::test]
async fn a_loop_is_read_on_its_pages() {
    let mut scene = Scene::open(Options::default(), &[]).await;
    let lines = "echo 'says the agent'\necho done >work.txt";
    let mut one = scene.waiting("alpha", lines, &["grep -q done work.txt"]).await;
    one.has_begun().await;
    one.go.say("on").await;
    let desk = &mut scene.desk;
    desk.line(&["alpha", "✔ synced"]).await;
    desk.press("enter");
    desk.shows(&["State", "✔ synced (completed)", "1 of 1 done", "smith/alpha", "local-admin"])
        .await;
    desk.press("3");
    desk.line(&["r1a1", "#1"]).await;
    desk.press("d");
    desk.shows(&["diff --git a/work.txt b/work.txt", "+done"]).await;
    desk.press("t");
    desk.shows(&["grep -q done work.txt"]).await;
    desk.press("o");
    desk.shows(&["says the agent"]).await;
    desk.press("p");
    desk.shows(&["do what the test wants"]).await;
    desk.click("4 Handoffs");
    desk.shows(&["r1a1"]).await;
    desk.press("6");
    desk.shows(&["grep -q done work.txt"]).await;
    desk.press("7");
    desk.shows(&["state", "attempt", "iterations", "r1a1"]).await;
    desk.press("home");
    desk.shows(&["+0"]).await;
    scene.finish().await;
}
