//! Which server, token and project win.

use super::*;

fn contexts() -> Contexts {
    serde_json::from_value(serde_json::json!({
        "current_context": "prod",
        "contexts": {
            "prod": {"server": "https://prod", "token": "prod-token", "project": "web"},
            "dev": {"server": "http://dev/", "token_file": "/run/dev-token"},
            "bare": {"server": "http://bare"},
        }
    }))
    .unwrap()
}

fn given(token: &str) -> TokenSource {
    TokenSource::Given(Secret::new(token))
}

fn check(flags: Flags, env: Env, server: &str, token: TokenSource) {
    let target = resolve(&flags, &env, &contexts()).unwrap();
    assert_eq!((target.server.as_str(), target.token), (server, token));
}

fn with_context(name: &str) -> Flags {
    Flags { context: Some(name.into()), ..Flags::default() }
}

fn with_server(url: &str) -> Flags {
    Flags { server: Some(url.into()), ..Flags::default() }
}

fn env(server: Option<&str>, token: Option<&str>) -> Env {
    Env { server: server.map(Into::into), token: token.map(Secret::new), ..Env::default() }
}

#[test]
fn a_flag_wins_over_the_environment_and_that_over_the_context() {
    check(Flags::default(), Env::default(), "https://prod", given("prod-token"));
    check(Flags::default(), env(Some("http://e"), Some("t")), "http://e", given("t"));
    check(with_server("http://f"), env(Some("http://e"), Some("t")), "http://f", given("t"));
    let dev = TokenSource::File("/run/dev-token".into());
    check(with_context("dev"), env(Some("http://e"), Some("t")), "http://dev/", dev.clone());
    check(with_context("bare"), env(None, Some("t")), "http://bare", given("t"));
    let file = Flags { token_file: Some("/x".into()), ..with_context("dev") };
    check(file, env(None, Some("t")), "http://dev/", TokenSource::File("/x".into()));
    let named = Env { context: Some("dev".into()), ..Env::default() };
    check(Flags::default(), named, "http://dev/", dev);
}

#[test]
fn a_context_s_token_goes_to_its_own_server_only() {
    check(with_server("https://elsewhere"), Env::default(), "https://elsewhere", TokenSource::None);
    check(with_server("https://PROD/"), Env::default(), "https://PROD/", given("prod-token"));
    check(with_server("http://prod"), Env::default(), "http://prod", TokenSource::None);
    check(
        Flags::default(),
        env(Some("https://prod.evil"), None),
        "https://prod.evil",
        TokenSource::None,
    );
}

#[test]
fn the_project_is_that_of_the_flag_else_of_the_context() {
    let project = |flags| resolve(&flags, &Env::default(), &contexts()).unwrap().project;
    assert_eq!(project(Flags::default()).unwrap().as_str(), "web");
    let flag = Flags { project: Some("api".parse().unwrap()), ..Flags::default() };
    assert_eq!(project(flag).unwrap().as_str(), "api");
    assert_eq!(project(with_server("http://f")), None);
}

#[test]
fn the_local_context_is_found_by_itself() {
    let contexts = serde_json::json!({"contexts": {"local": {"server": "http://127.0.0.1:1"}}});
    let contexts: Contexts = serde_json::from_value(contexts).unwrap();
    let target = resolve(&Flags::default(), &Env::default(), &contexts).unwrap();
    assert_eq!(target.server, "http://127.0.0.1:1");
}

#[test]
fn without_a_server_the_way_out_is_said() {
    let error = resolve(&Flags::default(), &Env::default(), &Contexts::default()).unwrap_err();
    assert!(error.hints.iter().any(|hint| hint.contains("smithd")), "{error:?}");
    assert!(error.hints.iter().any(|hint| hint.contains("set-context")), "{error:?}");
    let error = resolve(&with_context("prdo"), &Env::default(), &contexts()).unwrap_err();
    assert_eq!(error.hints, ["did you mean prod?"]);
    let stale = Env { context: Some("gone".into()), ..env(Some("http://e"), None) };
    check(Flags::default(), stale, "http://e", TokenSource::None);
}
