//! The architecture, as tests: each rule reads the whole project and says what to do where it doesn't hold.
//!
//! Every rule lives in a file of its own beside samples that it must catch, so that no rule can pass by seeing nothing.

mod arrows;
mod fences;
mod files;
mod paths;
mod project;
mod rooms;
mod source;
mod tracked;

use project::{Finding, Project};

#[track_caller]
fn holds(findings: Vec<Finding>) {
    let list: String =
        findings.iter().map(|Finding { at, says }| format!("\n  {at}: {says}")).collect();
    assert!(findings.is_empty(), "{} findings:{list}\n", findings.len());
}

#[test]
fn the_project_is_seen_whole() {
    let project = Project::read();
    assert!(
        project.members.iter().any(|member| member.name() == "smith-model"),
        "no member smith-model"
    );
    assert!(
        project.sources.iter().any(|source| source.path == "server/src/lib.rs"),
        "no source server/src/lib.rs"
    );
    assert!(project.tracked.iter().any(|path| path == "Cargo.toml"), "git lists no Cargo.toml");
    let workspace = project.manifest.get("workspace").expect("a workspace");
    assert!(workspace.get("lints").is_some(), "the shared lints are gone");
    // A crate that isn't a member is checked by nothing.
    for path in project.tracked.iter().filter(|path| path.ends_with("/Cargo.toml")) {
        let dir = path.trim_end_matches("/Cargo.toml");
        let is_member = project.members.iter().any(|member| member.dir == dir);
        assert!(
            is_member || project.text(path).contains("[workspace]"),
            "{path}: add it to the members of the workspace"
        );
    }
}

#[test]
fn crates_know_only_what_the_arrows_allow() {
    holds(arrows::check(&Project::read().members));
}

#[test]
fn every_crate_takes_the_shared_lints() {
    holds(arrows::check_lints(&Project::read().members));
}

#[test]
fn fenced_crates_stay_inside_in_manifests() {
    holds(fences::check_manifests(&Project::read().members));
}

#[test]
fn fenced_crates_stay_inside_in_sources() {
    holds(fences::check_sources(&Project::read().sources));
}

#[test]
fn rooms_of_the_server_know_only_what_they_may() {
    holds(rooms::check(&Project::read().sources));
}

#[test]
fn rooms_that_compute_do_not_reach_out() {
    holds(rooms::check_purity(&Project::read().sources));
}

#[test]
fn files_are_short_enough() {
    holds(files::check_sizes(&Project::read().sources));
}

#[test]
fn files_open_with_what_they_are_for() {
    holds(files::check_openings(&Project::read().sources));
}

#[test]
fn files_have_names_that_say_something() {
    holds(files::check_names(&Project::read().sources));
}

#[test]
fn nothing_unwraps_outside_tests() {
    holds(files::check_unwraps(&Project::read().sources));
}

#[test]
fn lock_files_have_no_banned_crate_and_one_registry() {
    let project = Project::read();
    let locks = project.tracked.iter().filter(|path| path.ends_with("Cargo.lock"));
    holds(locks.flat_map(|path| tracked::check_lock(path, &project.text(path))).collect());
}

#[test]
fn cargo_is_not_pointed_at_a_private_registry() {
    let project = Project::read();
    let configs = project.tracked.iter().filter(|path| path.ends_with(".cargo/config.toml"));
    holds(
        configs.flat_map(|path| tracked::check_cargo_config(path, &project.text(path))).collect(),
    );
}

#[test]
fn no_file_names_a_path_of_this_machine() {
    let project = Project::read();
    let home = std::env::home_dir();
    let paths = tracked::machine_paths(&project.root, home.as_deref(), &std::env::temp_dir());
    let findings = project
        .tracked
        .iter()
        .flat_map(|path| tracked::check_machine_paths(path, &project.text(path), &paths));
    holds(findings.collect());
}
