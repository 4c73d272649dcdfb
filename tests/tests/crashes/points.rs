//! Every failpoint of the sources: the process dies there, and the job still comes to its expected end.
//!
//! The list is read from the sources, so that a new point without a case fails; and each case fails unless all of its points
//! fired. Points share a case where one run passes them all: each kills one process, which is started again.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use smith_model::api::{OverrideRequest, ReasonRequest, TargetState};
use smith_model::state::State;
use smith_model::story::StoryStatus;
use smith_tests::{Layout, Options, World, wait};

use crate::job::{Expected, Job};
use crate::survive::{all_fired, arm, insist, surviving};

/// Points with what happens there.
type Points = &'static [(&'static str, &'static str)];

/// The transactions of the store.
const STORE: Points = &[
    ("store.create.before-commit", "kill"),
    ("store.create.after-commit", "kill"),
    ("store.change.before-commit", "kill"),
    ("store.change.after-commit", "kill"),
    ("store.lead.before-commit", "kill"),
    ("store.lead.after-commit", "kill"),
    ("store.progress.before-commit", "kill"),
    ("store.progress.after-commit", "kill"),
];

/// What a worker asks of the API.
const WORKER_CALLS: Points = &[
    ("app.claim.after-grant", "kill"),
    ("app.claim.after-commit", "kill"),
    ("app.heartbeat.kept", "kill"),
    ("app.artifact.before", "kill"),
    ("app.artifact.after", "kill"),
    ("app.evidence.before", "kill"),
    ("app.evidence.after", "kill"),
    ("app.publish.before", "kill"),
    ("app.publish.after", "kill"),
    ("app.finish.before", "kill"),
    ("app.finish.after", "kill"),
];

/// What people ask of it.
const ACTS: Points = &[
    ("app.hold.before", "kill"),
    ("app.hold.after", "kill"),
    ("app.override.before", "kill"),
    ("app.override.after", "kill"),
    ("store.system.before-commit", "kill"),
    ("store.system.after-commit", "kill"),
];

/// What the core does about a job that goes well.
const CORE: Points = &[
    ("core.admit.before", "kill"),
    ("core.admit.after", "kill"),
    ("core.create-worker.before", "kill"),
    ("core.create-worker.after", "kill"),
    ("core.remove-worker.before", "kill"),
    ("core.remove-worker.after", "kill"),
];

/// What its runtime does.
const RUNTIME: Points = &[
    ("runtime.local.labelled", "kill"),
    ("runtime.local.spawned", "kill"),
    ("runtime.local.killed", "kill"),
    ("runtime.local.set-aside", "kill"),
];

/// What the core does about a worker that stands still.
const STOPPED_WORKER: Points = &[
    ("replica.agent.after", "stop"),
    ("core.end-attempt.before", "kill"),
    ("core.end-attempt.after", "kill"),
    ("core.stop-worker.before", "kill"),
    ("core.stop-worker.after", "kill"),
    ("core.mark-gone.before", "kill"),
    ("core.mark-gone.after", "kill"),
];

/// The worker, from its claim to the judgement of a story.
const REPLICA_WORKS: Points = &[
    ("replica.claim.after", "kill"),
    ("replica.host.before", "kill"),
    ("replica.host.after", "kill"),
    ("replica.base.after", "kill"),
    ("replica.checkout.after", "kill"),
    ("replica.agent.before", "kill"),
    ("replica.agent.after", "kill"),
    ("replica.gates.before", "kill"),
    ("replica.gates.after", "kill"),
];

/// The worker, from the evidence of a story to its end.
const REPLICA_LANDS: Points = &[
    ("replica.evidence.before", "kill"),
    ("replica.commit.after", "kill"),
    ("replica.checkpoint.after-push", "kill"),
    ("replica.prepare.after", "kill"),
    ("replica.push.after", "kill"),
    ("replica.finish.before", "kill"),
    ("replica.finish.after", "kill"),
];

/// The processes between the worker and its agent.
const HOST: Points = &[
    ("host.start.before", "kill"),
    ("host.start.after", "kill"),
    ("host.end.before", "kill"),
    ("host.end.after", "kill"),
    ("keeper.start.before", "kill"),
    ("keeper.start.after", "kill"),
];

const CASES: [Points; 9] =
    [STORE, WORKER_CALLS, ACTS, CORE, RUNTIME, STOPPED_WORKER, REPLICA_WORKS, REPLICA_LANDS, HOST];

#[test]
fn every_failpoint_has_a_case_in_which_it_kills() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
    let mut found = BTreeSet::new();
    for dir in ["server/src", "replica/src"] {
        collect(&root.join(dir), &mut found);
    }
    assert!(found.len() > 40, "the sources are looked at: {found:?}");
    let cases: BTreeSet<String> = CASES
        .iter()
        .flat_map(|points| points.iter())
        .filter(|(_, action)| *action == "kill")
        .map(|(name, _)| (*name).to_owned())
        .collect();
    let forgotten: Vec<_> = found.difference(&cases).collect();
    let gone: Vec<_> = cases.difference(&found).collect();
    assert!(forgotten.is_empty(), "failpoints without a case: {forgotten:?}");
    assert!(gone.is_empty(), "cases of failpoints that are not in the sources: {gone:?}");
}

/// The names of all `hit!` of the sources below a directory.
fn collect(dir: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(dir).expect("sources") {
        let path: PathBuf = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, found);
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("a source");
        for rest in text.split("hit!(").skip(1) {
            let name = rest.trim_start().strip_prefix('"').and_then(|r| r.split('"').next());
            found.insert(name.expect("a failpoint's name is a literal").to_owned());
        }
    }
}

/// API and core are processes of their own here: a core that was killed leads again after a second.
async fn world() -> World {
    let layout = Layout::Apart { apis: 1, cores: 1 };
    World::start(Options { layout, ..Options::default() }).await
}

/// A job of two stories in a world where these points kill: they all fire, and it is done as if they had not.
async fn works(points: Points) {
    works_before(points, &[]).await;
}

/// The same, where the job's last story begins only after `first` have fired: what comes once a second could else be
/// over before it was due again.
async fn works_before(points: Points, first: Points) {
    let mut world = world().await;
    let go = world.file("go");
    let job = Job::new(&world, "job", 2, Expected::Synced).waits_for(&world, &go);
    let log = arm(&mut world, points).await;
    let client = world.client();
    let work = async {
        let created = insist(|| client.create_loop(&job.request, None)).await;
        assert_eq!(created.expect("a loop").item.record.loop_id, job.id);
        all_fired(&log, first).await;
        std::fs::write(&go, "").expect("a file");
        job.ends(&client, Expected::Synced).await;
        all_fired(&log, points).await;
    };
    surviving(&mut world, &log, work).await;
    job.check(Expected::Synced).await;
    let stories = client.stories(&job.id).await.expect("an answer").expect("stories").stories;
    assert!(stories.iter().all(|s| s.status == StoryStatus::Done), "{stories:#?}");
    let history = world.finish().await;
    assert_eq!(history.states(&job.id).last(), Some(&State::Synced));
}

#[tokio::test]
async fn a_server_killed_at_a_transaction_goes_on() {
    works_before(STORE, STORE).await;
}

#[tokio::test]
async fn an_api_killed_at_a_call_of_a_worker_goes_on() {
    works(WORKER_CALLS).await;
}

#[tokio::test]
async fn a_core_killed_at_an_action_goes_on() {
    works(CORE).await;
}

#[tokio::test]
async fn a_core_killed_beside_its_workers_goes_on() {
    works(RUNTIME).await;
}

#[tokio::test]
async fn a_core_killed_while_it_ends_a_worker_that_stands_still_goes_on() {
    works(STOPPED_WORKER).await;
}

#[tokio::test]
async fn a_worker_killed_at_its_work_is_followed_by_another() {
    works(REPLICA_WORKS).await;
}

#[tokio::test]
async fn a_worker_killed_at_its_end_is_followed_by_another() {
    works(REPLICA_LANDS).await;
}

#[tokio::test]
async fn a_host_that_was_killed_leaves_nothing_and_counts_as_nothing() {
    works(HOST).await;
}

#[tokio::test]
async fn an_act_of_a_person_is_done_once_however_often_it_is_asked_for() {
    let mut world = world().await;
    let job = Job::new(&world, "job", 1, Expected::Flatline);
    let log = arm(&mut world, ACTS).await;
    let client = world.client();
    let id = &job.id;
    let reason = ReasonRequest { reason: "the test asked for it".into() };
    let cancel = OverrideRequest {
        loop_id: id.clone(),
        target_state: TargetState::Cancelled,
        reason: reason.reason.clone(),
    };
    let work = async {
        insist(|| client.create_loop(&job.request, None)).await.expect("a loop");
        let held = insist(|| client.hold_loop(id, &reason, None)).await.expect("held");
        assert!(held.record.hold.is_some());
        // An act whose answer was lost is refused the second time, because it is done.
        let cancelled = insist(|| client.override_loop(&cancel, None)).await;
        assert!(cancelled.is_ok() || is_cancelled(&client, id).await, "{cancelled:?}");
        let overrides = client.overrides(id).await.expect("overrides").items;
        assert_eq!(overrides.len(), 2, "one hold, one cancel: {overrides:#?}");
        let journal = wait::journal(&client, id).await;
        // Refused while the worker is still there.
        loop {
            let deleted = insist(|| client.delete_loop(id, "the test is over", None)).await;
            if deleted.is_ok() || client.get_loop(id).await.is_err() {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        all_fired(&log, ACTS).await;
        journal
    };
    let journal = surviving(&mut world, &log, work).await;
    let history = world.finish().await;
    let cancels = journal.iter().filter(|e| e.draft.message.contains("→ cancelled")).count();
    assert_eq!(cancels, 1, "{}", wait::told(&journal));
    assert_eq!(history.states(id).last(), Some(&State::Cancelled));
}

async fn is_cancelled(client: &smith_client::Client, id: &smith_model::id::LoopId) -> bool {
    client.get_loop(id).await.is_ok_and(|found| found.item.record.state == State::Cancelled)
}
