//! The workspace as it lies on disk: members, sources, and every file that git tracks or would.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::source::Source;

/// A place that breaks a rule, and what to do about it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    /// A path from the root, with a line where there is one.
    pub(crate) at: String,
    /// What is wrong and the way out.
    pub(crate) says: String,
}

impl Finding {
    /// A finding about a whole file.
    pub(crate) fn file(path: &str, says: impl Into<String>) -> Self {
        Self { at: path.to_owned(), says: says.into() }
    }

    /// A finding at a line.
    pub(crate) fn line(path: &str, line: usize, says: impl Into<String>) -> Self {
        Self { at: format!("{path}:{line}"), says: says.into() }
    }
}

/// A crate of the workspace.
pub(crate) struct Member {
    /// Its directory, from the root.
    pub(crate) dir: String,
    /// Its manifest.
    pub(crate) manifest: toml::Table,
}

/// Which table a dependency stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Part of what is built for users, or builds it.
    Build,
    /// For tests alone.
    Dev,
}

/// One dependency of a member.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Dependency {
    /// The name that sources use.
    pub(crate) key: String,
    /// The package behind it.
    pub(crate) package: String,
    /// Where it stands.
    pub(crate) kind: Kind,
}

impl Member {
    /// The member in `dir` with this manifest.
    pub(crate) fn new(dir: &str, manifest: &str) -> Self {
        let manifest = manifest.parse().unwrap_or_else(|e| panic!("{dir}/Cargo.toml: {e}"));
        Self { dir: dir.to_owned(), manifest }
    }

    /// Its package name.
    pub(crate) fn name(&self) -> &str {
        let name = self.manifest.get("package").and_then(|package| package.get("name"));
        name.and_then(toml::Value::as_str).unwrap_or_default()
    }

    /// Everything it depends on, for every target.
    pub(crate) fn dependencies(&self) -> Vec<Dependency> {
        let targets = self.manifest.get("target").and_then(toml::Value::as_table);
        let tables = targets
            .into_iter()
            .flat_map(|targets| targets.values())
            .filter_map(toml::Value::as_table);
        std::iter::once(&self.manifest).chain(tables).flat_map(dependencies_of).collect()
    }
}

fn dependencies_of(table: &toml::Table) -> Vec<Dependency> {
    let kinds = [
        ("dependencies", Kind::Build),
        ("build-dependencies", Kind::Build),
        ("dev-dependencies", Kind::Dev),
    ];
    let mut found = Vec::new();
    for (name, kind) in kinds {
        for (key, value) in table.get(name).and_then(toml::Value::as_table).into_iter().flatten() {
            let package = value.get("package").and_then(toml::Value::as_str).unwrap_or(key);
            found.push(Dependency { key: key.clone(), package: package.to_owned(), kind });
        }
    }
    found
}

/// The whole workspace.
pub(crate) struct Project {
    /// Where it lies.
    pub(crate) root: PathBuf,
    /// The root manifest.
    pub(crate) manifest: toml::Table,
    /// Its crates.
    pub(crate) members: Vec<Member>,
    /// Every Rust file.
    pub(crate) sources: Vec<Source>,
    /// Every file that git tracks, or would if it were added.
    pub(crate) tracked: Vec<String>,
}

impl Project {
    /// Reads the workspace that this test belongs to.
    pub(crate) fn read() -> Self {
        // Asked for when it runs, not when it was built: the checkout may have moved since.
        let tests = std::env::var_os("CARGO_MANIFEST_DIR")
            .expect("cargo and nextest set CARGO_MANIFEST_DIR");
        let root =
            Path::new(&tests).parent().expect("the tests crate lies in the workspace").to_owned();
        let manifest: toml::Table =
            read(&root, "Cargo.toml").parse().unwrap_or_else(|e| panic!("Cargo.toml: {e}"));
        let dirs = manifest
            .get("workspace")
            .and_then(|w| w.get("members"))
            .and_then(toml::Value::as_array);
        let dirs = dirs
            .expect("the root manifest lists its members")
            .iter()
            .filter_map(toml::Value::as_str);
        let members =
            dirs.map(|dir| Member::new(dir, &read(&root, &format!("{dir}/Cargo.toml")))).collect();
        let tracked = tracked(&root);
        let sources = tracked.iter().filter(|path| path.ends_with(".rs"));
        let sources = sources.map(|path| Source::new(path, &read(&root, path))).collect();
        Self { root, manifest, members, sources, tracked }
    }

    /// A tracked file's text; what isn't text is empty.
    pub(crate) fn text(&self, path: &str) -> String {
        let bytes = std::fs::read(self.root.join(path)).unwrap_or_default();
        String::from_utf8(bytes).unwrap_or_default()
    }
}

fn read(root: &Path, path: &str) -> String {
    std::fs::read_to_string(root.join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

fn tracked(root: &Path) -> Vec<String> {
    let mut git = Command::new("git");
    git.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]).current_dir(root);
    let output = git.output().expect("git is installed: `make doctor` says how");
    assert!(
        output.status.success(),
        "the structure test asks git for the project's files, and got: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let names = String::from_utf8(output.stdout).expect("file names of this project are UTF-8");
    // What was deleted and not yet committed is still listed.
    names
        .split('\0')
        .filter(|name| !name.is_empty() && root.join(name).is_file())
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dependency_is_found_in_every_table_and_under_another_name() {
        let member = Member::new(
            "x",
            "[package]\nname = 'x'\n[dependencies]\na = '1'\n[dev-dependencies]\nb = { workspace = true }\n\
             [build-dependencies]\nc.workspace = true\n[target.'cfg(unix)'.dependencies]\nd = { package = 'e', version = '1' }",
        );
        let found: Vec<_> =
            member.dependencies().into_iter().map(|d| (d.key, d.package, d.kind)).collect();
        let expect = [
            ("a", "a", Kind::Build),
            ("c", "c", Kind::Build),
            ("b", "b", Kind::Dev),
            ("d", "e", Kind::Build),
        ];
        assert_eq!(
            found,
            expect.map(|(key, package, kind)| (key.to_owned(), package.to_owned(), kind))
        );
    }
}
