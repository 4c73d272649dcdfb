//! Whole attempts: real git, a real host with real processes, and the server as a script.

#![allow(unreachable_pub)]

mod server;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures::FutureExt as _;
use serde_json::{Value, json};
use smith_model::attempt::Exit;
use smith_model::failure::FailureClass;
use smith_model::id::AttemptNo;
use smith_model::spec::{Birth, LoopRequest, Rules, Spec};
use smith_model::state::{Failure, State};
use smith_model::story::{DoneAs, IterationOutcome};
use smith_model::worker::{Launch, Outcome, Want};
use smith_replica::attempt::{self, Ended, Setting};
use smith_replica::host::Local;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::unix::pipe::{OpenOptions, Receiver};
use tokio::sync::watch;
use uuid::Uuid;

use server::{Held, Server};

/// A repository, and a loop that is to change it.
struct World {
    dir: tempfile::TempDir,
    spec: Spec,
    uid: Uuid,
    held: Arc<Mutex<Held>>,
    attempts: u32,
    /// The host's program.
    program: PathBuf,
}

fn git(dir: &Path, args: &[&str]) -> String {
    let output = Command::new("git")
        .current_dir(dir)
        .args(["-c", "user.name=t", "-c", "user.email=t@t", "-c", "init.defaultBranch=main"])
        .args(args)
        .output()
        .expect("git runs");
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text").trim().to_owned()
}

fn story(n: usize, depends_on: &[&str]) -> Value {
    json!({
        "id": format!("US-{n:03}"), "title": format!("Make file {n}"), "status": "open",
        "dependsOn": depends_on, "description": "As a user I want a file.",
        "acceptanceCriteria": ["It fails with an error when the file is missing"],
    })
}

fn prd(stories: &[Value]) -> Value {
    json!({
        "version": 1, "project": "p", "overview": "Files.", "qualityGates": ["true"],
        "stories": stories,
    })
}

impl World {
    /// The agent is a shell script; the request is a usual one with these changes.
    fn new(agent: &str, changes: Value) -> Self {
        // As in a worker's own process.
        smith_replica::run::harden().expect("is hardened");
        let dir = tempfile::tempdir().expect("a directory");
        let seed = dir.path().join("seed");
        std::fs::create_dir(&seed).expect("is made");
        git(&seed, &["init", "--quiet"]);
        std::fs::write(seed.join("README"), "hello\n").expect("is written");
        git(&seed, &["add", "-A"]);
        git(&seed, &["commit", "--quiet", "-m", "seed"]);
        let remote = dir.path().join("remote.git");
        git(dir.path(), &["clone", "--quiet", "--bare", "seed", "remote.git"]);
        let script = dir.path().join("agent.sh");
        std::fs::write(&script, agent).expect("is written");
        let mut request = json!({
            "loop_id": "a", "repository": remote, "gates": ["test ! -e broken"], "prompt": "make it",
            "command": format!("sh {}", script.display()), "correlation_id": "c-1",
        });
        for (field, value) in changes.as_object().expect("an object") {
            request[field] = value.clone();
        }
        let request: LoopRequest = serde_json::from_value(request).expect("a request");
        let rules = Rules { file_roots: vec!["/".into()], ..Rules::default() };
        let uid = Uuid::from_u128(7);
        let birth = Birth { uid, by: "t".into(), now: jiff::Timestamp::UNIX_EPOCH };
        let spec = request.accept(&rules, birth).expect("valid").spec;
        let program = env!("CARGO_BIN_EXE_smith-replica").into();
        Self { dir, spec, uid, held: Arc::default(), attempts: 0, program }
    }

    fn remote(&self) -> PathBuf {
        self.dir.path().join("remote.git")
    }

    /// The next attempt; it runs until `Attempt::end`.
    fn attempt(&mut self) -> Attempt {
        self.attempts += 1;
        let no = AttemptNo { round: 1, attempt: self.attempts };
        let server = Server::new(self.spec.clone(), no, Arc::clone(&self.held));
        let dir = self.dir.path().join(format!("w{}", self.attempts));
        std::fs::create_dir(&dir).expect("is made");
        let (terms_tx, terms) = watch::channel(0);
        let setting = Setting {
            api: Arc::clone(&server) as _,
            launch: Launch {
                api_url: String::new(),
                claim_token: "token-token-token".into(),
                terminal_key: "terminal-key-terminal-key".into(),
                uid: self.uid,
                agent_env: vec![("API_KEY".into(), "hunter2hunter2".into())],
                secrets: vec!["hunter2hunter2".into()],
            },
            secrets: vec![],
            host: Local {
                program: self.program.clone(),
                socket: dir.join("host/s"),
                workspace: dir.join("workspace"),
                hidden: vec![],
                isolation: None,
            },
            dir,
            terms,
            patience: Duration::from_secs(20),
        };
        Attempt { server, terms: terms_tx, task: tokio::spawn(attempt::run(setting)) }
    }

    async fn run(&mut self) -> (Ended, Arc<Server>) {
        let attempt = self.attempt();
        let server = Arc::clone(&attempt.server);
        (attempt.end().await, server)
    }
}

struct Attempt {
    server: Arc<Server>,
    terms: watch::Sender<u32>,
    task: tokio::task::JoinHandle<Result<Ended, attempt::Error>>,
}

impl Attempt {
    async fn end(self) -> Ended {
        let ended = tokio::time::timeout(Duration::from_secs(120), self.task).await;
        ended.expect("in time").expect("no panic").expect("an attempt")
    }
}

fn state(ended: &Ended) -> State {
    match ended {
        Ended::Finished(answer) => answer.state,
        Ended::Abandoned(why) => panic!("abandoned: {why}"),
    }
}

#[track_caller]
fn failed(server: &Server, class: FailureClass) -> String {
    let held = server.held();
    match &held.finished.last().expect("finished").outcome {
        Outcome::Failed(Failure { class: found, message }) => {
            assert_eq!(*found, class, "{message}");
            message.clone()
        }
        other => panic!("{other:?}"),
    }
}

/// Makes the file of its story. The second story's first try breaks the gate; only a prompt that tells
/// of it makes the agent clean up.
const AGENT: &str = r###"
n=${SMITH_STORY_ID#US-00}
echo "working on $SMITH_STORY_ID with $API_KEY"
grep -q "^Story: $SMITH_STORY_ID Make file $n" "$SMITH_PROMPT_FILE" || exit 9
echo "$n" > "file$n"
if [ "$n" = 2 ]; then
    if grep -q '^## The last iteration failed' "$SMITH_PROMPT_FILE"; then rm -f broken; else touch broken; fi
fi
git add -A && git commit -q -m forged
printf '{"learnings": ["story %s"], "done": ["all"]}' "$n" > .smith/handoff.json
printf '{"input_tokens": 10, "output_tokens": 1}' > .smith/usage.json
"###;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stories_are_worked_through_and_published() {
    let stories = prd(&[story(1, &[]), story(2, &["US-001"])]);
    let mut world = World::new(AGENT, json!({"prd": stories}));
    let (ended, server) = world.run().await;
    let held = server.held();
    let messages: Vec<_> = held.journal.iter().map(|d| d.message.clone()).collect();
    assert_eq!(state(&ended), State::Synced, "{messages:#?}\n{:?}", held.finished);
    let outcomes: Vec<_> = held.iterations.iter().map(|i| i.outcome).collect();
    assert_eq!(
        outcomes,
        [IterationOutcome::Green, IterationOutcome::GatesFailed, IterationOutcome::Green],
        "{messages:#?}"
    );
    let remote = world.remote();
    let log = git(
        &remote,
        &["log", "--format=%s|%(trailers:key=Story,valueonly,separator=)", "main..smith/a"],
    );
    assert_eq!(log, "US-002: Make file 2|US-002\nUS-001: Make file 1|US-001");
    let body = git(&remote, &["log", "-1", "--format=%B", "smith/a"]);
    for trailer in ["Loop-ID: a", "Attempt: r1a1", "Correlation-ID: c-1"] {
        assert!(body.contains(trailer), "{body}");
    }
    let files = git(&remote, &["ls-tree", "-r", "--name-only", "smith/a"]);
    assert_eq!(files, "README\nfile1\nfile2");
    let checkpoint = git(&remote, &["rev-parse", &format!("refs/smith/{}/r1a1", world.uid)]);
    assert_eq!(checkpoint, git(&remote, &["rev-parse", "smith/a"]));
    let finish = held.finished.last().expect("finished");
    assert!(finish.processes_gone);
    assert_eq!(finish.handoff.learnings, ["story 1", "story 2"]);
    assert_eq!(finish.handoff.done.len(), 2);
    assert_eq!(finish.handoff.usage.input_tokens, 30);
    assert!(held.output().contains("working on US-001 with [redacted]\n"), "{}", held.output());
    assert!(!held.all().contains("hunter2hunter2"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_agent_finds_a_git_directory_that_nobody_has_touched() {
    // The second story's first try is red: its next one gets a repository at the same head.
    let agent = r#"
        test ! -e .git/agent-was-here -a ! -e .git/gate-was-here || exit 9
        test "$(git rev-list --count HEAD)" = ${SMITH_STORY_ID#US-00} || exit 8
        git fsck --full || exit 7
        test -e broken || test -z "$(git status --porcelain)" || exit 6
        touch .git/agent-was-here
        echo x > "$SMITH_STORY_ID"
        if [ "$SMITH_ITERATION" = 2 ]; then touch broken; else rm -f broken; fi"#;
    let stories = prd(&[story(1, &[]), story(2, &["US-001"]), story(3, &["US-002"])]);
    let gates = ["touch .git/gate-was-here; test ! -e broken"];
    let mut world = World::new(agent, json!({"prd": stories, "gates": gates}));
    let (ended, server) = world.run().await;
    let held = server.held();
    assert_eq!(state(&ended), State::Synced, "{}", held.output());
    let exits: Vec<_> = held.iterations.iter().map(|i| i.agent).collect();
    assert_eq!(exits, [Exit::Code(0); 4], "{}", held.output());
    assert_eq!(held.iterations[1].outcome, IterationOutcome::GatesFailed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_publish_that_was_prepared_is_rolled_forward_without_an_agent() {
    let mut world = World::new(AGENT, json!({"prd": prd(&[story(1, &[])])}));
    world.held.lock().expect("no panic").fence_at = Some("prepare");
    let (ended, server) = world.run().await;
    assert_eq!(ended, Ended::Abandoned("a later attempt".into()));
    assert!(server.held().finished.is_empty());
    let prepared = server.held().prepared.clone().expect("prepared");
    let (ended, server) = world.run().await;
    assert_eq!(state(&ended), State::Synced);
    assert_eq!(server.held().iterations.len(), 1);
    assert_eq!(git(&world.remote(), &["rev-parse", "smith/a"]), prepared.new.to_string());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_branch_that_somebody_else_made_is_left_alone() {
    let mut world = World::new(AGENT, json!({"prd": prd(&[story(1, &[])])}));
    git(&world.remote(), &["branch", "smith/a", "main"]);
    let (_, server) = world.run().await;
    let why = failed(&server, FailureClass::PublishConflict);
    assert!(why.contains("refs/heads/smith/a"), "{why}");
    let main = git(&world.remote(), &["rev-parse", "main"]);
    assert_eq!(git(&world.remote(), &["rev-parse", "smith/a"]), main);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancel_leaves_no_process() {
    // The output is long enough that none of it is held back as the possible beginning of a secret.
    // It ignores SIGTERM, and leaves a child in a session of its own; both hold the pipe open.
    let agent = r#"trap '' TERM; exec 9>"$PIPE"; (setsid sh -c 'trap "" TERM; sleep 600' &)
echo up; printf '%01000d\n' 0; sleep 600"#;
    let mut world = World::new(agent, json!({}));
    let pipe = world.dir.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().expect("runs").success());
    world.spec.command = format!("PIPE={} {}", pipe.display(), world.spec.command);
    let attempt = world.attempt();
    let reader = tokio::task::spawn_blocking(move || std::fs::read(pipe).expect("reads"));
    attempt.server.until(|h| h.output().contains("up")).await;
    let begun = Instant::now();
    attempt.server.direct(Want::Cancel);
    reader.await.expect("every writer is gone");
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    let server = Arc::clone(&attempt.server);
    attempt.end().await;
    let held = server.held();
    let finish = held.finished.last().expect("finished");
    assert_eq!(finish.outcome, Outcome::Stopped);
    assert!(finish.processes_gone);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn work_in_progress_outlives_a_landing() {
    let agent = r#"
if [ -e half ]; then mv half whole; exit 0; fi
echo half > half; echo up; printf '%01000d\n' 0; sleep 600
"#;
    let mut world = World::new(agent, json!({}));
    let attempt = world.attempt();
    attempt.server.until(|h| h.output().contains("up")).await;
    attempt.terms.send_replace(1);
    let server = Arc::clone(&attempt.server);
    attempt.end().await;
    failed(&server, FailureClass::Interrupted);
    let checkpoint = server.held().checkpoint.clone().expect("kept");
    assert!(checkpoint.wip);
    let (ended, _) = world.run().await;
    assert_eq!(state(&ended), State::Synced);
    let files = git(&world.remote(), &["ls-tree", "-r", "--name-only", "smith/a"]);
    assert_eq!(files, "README\nwhole");
    assert_eq!(git(&world.remote(), &["rev-list", "--count", "main..smith/a"]), "1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_way_to_fail_has_its_class() {
    let tries = json!({"story_tries": 2, "agent_timeout": "20s"});
    let check = async |agent: &str, changes: Value, class, words: &str| {
        let mut world = World::new(agent, changes);
        let (_, server) = world.run().await;
        let why = failed(&server, class);
        assert!(why.contains(words), "{why}");
        (server, world)
    };
    let missing = json!({"command": "/nonexistent/agent", "policy": tries});
    let (server, _) =
        check("", missing, FailureClass::AgentFailed, "is it installed and executable").await;
    assert_eq!(server.held().iterations.len(), 2);
    let red = json!({"policy": tries, "gates": ["echo why; false"]});
    let (server, _) =
        check("date > f", red, FailureClass::GatesFailed, "was red (exit code 1)").await;
    let handoff = server.held().handoff.clone().expect("handed on").draft;
    assert_eq!(handoff.gates[0].tail.as_deref(), Some("why\n"));
    let changing = json!({"policy": tries, "gates": ["date +%N > g"]});
    check("echo x > f", changing, FailureClass::GatesFailed, "the gates changed the files").await;
    let silent = json!({"policy": {"story_tries": 1, "stall_after": "400ms"}});
    check("exec sleep 600", silent, FailureClass::Stalled, "no output, no CPU").await;
    let slow = json!({"policy": {"story_tries": 1, "agent_timeout": "300ms"}});
    check("sleep 600", slow, FailureClass::AgentFailed, "was ended after 300ms").await;
    let over = json!({"policy": {"attempt_timeout": "2s"}});
    check("sleep 600", over, FailureClass::TimedOut, "the attempt's time (2s").await;
    let once = json!({"policy": {"iterations": 1}, "gates": ["false"]});
    check("date > f", once, FailureClass::IterationsExhausted, "all 1 iterations").await;
    let dear = json!({"policy": {"tokens": 5}, "gates": ["false"]});
    let agent = r#"date > f; echo '{"input_tokens": 6}' > .smith/usage.json"#;
    check(agent, dear, FailureClass::BudgetExhausted, "6 of 5 tokens").await;
    let circling = json!({"policy": {"story_tries": 9}, "gates": ["false"]});
    let agent = "if [ -e f ]; then rm f; else echo > f; fi";
    check(agent, circling, FailureClass::Oscillating, "goes in circles").await;
    let special = json!({"policy": {"story_tries": 1}});
    let agent = "git init -q inner";
    check(agent, special, FailureClass::AgentFailed, "inner").await;
    let nowhere = json!({"ref": "nowhere"});
    check("", nowhere, FailureClass::RepositoryFailed, "nowhere").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_is_killed_while_it_starts_is_lost() {
    let mut world = World::new("date > f", json!({}));
    world.program = world.dir.path().join("host.sh");
    std::fs::write(&world.program, "#!/bin/sh\nkill -KILL $$\n").expect("is written");
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&world.program, executable).expect("is changed");
    let (_, server) = world.run().await;
    let held = server.held();
    let Outcome::Failed(Failure { class, message }) = &held.finished[0].outcome else {
        panic!("{:?}", held.finished)
    };
    assert_eq!(*class, FailureClass::HostLost, "{message}");
    assert!(message.contains("before it connected"), "{message}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_to_do_is_done_as_unchanged_after_two_tries() {
    let mut world = World::new("exit 0", json!({}));
    let (ended, server) = world.run().await;
    assert_eq!(state(&ended), State::Synced);
    let held = server.held();
    assert_eq!(held.iterations.len(), 2);
    let stories = held.stories.as_ref().expect("stories");
    assert_eq!(stories.stories[0].done_as, Some(DoneAs::Unchanged));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_lease_the_agent_stands_still() {
    // It says line after line as long as it runs.
    let mut world = World::new("", json!({"policy": {"stall_after": "1h"}}));
    let pipe = world.dir.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().expect("runs").success());
    world.spec.command =
        format!("while [ ! -e stop ]; do echo alive; done >'{}'; echo x >f", pipe.display());
    let lines = OpenOptions::new().read_write(true).open_receiver(&pipe).expect("a pipe");
    let mut lines = BufReader::new(lines);
    let attempt = world.attempt();
    next_line(&mut lines).await;
    let workspace = world.dir.path().join("w1/workspace").canonicalize().expect("is there");
    attempt.server.held().away = true;
    // Nobody is told when a process stops: the kernel is asked.
    let stands = async {
        while !stands_still(&workspace) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), stands).await.expect("it stands still");
    // What it said before is read up; the next line is a new one.
    while next_line(&mut lines).now_or_never().is_some() {}
    assert!(stands_still(&workspace), "without a lease it goes on");
    attempt.server.held().away = false;
    next_line(&mut lines).await;
    std::fs::write(workspace.join("stop"), "").expect("is written");
    // A full pipe would hold it up.
    let reading = tokio::spawn(async move {
        loop {
            next_line(&mut lines).await
        }
    });
    assert_eq!(state(&attempt.end().await), State::Synced);
    reading.abort();
}

async fn next_line(lines: &mut BufReader<Receiver>) {
    assert!(lines.read_until(b'\n', &mut vec![]).await.expect("a pipe") > 0);
}

/// Does every process that works in a directory stand still, and is there one?
fn stands_still(dir: &Path) -> bool {
    let mut any = false;
    for process in std::fs::read_dir("/proc").expect("/proc").flatten() {
        if std::fs::read_link(process.path().join("cwd")).is_ok_and(|cwd| cwd == dir) {
            let stat = std::fs::read_to_string(process.path().join("stat")).unwrap_or_default();
            // The program's name, which can hold anything, ends at the last bracket.
            any = true;
            if !stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('T')) {
                return false;
            }
        }
    }
    any
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_output_is_capped_and_counted() {
    let agent =
        "echo first; head -c 30000000 /dev/zero | tr '\\0' x | fold -w 100; echo last; date > f";
    let mut world = World::new(agent, json!({}));
    let (ended, server) = world.run().await;
    assert_eq!(state(&ended), State::Synced);
    let held = server.held();
    let output = held.output();
    assert!(output.starts_with("first\n") && output.ends_with("last\n"), "{}", output.len());
    assert!(output.len() <= 64 * 1024);
    let artifact = held.iterations[0].output.clone().expect("kept");
    assert!(artifact.size < 9_000_000 && artifact.omitted > 20_000_000, "{artifact:?}");
}

#[test]
fn a_process_that_is_told_nothing_useful_says_so_and_shows_no_secret() {
    use std::io::Write;
    use std::process::Stdio;
    let dir = tempfile::tempdir().expect("a directory");
    let stdout = std::fs::File::create(dir.path().join("alive")).expect("is made");
    let mut child = Command::new(env!("CARGO_BIN_EXE_smith-replica"))
        .args(["run", "--dir"])
        .arg(dir.path())
        .stdin(Stdio::piped())
        .stdout(stdout)
        .stderr(Stdio::piped())
        .spawn()
        .expect("starts");
    let pid = child.id();
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(br#"{"api_url": "http://h", "claim_token": "hunter2hunter2""#).expect("writes");
    drop(stdin);
    let output = child.wait_with_output().expect("ends");
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("standard input isn't a launch: line 1") && !said.contains("hunter2"),
        "{said}"
    );
    let read = |name: &str| -> Value {
        let text = std::fs::read_to_string(dir.path().join(name)).expect("is there");
        serde_json::from_str(&text).expect("is JSON")
    };
    assert_eq!(read("pid.json")["pid"], pid);
    assert!(read("pid.json")["start_time"].as_u64().is_some_and(|n| n > 0));
    assert_eq!(read("exit.json"), json!({"exit": {"code": 1}}));
    assert_eq!(std::fs::read(dir.path().join("alive")).expect("is there"), b"");
}
