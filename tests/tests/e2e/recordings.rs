//! Recordings, from a worker's terminal to an operator's: listed, exported and played, and nothing in them acts on who looks.

use std::process::Stdio;

use rustix::process::Signal;
use smith_model::id::LoopId;
use smith_model::printable::{Lines, printable};
use smith_model::state::State;
use smith_term::recording::Recording;
use smith_tests::tty::Tty;
use smith_tests::{Options, World, process, world};

/// The agent says whatever may harm, and then hello.
async fn hostile(world: &World) -> LoopId {
    let corpus = world.hostile_corpus();
    let lines = format!(
        "cat '{}'; printf '\\033c'; echo 'hello from the agent'; echo done >work.txt",
        corpus.display()
    );
    let repository = world.repository("recorded");
    let agent = world.agent("hostile", &lines);
    let request = world::request("recorded", &repository, &agent, &["grep -q done work.txt"]);
    let id = world.create(&request).await;
    world.ends(&id, State::Synced).await;
    id
}

#[tokio::test]
async fn a_recording_is_listed_exported_and_played_and_does_no_harm() {
    let world = World::start(Options::default()).await;
    let id = hostile(&world).await;
    let id = id.as_str();

    let output = world.smithctl(&["recording", "list", id, "-o", "json"]).output().await.unwrap();
    assert!(output.status.success(), "{output:?}");
    let listed: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(listed["items"].as_array().unwrap().len(), 1, "{listed}");
    assert_eq!(listed["items"][0]["session"], "agent");

    for format in ["cast", "text"] {
        let output = world
            .smithctl(&["recording", "export", id, "--format", format])
            .output()
            .await
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        let text = String::from_utf8(output.stdout).unwrap();
        assert_eq!(printable(&text, Lines::Many), text, "as {format}");
        assert!(text.contains("hello from the agent"), "{text}");
        if format == "cast" {
            let cast = Recording::read(text.as_bytes()).unwrap();
            assert_eq!((cast.header.size.columns(), cast.header.size.rows()), (120, 40));
        }
    }

    // Where there is no terminal it says what to do.
    let output =
        world.smithctl(&["recording", "play", id]).stdin(Stdio::null()).output().await.unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(told.contains(&format!("recording export {id}")), "{told}");

    let mut tty = Tty::open(80, 24);
    let child = tty.spawn(world.smithctl(&[
        "recording",
        "play",
        id,
        "1",
        "--speed",
        "64",
        "--idle-limit",
        "0.1",
    ]));
    tty.shows(&["hello from the agent", "ended"]).await;
    // From the beginning again, at once still, and then back to the end.
    tty.type_in(b"  ");
    tty.shows(&["paused"]).await;
    tty.type_in(b"\x1b[C");
    tty.shows(&["hello from the agent", "ended"]).await;
    tty.type_in(b"q");
    let (status, after) = tty.ended(child).await;
    assert_eq!((status.code(), after.as_str()), (Some(0), ""));

    let mut tty = Tty::open(40, 2);
    let child = tty.spawn(world.smithctl(&["recording", "play", id, "--seek", "1:00:00"]));
    tty.shows(&["agent r1a1 #1"]).await;
    process::signal(child.id().unwrap().cast_signed(), Signal::TERM);
    let (status, after) = tty.ended(child).await;
    assert_eq!(status.code(), Some(1));
    assert!(after.contains("error: terminated"), "{after:?}");

    world.finish().await;
}
