//! What smithctl makes of a choice; which server, token and project win is tested with the rules.

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

fn env(server: Option<&str>, token: Option<&str>) -> Env {
    Env { server: server.map(Into::into), token: token.map(Secret::new), ..Env::default() }
}

#[test]
fn the_token_of_a_choice_is_found() {
    check(Flags::default(), Env::default(), "https://prod", given("prod-token"));
    check(Flags::default(), env(Some("http://e"), Some("t")), "http://e", given("t"));
    let dev = TokenSource::File("/run/dev-token".into());
    check(with_context("dev"), env(Some("http://e"), Some("t")), "http://dev/", dev.clone());
    check(with_context("bare"), env(None, Some("t")), "http://bare", given("t"));
    let file = Flags { token_file: Some("/x".into()), ..with_context("dev") };
    check(file, env(None, Some("t")), "http://dev/", TokenSource::File("/x".into()));
    let named = Env { context: Some("dev".into()), ..Env::default() };
    check(Flags::default(), named, "http://dev/", dev);
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
