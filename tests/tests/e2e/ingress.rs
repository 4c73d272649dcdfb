//! PRDs and batches as they come in.

use serde_json::json;
use smith_model::api::{BatchRequest, PrdMode, PrdRequest};
use smith_model::problem::Code;
use smith_model::state::State;
use smith_tests::{Options, World, world};

use crate::life::prd;

#[tokio::test]
async fn one_loop_a_story_begins_from_the_merged_work_of_its_dependencies() {
    let world = World::start(Options::default()).await;
    let repository = world.repository("stories");
    // The third loop sees what the first two left, on a base that has both.
    let lines = r#"
        case "$SMITH_LOOP_ID" in
            s-us-001) echo 1 >first.txt ;;
            s-us-002) echo 2 >second.txt ;;
            s-us-003) cat first.txt second.txt >third.txt ;;
        esac"#;
    let agent = world.agent("one", lines);
    let request = PrdRequest {
        prd: Some(prd(&[("First", &[]), ("Second", &[]), ("Third", &["US-001", "US-002"])])),
        mode: PrdMode::Stories,
        loop_id: Some("s".into()),
        source_ref: Some("plan".into()),
        repository: Some(repository.url().parse().unwrap()),
        command: Some(agent),
        ..PrdRequest::default()
    };
    let client = world.client();
    let answer = client.submit_prd(&request).await.unwrap();
    assert_eq!((answer.batch.created, answer.batch.refused), (3, 0), "{answer:#?}");
    let third = crate::id("s-us-003");
    let item = world.ends(&third, State::Synced).await;
    assert_eq!(item.record.summary.depends_on, [crate::id("s-us-001"), crate::id("s-us-002")]);
    assert_eq!(repository.file("smith/s-us-003", "third.txt").as_deref(), Some("1\n2"));
    for name in ["s-us-001", "s-us-002"] {
        let branch = format!("smith/{name}");
        let is_in = repository.try_git(&["merge-base", "--is-ancestor", &branch, "smith/s-us-003"]);
        assert!(is_in.is_ok(), "{branch} is part of its dependents");
    }
    // The same again is the same loops.
    let again = client.submit_prd(&request).await.unwrap();
    assert_eq!((again.batch.created, again.batch.existing), (0, 3), "{again:#?}");
    world.finish().await;
}

#[tokio::test]
async fn each_item_of_a_batch_has_an_answer_of_its_own() {
    let world = World::start(Options::default()).await;
    let repository = world.repository("batch");
    let agent = world.agent("write", "echo x >x.txt");
    let one = |name: &str| world::request(name, &repository, &agent, &["true"]);
    let mut second = one("b-two");
    second.depends_on = vec![crate::id("b-one")];
    let mut other = one("b-one");
    other.title = Some("another request under the same name".into());
    let json = |request| serde_json::to_value(request).unwrap();
    let loops = vec![
        json(one("b-one")),
        json(second),
        json(one("b-one")),
        json(other),
        json!({ "loop_id": "b-three", "gates": "perhaps" }),
        json!(7),
    ];
    let client = world.client();
    let answer = client.create_loops(&BatchRequest { loops }).await.unwrap();
    let statuses: Vec<_> = answer.results.iter().map(|r| r.status).collect();
    assert_eq!(statuses, [201, 201, 200, 409, 400, 400], "{answer:#?}");
    assert_eq!((answer.created, answer.existing, answer.refused), (2, 1, 3));
    let codes: Vec<_> = answer.results.iter().map(|r| r.problem.as_ref().map(|p| p.code)).collect();
    assert_eq!(codes[3], Some(Code::IdempotencyConflict));
    assert_eq!(codes[4], Some(Code::MalformedRequest));
    for name in ["b-one", "b-two"] {
        world.ends(&crate::id(name), State::Synced).await;
    }
    assert_eq!(
        client.get_loop(&crate::id("b-three")).await.unwrap_err().code(),
        Some(Code::NotFound)
    );
    world.finish().await;
}
