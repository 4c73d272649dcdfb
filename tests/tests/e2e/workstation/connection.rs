//! What the screen says when nobody answers, or answers wrongly.

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;

use super::*;

#[tokio::test]
async fn a_server_that_is_killed_leaves_what_was_known_as_of_then_and_is_found_again() {
    let mut scene = Scene::open(Options::default(), &[]).await;
    scene.waiting("alpha", "true", &["true"]).await;
    scene.waiting("beta", "true", &["true"]).await;
    let desk = &mut scene.desk;
    desk.line(&["alpha", "iterating"]).await;
    desk.line(&["beta", "iterating"]).await;
    desk.click("the loop beta");
    desk.line(&["▸beta"]).await;
    let before = desk.style("the loop alpha");
    scene.world.servers[0].process.kill().await;
    desk.shows(&["CONNECTION LOST", "as of", "ago); trying again", "the loop alpha"]).await;
    assert_ne!(desk.style("the loop alpha"), before, "what is old looks like what is new");
    desk.until("an age", |text| text.contains("CONNECTION LOST 2s ago")).await;
    let World { servers, settings, .. } = &mut scene.world;
    servers[0].start_again(settings).await;
    desk.hides(&["CONNECTION LOST"]).await;
    desk.shows(&["live, last event"]).await;
    assert_eq!(desk.style("the loop alpha"), before);
    scene.waiting("gamma", "true", &["true"]).await;
    scene.desk.line(&["gamma", "overwriting"]).await;
    scene.finish().await;
}

#[tokio::test]
async fn a_token_that_was_revoked_is_said_with_the_way_out() {
    let mut scene = Scene::open(Options::default(), &[]).await;
    let (id, file) = scene.token("guest", Role::Operator).await;
    scene.world.client().revoke_token(&id).await.unwrap();
    let mut guest = Desk::open(smith_as(&scene.world, &file, &[])).await;
    guest.shows(&["doesn't take this token", "was revoked", "another context", ":server"]).await;
    guest.quit().await;

    // One that is revoked meanwhile.
    let (id, file) = scene.token("later", Role::Operator).await;
    let mut later = Desk::open(smith_as(&scene.world, &file, &[])).await;
    later.shows(&["later (operator)", "live"]).await;
    scene.world.client().revoke_token(&id).await.unwrap();
    later.press("+");
    later.shows(&["A new loop"]).await;
    later.press("esc");
    later.hides(&["A new loop"]).await;
    later.shows(&["REFUSED"]).await;
    later.quit().await;
    scene.desk.shows(&["live"]).await;
    scene.finish().await;
}

#[tokio::test]
async fn a_server_that_says_nothing_or_nonsense_doesn_t_hold_up_the_keys() {
    let world = World::start(Options::default()).await;
    for answer in [None, Some("HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n\r\n\x1b[2J<html>")] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let serves = tokio::spawn(async move {
            let mut kept = vec![];
            while let Ok((mut stream, _)) = listener.accept().await {
                match answer {
                    Some(answer) => stream.write_all(answer.as_bytes()).await.unwrap_or_default(),
                    None => kept.push(stream),
                }
            }
        });
        let token = world.settings.state().join("admin.token");
        let mut command = desk::program(&world.home());
        command.args(["--server", &url, "--token-file"]).arg(token);
        let mut desk = Desk::open(command).await;
        match answer {
            None => desk.shows(&["connecting"]).await,
            Some(_) => desk.shows(&["doesn't answer as Smith does", "another context"]).await,
        }
        desk.press("?");
        desk.shows(&["keys and commands here"]).await;
        desk.press("q");
        desk.hides(&["keys and commands here"]).await;
        assert!(!desk.got("<html>") && !desk.text().contains("There are no loops"));
        desk.quit().await;
        serves.abort();
    }
    finish(world).await;
}
