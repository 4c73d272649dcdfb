//! Every act of a person is recorded, with who, what and why.

use smith_client::AuditFilter;
use smith_model::api::{ReasonRequest, RetryRequest};
use smith_model::state::{RetryFrom, State};
use smith_tests::{Layout, Options, World, world};

#[tokio::test]
async fn every_act_has_its_record_and_its_entry() {
    let layout = Layout::Apart { apis: 1, cores: 0 };
    let world = World::start(Options { layout, ..Options::default() }).await;
    let repository = world.repository("audit");
    let client = world.client();
    let id = world.create(&world::request("audit", &repository, "true", &["true"])).await;
    let reason = |text: &str| ReasonRequest { reason: text.into() };
    client.hold_loop(&id, &reason("hold it"), None).await.unwrap();
    client.hold_loop(&id, &reason("again"), None).await.unwrap();
    client.release_loop(&id, &reason("let it go"), None).await.unwrap();
    assert_eq!(world.cancel(&id).await.record.state, State::Cancelled);
    let retry = RetryRequest { reason: "once more".into(), from: RetryFrom::Checkpoint };
    client.retry_loop(&id, &retry, None).await.unwrap();
    world.cancel(&id).await;
    let filter = AuditFilter { loop_id: Some(id.clone()), ..AuditFilter::default() };
    let mut records = client.audit(&filter).await.unwrap().items;
    records.sort_by_key(|record| record.id);
    let acts: Vec<_> =
        records.iter().map(|r| (r.action.as_str(), r.reason.as_deref().unwrap_or(""))).collect();
    let why = "the test asked for it";
    // A second hold changes nothing, so there is nothing to record.
    assert_eq!(
        acts,
        [
            ("loop.create", ""),
            ("loop.hold", "hold it"),
            ("loop.release", "let it go"),
            ("loop.cancel", why),
            ("loop.retry", "once more"),
            ("loop.cancel", why),
        ]
    );
    assert!(records.iter().all(|r| r.actor == "admin" && r.request_id.is_some()), "{records:#?}");
    let journal = smith_tests::wait::journal(&client, &id).await;
    for record in &records {
        assert_eq!(record.scope, id.as_str());
        assert!(journal.iter().any(|entry| entry.seq == record.seq), "{record:?}");
    }
    // An act without a reason is none.
    let refused = client.hold_loop(&id, &reason("  "), None).await.unwrap_err();
    assert_eq!(refused.code(), Some(smith_model::problem::Code::InvalidRequest));
    world.finish().await;
}
