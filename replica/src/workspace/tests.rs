//! Reading and removing in a workspace that somebody hostile made.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use super::*;

fn workspace() -> (tempfile::TempDir, Workspace) {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("ws")).unwrap();
    let workspace = Workspace::open(&dir.path().join("ws")).unwrap();
    (dir, workspace)
}

fn fifo(path: &Path) {
    rustix::fs::mknodat(rustix::fs::CWD, path, FileType::Fifo, Mode::from_raw_mode(0o644), 0)
        .unwrap();
}

#[test]
fn a_regular_file_is_read_up_to_the_bound() {
    let (_dir, ws) = workspace();
    fs::create_dir(ws.root().join("a")).unwrap();
    fs::write(ws.root().join("a/f"), "12345").unwrap();
    assert_eq!(ws.read_bounded(Path::new("a/f"), 5).unwrap(), b"12345");
    assert!(matches!(ws.read_bounded(Path::new("a/f"), 4), Err(Error::TooLarge { limit: 4, .. })));
    assert!(matches!(ws.read_bounded(Path::new("a/g"), 4), Err(Error::NotFound { .. })));
}

#[test]
fn nothing_outside_can_be_named_or_reached_by_a_link() {
    let (dir, ws) = workspace();
    fs::write(dir.path().join("secret"), "s").unwrap();
    symlink("../secret", ws.root().join("link")).unwrap();
    symlink("..", ws.root().join("up")).unwrap();
    for (path, outside) in [
        ("../secret", true),
        ("/etc/passwd", true),
        ("", true),
        ("up/../secret", true),
        ("link", false),
        ("up/secret", false),
    ] {
        let error = ws.read_bounded(Path::new(path), 10).unwrap_err();
        match error {
            Error::Outside { .. } => assert!(outside, "{path}"),
            Error::Link { .. } => assert!(!outside, "{path}"),
            other => panic!("{path}: {other:?}"),
        }
    }
}

#[test]
fn what_is_not_a_regular_file_is_named() {
    let (_dir, ws) = workspace();
    fifo(&ws.root().join("pipe"));
    let _listener = std::os::unix::net::UnixListener::bind(ws.root().join("sock")).unwrap();
    fs::create_dir(ws.root().join("d")).unwrap();
    for (path, expected) in [("pipe", Kind::Fifo), ("sock", Kind::Socket), ("d", Kind::Directory)] {
        match ws.read_bounded(Path::new(path), 10) {
            Err(Error::NotRegular { kind, .. }) => assert_eq!(kind, expected),
            other => panic!("{path}: {other:?}"),
        }
    }
}

#[test]
fn removing_follows_no_link_and_minds_no_permission() {
    let (dir, ws) = workspace();
    fs::create_dir_all(dir.path().join("outside/kept")).unwrap();
    fs::create_dir_all(ws.root().join("d/locked/inner/.removing-1/x")).unwrap();
    fs::write(ws.root().join("d/locked/inner/f"), "").unwrap();
    symlink("../../outside", ws.root().join("d/out")).unwrap();
    fifo(&ws.root().join("d/pipe"));
    fs::set_permissions(ws.root().join("d/locked/inner"), fs::Permissions::from_mode(0o000))
        .unwrap();
    fs::set_permissions(ws.root().join("d/locked"), fs::Permissions::from_mode(0o555)).unwrap();
    ws.remove_all(Path::new("d")).unwrap();
    ws.remove_all(Path::new("d")).unwrap();
    assert!(!ws.root().join("d").exists());
    assert!(dir.path().join("outside/kept").exists());

    symlink("../outside", ws.root().join("l")).unwrap();
    assert!(matches!(ws.remove_all(Path::new("l/kept")), Err(Error::Link { .. })));
    ws.remove_all(Path::new("l")).unwrap();
    assert!(dir.path().join("outside/kept").exists());
}

#[test]
fn a_tree_deeper_than_any_path_can_be_is_removed() {
    let (_dir, ws) = workspace();
    let mut dir = reopen(ws.dir.as_fd()).unwrap();
    for _ in 0..1000 {
        rustix::fs::mkdirat(&dir, c"deep", Mode::from_raw_mode(0o755)).unwrap();
        dir = rustix::fs::openat(&dir, c"deep", DIRECTORY, Mode::empty()).unwrap();
    }
    assert!(!ws.size(Path::new(""), 10_000).unwrap().complete);
    ws.clear().unwrap();
    assert!(ws.entries(Path::new("")).unwrap().is_empty());
}

#[test]
fn size_is_counted_within_its_bound() {
    let (_dir, ws) = workspace();
    fs::create_dir(ws.root().join("a")).unwrap();
    fs::write(ws.root().join("a/f"), "12345").unwrap();
    fs::write(ws.root().join("g"), "12").unwrap();
    let all = ws.size(Path::new(""), 100).unwrap();
    assert_eq!((all.bytes, all.entries, all.complete), (7, 3, true));
    assert!(!ws.size(Path::new(""), 2).unwrap().complete);
}

#[test]
fn a_replaced_root_is_noticed() {
    let (dir, ws) = workspace();
    ws.verify().unwrap();
    fs::rename(ws.root(), dir.path().join("moved")).unwrap();
    symlink("moved", ws.root()).unwrap();
    assert!(matches!(ws.verify(), Err(Error::Replaced { .. })));
    assert!(matches!(Workspace::open(ws.root()), Err(Error::Root { .. })));
}
