//! Bad input is data: a clear answer with the right code, and nothing written.

use serde_json::{Value, json};
use smith_model::problem::Code;
use smith_tests::{Layout, Options, World, http};

async fn quiet() -> World {
    let layout = Layout::Apart { apis: 1, cores: 0 };
    World::start(Options { layout, ..Options::default() }).await
}

async fn post(world: &World, path: &str, body: &[u8]) -> http::Answer {
    let bearer = format!("Bearer {}", world.token());
    let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
    http::send(world.url(0), "POST", path, &headers, body).await
}

/// A request that would be good.
fn good(world: &World, repository: &str) -> Value {
    json!({ "loop_id": "good", "prompt": "x", "command": "true", "gates": ["true"],
        "repository": repository, "title": format!("in {}", world.dir().display()) })
}

#[tokio::test]
async fn bad_requests_for_loops_name_the_field_and_write_nothing() {
    let world = quiet().await;
    let repository = world.repository("r").url();
    let with = |change: Value| {
        let mut request = good(&world, &repository);
        for (name, value) in change.as_object().unwrap() {
            request[name] = value.clone();
        }
        request.to_string()
    };
    let long = "x".repeat(41);
    let big = "x".repeat(70 * 1024);
    use Code::{InvalidRequest, MalformedRequest, TooLarge};
    // The body, the code, and what must stand in the answer.
    let table: Vec<(String, Code, &str)> = vec![
        ("".into(), MalformedRequest, "JSON"),
        ("{".into(), MalformedRequest, "JSON"),
        ("{} {}".into(), MalformedRequest, "JSON"),
        ("[]".into(), MalformedRequest, ""),
        ("7".into(), MalformedRequest, ""),
        ("\u{feff}{}".into(), MalformedRequest, ""),
        (with(json!({ "no_such_field": 1 })), MalformedRequest, "no_such_field"),
        (with(json!({ "priority": "high" })), MalformedRequest, "priority"),
        (with(json!({ "priority": 101 })), InvalidRequest, "priority"),
        (with(json!({ "title": 7 })), MalformedRequest, "title"),
        (with(json!({ "gates": [] })), InvalidRequest, "gates"),
        (with(json!({ "gates": "maybe" })), MalformedRequest, "gates"),
        (with(json!({ "gates": ["a", " "] })), InvalidRequest, "gates[1]"),
        (with(json!({ "gates": null })), InvalidRequest, "gates"),
        (with(json!({ "loop_id": "Bad_Id" })), MalformedRequest, "loop_id"),
        (with(json!({ "loop_id": "../escape" })), MalformedRequest, "loop_id"),
        (with(json!({ "loop_id": long })), MalformedRequest, "loop_id"),
        (with(json!({ "project": "a/b" })), MalformedRequest, "project"),
        (with(json!({ "depends_on": ["nothing"] })), InvalidRequest, "nothing"),
        (with(json!({ "depends_on": ["good"] })), InvalidRequest, "good"),
        (with(json!({ "policy": { "attempts": 0 } })), InvalidRequest, "policy.attempts"),
        (with(json!({ "policy": { "attempts": -1 } })), MalformedRequest, "attempts"),
        (
            with(json!({ "policy": { "attempt_timeout": "ten" } })),
            MalformedRequest,
            "attempt_timeout",
        ),
        (with(json!({ "policy": { "patience": 1 } })), MalformedRequest, "patience"),
        (with(json!({ "policy": [3] })), MalformedRequest, "policy"),
        (with(json!({ "policy": [] })), MalformedRequest, "policy"),
        (with(json!({ "gates": [["true", "1s"]] })), MalformedRequest, "gates[0]"),
        (with(json!({ "labels": ["a", "b"] })), MalformedRequest, "labels"),
        (with(json!({ "priority": 1e300 })), MalformedRequest, "priority"),
        (with(json!({ "loop_id": "a\u{0}b" })), MalformedRequest, "loop_id"),
        (with(json!({ "command": "a\u{0}b" })), InvalidRequest, "command"),
        (
            format!("{{\"title\": \"a\", {}", &good(&world, &repository).to_string()[1..]),
            MalformedRequest,
            "duplicate field",
        ),
        (
            format!("{{\"metadata\": {{\"x\": {}{}}}}}", "[".repeat(10_000), "]".repeat(10_000)),
            MalformedRequest,
            "recursion",
        ),
        (
            with(json!({ "repository": "git@example.org:a/b.git" })),
            MalformedRequest,
            "https://example.org/a/b.git",
        ),
        (
            with(json!({ "repository": "ssh://git@example.org/a" })),
            MalformedRequest,
            "https://example.org/a",
        ),
        (
            with(json!({ "repository": "https://u:p@example.org/a" })),
            MalformedRequest,
            "leave it out",
        ),
        (with(json!({ "repository": "/etc" })), InvalidRequest, "below"),
        (
            with(json!({ "repository": format!("{repository}/../../../etc") })),
            MalformedRequest,
            "plain",
        ),
        (with(json!({ "repository": "--upload-pack=evil" })), MalformedRequest, "repository"),
        (with(json!({ "ref": "--upload-pack=evil" })), InvalidRequest, "ref"),
        (with(json!({ "ref": "a..b" })), InvalidRequest, "ref"),
        (with(json!({ "command": " " })), InvalidRequest, "command"),
        (with(json!({ "provider_id": "oracle" })), InvalidRequest, "provider_id"),
        (with(json!({ "prompt": big })), InvalidRequest, "prompt"),
        (with(json!({ "title": "two\nlines\u{0}" })), InvalidRequest, "title"),
        (with(json!({ "labels": { "": "x" } })), InvalidRequest, "labels"),
        (with(json!({ "prd": { "version": 1 } })), InvalidRequest, "prd"),
        (with(json!({ "metadata": { "x": "y".repeat(600 * 1024) } })), InvalidRequest, "524288"),
        (with(json!({ "prompt": "x".repeat(9 * 1024 * 1024) })), TooLarge, ""),
        (json!({ "loops": [] }).to_string(), InvalidRequest, "loops"),
    ];
    for (body, code, words) in table {
        let shown: String = body.chars().take(300).collect();
        let answer = post(&world, "/v1/loops", body.as_bytes()).await;
        let problem = answer.problem();
        assert_eq!(problem.code, code, "{shown}\n{problem:?}");
        assert_eq!(answer.status, code.status());
        let text = format!("{} {:?}", problem.detail, problem.errors);
        assert!(text.contains(words), "{shown}\n{text}");
        assert!(text.len() < 4000, "{} bytes are said about {shown}", text.len());
    }
    let history = world.finish().await;
    for what in ["anomalies/", "live/state/", "requests/", "journal/good", "heads/good"] {
        assert!(history.writes().all(|w| !w.key.starts_with(what)), "{what} was written");
    }
}

#[tokio::test]
async fn a_bad_prd_is_reported_whole() {
    let world = quiet().await;
    let repository = world.repository("r").url();
    let mut prd = crate::life::prd(&[("First", &[]), ("", &["US-009"])]);
    prd["surprise"] = 1.into();
    let body =
        json!({ "prd": prd, "repository": repository, "command": "true", "source_ref": "x" });
    let problem = post(&world, "/v1/ingress/prd", body.to_string().as_bytes()).await.problem();
    assert_eq!(problem.code, Code::InvalidPrd);
    let report = problem.report.unwrap();
    assert!(report["errors"].as_array().unwrap().len() >= 2, "{report:#}");
    for body in
        [json!({}), json!({ "prd": 7 }), json!({ "markdown": "", "repository": repository })]
    {
        let problem = post(&world, "/v1/ingress/prd", body.to_string().as_bytes()).await.problem();
        assert!(matches!(problem.code, Code::InvalidPrd | Code::InvalidRequest), "{problem:?}");
    }
    let history = world.finish().await;
    assert!(history.writes().all(|w| !w.key.starts_with("anomalies/")));
}

#[tokio::test]
async fn bad_acts_queries_and_paths_are_answered() {
    let world = quiet().await;
    let bearer = format!("Bearer {}", world.token());
    let headers = [("Authorization", bearer.as_str())];
    let table = [
        ("GET", "/v1/loops?limit=0", Code::InvalidRequest),
        ("GET", "/v1/loops?limit=x", Code::InvalidRequest),
        ("GET", "/v1/loops?state=happy", Code::InvalidRequest),
        ("GET", "/v1/loops?colour=red", Code::InvalidRequest),
        ("GET", "/v1/loops?cursor=x", Code::InvalidRequest),
        ("GET", "/v1/loops/none", Code::NotFound),
        ("GET", "/v1/loops/..%2f..%2fmeta", Code::NotFound),
        ("GET", "/v1/loops/none/journal", Code::NotFound),
        ("GET", "/v1/loops/none/artifacts/xyz", Code::NotFound),
        ("GET", "/v1/nothing", Code::NotFound),
        ("PATCH", "/v1/loops", Code::MethodNotAllowed),
        ("DELETE", "/v1/loops/none?reason=x", Code::NotFound),
        ("DELETE", "/v1/tokens/none", Code::NotFound),
    ];
    for (method, path, code) in table {
        let answer = http::send(world.url(0), method, path, &headers, b"").await;
        assert_eq!(answer.code(), code, "{method} {path}");
    }
    let table = [
        (
            "/v1/control/override",
            json!({ "loop_id": "none", "target_state": "cancelled", "reason": "x" }),
            Code::NotFound,
        ),
        (
            "/v1/control/override",
            json!({ "loop_id": "none", "target_state": "overwriting", "reason": "x" }),
            Code::MalformedRequest,
        ),
        ("/v1/control/override", json!({ "loop_id": "none" }), Code::MalformedRequest),
        (
            "/v1/loops/none/hold",
            json!({ "reason": "x", "by": "somebody else" }),
            Code::MalformedRequest,
        ),
        (
            "/v1/loops/none/retry",
            json!({ "reason": "x", "from": "scratch" }),
            Code::MalformedRequest,
        ),
        ("/v1/tokens", json!({ "name": "x", "role": "god" }), Code::MalformedRequest),
        ("/v1/tokens", json!({ "name": "", "role": "viewer" }), Code::InvalidRequest),
    ];
    for (path, body, code) in table {
        let answer = post(&world, path, body.to_string().as_bytes()).await;
        assert_eq!(answer.code(), code, "{path} {body}");
    }
    world.finish().await;
}
