//! Which crate may know which.

use crate::project::{Finding, Member};

/// Directory, and the crates of this workspace that it may depend on. What isn't drawn isn't allowed.
const ARROWS: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("failpoint", &[]),
    ("term", &["smith-model"]),
    ("client", &["smith-model", "smith-term"]),
    ("prd-wizard", &["smith-model", "smith-term"]),
    ("server", &["smith-model", "smith-term", "smith-failpoint"]),
    ("replica", &["smith-model", "smith-client", "smith-term", "smith-failpoint"]),
    ("tui", &["smith-model", "smith-client", "smith-term", "smith-prd-wizard"]),
    ("smithctl", &["smith-model", "smith-client", "smith-term"]),
];

/// May depend on anything: it tests them all.
const TESTS: &str = "tests";

/// Every dependency between members that isn't drawn, also one for tests alone.
pub(crate) fn check(members: &[Member]) -> Vec<Finding> {
    let names: Vec<&str> = members.iter().map(Member::name).collect();
    let mut findings = Vec::new();
    for member in members.iter().filter(|member| member.dir != TESTS) {
        let at = format!("{}/Cargo.toml", member.dir);
        let Some((_, allowed)) = ARROWS.iter().find(|(dir, _)| *dir == member.dir) else {
            let says = "this crate isn't in ARCHITECTURE.md; draw it there and in tests/tests/structure/arrows.rs";
            findings.push(Finding::file(&at, says));
            continue;
        };
        for dependency in member.dependencies() {
            let package = dependency.package.as_str();
            if names.contains(&package) && !allowed.contains(&package) {
                let says = format!(
                    "{} must not know {package} (it may know: {}); move what both need into a crate below both, \
                     or join them in a binary above",
                    member.name(),
                    if allowed.is_empty() {
                        "no other crate".to_owned()
                    } else {
                        allowed.join(", ")
                    },
                );
                findings.push(Finding::file(&at, says));
            }
        }
    }
    findings
}

/// Every member that doesn't take the shared lints.
pub(crate) fn check_lints(members: &[Member]) -> Vec<Finding> {
    let shares = |member: &Member| {
        let lints = member.manifest.get("lints").and_then(|lints| lints.get("workspace"));
        lints.and_then(toml::Value::as_bool) == Some(true)
    };
    let without = members.iter().filter(|member| !shares(member));
    without
        .map(|member| {
            Finding::file(
                &format!("{}/Cargo.toml", member.dir),
                "add `[lints]` with `workspace = true`",
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(dir: &str, name: &str, rest: &str) -> Member {
        Member::new(dir, &format!("[package]\nname = '{name}'\n{rest}"))
    }

    fn findings(dir: &str, rest: &str) -> usize {
        let known = ["model", "client", "server", "replica", "tui", "smithctl"].map(|dir| {
            let name = if dir == "smithctl" { dir.to_owned() } else { format!("smith-{dir}") };
            member(dir, &name, "")
        });
        let mut members = vec![member(dir, "under-test", rest)];
        members.extend(known);
        check(&members).len()
    }

    #[test]
    fn an_arrow_that_is_not_drawn_is_caught() {
        for (dir, rest, expect) in [
            ("client", "[dependencies]\nsmith-model.workspace = true", 0),
            ("client", "[dependencies]\nsmith-server.workspace = true", 1),
            ("server", "[dependencies]\nsmith-client.workspace = true", 1),
            ("server", "[dev-dependencies]\nsmith-client.workspace = true", 1),
            ("replica", "[target.'cfg(unix)'.dependencies]\nsmith-server.workspace = true", 1),
            ("tui", "[dependencies]\nctl = { package = 'smithctl', path = '../smithctl' }", 1),
            ("model", "[build-dependencies]\nsmith-client.workspace = true", 1),
            ("model", "[dependencies]\nserde.workspace = true", 0),
            (
                "tests",
                "[dependencies]\nsmith-server.workspace = true\nsmith-client.workspace = true",
                0,
            ),
            ("shed", "", 1),
        ] {
            assert_eq!(findings(dir, rest), expect, "{dir}: {rest}");
        }
    }

    #[test]
    fn a_member_without_the_shared_lints_is_caught() {
        assert_eq!(check_lints(&[member("model", "m", "[lints]\nworkspace = true")]), []);
        assert_eq!(
            check_lints(&[
                member("model", "m", ""),
                member("client", "c", "[lints.rust]\nunsafe_code = 'deny'")
            ])
            .len(),
            2
        );
    }
}
