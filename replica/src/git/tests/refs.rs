//! Resolving, fetching, pushing, merging, logs.

use super::*;

fn revision(text: &str) -> Revision {
    text.parse().unwrap()
}

#[tokio::test]
async fn a_base_is_a_branch_a_tag_a_commit_or_the_head() {
    let fixture = Fixture::new().await;
    let old = fixture.base.clone();
    let new = sh(
        fixture.dir.path(),
        "cd seed; git tag light; git tag -am x heavy; git tag both; git branch both2
         echo x > a; git commit -qam two; git branch both; git push -q ../remote.git main both refs/tags/both light heavy 2>/dev/null || git push -q ../remote.git --all; git push -q ../remote.git --tags; git rev-parse HEAD",
    );
    for (name, expected) in [
        ("HEAD", new.as_str()),
        ("main", &new),
        ("refs/heads/main", &new),
        ("light", old.as_str()),
        ("heavy", old.as_str()),
        ("refs/tags/heavy", old.as_str()),
        ("both", &new),
        (old.as_str(), old.as_str()),
    ] {
        let found = fixture.repo.fetch_base(&revision(name)).await.unwrap();
        assert_eq!(found.as_str(), expected, "{name}");
    }
    let found = fixture.repo.fetch_ref(&"refs/heads/main".parse().unwrap()).await;
    assert_eq!(found.unwrap().as_str(), new);
}

#[tokio::test]
async fn every_way_a_fetch_can_fail_is_told_apart() {
    let fixture = Fixture::new().await;
    let missing = "1".repeat(40);
    for name in ["nope", "refs/heads/nope", missing.as_str()] {
        let error = fixture.repo.fetch_base(&revision(name)).await.unwrap_err();
        assert!(matches!(error, RemoteError::RefNotFound { .. }), "{error:?}");
    }
    let tree = sh(
        fixture.dir.path(),
        "cd seed; git tag tree HEAD^{tree}; git push -q ../remote.git tree; git rev-parse tree",
    );
    for name in ["tree", &tree] {
        let error = fixture.repo.fetch_base(&revision(name)).await.unwrap_err();
        assert!(matches!(error, RemoteError::NotACommit { .. }), "{error:?}");
    }

    let path = fixture.dir.path();
    sh(path, "mv remote.git moved.git; mkdir remote.git");
    let error = fixture.repo.fetch_base(&revision("main")).await.unwrap_err();
    assert!(matches!(error, RemoteError::NotARepository { .. }), "{error:?}");
    sh(path, "rmdir remote.git");
    let error = fixture.repo.fetch_base(&revision("main")).await.unwrap_err();
    assert!(matches!(error, RemoteError::RepositoryNotFound { .. }), "{error:?}");
    sh(path, "git init -q --bare remote.git");
    let error = fixture.repo.fetch_base(&revision("HEAD")).await.unwrap_err();
    assert!(matches!(error, RemoteError::RefNotFound { .. }), "{error:?}");
    sh(path, "rm -r remote.git; git init -q --bare --object-format=sha256 remote.git");
    sh(
        path,
        "cp -r remote.git s; cd s; git --git-dir . commit-tree -m x $(git --git-dir . mktree </dev/null) > c; git --git-dir . push -q ../remote.git $(cat c):refs/heads/main",
    );
    let error = fixture.repo.fetch_base(&revision("main")).await.unwrap_err();
    assert!(matches!(error, RemoteError::ObjectFormat { .. }), "{error:?}");
}

#[tokio::test]
async fn a_remote_that_does_not_answer_is_given_up() {
    let settings = Settings { remote_timeout: Duration::from_millis(1), ..Settings::default() };
    let fixture = Fixture::new().await;
    let repo = Fixture::open(fixture.dir.path(), "other.git", "ws", settings).await;
    let error = repo.fetch_base(&revision("main")).await.unwrap_err();
    assert!(matches!(error, RemoteError::TimedOut { .. }), "{error:?}");
}

#[tokio::test]
async fn push_moves_only_what_is_as_expected() {
    let fixture = Fixture::new().await;
    let (repo, base) = (&fixture.repo, &fixture.base);
    fixture.agent("echo 1 >> a");
    let one = fixture.commit("one").await;
    fixture.agent("echo 2 >> a");
    let two = fixture.commit("two").await;
    let name = branch("smith/l-1");

    let push = async |sha: &Sha, expect: Expect| repo.push(sha, &name, &expect).await.unwrap();
    assert_eq!(push(&one, Expect::Absent).await, PushOutcome::Pushed);
    assert_eq!(push(&one, Expect::Absent).await, PushOutcome::AlreadyThere);
    let conflict = PushOutcome::Conflict { found: Some(one.clone()) };
    assert_eq!(push(&two, Expect::Absent).await, conflict);
    assert_eq!(push(&two, Expect::Sha(base.clone())).await, conflict);
    // Not a descendant: the lease decides, not the history.
    assert_eq!(push(&two, Expect::Sha(one.clone())).await, PushOutcome::Pushed);
    assert_eq!(push(&two, Expect::Sha(one.clone())).await, PushOutcome::AlreadyThere);
    assert_eq!(push(&one, Expect::Any).await, PushOutcome::Pushed);
    assert_eq!(repo.ls_remote(&name).await.unwrap(), Some(one.clone()));

    let delete = async |expect: Expect| repo.delete_ref(&name, &expect).await.unwrap();
    assert_eq!(
        delete(Expect::Sha(two)).await,
        DeleteOutcome::Conflict { found: Some(one.clone()) }
    );
    assert_eq!(delete(Expect::Sha(one.clone())).await, DeleteOutcome::Deleted);
    assert_eq!(delete(Expect::Any).await, DeleteOutcome::AlreadyGone);
    let gone = repo.push(base, &name, &Expect::Sha(one)).await.unwrap();
    assert_eq!(gone, PushOutcome::Conflict { found: None });
    let checkpoint: RefName = "refs/smith/uid/r1a1".parse().unwrap();
    assert_eq!(repo.push(base, &checkpoint, &Expect::Any).await.unwrap(), PushOutcome::Pushed);
    assert_eq!(repo.delete_ref(&checkpoint, &Expect::Any).await.unwrap(), DeleteOutcome::Deleted);
}

#[tokio::test]
async fn of_pushers_that_race_one_wins() {
    let fixture = Fixture::new().await;
    let mut commits = Vec::new();
    for n in 0..4 {
        fixture.agent(&format!("echo {n} > a"));
        commits.push(fixture.commit("race").await);
    }
    for round in 0..5 {
        let name = branch(&format!("race-{round}"));
        let (repo, expect) = (&fixture.repo, Expect::Absent);
        let (a, b, c, d) = tokio::join!(
            repo.push(&commits[0], &name, &expect),
            repo.push(&commits[1], &name, &expect),
            repo.push(&commits[2], &name, &expect),
            repo.push(&commits[3], &name, &expect),
        );
        let there = repo.ls_remote(&name).await.unwrap().unwrap();
        for (outcome, sha) in [a, b, c, d].into_iter().zip(&commits) {
            match outcome.unwrap() {
                PushOutcome::Pushed | PushOutcome::AlreadyThere => assert_eq!(*sha, there),
                PushOutcome::Conflict { found } => {
                    assert_eq!(found.as_ref(), Some(&there));
                    assert_ne!(*sha, there);
                }
            }
        }
    }
}

#[tokio::test]
async fn a_push_cut_off_anywhere_can_be_repeated() {
    let settings = Settings { stale_ref_lock: Duration::from_millis(200), ..Settings::default() };
    let fixture = Fixture::with(settings, "printf 'a\\n' > a").await;
    fixture.agent("echo 1 >> a");
    let sha = fixture.commit("one").await;
    for cut in 0..12 {
        let name = branch(&format!("cut-{cut}"));
        let limit = Duration::from_millis(cut * 2);
        // Dropping the future kills git, as the death of the replica would.
        let _ = tokio::time::timeout(limit, fixture.repo.push(&sha, &name, &Expect::Absent)).await;
        let again = fixture.repo.push(&sha, &name, &Expect::Absent).await.unwrap();
        assert!(!matches!(again, PushOutcome::Conflict { .. }), "{cut}: {again:?}");
        assert_eq!(fixture.repo.ls_remote(&name).await.unwrap().as_ref(), Some(&sha));
    }
}

/// The remote takes the push and the answer is lost: git is made to fail after its work is done.
#[tokio::test]
async fn a_push_whose_answer_is_lost_is_settled_by_asking() {
    let fixture = Fixture::new().await;
    fixture.agent("echo 1 >> a");
    let sha = fixture.commit("one").await;
    let fake = fixture.dir.path().join("git");
    fs::write(&fake, "#!/bin/sh\ngit \"$@\" >out; code=$?\ncase \"$*\" in *--porcelain*) kill -9 $$;; esac\ncat out; exit $code\n").unwrap();
    sh(fixture.dir.path(), "chmod +x git");
    let settings = Settings { program: fake, ..Settings::default() };
    let repo = Fixture::open(fixture.dir.path(), "trusted.git", "ws", settings).await;
    let outcome = repo.push(&sha, &branch("x"), &Expect::Absent).await.unwrap();
    assert_eq!(outcome, PushOutcome::AlreadyThere);
}

#[tokio::test]
async fn a_refusal_by_the_remote_is_passed_on() {
    let fixture = Fixture::new().await;
    sh(
        fixture.dir.path(),
        "printf '#!/bin/sh\\nprintf \"\\033[31mfrozen\" >&2; exit 1\\n' > remote.git/hooks/pre-receive; chmod +x remote.git/hooks/pre-receive",
    );
    let error = fixture.repo.push(&fixture.base, &branch("x"), &Expect::Absent).await.unwrap_err();
    let RemoteError::Rejected { reason, .. } = error else { panic!("{error:?}") };
    assert!(reason.contains("pre-receive hook declined"), "{reason}");
    assert!(reason.contains("frozen") && !reason.contains('\u{1b}'), "{reason}");
}

#[tokio::test]
async fn equal_inputs_give_equal_commits_with_trailers() {
    let fixture = Fixture::new().await;
    let (repo, base) = (&fixture.repo, &fixture.base);
    fixture.agent("echo 1 >> a");
    let tree = fixture.snapshot().await.tree;
    let message = Message::new(
        "do it",
        "Because.\n\nStory: forged\n",
        &[
            (TrailerKey::LoopId, "l-1"),
            (TrailerKey::Attempt, "r1a2"),
            (TrailerKey::Story, "s-1\nLoop-ID: x"),
        ],
    );
    let parents = std::slice::from_ref(base);
    let one = repo.commit_tree(&tree, parents, &message, &author()).await.unwrap();
    let other = Fixture::open(fixture.dir.path(), "other.git", "ws", Settings::default()).await;
    other.fetch_sha(base).await.unwrap();
    other.snapshot(base).await.unwrap();
    let two = other.commit_tree(&tree, parents, &message, &author()).await.unwrap();
    assert_eq!(one, two);

    let pairs = |trailers: &[Trailer]| -> Vec<(String, String)> {
        trailers.iter().map(|t| (t.key.clone(), t.value.clone())).collect()
    };
    let expected = [("Loop-ID", "l-1"), ("Attempt", "r1a2"), ("Story", "s-1 Loop-ID: x")]
        .map(|(key, value)| (key.to_owned(), value.to_owned()));
    assert_eq!(pairs(&repo.trailers(&one).await.unwrap()), expected);
    assert_eq!(repo.trailers(base).await.unwrap(), []);
    let log = repo.log(base, &one, 10).await.unwrap();
    assert_eq!(log.len(), 1);
    assert_eq!((&log[0].sha, &log[0].tree, log[0].subject.as_str()), (&one, &tree, "do it"));
    assert_eq!(log[0].date, author().date);
    assert_eq!(pairs(&log[0].trailers), expected);
    assert_eq!(repo.log(&one, base, 10).await.unwrap(), []);
}

#[tokio::test]
async fn dependencies_are_merged_in_order_into_the_base() {
    let fixture = Fixture::new().await;
    let (repo, base) = (&fixture.repo, &fixture.base);
    let commit = async |script: &str| {
        repo.checkout(base, Clean::Everything).await.unwrap();
        fixture.agent(script);
        fixture.commit(script).await
    };
    let x = commit("echo x > x").await;
    let y = commit("echo y > y").await;
    let bad = commit("echo other > x; printf 'q\\nb\\n' > a").await;
    let merge = async |deps: &[&Sha]| {
        let deps: Vec<Sha> = deps.iter().map(|sha| (*sha).clone()).collect();
        repo.merge_base_of(&deps, base, &identity()).await
    };
    assert_eq!(merge(&[]).await.unwrap(), *base);
    assert_eq!(merge(&[base]).await.unwrap(), *base);
    assert_eq!(merge(&[&x, &x]).await.unwrap(), x);
    let both = merge(&[&x, &y]).await.unwrap();
    assert_eq!(both, merge(&[&x, &y, &x]).await.unwrap());
    assert!(repo.contains(&both, &x).await.unwrap() && repo.contains(&both, &y).await.unwrap());
    repo.checkout(&both, Clean::Everything).await.unwrap();
    assert_eq!(fixture.agent("cat x y"), "x\ny");
    let Err(MergeError::Conflict { sha, paths }) = merge(&[&x, &y, &bad]).await else { panic!() };
    assert_eq!((sha, paths), (bad, vec![PathBuf::from("x")]));

    let alone = sh(fixture.dir.path(), "cd seed; git checkout -q --orphan alone; git commit -qm alone; git push -q ../remote.git alone; git rev-parse HEAD").parse().unwrap();
    repo.fetch_sha(&alone).await.unwrap();
    assert!(matches!(merge(&[&alone]).await, Err(MergeError::Unrelated { .. })));
}

#[tokio::test]
async fn the_lock_of_a_killed_push_is_cleared_once_it_is_old() {
    let settings = Settings { stale_ref_lock: Duration::from_millis(50), ..Settings::default() };
    let fixture = Fixture::with(settings, "printf 'a\\n' > a").await;
    fixture.agent("echo 1 >> a");
    let sha = fixture.commit("one").await;
    let name = branch("locked");
    sh(
        fixture.dir.path(),
        "mkdir -p remote.git/refs/heads && : > remote.git/refs/heads/locked.lock",
    );
    let outcome = fixture.repo.push(&sha, &name, &Expect::Absent).await.unwrap();
    assert_eq!(outcome, PushOutcome::Pushed);
}

#[tokio::test]
async fn a_push_collects_no_garbage_in_the_remote() {
    let fixture = Fixture::new().await;
    let path = fixture.dir.path();
    sh(
        path,
        "git -C remote.git repack -adq
         cd seed; echo 2 > a; git commit -qam two; git push -q ../remote.git main:other; cd ..
         git -C remote.git repack -dq
         git -C remote.git config gc.autoPackLimit 1; git -C remote.git config gc.autoDetach false",
    );
    let packs = || sh(path, "ls remote.git/objects/pack/*.pack");
    let before = packs();
    assert_eq!(before.lines().count(), 2);
    fixture.agent("echo 3 > a");
    let head = fixture.commit("three").await;
    fixture.repo.push(&head, &branch("x"), &Expect::Absent).await.unwrap();
    assert_eq!(packs(), before);
    // A push that minds the remote's own setting does.
    sh(path, "cd seed; echo 4 > a; git commit -qam four; git push -q ../remote.git main:more 2>&1");
    assert_eq!(packs().lines().count(), 1);
}
