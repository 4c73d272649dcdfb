//! Loops that really run: created on a smithd, waited for.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};
use smith_model::api::{Created, LoopDetail, Page};
use smith_model::journal::{Entry, Payload};
use tokio::time::{Instant, sleep};

use super::http::Connection;

/// A bare repository with one commit of twenty small files.
pub fn repository(dir: &Path) -> Result<String> {
    let (bare, first) = (dir.join("repo.git"), dir.join("first"));
    if !bare.is_dir() {
        git(dir, &["init", "--quiet", "--bare", "--initial-branch=main", "repo.git"])?;
        clone(dir, "first")?;
        for n in 0..20 {
            std::fs::write(
                first.join(format!("file-{n:02}.txt")),
                format!("the file {n}\n").repeat(20),
            )?;
        }
        git(&first, &["add", "--all"])?;
        git(&first, &["commit", "--quiet", "--message=twenty files"])?;
        git(&first, &["push", "--quiet", "origin", "HEAD:refs/heads/main"])?;
    }
    Ok(format!("file://{}", bare.display()))
}

/// A clone of [`repository`] with nothing of the user's settings.
pub fn clone(dir: &Path, name: &str) -> Result<()> {
    git(dir, &["clone", "--quiet", "repo.git", name])?;
    let there = dir.join(name);
    git(&there, &["config", "user.name", "bench"])?;
    git(&there, &["config", "user.email", "bench@example.org"])?;
    // Smith's commits don't start a gc either.
    git(&there, &["config", "gc.auto", "0"])
}

/// Runs git without the machine's or the user's settings.
pub fn git(dir: &Path, args: &[&str]) -> Result<()> {
    let mut command = Command::new("git");
    command.current_dir(dir).args(args);
    command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null");
    let output = command.output().context("can't run git")?;
    ensure!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

/// A request for a loop of `stories` stories that runs `agent` in each iteration.
pub fn request(id: &str, repository: &str, agent: &str, stories: usize) -> Value {
    let story = |n: usize| {
        json!({
            "id": format!("US-{n:03}"),
            "title": format!("Append line {n}"),
            "status": "open",
            "dependsOn": [],
            "description": "As a reader, I want one more line.",
            "acceptanceCriteria": ["There is one more line."],
        })
    };
    json!({
        "loop_id": id,
        "title": "append lines",
        "repository": repository,
        "command": agent,
        "gates": ["true"],
        "policy": { "attempts": 1, "iterations": stories.max(50) },
        "prd": {
            "version": 1,
            "project": "bench",
            "overview": "Lines are appended.",
            "goals": ["Lines."],
            "nonGoals": [],
            "rules": [],
            "qualityGates": ["true"],
            "stories": (1..=stories).map(story).collect::<Vec<_>>(),
        },
    })
}

/// Creates a loop.
pub async fn create(connection: &mut Connection, request: &Value) -> Result<()> {
    let created: Created = connection.post("/v1/loops", request).await?.json()?;
    ensure!(created.created, "there is such a loop already");
    Ok(())
}

/// Waits for the loop's end, which must be `synced`.
pub async fn synced(connection: &mut Connection, id: &str, most: Duration) -> Result<()> {
    let deadline = Instant::now() + most;
    loop {
        let detail: LoopDetail = connection.get(&format!("/v1/loops/{id}")).await?.json()?;
        let record = detail.item.record;
        if record.state.ended() {
            ensure!(
                record.state.to_string() == "synced",
                "{id}: {}: {}",
                record.state,
                record.message
            );
            return Ok(());
        }
        if Instant::now() > deadline {
            bail!("{id} is {} after {most:?}: {}", record.state, record.message);
        }
        sleep(Duration::from_millis(100)).await;
    }
}

/// Waits until the loop's first iteration has begun.
pub async fn iterates(connection: &mut Connection, id: &str, most: Duration) -> Result<()> {
    let deadline = Instant::now() + most;
    loop {
        let path = format!("/v1/loops/{id}/journal?limit=500");
        let page: Page<Entry> = connection.get(&path).await?.json()?;
        let begun = |e: &Entry| matches!(e.draft.payload, Some(Payload::IterationStarted { .. }));
        if page.items.iter().any(begun) {
            return Ok(());
        }
        if Instant::now() > deadline {
            bail!("{id} doesn't iterate after {most:?}");
        }
        sleep(Duration::from_millis(20)).await;
    }
}
