//! Requests as they are made of flags and files.

use clap::Parser as _;

use super::*;
use crate::args::{Cli, Command};
use crate::commands::loops;
use crate::settings::Env;
use crate::ui::Ui;

fn args(line: &[&str]) -> Result<(App, Args), clap::Error> {
    let line = ["smithctl", "loop", "create", "--server", "http://h"].iter().chain(line);
    let Cli { flags, command } = Cli::try_parse_from(line)?;
    let Command::Loop(loops::Command::Create(args)) = command else { panic!("create") };
    let app = App { ui: Ui::new(Format::Table, true), flags, env: Env::default() };
    Ok((app, *args))
}

#[tokio::test]
async fn flags_become_a_request() {
    let (app, args) = args(&[
        "--repo",
        "https://example.org/a/b",
        "--prompt",
        "Add search\nto the list",
        "--gate",
        "make test",
        "--gate",
        "make lint",
        "--agent",
        "agent --fast",
        "--label",
        "team=web",
        "--priority",
        "-5",
        "--attempts",
        "2",
        "--timeout",
        "1h",
        "--cost-usd",
        "2.5",
        "--depends-on",
        "a",
        "--ref",
        "main",
    ])
    .unwrap();
    let mut request = to_value(&from_line(&app, args).await.unwrap());
    let key = request.as_object_mut().unwrap().remove("idempotency_key").unwrap();
    assert!(key.as_str().unwrap().parse::<uuid::Uuid>().is_ok());
    assert_eq!(
        request,
        serde_json::json!({
            "source_type": "prompt",
            "source_ref": "Add search",
            "command": "agent --fast",
            "repository": "https://example.org/a/b",
            "ref": "main",
            "prompt": "Add search\nto the list",
            "gates": ["make test", "make lint"],
            "policy": {"attempts": 2, "attempt_timeout": "1h", "cost_microusd": 2_500_000},
            "priority": -5,
            "depends_on": ["a"],
            "labels": {"team": "web"},
        })
    );
}

#[tokio::test]
async fn the_same_command_again_is_another_loop_unless_a_key_says_so() {
    let key = async |line: &[&str]| {
        let (app, args) = args(line).unwrap();
        from_line(&app, args).await.unwrap().idempotency_key.unwrap()
    };
    let line = ["--repo", "https://h/a", "--prompt", "x", "--no-gates"];
    assert_ne!(key(&line).await, key(&line).await);
    let line = ["--repo", "https://h/a", "--prompt", "x", "--idempotency-key", "k"];
    assert_eq!(key(&line).await, "k");
}

#[tokio::test]
async fn what_is_missing_is_said_with_the_way_out() {
    let (app, only) = args(&["--repo", "https://h/a"]).unwrap();
    let error = from_line(&app, only).await.unwrap_err();
    assert_eq!(error.exit_code(), 2);
    assert!(error.hints[0].contains("--prompt"), "{error:?}");
    let (app, only) = args(&["--prompt", "x"]).unwrap();
    let error = from_line(&app, only).await.unwrap_err();
    assert!(error.hints[0].contains("--repo ."), "{error:?}");
}

#[test]
fn flags_that_contradict_each_other_are_refused() {
    for line in [
        &["--gate", "x", "--no-gates"][..],
        &["-f", "x.json", "--prompt", "y"],
        &["-f", "x.json", "--attempts", "1"],
        &["--cost-usd", "-1"],
        &["--wait", "5m"],
    ] {
        assert!(args(line).is_err(), "{line:?}");
    }
    assert_eq!(args(&["--wait"]).unwrap().1.wait, Some(None));
    assert_eq!(args(&["--wait=5m"]).unwrap().1.wait, Some(Some(Span::seconds(300))));
    assert_eq!(args(&[]).unwrap().1.wait, None);
}

#[test]
fn a_file_holds_one_request_or_many() {
    let project: Option<ProjectName> = Some("web".parse().unwrap());
    let read = |document| read_document("f", document, None, project.clone());
    let Ok(Request::One(one)) = read(serde_json::json!({"title": "x"})) else { panic!("one") };
    assert_eq!(one.project, project);
    assert!(one.idempotency_key.is_some());
    let Ok(Request::One(one)) = read(serde_json::json!({"loop_id": "a"})) else { panic!("one") };
    assert_eq!(one.idempotency_key, None, "its own id is its key");
    let list = serde_json::json!([{"title": "x", "project": "api"}, {"source_type": "api", "source_ref": "1"}, 7]);
    for document in [list.clone(), serde_json::json!({"loops": list})] {
        let Ok(Request::Batch(many)) = read(document) else { panic!("many") };
        assert_eq!(many[0]["project"], "api");
        assert!(many[0]["idempotency_key"].is_string());
        assert_eq!(many[1]["project"], "web");
        assert!(many[1].get("idempotency_key").is_none());
        assert_eq!(many[2], 7);
    }
    for bad in [
        serde_json::json!("x"),
        serde_json::json!([]),
        serde_json::json!({"loops": 1}),
        serde_json::json!({"titel": "x"}),
    ] {
        assert!(read(bad.clone()).is_err(), "{bad}");
    }
}
