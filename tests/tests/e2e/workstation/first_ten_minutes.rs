//! `docs/first-ten-minutes.md`, pressed and read in its order, from a home where nothing is known yet.

use rustix::process::Signal;
use smith_tests::{binaries, process};

use super::*;

/// Where the page's reader is at home.
const HOME: &str = "/home/you";

/// A step of the page.
#[derive(Debug, PartialEq)]
enum Step {
    Press(String),
    Type(String),
    See(String),
}

/// Its steps, each an item of a list that begins with its verb and has the rest between backticks.
fn steps(page: &str, home: &Path) -> Vec<Step> {
    let items = page.lines().filter_map(|line| line.strip_prefix("- "));
    items
        .map(|item| {
            let step = || {
                let (verb, rest) = item.split_once(" `")?;
                let text = rest.split('`').next()?.replace(HOME, &home.display().to_string());
                Some(match verb {
                    "press" => Step::Press(text),
                    "type" => Step::Type(text),
                    "see" => Step::See(text),
                    _ => return None,
                })
            };
            step().unwrap_or_else(|| panic!("neither press, type nor see: {item}"))
        })
        .collect()
}

/// What the workstation started, and what that started: it outlives the workstation, but not a test that fails.
struct Outlives(PathBuf);

impl Drop for Outlives {
    fn drop(&mut self) {
        for seen in process::below(&self.0) {
            process::signal(seen.pid, Signal::KILL);
        }
    }
}

#[tokio::test]
async fn the_page_about_the_first_ten_minutes_is_true() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let page = std::fs::read_to_string(root.join("docs/first-ten-minutes.md")).unwrap();
    let dir = tempfile::Builder::new().prefix("smith-").tempdir().unwrap();
    let home = dir.path().canonicalize().unwrap();
    let repository = Repository::create(&home.join("work"));
    let outlives = Outlives(home.clone());
    let mut command = desk::program(&home);
    command.env("SMITH_ETCD", binaries::etcd());
    let mut desk = Desk::open(command).await;
    let steps = steps(&page, &home);
    assert!(steps.len() > 80, "the page has few steps: {}", steps.len());
    for step in &steps {
        match step {
            Step::Press(keys) => desk.press(keys),
            Step::Type(text) => desk.types(text),
            Step::See(text) => desk.shows(&[text]).await,
        }
    }
    let (status, left) = desk.ended().await;
    assert!(status.success() && left.is_empty(), "{status}: {left}");
    let branches = repository.refs("refs/heads/smith/");
    assert_eq!(repository.file(&branches[0], "work.txt").as_deref(), Some("hello smith"));

    let smithd = process::below(&home).into_iter().find(|seen| seen.line.ends_with("smithd"));
    let smithd = smithd.expect("smithd goes on");
    process::signal(smithd.pid, Signal::TERM);
    process::gone(smithd.pid).await;
    let left = process::below(&home);
    assert!(left.is_empty(), "processes are left: {left:#?}");
    drop(outlives);
}
