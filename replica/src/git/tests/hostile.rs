//! Work trees of agents that try to run something, to get out, or to get in the way.

use std::ffi::OsStr;

use super::*;

/// Every way known to make git run a command from a repository's own configuration.
const TRAPS: &str = r#"
    trap_in() {
        mkdir -p "$1/hooks"
        for hook in pre-commit post-checkout post-index-change reference-transaction pre-push update \
                    post-commit fsmonitor-watchman post-merge pre-receive post-update proc-receive; do
            printf '#!/bin/sh\ntouch %s\n' "$CANARY" > "$1/hooks/$hook"; chmod +x "$1/hooks/$hook"
        done
        cat >> "$1/config" <<END
[core]
    fsmonitor = "touch $CANARY; false"
    hooksPath = $1/hooks
    sshCommand = "touch $CANARY"
    editor = "touch $CANARY"
    pager = "touch $CANARY"
    alternateRefsCommand = "touch $CANARY"
    gitProxy = "touch $CANARY"
[filter "evil"]
    clean = "touch $CANARY; cat"
    smudge = "touch $CANARY; cat"
    process = "touch $CANARY"
    required = true
[diff "evil"]
    command = "touch $CANARY"
    textconv = "touch $CANARY; cat"
[merge "evil"]
    driver = "touch $CANARY; true"
[diff]
    external = "touch $CANARY"
[credential]
    helper = "!touch $CANARY"
[uploadpack]
    packObjectsHook = "touch $CANARY"
[url "ext::sh -c 'touch $CANARY'"]
    insteadOf = /
[alias]
    status = "!touch $CANARY"
[gpg]
    program = "touch $CANARY"
[commit]
    gpgSign = true
END
    }
"#;

#[tokio::test]
async fn no_command_of_the_agents_configuration_is_ever_run() {
    let fixture = Fixture::with(
        Settings::default(),
        "echo a > a; mkdir d; echo f > d/f; git add .; git commit -qm a
         git update-index --add --cacheinfo 160000,$(git rev-parse HEAD),sub; git commit -qm sub; mkdir sub
         echo '* filter=evil diff=evil merge=evil' > .gitattributes",
    )
    .await;
    let (repo, base) = (&fixture.repo, &fixture.base);
    let canary = fixture.dir.path().join("canary");
    let prelude = format!("CANARY={}\n{TRAPS}", canary.display());
    let name: BranchName = "x".parse().unwrap();
    repo.agent_git(base, &name, &identity()).await.unwrap();

    // The traps do spring, for a git that believes in them.
    fixture.agent(&format!("{prelude} trap_in .git; echo b >> a; git status >/dev/null 2>&1 || true; git add -A >/dev/null 2>&1 || true"));
    assert!(canary.exists());
    fs::remove_file(&canary).unwrap();
    let quiet = |when: &str| assert!(!canary.exists(), "a command was run by {when}");

    fixture.agent(&format!(
        "{prelude}
         cp .git/config .gitconfig; mkdir -p .config/git; cp .git/config .config/git/config
         printf '[submodule \"sub\"]\\n\\tpath = sub\\n\\turl = ext::sh -c touch%% $CANARY\\n\\tupdate = !touch $CANARY\\n\\tignore = none\\n\\tfetchRecurseSubmodules = true\\n' > .gitmodules
         echo '* filter=evil diff=evil merge=evil' > d/.gitattributes"
    ));
    let snapshot = repo.snapshot(base).await.unwrap();
    quiet("snapshot");
    let message = Message::new("x", "", &[]);
    let head = repo
        .commit_tree(&snapshot.tree, std::slice::from_ref(base), &message, &author())
        .await
        .unwrap();
    repo.diff(&repo.tree_of(base).await.unwrap(), &snapshot.tree, 10_000).await.unwrap();
    repo.log(base, &head, 5).await.unwrap();
    quiet("commit, diff and log");
    repo.push(&head, &branch("x"), &Expect::Absent).await.unwrap();
    repo.fetch_ref(&branch("x")).await.unwrap();
    quiet("push and fetch");
    repo.checkout(base, Clean::KeepIgnored).await.unwrap();
    fixture.agent("echo other > z");
    let other = fixture.commit("other").await;
    repo.merge_base_of(&[head.clone(), other], base, &identity()).await.unwrap();
    quiet("merge");

    // A submodule that the agent filled, and a new repository, each with all traps.
    for nested in ["sub", "nested", "d"] {
        repo.checkout(base, Clean::Everything).await.unwrap();
        fixture.agent(&format!(
            "{prelude} mkdir -p {nested}; cd {nested}; git init -q; echo x > x; git add x; git commit -qm x; echo y > x; trap_in .git; rm -f $CANARY"
        ));
        let error = repo.snapshot(base).await.unwrap_err();
        assert!(
            matches!(&error, SnapshotError::NestedRepository { path } if path == Path::new(nested)),
            "{error:?}"
        );
        quiet("the snapshot of a nested repository");
        repo.checkout(base, Clean::KeepIgnored).await.unwrap();
        quiet("the checkout over a nested repository");
        assert!(!fixture.ws().join(nested).join(".git").exists());
    }
    for clean in [Clean::KeepIgnored, Clean::Everything] {
        repo.agent_git(base, &name, &identity()).await.unwrap();
        fixture.agent(&format!("{prelude} trap_in .git; rm -f $CANARY"));
        repo.checkout(&head, clean).await.unwrap();
        quiet("checkout");
        assert!(!fixture.ws().join(".git").exists());
    }
    fixture.agent(&format!("{prelude} git init -q; trap_in .git; rm -f $CANARY"));
    repo.agent_git(base, &name, &identity()).await.unwrap();
    quiet("agent_git");
}

#[tokio::test]
async fn whatever_is_at_dot_git_is_replaced_and_not_followed() {
    let fixture = Fixture::new().await;
    let (repo, base) = (&fixture.repo, &fixture.base);
    let outside = fixture.dir.path().join("outside");
    fs::create_dir_all(outside.join("refs")).unwrap();
    for script in [
        "ln -s ../outside .git",
        "echo 'gitdir: ../outside' > .git",
        "mkdir .git; ln -s ../../outside/refs .git/refs; chmod 0 .git",
        "mkfifo .git",
        "mkdir -p .git/objects/pack; chmod 555 .git/objects/pack .git/objects .git",
    ] {
        fixture.agent(script);
        fixture.snapshot().await;
        repo.agent_git(base, &"x".parse().unwrap(), &identity()).await.unwrap();
        assert_eq!(
            fixture.agent("git status --porcelain; git log --format=%s"),
            "base",
            "{script}"
        );
        assert!(fs::symlink_metadata(fixture.ws().join(".git")).unwrap().is_dir());
        assert_eq!(sh(&outside, "find . | xargs"), ". ./refs", "{script}");
        repo.checkout(base, Clean::KeepIgnored).await.unwrap();
    }
}

#[tokio::test]
async fn a_checkout_is_exact_whatever_the_agent_left() {
    for clean in [Clean::Everything, Clean::KeepIgnored] {
        for script in [
            // A tracked directory moved out, with a link left: stat alone finds nothing changed.
            "mv d ../outside/; ln -s ../outside/d d",
            "rm -r d; ln -s ../outside d",
            "rm -r d; ln -s ../outside/victim d",
            "rm -r d; mkfifo d",
            "rm a; mkdir -p a/b; echo x > a/b/c; chmod 0 a/b",
            "rm a; ln -s ../outside/victim a",
            "rm a; mkfifo a; mkfifo pipe d/pipe",
            "mkdir -p ro/x; echo x > ro/x/y; chmod 555 ro/x ro; chmod 555 d; echo x >> d/f",
            "mkdir locked; echo x > locked/y; chmod 0 locked",
            "mkdir empty; echo x > ./-rf; echo x > 'a b'; printf x > \"$(printf 'new\\nline')\"",
            "git init -q sub/nested; git init -q d; git init -q .; ln -s / root",
            "printf '* text eol=crlf\\n' > .gitattributes; cp .gitattributes d/; echo .gitattributes > d/.gitignore; rm a d/f",
            "chmod 0 a d/f; chmod 0 d",
            "ln -s loop loop; rm .gitignore; ln -s /etc/passwd .gitignore",
        ] {
            let fixture = Fixture::new().await;
            let outside = fixture.dir.path().join("outside");
            fs::create_dir(&outside).unwrap();
            fs::write(outside.join("victim"), "kept").unwrap();
            fs::write(outside.join("f"), "kept").unwrap();
            fixture.agent(script);
            fixture
                .repo
                .checkout(&fixture.base, clean)
                .await
                .unwrap_or_else(|error| panic!("{clean:?} {script}: {error:?}"));
            assert_eq!(fixture.agent("find . ! -type d | sort | xargs; find . -type d -empty; find . -type l; cat a d/f | od -c | head -1"),
                "./.gitignore ./a ./d/f\n0000000   a  \\n   b  \\n   f  \\n", "{clean:?} {script}");
            assert!(!fixture.snapshot().await.changed, "{script}");
            assert_eq!(fs::read(outside.join("victim")).unwrap(), b"kept");
            assert_eq!(fs::read(outside.join("f")).unwrap(), b"kept");
        }
    }
}

#[tokio::test]
async fn a_broken_index_is_made_again() {
    let fixture = Fixture::new().await;
    fs::write(fixture.dir.path().join("trusted.git/worktree.index"), "junk").unwrap();
    fixture.repo.checkout(&fixture.base, Clean::KeepIgnored).await.unwrap();
    assert!(!fixture.snapshot().await.changed);
}

#[tokio::test]
async fn names_of_any_bytes_are_kept() {
    let fixture = Fixture::new().await;
    let names: Vec<&[u8]> = vec![
        b"-rf",
        b"--output=x",
        b":(top)a",
        b"in\nvalid\xff",
        b"tab\t",
        b"quote\"'",
        b"*",
        b"\x1b[31m",
    ];
    for name in &names {
        fs::write(fixture.ws().join(OsStr::from_bytes(name)), "x").unwrap();
    }
    let snapshot = fixture.snapshot().await;
    let mut found: Vec<&[u8]> = status_of(&snapshot).into_iter().map(|(_, path)| path).collect();
    let mut names = names;
    found.sort();
    names.sort();
    assert_eq!(found, names);
    assert_eq!(snapshot.stat.insertions, names.len() as u64);
    let head = fixture.commit("x").await;
    fixture.repo.checkout(&fixture.base, Clean::KeepIgnored).await.unwrap();
    assert!(!fixture.snapshot().await.changed);
    fixture.repo.checkout(&head, Clean::KeepIgnored).await.unwrap();
    assert_eq!(fixture.snapshot().await.tree, snapshot.tree);
}

#[tokio::test]
async fn special_files_are_named() {
    let fixture = Fixture::new().await;
    let _socket = std::os::unix::net::UnixListener::bind(fixture.ws().join("d/sock")).unwrap();
    fixture.agent("mkfifo pipe");
    assert_eq!(fixture.snapshot().await.special, [Path::new("pipe"), Path::new("d/sock")]);
    fixture.agent("rm d/f; mkfifo d/f");
    let error = fixture.repo.snapshot(&fixture.base).await.unwrap_err();
    assert!(
        matches!(&error, SnapshotError::SpecialFile { path, .. } if path == Path::new("d/f")),
        "{error:?}"
    );
}

#[tokio::test]
async fn names_that_git_refuses_are_named() {
    let fixture = Fixture::new().await;
    fixture.agent("mkdir -p 'git~1'; echo x > 'git~1/config'");
    let error = fixture.repo.snapshot(&fixture.base).await.unwrap_err();
    assert!(
        matches!(&error, SnapshotError::InvalidName { path } if path == Path::new("git~1/config")),
        "{error:?}"
    );
}

/// Root reads everything, so this says something only for other users.
#[tokio::test]
async fn what_can_not_be_read_is_named() {
    if rustix::process::geteuid().is_root() {
        return;
    }
    for (script, named) in [
        ("echo x > secret; chmod 0 secret", "secret"),
        ("chmod 0 a; touch -d 2001-01-01 a", "a"),
        ("mkdir dark; echo x > dark/x; chmod 0 dark", "dark/"),
        ("chmod 0 d", "d"),
    ] {
        let fixture = Fixture::new().await;
        fixture.agent(script);
        let error = fixture.repo.snapshot(&fixture.base).await.unwrap_err();
        assert!(
            matches!(&error, SnapshotError::Unreadable { path } if path.starts_with(named)),
            "{script}: {error:?}"
        );
        fixture.agent("chmod -R u+rwX .");
    }
}

#[tokio::test]
async fn links_are_stored_and_never_followed() {
    let fixture = Fixture::new().await;
    let outside = fixture.dir.path().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("f"), "secret").unwrap();
    fixture.agent("rm -r d; ln -s ../outside d; ln -s ../outside/f g");
    let snapshot = fixture.snapshot().await;
    assert_eq!(
        status_of(&snapshot),
        [(Status::Added, &b"d"[..]), (Status::Deleted, b"d/f"), (Status::Added, b"g")]
    );
    let from = fixture.repo.tree_of(&fixture.base).await.unwrap();
    let diff = fixture.repo.diff(&from, &snapshot.tree, 10_000).await.unwrap();
    assert!(!String::from_utf8(diff.bytes).unwrap().contains("secret"));
}

#[tokio::test]
async fn a_workspace_that_was_replaced_is_refused() {
    let fixture = Fixture::new().await;
    sh(fixture.dir.path(), "mkdir elsewhere; echo x > elsewhere/x; mv ws gone; ln -s elsewhere ws");
    let error = fixture.repo.snapshot(&fixture.base).await.unwrap_err();
    assert!(matches!(error, SnapshotError::Workspace(_)), "{error:?}");
    fixture.repo.checkout(&fixture.base, Clean::Everything).await.unwrap_err();
    fixture.repo.agent_git(&fixture.base, &"x".parse().unwrap(), &identity()).await.unwrap_err();
    assert_eq!(sh(fixture.dir.path(), "ls -A elsewhere"), "x");
}

#[tokio::test]
async fn ten_thousand_files_are_a_snapshot() {
    let fixture = Fixture::new().await;
    for dir in 0..100 {
        let dir = fixture.ws().join(format!("many/{dir}"));
        fs::create_dir_all(&dir).unwrap();
        for n in 0..100 {
            fs::write(dir.join(n.to_string()), n.to_string()).unwrap();
        }
    }
    let started = std::time::Instant::now();
    let snapshot = fixture.snapshot().await;
    let first = started.elapsed();
    assert_eq!(snapshot.stat.files, 10_000);
    assert_eq!(snapshot.files.len() + snapshot.unlisted, 10_000);
    let again = fixture.snapshot().await;
    println!("10k new files {first:?}, again {:?}", started.elapsed() - first);
    assert_eq!(again.tree, snapshot.tree);
}
