//! Processes die, and nothing is lost or done twice.

use rustix::process::Signal;
use smith_model::failure::FailureClass;
use smith_model::journal::{Entry, Payload};
use smith_model::spec::LoopRequest;
use smith_model::state::State;
use smith_tests::{AliveFile, Fifo, Options, Repository, World, process, wait, world};

use crate::life::prd;

/// A world with a loop of two stories, whose agent says which one it is at and waits at the second.
pub(crate) struct Scene {
    pub(crate) world: World,
    repository: Repository,
    pub(crate) id: smith_model::id::LoopId,
    alive: AliveFile,
    pub(crate) began: Fifo,
    pub(crate) go: Fifo,
}

impl Scene {
    pub(crate) async fn at_its_second_story(name: &str, options: Options) -> Self {
        let world = World::start(options).await;
        let repository = world.repository(name);
        let alive = AliveFile::create(&world.file("alive"));
        let mut began = Fifo::create(&world.file("began"));
        let go = Fifo::create(&world.file("go"));
        let lines = format!(
            r#"{}
            echo "$SMITH_STORY_ID" >{}
            test "$SMITH_STORY_ID" = US-001 || read word <{}
            echo x >"$SMITH_STORY_ID.txt""#,
            alive.take(),
            began.path(),
            go.path()
        );
        let agent = world.agent("waits", &lines);
        let request = LoopRequest {
            prd: Some(prd(&[("First", &[]), ("Second", &["US-001"])])),
            prompt: None,
            ..world::request(name, &repository, &agent, &["true"])
        };
        let id = world.create(&request).await;
        assert_eq!([began.line().await, began.line().await], ["US-001", "US-002"]);
        // A worker's word reaches the API behind its work. It is said in order: with this, the first story is certified.
        let second = |entry: &Entry| {
            matches!(&entry.draft.payload, Some(Payload::IterationStarted { iteration: 2, .. }))
        };
        wait::entry(&world.client(), &id, "of the second iteration", second).await;
        Self { world, repository, id, alive, began, go }
    }

    /// It is synced, with every story once.
    pub(crate) async fn ends_well(self) {
        let Self { world, repository, id, alive, .. } = self;
        world.ends(&id, State::Synced).await;
        assert_eq!(repository.stories(&format!("main..smith/{id}")), ["US-001", "US-002"]);
        alive.released().await;
        world.finish().await;
    }
}

#[tokio::test]
async fn a_killed_smithd_adopts_what_runs_when_it_is_started_again() {
    let mut scene = Scene::at_its_second_story("adopt", Options::default()).await;
    let replicas = scene.world.replicas();
    assert_eq!(replicas.len(), 1, "{replicas:#?}");
    scene.world.servers[0].process.kill().await;
    assert_eq!(scene.world.replicas(), replicas, "the worker runs on");
    assert!(scene.alive.is_held());
    let settings = scene.world.settings.clone();
    scene.world.servers[0].start_again(&settings).await;
    scene.go.say("on").await;
    let item = scene.world.ends(&scene.id, State::Synced).await;
    assert_eq!((item.record.attempt, item.record.uncounted_attempts), (1, 0));
    assert!(!scene.began.has_line().await, "no story was begun again");
    scene.ends_well().await;
}

#[tokio::test]
async fn a_killed_worker_is_followed_by_one_that_goes_on_from_its_checkpoint() {
    let mut scene = Scene::at_its_second_story("lost", Options::default()).await;
    let replicas = scene.world.replicas();
    assert_eq!(replicas.len(), 1, "{replicas:#?}");
    process::signal(replicas[0].pid, Signal::KILL);
    // The next worker begins where the first one stood, and no process of the first one is there.
    assert_eq!(scene.began.line().await, "US-002");
    let attempts = scene.world.client().attempts(&scene.id).await.unwrap().items;
    let class = attempts[0].end.as_ref().and_then(|end| end.class);
    assert_eq!((attempts.len(), class), (2, Some(FailureClass::WorkerLost)));
    scene.go.say("on").await;
    let item = scene.world.ends(&scene.id, State::Synced).await;
    let record = &item.record;
    assert_eq!((record.attempt, record.used_attempts, record.uncounted_attempts), (2, 0, 1));
    scene.ends_well().await;
}

#[tokio::test]
async fn a_stopped_worker_that_comes_back_is_fenced_and_changes_nothing() {
    let mut scene = Scene::at_its_second_story("fenced", Options::default()).await;
    let replicas = scene.world.replicas();
    process::signal(replicas[0].pid, Signal::STOP);
    // Beyond its lease and its grace another worker has its place; the stopped one is removed or fenced.
    assert_eq!(scene.began.line().await, "US-002");
    process::signal(replicas[0].pid, Signal::CONT);
    scene.go.say("on").await;
    process::gone(replicas[0].pid).await;
    scene.ends_well().await;
}

#[tokio::test]
async fn a_smithd_that_is_asked_to_stop_lets_its_workers_land() {
    let mut scene = Scene::at_its_second_story("lands", Options::default()).await;
    scene.world.servers[0].stop().await;
    scene.alive.released().await;
    let left = process::below(scene.world.dir());
    assert_eq!(left, [], "nothing runs on");
    let settings = scene.world.settings.clone();
    scene.world.servers[0].start_again(&settings).await;
    assert_eq!(scene.began.line().await, "US-002");
    let client = scene.world.client();
    let handoffs = client.handoffs(&scene.id).await.unwrap().items;
    assert_eq!(handoffs[0].class, Some(FailureClass::Interrupted));
    assert_eq!(handoffs[0].draft.done.len(), 1);
    scene.go.say("on").await;
    let record = scene.world.ends(&scene.id, State::Synced).await.record;
    assert_eq!((record.used_attempts, record.uncounted_attempts), (0, 1));
    scene.ends_well().await;
}

#[tokio::test]
async fn a_smithd_that_is_started_again_does_not_wait_for_its_own_leadership() {
    let mut world = World::start(Options::default()).await;
    let repository = world.repository("again");
    let agent = world.agent("write", "echo x >x.txt");
    let first = world.create(&world::request("first", &repository, &agent, &["true"])).await;
    world.ends(&first, State::Synced).await;
    let key = format!("{}/live/leader", world.settings.prefix);
    let mut etcd = world.etcd.client().await;
    let leader = etcd.get(key.as_str(), None).await.unwrap().take_kvs().remove(0);
    // Its lease doesn't end with it here: whoever waited for that would wait for ever.
    let (mut keeper, mut kept) = etcd.lease_keep_alive(leader.lease()).await.unwrap();
    keeper.keep_alive().await.unwrap();
    assert!(kept.message().await.unwrap().is_some_and(|answer| answer.ttl() > 0));
    let keeping = tokio::spawn(async move {
        let mut tick = tokio::time::interval(std::time::Duration::from_millis(500));
        loop {
            tick.tick().await;
            keeper.keep_alive().await.unwrap();
            kept.message().await.unwrap();
        }
    });
    world.servers[0].process.kill().await;
    world.servers[0].start_again(&world.settings).await;
    let second = world.create(&world::request("second", &repository, &agent, &["true"])).await;
    world.ends(&second, State::Synced).await;
    let now = etcd.get(key.as_str(), None).await.unwrap().take_kvs().remove(0);
    assert!(now.create_revision() > leader.create_revision());
    let left = etcd.lease_time_to_live(leader.lease(), None).await.unwrap();
    assert!(left.ttl() > 0, "it was the lease's end after all");
    keeping.abort();
    world.finish().await;
}
