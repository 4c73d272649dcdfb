//! Where the programs under test are.

use std::path::{Path, PathBuf};

/// A program of the workspace.
pub fn program(name: &str) -> PathBuf {
    let dir = match std::env::var_os("SMITH_TEST_BIN_DIR") {
        Some(dir) => PathBuf::from(dir),
        // target/debug/deps/e2e-… → target/debug
        None => {
            let test = std::env::current_exe().expect("a test has a program");
            test.ancestors().nth(2).expect("tests lie in target/…/deps").to_owned()
        }
    };
    let program = dir.join(name);
    assert!(
        program.is_file(),
        "there is no {}: run `make test`, or build it before with `cargo build --workspace --bins`",
        program.display()
    );
    program
}

/// An etcd: the one that `ETCD` names, else the one on the `PATH`, else the one that `make tools` got.
pub fn etcd() -> PathBuf {
    if let Some(named) = std::env::var_os("ETCD") {
        return named.into();
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace's root");
    let candidates = std::env::split_paths(&path).chain([root.join(".tools/bin")]);
    let found = candidates.map(|dir| dir.join("etcd")).find(|program| program.is_file());
    found.expect("no etcd: `make tools` gets one, or name it in ETCD")
}

/// A program that runs in terminals: the machine's, else the one that `make tools` unpacked.
pub fn tool(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace's root");
    let dirs = std::env::split_paths(&path).chain(["/usr/sbin".into(), root.join(".tools/bin")]);
    let found = dirs.map(|dir| dir.join(name)).find(|program| program.is_file());
    found.unwrap_or_else(|| {
        panic!(
            "there is no {name}: `make tools` gets it (`hack/tools sshd` gets sshd), or install it"
        )
    })
}
