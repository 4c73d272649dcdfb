//! etcd goes away in the middle of the work, and comes back.

use std::time::Duration;

use smith_model::problem::Code;
use smith_tests::world::Proxied;
use smith_tests::{Etcd, Layout, Options, World};

use crate::crash::Scene;

/// Longer than a worker's lease, so that etcd has forgotten it when it can be asked again.
const BEYOND_THE_LEASE: Duration = Duration::from_secs(4);

fn proxied() -> Options {
    Options { proxied: Proxied::Yes, ..Options::default() }
}

/// Nothing was lost: the same worker finished, in the same attempt.
async fn goes_on(mut scene: Scene) {
    scene.go.say("on").await;
    let item = scene.world.ends(&scene.id, smith_model::state::State::Synced).await;
    let record = &item.record;
    assert_eq!((record.attempt, record.used_attempts, record.uncounted_attempts), (1, 0, 0));
    scene.ends_well().await;
}

#[tokio::test]
async fn an_etcd_that_cannot_be_reached_for_longer_than_the_lease_loses_nothing() {
    let scene = Scene::at_its_second_story("cut", proxied()).await;
    let proxy = scene.world.proxy.as_ref().unwrap();
    proxy.cut();
    let refused = scene.world.client().get_loop(&scene.id).await.unwrap_err();
    assert_eq!(refused.code(), Some(Code::Unavailable), "{refused}");
    assert!(refused.retry_after().is_some());
    tokio::time::sleep(BEYOND_THE_LEASE).await;
    proxy.open();
    goes_on(scene).await;
}

#[tokio::test]
async fn an_etcd_that_says_nothing_for_longer_than_the_lease_loses_nothing() {
    let scene = Scene::at_its_second_story("stall", proxied()).await;
    let proxy = scene.world.proxy.as_ref().unwrap();
    proxy.stall();
    tokio::time::sleep(BEYOND_THE_LEASE).await;
    proxy.open();
    goes_on(scene).await;
}

#[tokio::test]
async fn a_killed_etcd_that_is_started_again_loses_nothing() {
    let etcd = Some(Etcd::private(&[]).await);
    let mut scene =
        Scene::at_its_second_story("killed", Options { etcd, ..Options::default() }).await;
    scene.world.etcd.stop().await;
    tokio::time::sleep(BEYOND_THE_LEASE).await;
    scene.world.etcd.start_again().await;
    goes_on(scene).await;
}

#[tokio::test]
async fn whoever_is_asked_to_stop_while_it_starts_ends_well() {
    for layout in [Layout::Together, Layout::Apart { apis: 1, cores: 1 }] {
        let mut world = World::start(Options { layout, ..proxied() }).await;
        let World { proxy, servers, cores, settings, .. } = &mut world;
        for server in servers.iter_mut().chain(cores.iter_mut()) {
            server.stop().await;
        }
        // None of them gets any further than to its first question to etcd.
        proxy.as_ref().unwrap().stall();
        for server in servers.iter_mut().chain(cores.iter_mut()) {
            server.begin_again(settings);
            server.stop().await;
        }
        proxy.as_ref().unwrap().open();
        world.finish().await;
    }
}
