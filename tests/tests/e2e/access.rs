//! Identity comes from the credential, and nothing of another project is visible.

use std::collections::BTreeSet;

use smith_client::{ListPage, LoopFilter};
use smith_model::access::{Role, Scope};
use smith_model::api::{OverrideRequest, ReasonRequest, TargetState, TokenRequest};
use smith_model::problem::Code;
use smith_model::spec::LoopRequest;
use smith_tests::{Layout, Options, World, http, world};

async fn token(world: &World, name: &str, role: Role, scope: Scope) -> String {
    let request = TokenRequest { name: name.into(), role, scope, expires_in: None };
    world.client().create_token(&request).await.unwrap().token
}

fn scope(project: &str) -> Scope {
    Scope::Projects(BTreeSet::from([project.parse().unwrap()]))
}

/// Nothing runs here.
async fn quiet() -> World {
    let layout = Layout::Apart { apis: 1, cores: 0 };
    World::start(Options { layout, ..Options::default() }).await
}

#[tokio::test]
async fn without_a_good_token_there_is_nothing() {
    let world = quiet().await;
    let good = world.token().to_owned();
    let (id, secret) = good.rsplit_once('_').unwrap();
    let other = format!("{id}_{}", secret.chars().rev().collect::<String>());
    let bad = [
        "",
        "Bearer",
        "Bearer x",
        "Basic eDp5",
        &format!("Bearer {other}"),
        &format!("Bearer {good}x"),
    ];
    let paths = [
        "/v1/loops",
        "/v1/loops/a",
        "/v1/loops/stream",
        "/v1/audit",
        "/v1/audit/stream",
        "/v1/inbox",
        "/v1/inbox/stream",
        "/v1/whoami",
        "/v1/tokens",
        "/v1/loops/a/journal/stream",
    ];
    for path in paths {
        for value in bad {
            let headers: &[(&str, &str)] =
                if value.is_empty() { &[] } else { &[("Authorization", value)] };
            let answer = http::send(world.url(0), "GET", path, headers, b"").await;
            assert_eq!(
                (answer.status, answer.code()),
                (401, Code::Unauthenticated),
                "{path} {value}"
            );
            assert!(answer.headers.contains_key("www-authenticate"), "{path} {value}");
        }
    }
    // A person's token is no worker's, and a worker's no person's.
    let bearer = format!("Bearer {good}");
    let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
    for call in ["claim", "heartbeat", "evidence", "publish", "finish"] {
        let path = format!("/v1/worker/{call}");
        let answer = http::send(world.url(0), "POST", &path, &headers, b"{}").await;
        assert_eq!(answer.status, 401, "{call}");
    }
    // Health needs none.
    for path in ["/healthz", "/readyz", "/openapi.json"] {
        assert_eq!(http::send(world.url(0), "GET", path, &[], b"").await.status, 200, "{path}");
    }
    world.finish().await;
}

#[tokio::test]
async fn a_role_may_do_what_it_says_and_no_more() {
    let world = quiet().await;
    let repository = world.repository("roles");
    let request = world::request("roles", &repository, "true", &["true"]);
    let id = world.create(&request).await;
    let viewer = world.client_at(0, &token(&world, "reader", Role::Viewer, Scope::All).await);
    let operator = world.client_at(0, &token(&world, "doer", Role::Operator, Scope::All).await);
    assert_eq!(viewer.get_loop(&id).await.unwrap().item.record.loop_id, id);
    let reason = ReasonRequest { reason: "no".into() };
    let other = world::request("other", &repository, "true", &["true"]);
    let cancel = OverrideRequest {
        loop_id: id.clone(),
        target_state: TargetState::Cancelled,
        reason: "no".into(),
    };
    let forbidden = [
        viewer.create_loop(&other, None).await.map(drop),
        viewer.hold_loop(&id, &reason, None).await.map(drop),
        viewer.override_loop(&cancel, None).await.map(drop),
        viewer.delete_loop(&id, "no", None).await,
        viewer.list_tokens().await.map(drop),
        operator.list_tokens().await.map(drop),
    ];
    for answer in forbidden {
        assert_eq!(answer.unwrap_err().code(), Some(Code::Forbidden));
    }
    // Who did it is the token's name.
    let item = operator.hold_loop(&id, &reason, None).await.unwrap();
    assert_eq!(item.record.hold.unwrap().by, "doer");
    world.finish().await;
}

#[tokio::test]
async fn a_scope_hides_everything_else() {
    let world = quiet().await;
    let repository = world.repository("scopes");
    let inside = LoopRequest {
        project: Some("web".parse().unwrap()),
        ..world::request("inside", &repository, "true", &["true"])
    };
    let outside = world::request("outside", &repository, "true", &["true"]);
    let outside_id = world.create(&outside).await;
    let client = world.client_at(0, &token(&world, "web", Role::Operator, scope("web")).await);
    let inside_id = client.create_loop(&inside, None).await.unwrap().item.record.loop_id;
    // Not there, in the very words of what isn't.
    let hidden = client.get_loop(&outside_id).await.unwrap_err();
    let missing = client.get_loop(&crate::id("missing")).await.unwrap_err();
    assert_eq!(hidden.code(), Some(Code::NotFound));
    assert_eq!(
        hidden.to_string().replace("outside", "X"),
        missing.to_string().replace("missing", "X")
    );
    let listed = client.list_loops(&LoopFilter::default(), &ListPage::default()).await.unwrap();
    let ids: Vec<_> = listed.items.iter().map(|item| item.record.loop_id.clone()).collect();
    assert_eq!(ids, [inside_id]);
    // Not referable, not creatable, not in the audit.
    let depends = LoopRequest {
        loop_id: Some(crate::id("depends")),
        depends_on: vec![outside_id.clone()],
        ..inside.clone()
    };
    let refused = client.create_loop(&depends, None).await.unwrap_err();
    assert_eq!(refused.code(), Some(Code::InvalidRequest));
    let refused =
        client.create_loop(&world::request("else", &repository, "true", &["true"]), None).await;
    assert!(matches!(refused.unwrap_err().code(), Some(Code::Forbidden | Code::NotFound)));
    let audit = client.audit(&Default::default()).await.unwrap().items;
    assert!(
        audit.iter().all(|a| a.project.as_ref().is_some_and(|p| p.as_str() == "web")),
        "{audit:#?}"
    );
    // The same id in another project says that it is taken, and not by what.
    let taken = LoopRequest { loop_id: Some(outside_id), ..inside };
    let refused = client.create_loop(&taken, None).await.unwrap_err();
    assert_eq!(refused.code(), Some(Code::LoopExists));
    world.finish().await;
}

#[tokio::test]
async fn a_revoked_token_ends_and_its_streams_with_it() {
    use futures::StreamExt as _;
    let world = quiet().await;
    let request = TokenRequest {
        name: "guest".into(),
        role: Role::Viewer,
        scope: Scope::All,
        expires_in: None,
    };
    let created = world.client().create_token(&request).await.unwrap();
    let guest = world.client_at(0, &created.token);
    let mut events = guest.loops_stream(&LoopFilter::default(), None);
    assert!(events.next().await.unwrap().is_ok());
    world.client().revoke_token(&created.item.id).await.unwrap();
    let end = async {
        loop {
            match events.next().await {
                Some(Ok(_)) => {}
                ended => return ended,
            }
        }
    };
    let ended = smith_tests::in_time("the end of the stream", end).await;
    assert_eq!(ended.unwrap().unwrap_err().code(), Some(Code::Unauthenticated));
    assert_eq!(guest.whoami().await.unwrap_err().code(), Some(Code::Unauthenticated));
    world.finish().await;
}
