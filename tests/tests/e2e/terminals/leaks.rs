//! Attaching leaves nothing: descriptors and processes of smithd and its workers are counted before and after.

use futures::future::join_all;
use smith_model::state::State;
use smith_model::terminal::{Mode, Session};
use smith_term::message::{EndReason, FromViewer, FromWorker};
use smith_tests::watcher::{Said, target};
use smith_tests::{Options, Watcher, in_time, process};

use super::{Person, Scene};

/// Attaches in all.
const ATTACHES: usize = 1_000;
/// People, and terminals of each at once: as many as an identity may have.
const PEOPLE: usize = 5;
const EACH: usize = 8;

/// Open files of everything that runs in the world, by process.
fn open_files(scene: &Scene) -> Vec<(i32, usize)> {
    let count = |pid: i32| std::fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, Iterator::count);
    let mut all: Vec<_> =
        process::below(scene.world.dir()).iter().map(|p| (p.pid, count(p.pid))).collect();
    all.sort_unstable();
    all
}

/// Attached, as soon as the places of those before are free again.
async fn attached(person: &Person, scene: &Scene) -> Watcher {
    loop {
        let terminal = person.client.terminal(target(&scene.id, Session::Agent, Mode::Write));
        match Watcher::try_welcomed(terminal).await {
            Ok(watcher) => return watcher,
            Err(Said::Message(FromWorker::End { reason: EndReason::Full, .. })) => {}
            Err(said) => panic!("{said:?}"),
        }
    }
}

#[tokio::test]
async fn a_thousand_attaches_leave_no_descriptor_and_no_process() {
    let lines = "echo ready; read word <$go; echo x >x.txt";
    let mut scene = Scene::begun("leaks", Options::default(), lines, &["true"]).await;
    let mut people = vec![];
    for n in 0..PEOPLE {
        people.push(scene.operator(&format!("person-{n}")).await);
    }
    let mut first = scene.attach(Mode::Read).await;
    first.shows("ready").await;
    // What is kept open from the first use on, like connections that are kept alive, is no leak.
    let round = async |scene: &Scene| {
        let many = people.iter().flat_map(|person| (0..EACH).map(move |_| person));
        let many = join_all(many.map(|person| attached(person, scene))).await;
        let count = many.len();
        for (n, mut watcher) in many.into_iter().enumerate() {
            // Half of them say goodbye.
            if n % 2 == 0 {
                watcher.say(FromViewer::Detach).await;
                assert_eq!(watcher.end().await.0, EndReason::Detached);
            }
        }
        count
    };
    round(&scene).await;
    let settled = async |scene: &Scene, first: &mut Watcher| {
        let alone = |m: &FromWorker| match m {
            FromWorker::Viewers { viewers } => (viewers.len() == 1).then_some(()),
            _ => None,
        };
        first.until(alone).await;
        // A descriptor is closed a moment after its last word; nothing tells when.
        let mut looks = vec![open_files(scene)];
        while looks.len() < 5 {
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
            let look = open_files(scene);
            if look != looks[0] {
                looks.clear();
            }
            looks.push(look);
        }
        looks.remove(0)
    };
    let before = settled(&scene, &mut first).await;
    let mut attaches = 0;
    while attaches < ATTACHES {
        attaches += round(&scene).await;
    }
    let after = settled(&scene, &mut first).await;
    // Connections that were kept alive for another request may be gone meanwhile; nothing may have come.
    let pids = |files: &[(i32, usize)]| files.iter().map(|(pid, _)| *pid).collect::<Vec<_>>();
    assert_eq!(pids(&after), pids(&before), "processes");
    let none_came = before.iter().zip(&after).all(|((_, before), (_, after))| after <= before);
    assert!(none_came, "open files of each process: before {before:?}, after {after:?}");
    let runtime = scene.world.client().runtime(&scene.id).await.unwrap();
    assert_eq!(runtime.sessions.iter().map(|s| s.viewers.len()).sum::<usize>(), 1);
    scene.go.say("on").await;
    in_time("the end", scene.world.ends(&scene.id, State::Synced)).await;
    scene.world.finish().await;
}
