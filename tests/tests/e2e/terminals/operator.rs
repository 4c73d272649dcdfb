//! smithctl on an operator's own terminal: it shows what is there, and nothing of a worker acts on it.

use smith_model::state::State;
use smith_tests::tty::Tty;
use smith_tests::{Fifo, Options, World, world};

#[tokio::test]
async fn attach_exec_and_logs_show_a_hostile_worker_and_are_not_harmed() {
    let world = World::start(Options::default()).await;
    let corpus = world.hostile_corpus();
    let mut began = Fifo::create(&world.file("began"));
    let mut go = Fifo::create(&world.file("go"));
    let lines = format!(
        "echo x >{}; read word <{}; cat '{}'; printf '\\033c'; echo 'hello from the agent'; \
         read answer; echo \"$answer\" >work.txt",
        began.path(),
        go.path(),
        corpus.display()
    );
    let repository = world.repository("hostile");
    let agent = world.agent("hostile", &lines);
    let request = world::request("hostile", &repository, &agent, &["grep -q typed work.txt"]);
    let id = world.create(&request).await;
    began.line().await;

    let mut watcher = Tty::open(80, 24);
    let watching = watcher.spawn(world.smithctl(&["attach", "hostile"]));
    watcher.shows(&["you watch"]).await;
    go.say("on").await;
    watcher.shows(&["hello from the agent"]).await;
    // Its keys go nowhere.
    watcher.type_in(b"watched\r");
    watcher.shows(&["you only watch"]).await;

    let mut typist = Tty::open(60, 10);
    let typing = typist.spawn(world.smithctl(&["attach", "hostile", "--write"]));
    // The answers to what the corpus asks stand there now, echoed, as on any terminal.
    typist.shows(&["you type"]).await;
    watcher.shows(&["local-admin types", "2 attached"]).await;

    let tty = Tty::open(80, 24);
    let cat = format!("cat '{}'; exit 7", corpus.display());
    let exec = tty.spawn(world.smithctl(&["exec", "hostile", "--", &cat]));
    let (status, text) = tty.lines(exec).await;
    assert_eq!(status.code(), Some(7), "{text}");
    assert!(text.contains("\\x1b]52;c;"), "{text}");

    // Handing it back asks for a note, and what is handed back can be taken.
    typist.type_in(b"\x1dr");
    typist.shows(&["A note"]).await;
    typist.type_in(b"looked around\r");
    typist.shows(&["nobody types"]).await;
    typist.type_in(b"\x1dt");
    typist.shows(&["you type"]).await;
    typist.type_in(b"typed\r");
    world.ends(&id, State::Synced).await;
    for (tty, child) in [(typist, typing), (watcher, watching)] {
        let (status, after) = tty.ended(child).await;
        assert!(status.success() && after.contains("about to end"), "{after}");
    }
    let handoffs = world.client().handoffs(&id).await.unwrap().items;
    let interventions = &handoffs[0].draft.interventions;
    assert_eq!(interventions[0].note.as_deref(), Some("looked around"));
    assert_eq!(interventions[1].typed, ["typed"]);

    // Whoever leaves is told nothing more.
    let waits = world.agent("waits", &format!("echo x >{}; sleep 600", began.path()));
    let again = world::request("again", &repository, &waits, &["true"]);
    let again = world.create(&again).await;
    began.line().await;
    let mut tty = Tty::open(80, 24);
    let leaving = tty.spawn(world.smithctl(&["attach", "again", "--session", "shell"]));
    tty.shows(&["again shell", "you watch"]).await;
    tty.type_in(b"\x1dd");
    let (status, after) = tty.ended(leaving).await;
    assert_eq!((status.code(), after.as_str()), (Some(0), ""));
    world.cancel(&again).await;
    world.ends(&again, State::Cancelled).await;

    let tty = Tty::open(80, 24);
    let logs = tty.spawn(world.smithctl(&["loop", "logs", "hostile"]));
    let (status, text) = tty.lines(logs).await;
    assert!(status.success() && text.contains("hello from the agent"), "{text}");
    world.finish().await;
}
