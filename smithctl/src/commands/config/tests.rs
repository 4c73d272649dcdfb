//! Contexts as commands change them, in a real file.

use super::*;
use crate::args::Flags;
use crate::output::Format;
use crate::settings::Env;
use crate::ui::Ui;

fn app(dir: &Path) -> App {
    let env = Env { config_file: Some(dir.join("smith/config.json")), ..Env::default() };
    App { ui: Ui::new(Format::Name, true), flags: Flags::default(), env }
}

fn server(url: &str) -> Flags {
    Flags { server: Some(url.into()), ..Flags::default() }
}

#[test]
fn contexts_are_made_changed_used_and_forgotten() {
    let dir = tempfile::tempdir().unwrap();
    let app = app(dir.path());
    let set = |name: &str, flags: &Flags, token: Option<&str>| {
        change(&app, |known| set_context::set(known, name, flags, token.map(Into::into)))
    };
    set("a", &server("http://a"), Some("secret")).unwrap();
    set("b", &server("http://b"), None).unwrap();
    let known = app.contexts().unwrap();
    assert_eq!(known.current_context.as_deref(), Some("a"), "the first one is in use");
    let shown = view::hidden(&known).to_string();
    assert!(!shown.contains("secret") && shown.contains("(hidden)"), "{shown}");

    use_context::run(&app, use_context::Args { name: "b".into() }).unwrap();
    assert_eq!(app.contexts().unwrap().current_context.as_deref(), Some("b"));
    let error = use_context::run(&app, use_context::Args { name: "c".into() }).unwrap_err();
    assert_eq!(error.exit_code(), 2);

    let flags = Flags { project: Some("web".parse().unwrap()), ..Flags::default() };
    set("a", &flags, None).unwrap();
    let a = app.contexts().unwrap().contexts["a"].clone();
    assert_eq!(
        (a.server.as_str(), a.token.as_deref(), a.project.as_deref()),
        ("http://a", Some("secret"), Some("web"))
    );

    let gone = delete_context::Args { names: vec!["b".into()] };
    delete_context::run(&app, gone).unwrap();
    let known = app.contexts().unwrap();
    assert_eq!((known.current_context, known.contexts.len()), (None, 1));
}

#[test]
fn a_token_doesn_t_go_along_to_another_server() {
    let mut known = Contexts::default();
    set_context::set(&mut known, "a", &server("http://a"), Some("secret".into())).unwrap();
    set_context::set(&mut known, "a", &server("http://evil"), None).unwrap();
    assert_eq!(known.contexts["a"].token, None);
}

#[test]
fn a_context_needs_a_server_that_can_be_one() {
    let mut known = Contexts::default();
    assert!(set_context::set(&mut known, "a", &Flags::default(), None).is_err());
    assert!(set_context::set(&mut known, "a", &server("localhost:1"), None).is_err());
    assert!(set_context::set(&mut known, "a b", &server("http://h"), None).is_err());
    assert!(known.contexts.is_empty());
}
