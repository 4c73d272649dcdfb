//! Failpoints work in debug builds and aren't in release builds: not the switch, not even the names.

use std::path::PathBuf;
use std::process::Command;

const NAME: &str = "probe.the-only-point";

/// Builds the example with the profile, runs it with the point armed, and answers what it said and its bytes.
fn probe(profile: &str) -> (String, Vec<u8>) {
    let target = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("probe");
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--offline", "--manifest-path", manifest, "--example", "probe"])
        .args(["--profile", profile, "--target-dir"])
        .arg(&target)
        .status()
        .expect("cargo runs");
    assert!(built.success(), "the example builds with the profile {profile}");
    let dir = if profile == "dev" { "debug" } else { profile };
    let program = target.join(dir).join("examples/probe");
    let said = Command::new(&program)
        .env("SMITH_FAILPOINTS", format!("{NAME}=error"))
        .output()
        .expect("the example runs");
    let said = String::from_utf8_lossy(&said.stdout).trim().to_owned();
    (said, std::fs::read(program).expect("the program can be read"))
}

fn holds(bytes: &[u8], name: &str) -> bool {
    bytes.windows(name.len()).any(|window| window == name.as_bytes())
}

#[test]
fn release_builds_have_no_failpoints() {
    let (said, bytes) = probe("dev");
    assert_eq!(said, "fired");
    assert!(holds(&bytes, NAME));
    let (said, bytes) = probe("release");
    assert_eq!(said, "passed");
    assert!(!holds(&bytes, NAME) && !holds(&bytes, "SMITH_FAILPOINTS"));
}
