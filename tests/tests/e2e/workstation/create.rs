//! A loop is asked for in the form.

use super::*;

#[tokio::test]
async fn a_loop_is_created_by_the_form_and_a_refusal_stands_at_its_field() {
    let mut scene = Scene::open(Options::default(), &[]).await;
    let repository = scene.repository.url();
    let desk = &mut scene.desk;
    desk.press("+");
    desk.shows(&["A new loop", "Repository", "[ Create ]"]).await;
    desk.types("Fix the typo");
    desk.press("tab");
    desk.paste("Fix it.\nAll of it.");
    desk.press("tab");
    desk.types("file:///nowhere");
    desk.press("tab tab");
    desk.types("echo done >work.txt");
    desk.press("tab");
    desk.types("grep -q done work.txt");
    desk.shows(&["Fix it.", "All of it.", "grep -q done work.txt"]).await;
    desk.press("ctrl-s");
    desk.shows(&["it wasn't taken: see the fields"]).await;
    desk.until("a rule below the repository", |text| {
        let mut lines = text.lines().skip_while(|line| !line.contains("file:///nowhere"));
        lines.nth(1).is_some_and(|line| line.contains("must be"))
    })
    .await;
    // The cursor is where it is to be corrected.
    desk.press("ctrl-u");
    desk.hides(&["file:///nowhere"]).await;
    desk.types(&repository);
    desk.shows(&["repositories/work"]).await;
    desk.press("ctrl-s");
    desk.shows(&["is created; :loop"]).await;
    desk.line(&["Fix the typo", "✔ synced"]).await;
    scene.finish().await;
}
