//! What lies in the state directory and in the contexts file, also after damage.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use crate::embedded::first_token::{self, Written};
use crate::embedded::ports::{self, Asked, Which};
use crate::embedded::state_dir::{self, StateDir};

fn mode(path: &std::path::Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o777
}

/// A new state directory below a temporary one.
fn new() -> (tempfile::TempDir, StateDir) {
    let temporary = tempfile::tempdir().unwrap();
    let state = StateDir::open(&temporary.path().join("a/state")).unwrap();
    (temporary, state)
}

#[test]
fn the_directory_is_made_private() {
    let temporary = tempfile::tempdir().unwrap();
    let path = temporary.path().join("deep/state");
    drop(StateDir::open(&path).unwrap());
    assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o700, 0o700));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    StateDir::open(&path).unwrap();
    assert_eq!(mode(&path), 0o700);
}

#[test]
fn a_second_process_is_refused_and_told_the_first_ones_pid() {
    let (_temporary, state) = new();
    let refusal = StateDir::open(state.path()).unwrap_err();
    let expected = format!("is in use by the process with pid {}", std::process::id());
    assert!(refusal.to_string().contains(&expected), "{refusal}");
    let path = state.path().to_path_buf();
    drop(state);
    StateDir::open(&path).unwrap();
}

#[test]
fn a_file_in_its_place_is_named() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let refusal = StateDir::open(file.path()).unwrap_err();
    assert!(refusal.to_string().contains(&file.path().display().to_string()), "{refusal}");
}

#[test]
fn the_root_key_is_made_once() {
    let (_temporary, state) = new();
    let key = state.root_key().unwrap();
    assert_eq!(key.bytes(), state.root_key().unwrap().bytes());
    assert_eq!(mode(&state.path().join("root.key")), 0o600);
    assert_eq!(format!("{key:?}"), "RootKey(…)");
    let (_other, other) = new();
    assert_ne!(key.bytes(), other.root_key().unwrap().bytes());
}

#[test]
fn a_damaged_lost_or_exposed_root_key_is_named_and_never_replaced() {
    let (_temporary, state) = new();
    state.root_key().unwrap();
    let file = state.path().join("root.key");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(matches!(state.root_key(), Err(state_dir::Error::RootKeyExposed { mode: 0o644, .. })));
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(&file, b"short").unwrap();
    let refusal = state.root_key().unwrap_err().to_string();
    assert!(refusal.contains("root.key has 5 bytes and must have 32"), "{refusal}");
    assert_eq!(fs::read(&file).unwrap(), b"short");
    fs::remove_file(&file).unwrap();
    fs::create_dir_all(state.etcd_data().join("member")).unwrap();
    let refusal = state.root_key().unwrap_err().to_string();
    assert!(refusal.contains("is missing, but"), "{refusal}");
    assert!(!file.exists());
}

#[test]
fn ports_are_kept_and_replaced_only_when_asked() {
    let (_temporary, state) = new();
    let first = state.ports(&Asked::default()).unwrap();
    assert_eq!(first, state.ports(&Asked::default()).unwrap());
    let asked = Asked { api: Some(19_999), ..Asked::default() };
    let second = state.ports(&asked).unwrap();
    assert_eq!((second.api, second.etcd_client), (19_999, first.etcd_client));
    assert_eq!(second, state.ports(&Asked::default()).unwrap());
    let clash = Asked { api: Some(second.etcd_peer), ..Asked::default() };
    let refusal = state.ports(&clash).unwrap_err().to_string();
    assert!(refusal.contains("must all be different"), "{refusal}");
    assert_eq!(second, state.ports(&Asked::default()).unwrap(), "a refused change isn't kept");
}

#[test]
fn a_kept_port_that_is_taken_is_named_with_the_way_out() {
    let (_temporary, state) = new();
    let ports = state.ports(&Asked::default()).unwrap();
    state.require_free(Which::Api, ports.api).unwrap();
    let _other = TcpListener::bind(("127.0.0.1", ports.api)).unwrap();
    let refusal = state.require_free(Which::Api, ports.api).unwrap_err().to_string();
    assert!(refusal.contains(&format!("port {} (for the API) is taken", ports.api)), "{refusal}");
    assert!(refusal.contains("under `api` in"), "{refusal}");
}

#[test]
fn damaged_ports_are_named_and_left_as_they_are() {
    let (_temporary, state) = new();
    for text in [
        "{",
        "[]",
        "{\"etcd_client\": 1}",
        "{\"etcd_client\": 70000, \"etcd_peer\": 2, \"api\": 3}",
        "{\"etcd_client\": 2, \"etcd_peer\": 2, \"api\": 3}",
        "{\"etcd_client\": 0, \"etcd_peer\": 2, \"api\": 3}",
    ] {
        fs::write(state.ports_file(), text).unwrap();
        let refusal = state.ports(&Asked::default()).unwrap_err();
        assert!(matches!(refusal, ports::Error::Corrupt { .. }), "{text}: {refusal}");
        assert!(refusal.to_string().contains("ports.json"), "{refusal}");
        assert_eq!(fs::read_to_string(state.ports_file()).unwrap(), text);
    }
}

#[test]
fn unknown_fields_of_the_ports_are_kept() {
    let (_temporary, state) = new();
    fs::write(state.ports_file(), r#"{"etcd_client":1,"etcd_peer":2,"api":3,"console":4}"#)
        .unwrap();
    state.ports(&Asked { api: Some(5), ..Asked::default() }).unwrap();
    let text = fs::read_to_string(state.ports_file()).unwrap();
    assert!(text.contains("\"console\": 4") && text.contains("\"api\": 5"), "{text}");
}

#[test]
fn the_token_is_private_and_replaced_whole() {
    let (_temporary, state) = new();
    assert_eq!(first_token::read_token(&state).unwrap(), None);
    fs::write(state.path().join("admin.token.new"), "left by a crash").unwrap();
    first_token::write_token(&state, "first").unwrap();
    first_token::write_token(&state, "second").unwrap();
    assert_eq!(first_token::read_token(&state).unwrap().as_deref(), Some("second"));
    assert_eq!(mode(&state.admin_token()), 0o600);
}

#[test]
fn a_context_is_written_where_there_is_none() {
    let (temporary, state) = new();
    let file = temporary.path().join("config/smith/config.json");
    let write = |server: &str| first_token::write_context(&file, "local", server, &state).unwrap();
    assert_eq!(write("http://127.0.0.1:1"), Written::Changed);
    assert_eq!(write("http://127.0.0.1:1"), Written::Unchanged);
    let written: serde_json::Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    let token_file = state.admin_token().to_str().unwrap().to_owned();
    assert_eq!(
        written,
        serde_json::json!({
            "current_context": "local",
            "contexts": {"local": {"server": "http://127.0.0.1:1", "token_file": token_file}},
        })
    );
    assert_eq!((mode(&file), mode(file.parent().unwrap())), (0o600, 0o700));
}

#[test]
fn what_others_wrote_into_the_contexts_file_stays() {
    let (temporary, state) = new();
    let file = temporary.path().join("config.json");
    let link = temporary.path().join("link.json");
    std::os::unix::fs::symlink(&file, &link).unwrap();
    let before = serde_json::json!({
        "current_context": "work",
        "later": [1, 2],
        "contexts": {
            "work": {"server": "https://smith.example", "token": "t", "tint": "red"},
            "local": {"server": "http://127.0.0.1:9", "token": "old", "project": "demo", "tint": "blue"},
        },
    });
    fs::write(&file, before.to_string()).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    first_token::write_context(&link, "local", "http://127.0.0.1:1", &state).unwrap();
    let after: serde_json::Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    let mut expected = before;
    expected["contexts"]["local"] = serde_json::json!({
        "server": "http://127.0.0.1:1",
        "token_file": state.admin_token().to_str().unwrap(),
        "project": "demo",
        "tint": "blue",
    });
    assert_eq!(after, expected);
    assert_eq!(mode(&file), 0o600);
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink(), "the link is kept");
}

#[test]
fn a_damaged_contexts_file_is_named_and_left_as_it_is() {
    let (temporary, state) = new();
    let file = temporary.path().join("config.json");
    fs::write(&file, "{\"contexts\": 7}").unwrap();
    let refusal =
        first_token::write_context(&file, "local", "http://127.0.0.1:1", &state).unwrap_err();
    assert!(refusal.to_string().contains("config.json can't be understood"), "{refusal}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "{\"contexts\": 7}");
}
