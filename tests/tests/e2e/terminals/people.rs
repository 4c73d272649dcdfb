//! What people do at a terminal reaches the agent, the evidence, and each other.

use smith_model::attempt::Exit;
use smith_model::journal::Payload;
use smith_model::state::State;
use smith_model::terminal::{CommandRequest, DetachRequest, Mode, Session};
use smith_term::message::{About, EndReason, FromViewer, FromWorker, LeaseRequest, Next, Status};
use smith_term::recording::Recording;
use smith_tests::{Options, Watcher, in_time};

use super::Scene;

/// A reason to take the keyboard away.
const WHY: &str = "production is down";

#[tokio::test]
async fn what_a_person_did_is_told_to_the_next_iteration_and_stands_under_their_name() {
    let lines = r#"
        if [ "$SMITH_ITERATION" = 1 ]; then
            echo draft >before.txt
            echo begun >$began
            read word
            echo "$word" >typed.txt
            echo saved
            read word <$go
        else
            cp "$SMITH_PROMPT_FILE" "$(dirname $go)/prompt"
            echo x >second.txt
        fi"#;
    let mut scene = Scene::begun("hand", Options::default(), lines, &["test -e second.txt"]).await;
    scene.next_begun().await;
    let maria = scene.operator("maria").await;
    let mut watcher = Watcher::attach(&maria.client, &scene.id, Session::Agent, Mode::Write).await;
    watcher.take().await;
    // The workspace is looked at when somebody takes the lease; its files are among git's objects then.
    scene.repository.git(&["checkout", "--quiet", "-b", "aside"]);
    scene.repository.commit("before.txt", "draft\n", "as it is when it is looked at");
    let tree = scene.repository.git(&["rev-parse", "aside^{tree}"]);
    scene.repository.git(&["checkout", "--quiet", "main"]);
    let worker = scene.world.settings.workers()[0].join(format!("smith-{}-r1a1", scene.id));
    let object = worker.join("git/objects").join(&tree[..2]).join(&tree[2..]);
    let looked = async {
        while !object.exists() {
            // No stream tells it.
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    in_time(object.display(), looked).await;
    watcher.type_("make it so\r").await;
    watcher.shows("saved").await;
    watcher.release(Some("mind the gap")).await;
    scene.go.say("on").await;
    let exit = watcher.until(|m| match m {
        FromWorker::Exit { status, next, .. } => Some((*status, *next)),
        _ => None,
    });
    assert_eq!(exit.await, (Some(Status::Code(0)), Next::Another));
    scene.world.ends(&scene.id, State::Synced).await;

    let prompt = std::fs::read_to_string(scene.world.file("prompt")).unwrap();
    for told in ["maria was at the last agent's terminal", "mind the gap", "make it so"] {
        assert!(prompt.contains(told), "no {told:?} in the prompt:\n{prompt}");
    }
    assert!(prompt.contains("1 files were changed, 1 lines added"), "{prompt}");
    let client = scene.world.client();
    let handoffs = client.handoffs(&scene.id).await.unwrap().items;
    let [told] = handoffs[0].draft.interventions.as_slice() else { panic!("{handoffs:#?}") };
    assert_eq!((told.by.as_str(), told.session), ("maria", Session::Agent));
    assert_eq!(
        (told.typed.as_slice(), told.note.as_deref()),
        (&["make it so".to_owned()][..], Some("mind the gap"))
    );
    assert_eq!((told.stat.files, told.stat.insertions, told.stat.deletions), (1, 1, 0));
    let diff = client.artifact(&scene.id, &told.diff.as_ref().unwrap().digest).await.unwrap();
    assert!(String::from_utf8_lossy(&diff).contains("+make it so"));
    let journal = scene.journal().await;
    let entered: Vec<_> = journal
        .iter()
        .filter_map(|e| match &e.draft.payload {
            Some(Payload::Intervention(intervention)) => Some(intervention),
            _ => None,
        })
        .collect();
    assert_eq!(entered, [told]);
    let acts = scene.acts().await;
    let names: Vec<_> = acts.iter().map(|r| (r.action.as_str(), r.actor.as_str())).collect();
    let by = |action| (action, "maria");
    assert_eq!(
        names,
        [by("terminal.attach"), by("terminal.lease.take"), by("terminal.lease.release")]
    );
    assert_eq!(acts[2].reason.as_deref(), Some("mind the gap"));
    // What was shown and typed is a recording.
    let recordings = scene.recordings().await;
    assert_eq!(recordings.len(), 2, "one of each iteration's agent");
    let text = String::from_utf8_lossy(&recordings[0]).into_owned();
    assert!(text.contains("make it so") && text.contains("saved"), "{text}");
    Recording::read(&recordings[0]).unwrap();
    scene.world.finish().await;
}

#[tokio::test]
async fn the_next_iterations_agent_comes_into_the_same_terminal() {
    let lines = r#"
        echo "the agent of $SMITH_ITERATION"
        read word
        echo x >"$SMITH_ITERATION.txt""#;
    let mut scene = Scene::begun("next", Options::default(), lines, &["test -e 2.txt"]).await;
    let mut watcher = scene.attach(Mode::Write).await;
    watcher.shows("the agent of 1").await;
    watcher.take().await;
    watcher.type_("on\r").await;
    let exit = |m: &FromWorker| match m {
        FromWorker::Exit { generation, next, .. } => Some((*generation, *next)),
        FromWorker::Began { .. } => panic!("it began before it ended"),
        _ => None,
    };
    assert_eq!(watcher.until(exit).await, (1, Next::Another));
    let began = |m: &FromWorker| match m {
        FromWorker::Began { generation, .. } => Some(*generation),
        _ => None,
    };
    assert_eq!(watcher.until(began).await, 2);
    scene.next_begun().await;
    let screen = watcher.shows("the agent of 2").await;
    assert!(!screen.contains("agent of 1"), "{screen}");
    // The lease is the holder's still.
    watcher.type_("on\r").await;
    let (reason, _) = watcher.end().await;
    assert_eq!(reason, EndReason::ReplicaEnding);
    scene.world.ends(&scene.id, State::Synced).await;
    scene.world.finish().await;
}

#[tokio::test]
async fn two_who_steal_from_each_other_are_told_and_recorded() {
    let lines =
        "while read word; do echo \"got $word\"; test $word != end || break; done; echo x >x.txt";
    let scene = Scene::begun("steal", Options::default(), lines, &["true"]).await;
    let (ann, bob) = (scene.operator("ann").await, scene.operator("bob").await);
    let mut at_ann = Watcher::attach(&ann.client, &scene.id, Session::Agent, Mode::Write).await;
    let mut at_bob = Watcher::attach(&bob.client, &scene.id, Session::Agent, Mode::Write).await;
    at_ann.take().await;
    at_bob.say(FromViewer::Lease(LeaseRequest::Take)).await;
    assert_eq!(at_bob.notice().await, About::LeaseTaken);
    let stolen = |by: &'static str| {
        move |m: &FromWorker| match m {
            FromWorker::Lease { holder: Some(h) } if h.name == by => h.stolen.clone(),
            _ => None,
        }
    };
    let steal = |reason: &str| FromViewer::Lease(LeaseRequest::Steal { reason: reason.into() });
    at_bob.say(steal(WHY)).await;
    let told = at_ann.until(stolen("bob")).await;
    assert_eq!((told.from.as_str(), told.reason.as_str()), ("ann", WHY));
    at_ann.type_("late\r").await;
    assert_eq!(at_ann.notice().await, About::NoLease);
    at_bob.until(stolen("bob")).await;
    at_bob.type_("one\r").await;
    at_ann.shows("got one").await;
    at_ann.say(steal("it is up again")).await;
    let told = at_bob.until(stolen("ann")).await;
    assert_eq!((told.from.as_str(), told.reason.as_str()), ("bob", "it is up again"));
    at_ann.until(stolen("ann")).await;
    at_ann.type_("end\r").await;
    at_bob.shows("got end").await;
    assert!(!at_bob.text().contains("late"), "{}", at_bob.text());
    scene.world.ends(&scene.id, State::Synced).await;
    let acts = scene.acts().await;
    // Each one's records come by the stream of that one, so only those of one person have an order.
    let of = |who: &str| -> Vec<(&str, Option<&str>)> {
        let told = acts.iter().filter(|r| r.actor == who);
        told.map(|r| (r.action.as_str(), r.reason.as_deref())).collect()
    };
    assert_eq!(
        of("ann")[..4],
        [
            ("terminal.attach", None),
            ("terminal.lease.take", None),
            ("terminal.lease.lost", Some("bob stole it")),
            ("terminal.lease.steal", Some("it is up again")),
        ]
    );
    assert_eq!(
        of("bob"),
        [
            ("terminal.attach", None),
            ("terminal.lease.steal", Some(WHY)),
            ("terminal.lease.lost", Some("ann stole it")),
        ]
    );
    scene.world.finish().await;
}

#[tokio::test]
async fn a_command_runs_in_the_workspace_and_is_recorded() {
    let lines = "echo here >here.txt; echo begun >$began; read word <$go; echo x >x.txt";
    let mut scene = Scene::begun("command", Options::default(), lines, &["true"]).await;
    scene.next_begun().await;
    let maria = scene.operator("maria").await;
    let request = |line: &str| CommandRequest { command: line.into(), timeout_seconds: Some(20) };
    let line = "cat here.txt; echo $LANG $TERM; echo aside >&2; exit 7";
    let answer = maria.client.command(&scene.id, &request(line)).await.unwrap();
    assert_eq!(
        (answer.exit, answer.stdout.as_str(), answer.stderr.as_str()),
        (Exit::Code(7), "here\nC.UTF-8 xterm-256color\n", "aside\n")
    );
    let acts = scene.acts().await;
    let names: Vec<_> = acts.iter().map(|r| (r.action.as_str(), r.actor.as_str())).collect();
    assert_eq!(names, [("terminal.command", "maria"), ("terminal.command.end", "maria")]);
    let told = serde_json::to_string(&acts[0]).unwrap();
    assert!(told.contains("cat here.txt"), "{told}");
    scene.go.say("on").await;
    scene.world.ends(&scene.id, State::Synced).await;
    scene.world.finish().await;
}

#[tokio::test]
async fn people_are_detached_by_themselves_and_by_an_admin() {
    let mut scene =
        Scene::begun("detach", Options::default(), "read word <$go; echo x >x.txt", &["true"])
            .await;
    let (ann, bob) = (scene.operator("ann").await, scene.operator("bob").await);
    let mut at_ann = Watcher::attach(&ann.client, &scene.id, Session::Agent, Mode::Write).await;
    let mut at_bob = Watcher::attach(&bob.client, &scene.id, Session::Agent, Mode::Read).await;
    // Not each other.
    let whom = |watcher: &Watcher| DetachRequest { viewer: Some(watcher.welcome.you) };
    let refused = ann.client.detach(&scene.id, &whom(&at_bob)).await;
    assert!(refused.is_err() || refused.unwrap().detached.is_empty());
    let own = DetachRequest { viewer: None };
    let gone = ann.client.detach(&scene.id, &own).await.unwrap().detached;
    assert_eq!(gone.iter().map(|v| v.name.as_str()).collect::<Vec<_>>(), ["ann"]);
    assert_eq!(at_ann.end().await.0, EndReason::Detached);
    let gone = scene.world.client().detach(&scene.id, &whom(&at_bob)).await.unwrap().detached;
    assert_eq!(gone.iter().map(|v| v.name.as_str()).collect::<Vec<_>>(), ["bob"]);
    assert_eq!(at_bob.end().await.0, EndReason::Detached);
    let acts = scene.acts().await;
    let detached: Vec<_> =
        acts.iter().filter(|r| r.action == "terminal.detach").map(|r| r.actor.as_str()).collect();
    assert!(detached.contains(&"ann") && detached.contains(&"local-admin"), "{acts:#?}");
    scene.go.say("on").await;
    scene.world.ends(&scene.id, State::Synced).await;
    scene.world.finish().await;
}
