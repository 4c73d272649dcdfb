//! One run of the agent, with its prompt before and its notes after.

use std::io::Write as _;
use std::path::Path;

use smith_model::attempt::Exit;
use smith_model::journal::{Draft, Level, Phase};
use smith_model::story::Usage;
use smith_term::message::{Next, Status};

use crate::checkout::Ground;
use crate::execution::{Cut, Execution, Output, Run, follow};
use crate::git::Sha;
use crate::host::{Command, Error as HostError, Program, StartFailure};
use crate::notes::{self, Notes};
use crate::worker::{Stop, Worker, chain, identity};
use crate::workspace::{self, Workspace};

/// What is passed on of this process's environment.
const ALLOWED: [&str; 10] =
    ["PATH", "HOME", "LANG", "LC_ALL", "TERM", "TZ", "USER", "LOGNAME", "SHELL", "TMPDIR"];

/// What an agent did.
#[derive(Debug)]
pub enum Ran {
    /// It ran.
    Ended(Box<Execution>),
    /// It couldn't be started; why.
    NotStarted(String),
    /// There is no host any more; why.
    HostLost(String),
}

/// The environment of everything that runs in the workspace: what is allowed of this process's, and the agents' own.
pub fn surroundings(agent_env: &[(String, String)]) -> Vec<(String, String)> {
    let own =
        ALLOWED.iter().filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?)));
    let mut env: Vec<(String, String)> = own.collect();
    if env.iter().all(|(name, _)| name != "TERM") {
        env.push(("TERM".to_owned(), "xterm-256color".to_owned()));
    }
    env.extend(agent_env.iter().cloned());
    env
}

/// The environment of the agent and the gates of an iteration.
pub fn environment(worker: &Worker, story: &str, iteration: u32) -> Vec<(String, String)> {
    let mut env = surroundings(&worker.env);
    let prompt = worker.places.workspace.join(notes::PROMPT);
    for (name, value) in [
        ("SMITH_LOOP_ID", worker.spec.loop_id.to_string()),
        ("SMITH_STORY_ID", story.to_owned()),
        ("SMITH_ITERATION", iteration.to_string()),
        ("SMITH_MODEL", worker.spec.model.clone().unwrap_or_default()),
        ("SMITH_PROMPT_FILE", prompt.display().to_string()),
        ("SMITH_CORRELATION_ID", worker.spec.correlation_id.clone()),
    ] {
        env.push((name.to_owned(), value));
    }
    env
}

/// Gives the workspace a fresh `.git` at `head`.
pub async fn renew_git(ground: &Ground, head: &Sha) -> Result<(), Stop> {
    let renewed = ground.repo.agent_git(head, &ground.branch, &identity()).await;
    renewed.map_err(|e| Stop::environment(&e))
}

/// Leaves nothing in Smith's directory but the prompt. The `.git` is fresh already.
pub async fn hand_over(ground: &Ground, prompt: String) -> Result<(), Stop> {
    let workspace = ground.repo.workspace().clone();
    tokio::task::spawn_blocking(move || write_prompt(&workspace, &prompt))
        .await
        .map_err(|e| Stop::environment(&e))?
        .map_err(|e| Stop::environment(&e))
}

fn write_prompt(workspace: &Workspace, prompt: &str) -> Result<(), workspace::Error> {
    let put = |path: &str, text: &str| {
        let path = Path::new(path);
        workspace
            .create_file(path)?
            .write_all(text.as_bytes())
            .map_err(|source| workspace::Error::Write { path: path.to_owned(), source })
    };
    let directory = Path::new(notes::DIRECTORY);
    workspace.remove_all(directory)?;
    workspace.create_dir(directory)?;
    put(notes::PROMPT, prompt)?;
    // What an agent commits is dropped; that it doesn't see Smith's files as its own keeps it from
    // being puzzled by them.
    put(".git/info/exclude", &format!("/{}/\n", notes::DIRECTORY))
}

/// Runs the agent to its end.
pub async fn run(worker: &Worker, iteration: u32, env: &[(String, String)]) -> Result<Ran, Stop> {
    let command = Command {
        program: Program::Shell(worker.spec.command.clone()),
        env: env.iter().cloned().collect(),
        cwd: Default::default(),
    };
    let (process, terminal) =
        match worker.host.start_in_terminal(command, worker.terminals.agent_size()).await {
            Ok(started) => started,
            Err(HostError::Refused(refused)) if refused.kind == StartFailure::Lost => {
                return Ok(Ran::HostLost(refused.to_string()));
            }
            Err(HostError::Refused(refused)) => return Ok(Ran::NotStarted(refused.to_string())),
            Err(HostError::Lost(loss)) => return Ok(Ran::HostLost(chain(&*loss))),
            Err(error) => return Err(Stop::environment(&error)),
        };
    let policy = &worker.spec.policy;
    let run = Run {
        iteration,
        gate: None,
        timeout: policy.agent_timeout.std(),
        stall_after: Some(policy.stall_after.std()),
        path: worker.places.captures.join(format!("{iteration}-agent")),
        tap: None,
    };
    let (tap, typing) = worker.terminals.agent(iteration, terminal.input);
    let output = Output::of(vec![Box::new(terminal.output)]);
    let run = Run { tap: Some(&tap), ..run };
    let done = tokio::select! { biased;
        done = follow(worker, run, process, output) => done?,
        never = typing => match never {},
    };
    let status = match done.exit {
        Exit::Code(code) => Some(Status::Code(code)),
        Exit::Signal(signal) => Some(Status::Signal(signal)),
        _ => None,
    };
    let words = format!("the agent of iteration {iteration} ended: {}", done.exit);
    tap.ended(status, Next::Another, words);
    match done.cut {
        Some(Cut::HostLost(why)) => Ok(Ran::HostLost(why)),
        _ => Ok(Ran::Ended(Box::new(done))),
    }
}

/// What the agent left in Smith's directory. Files that can't be used are named in the journal.
pub fn left(worker: &Worker, ground: &Ground, iteration: u32) -> Result<(Notes, Usage), Stop> {
    let read = |path: &'static str| match ground
        .repo
        .workspace()
        .read_bounded(Path::new(path), notes::MOST_BYTES)
    {
        Ok(bytes) => Ok(Some(bytes)),
        Err(workspace::Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(error.to_string()),
    };
    let said =
        |found: Result<Option<Notes>, String>| unusable(worker, iteration, notes::HANDOFF, found);
    let notes = read(notes::HANDOFF).and_then(|bytes| {
        let parse = |b: Vec<u8>| Notes::parse(&b, &worker.secrets).map_err(|e| e.to_string());
        bytes.map(parse).transpose()
    });
    let usage = read(notes::USAGE)
        .and_then(|bytes| bytes.map(|b| notes::usage(&b).map_err(|e| e.to_string())).transpose());
    let notes = said(notes)?.unwrap_or_default();
    let usage = unusable(worker, iteration, notes::USAGE, usage)?.unwrap_or_default();
    Ok((notes, usage))
}

fn unusable<T>(
    worker: &Worker,
    iteration: u32,
    path: &str,
    found: Result<Option<T>, String>,
) -> Result<Option<T>, Stop> {
    match found {
        Ok(found) => Ok(found),
        Err(why) => {
            let words = format!("iteration {iteration}: the agent's {path} can't be used: {why}");
            worker.say(Draft::info(Phase::Iteration, words).at(Level::Warn))?;
            Ok(None)
        }
    }
}

/// Did the shell not find the agent, or not be able to execute it?
pub fn not_installed(exit: Exit) -> bool {
    matches!(exit, Exit::NotStarted | Exit::Code(126 | 127))
}
