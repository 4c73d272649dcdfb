//! Every act of a person is recorded, with who, what and why; and told to those who watch.

use futures::StreamExt as _;
use smith_client::stream::{EventId, Signal, Signals};
use smith_client::{AuditEvent, AuditFilter, AuditWatch, Client};
use smith_model::access::{Role, Scope};
use smith_model::api::{ReasonRequest, RetryRequest, TokenRequest};
use smith_model::audit::AuditRecord;
use smith_model::spec::LoopRequest;
use smith_model::state::{RetryFrom, State};
use smith_tests::{Layout, Options, World, in_time, world};

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
    // Times tell acts apart, too.
    let [_, second, ..] = records.as_slice() else { panic!("{records:#?}") };
    let later = AuditFilter { after: Some(second.at), ..filter };
    let mut later = client.audit(&later).await.unwrap().items;
    later.sort_by_key(|record| record.id);
    assert_eq!(later, records[2..]);
    // An act without a reason is none.
    let refused = client.hold_loop(&id, &reason("  "), None).await.unwrap_err();
    assert_eq!(refused.code(), Some(smith_model::problem::Code::InvalidRequest));
    world.finish().await;
}

/// The next event of a stream, with the id to go on from; whether the connection lives is beside the point.
async fn next(events: &mut Signals<AuditEvent>) -> (Option<EventId>, AuditEvent) {
    loop {
        match in_time("an event", events.next()).await.unwrap().unwrap() {
            Signal::Event { id, event } => return (id, event),
            Signal::Disconnected { .. } | Signal::Reconnected => {}
        }
    }
}

async fn record(events: &mut Signals<AuditEvent>) -> (EventId, AuditRecord) {
    match next(events).await {
        (Some(id), AuditEvent::Record(record)) => (id, *record),
        other => panic!("{other:?}"),
    }
}

async fn hold_and_release(client: &Client, id: &smith_model::id::LoopId) {
    let reason = ReasonRequest { reason: "a look at it".into() };
    client.hold_loop(id, &reason, None).await.unwrap();
    client.release_loop(id, &reason, None).await.unwrap();
}

#[tokio::test]
async fn the_audit_is_followed_from_process_to_process() {
    let layout = Layout::Apart { apis: 2, cores: 0 };
    let mut world = World::start(Options { layout, ..Options::default() }).await;
    let repository = world.repository("audit");
    let [here, there] = [0, 1].map(|n| world.client_at(n, world.token()));
    let id = world.create(&world::request("one", &repository, "true", &["true"])).await;
    let all = AuditWatch::default();
    let mut events = here.audit_stream(&all, None);
    // It begins with the present: what was done before is in the pages.
    assert!(matches!(next(&mut events).await, (Some(_), AuditEvent::Ready)));
    // What is done at one process is told by the other, and by one that comes back.
    hold_and_release(&there, &id).await;
    let (first, held) = record(&mut events).await;
    assert_eq!(held.action, "loop.hold");
    drop(events);
    hold_and_release(&here, &id).await;
    let mut events = there.audit_stream(&all, Some(first));
    let mut acts = vec![];
    for _ in 0..3 {
        acts.push(record(&mut events).await.1.action);
    }
    assert_eq!(acts, ["loop.release", "loop.hold", "loop.release"]);
    // The process that tells it is killed; what is done meanwhile is told when it is back.
    world.servers[1].process.kill().await;
    hold_and_release(&here, &id).await;
    world.servers[1].start_again(&world.settings).await;
    let only = AuditWatch { action: Some("loop.release".into()), ..all };
    let mut released = here.audit_stream(&only, None);
    assert!(matches!(next(&mut released).await.1, AuditEvent::Ready));
    hold_and_release(&there, &id).await;
    let mut acts = vec![];
    for _ in 0..4 {
        acts.push(record(&mut events).await.1);
    }
    let names: Vec<_> = acts.iter().map(|record| record.action.as_str()).collect();
    assert_eq!(names, ["loop.hold", "loop.release", "loop.hold", "loop.release"]);
    // One that asked for releases gets nothing else.
    assert_eq!(record(&mut released).await.1, acts[3]);
    let pages = here.audit(&AuditFilter::default()).await.unwrap().items;
    assert_eq!(pages[0], acts[3], "a record is told as it is listed");
    let foreign = Some(EventId::new("x"));
    let mut refused = here.audit_stream(&AuditWatch::default(), foreign);
    let refused = in_time("an answer", refused.next()).await.unwrap().unwrap_err();
    assert_eq!(refused.problem().unwrap().errors[0].field, "Last-Event-ID");
    world.finish().await;
}

#[tokio::test]
async fn a_scope_hides_what_others_do() {
    let layout = Layout::Apart { apis: 1, cores: 0 };
    let world = World::start(Options { layout, ..Options::default() }).await;
    let repository = world.repository("scopes");
    let project: smith_model::id::ProjectName = "web".parse().unwrap();
    let request = TokenRequest {
        name: "web".into(),
        role: Role::Viewer,
        scope: Scope::Projects([project.clone()].into()),
        expires_in: None,
    };
    let token = world.client().create_token(&request).await.unwrap().token;
    let viewer = world.client_at(0, &token);
    let mut events = viewer.audit_stream(&AuditWatch::default(), None);
    assert!(matches!(next(&mut events).await.1, AuditEvent::Ready));
    // Neither another project's loop nor what belongs to none.
    world.create(&world::request("other", &repository, "true", &["true"])).await;
    world.client().create_token(&TokenRequest { name: "more".into(), ..request }).await.unwrap();
    let inside = LoopRequest {
        project: Some(project.clone()),
        ..world::request("inside", &repository, "true", &["true"])
    };
    let inside = world.create(&inside).await;
    let (_, told) = record(&mut events).await;
    assert_eq!((told.project, told.loop_id), (Some(project), Some(inside)));
    world.finish().await;
}
