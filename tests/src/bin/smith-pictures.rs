//! Draws the pictures of the docs: the real workstation on a terminal, before a real smithd with the loops of
//! `examples/demo`; run by `make pictures`.

// It is a harness: what it doesn't expect ends it.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::process::Command;

use smith_client::{ListPage, LoopFilter};
use smith_model::context::{Context, Contexts, LOCAL};
use smith_model::spec::LoopRequest;
use smith_model::state::State;
use smith_tests::{Desk, Fifo, Options, Repository, World, desk, picture, world};

const SIZE: (u16, u16) = (118, 26);

/// A loop whose agent asks its person.
const ASKING: &str = "printf '\\033[1;36m● Round the totals\\033[0m\\n  the ledger holds 3 entries\\n\\n'; \
                      printf 'Round to minutes or to quarters? '; read -r answer; echo \"$answer\"";

#[tokio::main]
async fn main() {
    let out: PathBuf = std::env::args_os().nth(1).expect("smith-pictures DIRECTORY").into();
    std::fs::create_dir_all(&out).unwrap();
    let world = World::start(Options::default()).await;
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("examples/demo");
    let repository = Repository::create(&world.dir().join("tally"));
    copy(&demo.join("repo"), &repository);
    let agent = |name: &str| format!("'{}'", demo.join(name).display());

    let of = |request: LoopRequest, title: &str| LoopRequest {
        title: Some(title.to_owned()),
        ..request
    };
    let gates = ["prove -l t"];
    let prd = demo.join("prd.json").display().to_string();
    let (url, scripted) = (repository.url(), agent("agent"));
    let args = ["prd", "submit", &prd, "--loop-id", "tally", "--repo", &url, "--agent", &scripted];
    assert!(world.smithctl(&args).status().await.unwrap().success());
    world.ends(&"tally".parse().unwrap(), State::Synced).await;
    let hopeless = world::request("hopeless", &repository, &agent("agent-hopeless"), &gates);
    let hopeless = world.create(&of(hopeless, "Round the times")).await;
    world.ends(&hopeless, State::Flatline).await;
    let began = Fifo::create(&world.file("began"));
    let lines = format!("{ASKING}; read -r more <'{}'", began.path());
    let asking = world::request("rounding", &repository, &world.agent("asking", &lines), &gates);
    world.create(&of(asking, "Round the totals")).await;
    let report = world::request("weekly-report", &repository, &scripted, &gates);
    let report = LoopRequest { depends_on: vec!["rounding".parse().unwrap()], ..report };
    world.create(&of(report, "A report for the week")).await;

    let mut desk = Desk::sized(command(&world), SIZE.0, SIZE.1).await;
    desk.line(&["rounding", "▶ overwriting"]).await;
    desk.line(&["hopeless", "✖ flatline"]).await;
    desk.shows(&["weekly-report", "✔ synced", "Tip:"]).await;
    desk.command("hints off");
    desk.hides(&["Tip:"]).await;
    // What a command said goes by itself, and the order is found by and by.
    desk.until("a settled fleet", |text| text.contains("\n 4 loops") && text.contains("help"))
        .await;
    draw(&desk, &out, "fleet", "The fleet: each loop with its state, stories and attempts, live");

    desk.command("loop tally");
    desk.shows(&["1 Overview"]).await;
    desk.press("3");
    desk.line(&["r1a1", "#1"]).await;
    desk.press("d");
    desk.shows(&["diff --git"]).await;
    draw(&desk, &out, "iterations", "A loop's iterations, with the change of the newest");
    desk.press("F");
    desk.shows(&["1 overwriting"]).await;

    desk.command("attach rounding");
    desk.shows(&["Round to minutes", "you watch"]).await;
    desk.press("t");
    desk.shows(&["YOU TYPE HERE"]).await;
    draw(&desk, &out, "terminal", "A worker's terminal, whose keyboard one has");
    desk.press("ctrl-] r enter");
    desk.shows(&["nobody types"]).await;
    desk.press("I");
    desk.shows(&["flatlined", "hopeless"]).await;
    draw(&desk, &out, "inbox", "The inbox: what needs somebody, why, and what to do about it");
    desk.quit().await;
    finish(world).await;
}

/// smith in the context `local`, as smithd leaves it.
fn command(world: &World) -> tokio::process::Command {
    let context = Context {
        server: world.url(0).to_owned(),
        token: Some(world.token().to_owned()),
        ..Context::default()
    };
    let mut contexts = Contexts { current_context: Some(LOCAL.to_owned()), ..Contexts::default() };
    contexts.contexts.insert(LOCAL.to_owned(), context);
    let file = world.home().join(".config/smith/config.json");
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(file, serde_json::to_vec(&contexts).unwrap()).unwrap();
    desk::program(&world.home())
}

fn copy(from: &Path, to: &Repository) {
    let copied = Command::new("cp").arg("-R").arg(from.join(".")).arg(to.path()).status().unwrap();
    assert!(copied.success());
    to.git(&["add", "--all"]);
    to.git(&["commit", "--quiet", "-m", "A time ledger that can list"]);
}

fn draw(desk: &Desk, out: &Path, name: &str, title: &str) {
    let file = out.join(format!("{name}.svg"));
    std::fs::write(&file, picture::svg(&desk.screen(), title)).unwrap();
    println!("{}", file.display());
}

async fn finish(world: World) {
    let page = world.client().list_loops(&LoopFilter::default(), &ListPage::default()).await;
    for item in page.unwrap().items {
        if !item.record.state.ended() {
            let id = item.record.loop_id;
            world.cancel(&id).await;
            world.ends(&id, State::Cancelled).await;
        }
    }
    world.finish().await;
}
