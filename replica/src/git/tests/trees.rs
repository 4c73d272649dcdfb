//! Checkout, snapshot, diff, and the agent's own repository, with a well-meaning agent.

use super::*;

#[tokio::test]
async fn a_snapshot_lists_what_changed() {
    let fixture = Fixture::new().await;
    let same = fixture.snapshot().await;
    assert!(!same.changed && same.files.is_empty());
    assert_eq!(same.tree, fixture.repo.tree_of(&fixture.base).await.unwrap());

    fixture.agent("printf 'a\\nc\\nd\\n' > a; rm d/f; ln -s /etc/passwd link; echo x > skip.ign; chmod +x .gitignore; printf '\\0\\1' > bin");
    let snapshot = fixture.snapshot().await;
    assert!(snapshot.changed && snapshot.tree != same.tree);
    assert_eq!(
        status_of(&snapshot),
        [
            (Status::Modified, &b".gitignore"[..]),
            (Status::Modified, b"a"),
            (Status::Added, b"bin"),
            (Status::Deleted, b"d/f"),
            (Status::Added, b"link"),
        ]
    );
    assert_eq!(snapshot.stat, DiffStat { files: 5, insertions: 3, deletions: 2 });
    assert_eq!(fixture.snapshot().await, snapshot);
    fixture.agent("git init -q; rm link bin; ln -s d link; rm link; chmod -x .gitignore; printf 'a\\nb\\n' > a; mkdir -p d; echo f > d/f");
    assert_eq!(fixture.snapshot().await.tree, same.tree);
}

#[tokio::test]
async fn lists_and_diffs_are_bounded() {
    let settings = Settings { max_listed_changes: 2, ..Settings::default() };
    let fixture = Fixture::with(settings, "echo a > a").await;
    fixture.agent("seq 1000 > many; touch b c");
    let snapshot = fixture.snapshot().await;
    assert_eq!((snapshot.files.len(), snapshot.unlisted), (2, 1));
    let from = fixture.repo.tree_of(&fixture.base).await.unwrap();
    let whole = fixture.repo.diff(&from, &snapshot.tree, 100_000).await.unwrap();
    assert!(!whole.truncated && whole.bytes.starts_with(b"diff --git a/b b/b\n"));
    let part = fixture.repo.diff(&from, &snapshot.tree, 100).await.unwrap();
    assert_eq!((part.bytes.as_slice(), part.truncated), (&whole.bytes[..100], true));
    let stat = fixture.repo.diff_stat(&from, &snapshot.tree).await.unwrap();
    assert_eq!((stat, stat.insertions), (snapshot.stat, 1000));
}

#[tokio::test]
async fn what_is_too_much_for_a_commit_is_named() {
    let settings = Settings {
        max_file_bytes: 1000,
        max_snapshot_bytes: 1500,
        max_snapshot_files: 20,
        ..Settings::default()
    };
    let fixture =
        Fixture::with(settings, "head -c 5000 /dev/zero > tracked; echo '*.ign' > .gitignore")
            .await;
    fixture.agent("head -c 5000 /dev/zero > x.ign");
    fixture.snapshot().await;
    fixture.agent("mkdir d; head -c 1001 /dev/zero > d/big");
    let error = fixture.repo.snapshot(&fixture.base).await.unwrap_err();
    assert!(
        matches!(&error, SnapshotError::FileTooLarge { path, size: 1001, .. } if path == Path::new("d/big")),
        "{error:?}"
    );
    fixture.agent("head -c 900 /dev/zero > d/big; head -c 800 /dev/zero > d/more");
    let error = fixture.repo.snapshot(&fixture.base).await.unwrap_err();
    assert!(
        matches!(&error, SnapshotError::TooLarge { size: 1700, largest, .. } if largest == Path::new("d/big")),
        "{error:?}"
    );
    fixture.agent("rm -r d; mkdir d; for n in $(seq 21); do : > d/$n; done");
    let error = fixture.repo.snapshot(&fixture.base).await.unwrap_err();
    assert!(matches!(&error, SnapshotError::TooMany { count: 21, .. }), "{error:?}");
}

#[tokio::test]
async fn a_checkout_keeps_caches_only_when_told_to() {
    let fixture = Fixture::new().await;
    fixture.agent(
        "echo new > a; mkdir -p junk/empty cache.ign; echo x > cache.ign/x; echo y > d/y; rm d/f",
    );
    let times = "stat -c %Y.%y .gitignore";
    let before = fixture.agent(times);
    fixture.repo.checkout(&fixture.base, Clean::KeepIgnored).await.unwrap();
    assert_eq!(
        fixture.agent("find . -type f | sort | xargs"),
        "./.gitignore ./a ./cache.ign/x ./d/f"
    );
    assert_eq!(fixture.agent("ls; cat a"), "a\ncache.ign\nd\na\nb");
    assert_eq!(fixture.agent(times), before);
    assert!(!fixture.snapshot().await.changed);
    fixture.repo.checkout(&fixture.base, Clean::Everything).await.unwrap();
    assert_eq!(fixture.agent("find . -type f | sort | xargs"), "./.gitignore ./a ./d/f");
    assert!(!fixture.snapshot().await.changed);
}

#[tokio::test]
async fn submodules_that_are_left_alone_stay() {
    let fixture = Fixture::with(
        Settings::default(),
        "echo a > a; git add a; git commit -qm a; git update-index --add --cacheinfo 160000,$(git rev-parse HEAD),sub; git commit -qm sub; mkdir sub",
    )
    .await;
    assert!(!fixture.snapshot().await.changed);
    fixture.agent("echo b > b");
    assert_eq!(status_of(&fixture.snapshot().await), [(Status::Added, &b"b"[..])]);
    fixture.repo.checkout(&fixture.base, Clean::KeepIgnored).await.unwrap();
    assert!(!fixture.snapshot().await.changed);
}

#[tokio::test]
async fn the_agent_gets_a_clean_repository_of_its_own() {
    let fixture = Fixture::new().await;
    let (repo, base) = (&fixture.repo, &fixture.base);
    let name = "smith/l-1".parse().unwrap();
    repo.agent_git(base, &name, &identity()).await.unwrap();
    assert_eq!(fixture.agent("git status --porcelain"), "");
    assert_eq!(
        fixture.agent("git symbolic-ref HEAD; git rev-parse HEAD"),
        format!("refs/heads/smith/l-1\n{base}")
    );
    assert_eq!(fixture.agent("git remote; ls .git/hooks 2>/dev/null || true; git log --format=%s; git config user.name"), "base\nSmith");
    fixture.agent("git fsck --strict 2>&1");

    // It works for the agent, and is replaced with all that the agent did to it.
    fixture.agent("echo x >> a; git checkout -q -b own; git commit -qam own; git stash list; git config core.fsmonitor /bin/false; mkdir .git/hooks; ln -s / .git/out");
    let head = fixture.commit("real").await;
    repo.agent_git(&head, &name, &identity()).await.unwrap();
    assert_eq!(fixture.agent("git status --porcelain; git log --format=%s; git branch --format='%(refname)'; ls .git | xargs"),
        "real\nbase\nrefs/heads/smith/l-1\nHEAD config index info objects refs");
    // Work that was not committed shows as such.
    fixture.agent("echo y >> a; echo n > new");
    fixture.snapshot().await;
    repo.agent_git(&head, &name, &identity()).await.unwrap();
    assert_eq!(fixture.agent("git status --porcelain"), "M a\n?? new");
    fixture.agent("git fsck --strict 2>&1");
}

#[tokio::test]
async fn a_commit_more_is_packed_beside_the_history() {
    let script = "mkdir -p d/e; echo 1 > d/e/f; echo 2 > g; echo old > h; git add .; git commit -qm one; echo new > h";
    let fixture = Fixture::with(Settings::default(), script).await;
    let (repo, name) = (&fixture.repo, "x".parse().unwrap());
    let packs = || -> Vec<String> {
        fixture.agent("ls .git/objects/pack/*.pack").lines().map(str::to_owned).collect()
    };
    // As a clone of some size has it.
    sh(fixture.dir.path(), "git --git-dir=trusted.git repack -adq");
    repo.agent_git(&fixture.base, &name, &identity()).await.unwrap();
    let first = packs();
    assert_eq!(first.len(), 1);
    let mut head = fixture.base.clone();
    for (n, change) in [
        "echo 3 > d/e/f; ln -s f d/e/link",
        "mv g d/e/g; chmod +x d/e/f; cp h copy",
        "rm -r d; echo x > d",
        "rm d; mkdir d; echo y > d/y",
        "echo old > h",
        "for n in $(seq 200); do echo $n > n$n; done",
    ]
    .into_iter()
    .enumerate()
    {
        fixture.agent(change);
        let snapshot = repo.snapshot(&head).await.unwrap();
        let parents = [head.clone()];
        let message = Message::new(&format!("commit {n}"), "", &[]);
        head = repo.commit_tree(&snapshot.tree, &parents, &message, &author()).await.unwrap();
        repo.extend_history(&head, &snapshot).await;
        repo.agent_git(&head, &name, &identity()).await.unwrap();
        assert_eq!(fixture.agent("git status --porcelain"), "", "{change}");
        assert_eq!(fixture.agent("git fsck --full --strict 2>&1"), "", "{change}");
        assert_eq!(fixture.agent("git log --format=%s | head -n 1"), format!("commit {n}"));
        let now = packs();
        assert!(now.len() == 2 && now.contains(&first[0]), "{change}: {now:?}");
    }
    // More than that isn't kept apart.
    fixture.agent("mkdir many; for n in $(seq 1001); do echo $n-$n > many/$n; done");
    let snapshot = repo.snapshot(&head).await.unwrap();
    let message = Message::new("many", "", &[]);
    let parents = [head];
    let head = repo.commit_tree(&snapshot.tree, &parents, &message, &author()).await.unwrap();
    repo.extend_history(&head, &snapshot).await;
    repo.agent_git(&head, &name, &identity()).await.unwrap();
    assert_eq!(fixture.agent("git status --porcelain; git fsck --full --strict 2>&1"), "");
    assert!(packs().len() == 1 && packs() != first);
    // What is uncommitted shows, though the index was taken for the head's a moment ago.
    fixture.agent("echo more >> h");
    let failed = repo.snapshot(&head).await.unwrap();
    assert!(failed.changed);
    repo.agent_git(&head, &name, &identity()).await.unwrap();
    assert_eq!(fixture.agent("git status --porcelain; git show :h"), "M h\nold");
    // And what is checked out again is clean.
    repo.checkout(&head, Clean::KeepIgnored).await.unwrap();
    repo.agent_git(&head, &name, &identity()).await.unwrap();
    assert_eq!(fixture.agent("git status --porcelain"), "");
}

#[tokio::test]
async fn what_an_agent_does_to_its_objects_reaches_no_other_repository() {
    let fixture = Fixture::new().await;
    let (repo, name) = (&fixture.repo, "x".parse().unwrap());
    repo.agent_git(&fixture.base, &name, &identity()).await.unwrap();
    fixture.agent("echo 1 > a");
    let snapshot = fixture.snapshot().await;
    let head = fixture.commit("one").await;
    repo.extend_history(&head, &snapshot).await;
    repo.agent_git(&head, &name, &identity()).await.unwrap();
    // In place, as a hard link would pass it on.
    let spoil =
        "find .git/objects .git/index -type f | while read f; do chmod +w $f; echo junk > $f; done";
    fixture.agent(spoil);
    sh(fixture.dir.path(), "git --git-dir=trusted.git fsck --full --strict 2>&1");
    repo.agent_git(&head, &name, &identity()).await.unwrap();
    assert_eq!(fixture.agent("git fsck --full 2>&1; git status --porcelain"), "");
}

#[tokio::test]
async fn the_agents_history_is_bounded() {
    let settings = Settings { agent_history: 10, ..Settings::default() };
    let fixture = Fixture::with(
        settings,
        "for n in $(seq 8); do echo $n > a; git add a; git commit -qm $n; done
         git checkout -q -b side HEAD~3; for n in 1 2 3; do git commit -q --allow-empty -m s$n; done
         git checkout -q main; git merge -q --no-edit side",
    )
    .await;
    fixture.repo.agent_git(&fixture.base, &"x".parse().unwrap(), &identity()).await.unwrap();
    assert_eq!(fixture.agent("git status --porcelain; git fsck --strict 2>&1"), "");
    let commits: u32 = fixture.agent("git log --oneline | wc -l").parse().unwrap();
    assert!((2..=10).contains(&commits), "{commits}");
    fixture.agent("git show --stat HEAD; git blame a");
}

/// Not a bound of the machine (tests run side by side), but the measurement that is looked at.
#[tokio::test]
async fn an_iteration_of_a_small_repository_is_quick() {
    let fixture = Fixture::with(
        Settings::default(),
        "for n in $(seq 200); do mkdir -p d$((n % 20)); seq $n > d$((n % 20))/$n; done",
    )
    .await;
    let name = "x".parse().unwrap();
    let mut head = fixture.base.clone();
    for _ in 0..5 {
        fixture.agent("date +%N >> d1/1");
        let started = std::time::Instant::now();
        let snapshot = fixture.repo.snapshot(&head).await.unwrap();
        let parents = std::slice::from_ref(&head);
        let message = Message::new("x", "", &[]);
        let made = fixture.repo.commit_tree(&snapshot.tree, parents, &message, &author()).await;
        head = made.unwrap();
        fixture.repo.extend_history(&head, &snapshot).await;
        let committed = started.elapsed();
        fixture.repo.agent_git(&head, &name, &identity()).await.unwrap();
        let new_head = started.elapsed() - committed;
        fixture.repo.agent_git(&head, &name, &identity()).await.unwrap();
        let same_head = started.elapsed() - committed - new_head;
        println!("snapshot and commit {committed:?}, agent_git {new_head:?}, again {same_head:?}");
        assert!(new_head < Duration::from_secs(5));
    }
}

#[tokio::test]
async fn what_a_gate_changes_is_seen_and_what_it_leaves_costs_no_new_tree() {
    let fixture = Fixture::new().await;
    fixture.agent("echo 1 >> a");
    let before = fixture.snapshot().await;
    let now = async || fixture.repo.tree_after(&before.tree).await.unwrap();
    assert_eq!(now().await, before.tree);
    for change in ["echo 2 > a", "rm a", "echo new > n", "chmod +x d/f", "echo 1 > x.ign"] {
        fixture.agent(&format!("cp -a . ../kept && {change}"));
        let ignored = change.ends_with(".ign");
        assert_eq!(now().await == before.tree, ignored, "{change}");
        fixture.agent("rm -rf ./* .gitignore && cp -a ../kept/. . && rm -rf ../kept");
        // The index holds what was last added: back to the agent's tree.
        assert_eq!(fixture.snapshot().await.tree, before.tree, "{change}");
    }
}
