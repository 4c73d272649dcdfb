//! What must not be in the repository: banned crates, private registries, paths of somebody's machine.

use std::path::Path;

use crate::project::Finding;
use crate::source::is_word;

const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// Packages that build a second TLS stack in C. `deny.toml` has them too, for who has cargo-deny.
const BANNED: &[&str] = &["aws-lc-sys", "aws-lc-rs", "openssl-sys", "native-tls"];

/// Banned packages and other sources than crates.io in a lock file.
pub(crate) fn check_lock(path: &str, text: &str) -> Vec<Finding> {
    let lock: toml::Table = match text.parse() {
        Ok(lock) => lock,
        Err(e) => return vec![Finding::file(path, format!("isn't TOML: {e}"))],
    };
    let packages = lock.get("package").and_then(toml::Value::as_array).into_iter().flatten();
    let mut findings = Vec::new();
    for package in packages {
        let field = |name| package.get(name).and_then(toml::Value::as_str);
        let name = field("name").unwrap_or_default();
        if BANNED.contains(&name) {
            let says = format!(
                "{name} is banned (TLS is rustls with ring): `cargo tree -i {name}` says whose feature brings it"
            );
            findings.push(Finding::file(path, says));
        }
        if let Some(source) = field("source")
            && source != REGISTRY
        {
            findings.push(Finding::file(
                path,
                format!("{name} comes from {source}: only crates.io is reachable for everybody"),
            ));
        }
    }
    findings
}

/// Registries and mirrors in cargo's settings: they belong to a machine.
pub(crate) fn check_cargo_config(path: &str, text: &str) -> Vec<Finding> {
    let config: toml::Table = match text.parse() {
        Ok(config) => config,
        Err(e) => return vec![Finding::file(path, format!("isn't TOML: {e}"))],
    };
    let private = ["source", "registry", "registries", "http", "net"]
        .into_iter()
        .filter(|table| config.contains_key(*table));
    private.map(|table| Finding::file(path, format!("`[{table}]` describes one machine's way to a registry: keep it in ~/.cargo/config.toml"))).collect()
}

/// The paths that only this machine has: the checkout, what lies beside it, and its user's home.
pub(crate) fn machine_paths(root: &Path, home: Option<&Path>, temporary: &Path) -> Vec<String> {
    let mut paths: Vec<String> = vec![root.display().to_string()];
    // A place that others also use says nothing about this machine.
    if let Some(parent) =
        root.parent().filter(|parent| parent.components().count() > 1 && *parent != temporary)
    {
        let beside = std::fs::read_dir(parent).into_iter().flatten().flatten();
        paths.extend(beside.map(|entry| entry.path().display().to_string()));
    }
    paths.extend(
        home.filter(|home| home.components().count() > 1).map(|home| home.display().to_string()),
    );
    // `/src` is a mount point in many a container, and a word in every path.
    paths.retain(|path| path.starts_with('/') && path.len() > "/src".len());
    paths.sort();
    paths.dedup();
    paths
}

/// Every line that names one of `machine_paths`.
pub(crate) fn check_machine_paths(
    path: &str,
    text: &str,
    machine_paths: &[String],
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (line_idx, line) in text.lines().enumerate() {
        if let Some(found) = machine_paths.iter().find(|machine_path| names(line, machine_path)) {
            let says = format!("`{found}` is a path of this machine: others don't have it");
            findings.push(Finding::line(path, line_idx + 1, says));
        }
    }
    findings
}

/// Whether `line` has `wanted` as a whole path or the beginning of one.
fn names(line: &str, wanted: &str) -> bool {
    line.match_indices(wanted).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + wanted.len()..].chars().next();
        let joins = |c: char| is_word(c) || matches!(c, '-' | '.' | '$' | '}' | '~');
        !before.is_some_and(joins) && !after.is_some_and(|c| is_word(c) || c == '-')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_banned_or_foreign_package_is_caught() {
        for (text, expect) in [
            (
                "[[package]]\nname = 'ring'\nsource = 'registry+https://github.com/rust-lang/crates.io-index'",
                0,
            ),
            ("[[package]]\nname = 'smith-model'", 0),
            ("[[package]]\nname = 'openssl-sys'", 1),
            ("[[package]]\nname = 'ring'\nsource = 'sparse+https://mirror.example/index/'", 1),
            ("[[package]]\nname = 'ring'\nsource = 'git+https://example.com/ring'", 1),
            ("<<<<<<< ours", 1),
        ] {
            assert_eq!(check_lock("Cargo.lock", text).len(), expect, "{text}");
        }
    }

    #[test]
    fn a_registry_in_the_settings_is_caught() {
        for (text, expect) in [
            ("[env]\nPROTOC = 'x'", 0),
            (
                "[source.crates-io]\nreplace-with = 'mirror'\n[source.mirror]\nregistry = 'sparse+https://mirror.example/'",
                1,
            ),
            ("[registries.ours]\nindex = 'https://mirror.example/'", 1),
        ] {
            assert_eq!(check_cargo_config(".cargo/config.toml", text).len(), expect, "{text}");
        }
    }

    #[test]
    fn a_path_of_this_machine_is_caught() {
        let paths = ["/home/ann/smith".to_owned(), "/home/ann".to_owned()];
        for (text, expect) in [
            ("see /home/ann/smith/docs", 1),
            ("`/home/ann`", 1),
            ("a\n\"/home/ann/x\"\n/home/ann/y", 2),
            ("/home/anna", 0),
            ("backup/home/ann", 0),
            ("$ROOT/home/ann ~/smith", 0),
        ] {
            assert_eq!(check_machine_paths("docs/a.md", text, &paths).len(), expect, "{text}");
        }
    }

    #[test]
    fn what_lies_beside_the_checkout_is_known_except_in_a_shared_place() {
        let parent = tempfile::tempdir().expect("a directory");
        for name in ["smith", "notes"] {
            std::fs::create_dir(parent.path().join(name)).expect("a directory");
        }
        let root = parent.path().join("smith");
        let beside = parent.path().join("notes").display().to_string();
        assert!(machine_paths(&root, None, Path::new("/nowhere")).contains(&beside));
        assert_eq!(machine_paths(&root, None, parent.path()), [root.display().to_string()]);
        assert_eq!(
            machine_paths(Path::new("/src"), Some(Path::new("/")), Path::new("/tmp")),
            Vec::<String>::new()
        );
    }
}
