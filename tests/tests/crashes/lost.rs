//! Lost answers: etcd commits, and nobody hears of it. What was asked for is done exactly once all the same.

use smith_model::api::{OverrideRequest, ReasonRequest, TargetState};
use smith_model::state::State;
use smith_tests::world::Proxied;
use smith_tests::{Options, World, wait};

use crate::job::{Expected, Job};
use crate::survive::insist;

/// One answer in so many is lost.
const ONE_IN: u64 = 5;

#[tokio::test]
async fn what_etcd_committed_without_an_answer_is_done_once() {
    let seed = std::env::var("SMITH_CHAOS_SEED").ok().map(|seed| seed.parse().expect("a number"));
    let seed = seed.unwrap_or_else(|| u64::from(uuid::Uuid::new_v4().as_fields().0));
    eprintln!("SMITH_CHAOS_SEED={seed}");
    let world = World::start(Options { proxied: Proxied::Yes, ..Options::default() }).await;
    let proxy = world.proxy.as_ref().expect("a proxy");
    // Every append names the journal's head, and so does every read before one.
    proxy.lose_answers_to(b"/heads/", ONE_IN, seed);
    let client = world.client();
    let job = Job::new(&world, "job", 3, Expected::Synced);
    let other = Job::new(&world, "other", 3, Expected::Flatline);
    let reason = ReasonRequest { reason: "the test asked for it".into() };
    for request in [&job.request, &other.request, &job.request] {
        insist(|| client.create_loop(request, None)).await.expect("a loop");
    }
    insist(|| client.hold_loop(&job.id, &reason, None)).await.expect("held");
    insist(|| client.release_loop(&job.id, &reason, None)).await.expect("released");
    let cancel = OverrideRequest {
        loop_id: other.id.clone(),
        target_state: TargetState::Cancelled,
        reason: reason.reason.clone(),
    };
    let cancelled = insist(|| client.override_loop(&cancel, None)).await;
    wait::ends(&client, &other.id, State::Cancelled).await;
    job.ends(&client, Expected::Synced).await;
    proxy.lose_none();
    eprintln!("{} answers were lost; the cancel was answered by {cancelled:?}", proxy.lost());
    assert!(proxy.lost() > 0, "no answer was lost");
    let overrides = client.overrides(&job.id).await.expect("overrides").items;
    let actions: Vec<_> = overrides.iter().map(|o| o.action.as_str()).collect();
    assert_eq!(actions, ["hold", "release"]);
    assert_eq!(client.overrides(&other.id).await.expect("overrides").items.len(), 1);
    job.check(Expected::Synced).await;
    other.check(Expected::Flatline).await;
    let history = world.finish().await;
    let states = [State::Unresolved, State::Overwriting, State::Synced];
    assert_eq!(history.states(&job.id), states, "it took one attempt");
}
