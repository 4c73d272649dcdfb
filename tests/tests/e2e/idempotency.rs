//! The same request is the same loop, however often it comes and whatever happens to the answer.

use futures::future::join_all;
use smith_model::problem::Code;
use smith_model::spec::LoopRequest;
use smith_model::state::State;
use smith_tests::world::Proxied;
use smith_tests::{Layout, Options, World, http, world};

#[tokio::test]
async fn two_hundred_at_once_make_one_loop() {
    let layout = Layout::Apart { apis: 2, cores: 1 };
    let world = World::start(Options { layout, ..Options::default() }).await;
    let repository = world.repository("same");
    let agent = world.agent("write", "echo x >x.txt");
    let request =
        LoopRequest { loop_id: None, ..world::request("same", &repository, &agent, &["true"]) };
    let clients = [world.client_at(0, world.token()), world.client_at(1, world.token())];
    let calls = (0..200).map(|n| clients[n % 2].create_loop(&request, Some("one and the same")));
    let answers: Vec<_> = join_all(calls).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(answers.iter().filter(|a| a.created).count(), 1);
    let id = answers[0].item.record.loop_id.clone();
    let uid = answers[0].item.record.uid;
    assert!(answers.iter().all(|a| (&a.item.record.loop_id, a.item.record.uid) == (&id, uid)));
    world.ends(&id, State::Synced).await;
    let history = world.finish().await;
    let specs = history.writes().filter(|w| w.key.starts_with("anomalies/")).count();
    let requests = history.writes().filter(|w| w.key.starts_with("requests/")).count();
    assert_eq!((specs, requests), (1, 1));
}

#[tokio::test]
async fn the_same_key_for_another_request_is_refused() {
    let world = World::start(Options::default()).await;
    let repository = world.repository("key");
    let agent = world.agent("write", "echo x >x.txt");
    let request = world::request("key", &repository, &agent, &["true"]);
    let client = world.client();
    client.create_loop(&request, Some("k")).await.unwrap();
    let other = LoopRequest { priority: Some(7), ..request.clone() };
    let refused = client.create_loop(&other, Some("k")).await.unwrap_err();
    assert_eq!(refused.code(), Some(Code::IdempotencyConflict));
    let refused = client.create_loop(&request, Some("another key")).await.unwrap_err();
    assert_eq!(refused.code(), Some(Code::LoopExists));
    // The header wins over the body, and without any key there is nothing to be safe by.
    let nameless =
        serde_json::json!({ "prompt": "x", "gates": "none", "repository": repository.url() });
    let bearer = format!("Bearer {}", world.token());
    let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
    let body = nameless.to_string();
    let answer = http::send(world.url(0), "POST", "/v1/loops", &headers, body.as_bytes()).await;
    assert_eq!(answer.problem().errors[0].field, "idempotency_key");
    world.ends(&crate::id("key"), State::Synced).await;
    world.finish().await;
}

#[tokio::test]
async fn a_create_whose_answer_was_lost_is_there_once() {
    let options = Options { proxied: Proxied::Yes, ..Options::default() };
    let world = World::start(options).await;
    let repository = world.repository("lost");
    let agent = world.agent("write", "echo x >x.txt");
    let request = world::request("lost", &repository, &agent, &["true"]);
    let proxy = world.proxy.as_ref().unwrap();
    proxy.lose_answer_to(b"/anomalies/lost");
    let created = world.client().create_loop(&request, None).await.unwrap();
    assert!(created.created, "it was this very call");
    assert_eq!(proxy.lost(), 1);
    world.ends(&crate::id("lost"), State::Synced).await;
    world.finish().await;
}

#[tokio::test]
async fn a_worker_whose_evidence_was_taken_without_an_answer_gives_it_once() {
    let options = Options { proxied: Proxied::Yes, ..Options::default() };
    let world = World::start(options).await;
    let repository = world.repository("evidence");
    let agent = world.agent("write", "echo x >x.txt");
    let proxy = world.proxy.as_ref().unwrap();
    for (n, key) in ["/iterations/", "\"type\":\"prepared\"", "\"type\":\"pushed\"", "/handoffs/"]
        .into_iter()
        .enumerate()
    {
        let name = format!("evidence-{n}");
        proxy.lose_answer_to(key.as_bytes());
        let id = world.create(&world::request(&name, &repository, &agent, &["true"])).await;
        world.ends(&id, State::Synced).await;
        assert_eq!(proxy.lost(), n as u64 + 1, "{key}");
        assert_eq!(repository.stories(&format!("main..smith/{name}")), ["US-001"]);
    }
    world.finish().await;
}
