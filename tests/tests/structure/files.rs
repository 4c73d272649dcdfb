//! What every source file keeps to: a name that says something, an opening line, a size, no panics on bad input.

use crate::project::Finding;
use crate::source::Source;

const LONGEST: usize = 600;

/// Names that say nothing about what is inside.
const EMPTY_NAMES: &[&str] = &["mod", "util", "utils", "common", "helper", "helpers", "misc"];

/// Every file whose lines outside tests are too many.
pub(crate) fn check_sizes(sources: &[Source]) -> Vec<Finding> {
    let too_long = sources.iter().filter(|source| source.n_lines > LONGEST);
    let says = |n_lines| {
        format!(
            "{n_lines} lines without tests, {LONGEST} is the most: split it by noun into `foo.rs` and `foo/`"
        )
    };
    too_long.map(|source| Finding::file(&source.path, says(source.n_lines))).collect()
}

/// Every file that doesn't open with what it is for.
pub(crate) fn check_openings(sources: &[Source]) -> Vec<Finding> {
    let says_so = |source: &Source| {
        source
            .text
            .trim_start()
            .strip_prefix("//!")
            .is_some_and(|rest| !rest.trim_start().is_empty())
    };
    let silent = sources.iter().filter(|source| !says_so(source));
    silent
        .map(|source| Finding::file(&source.path, "open it with `//!`: what this file is for"))
        .collect()
}

/// Every file or directory of sources with a name for everything.
pub(crate) fn check_names(sources: &[Source]) -> Vec<Finding> {
    let empty = |path: &str| {
        path.trim_end_matches(".rs").split('/').any(|part| EMPTY_NAMES.contains(&part))
    };
    let found = sources.iter().filter(|source| empty(&source.path));
    let says = "a file is named by its noun (`lease.rs`) or its command (`cancel.rs`); a module is `foo.rs` beside `foo/`, never `mod.rs`";
    found.map(|source| Finding::file(&source.path, says)).collect()
}

/// Every `unwrap()` outside tests.
pub(crate) fn check_unwraps(sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources.iter().filter(|source| !source.path.starts_with("tests/")) {
        let code: Vec<char> = source.code.chars().collect();
        for (at, line) in calls(&code, &["unwrap", "unwrap_err"]) {
            let says = format!(
                "`{at}()`: hand the error on with `?`, or say in `expect(\"…\")` why it can't fail"
            );
            findings.push(Finding::line(&source.path, line, says));
        }
    }
    findings
}

/// Calls of methods by these names, without arguments: name and line.
fn calls<'a>(code: &[char], names: &[&'a str]) -> Vec<(&'a str, usize)> {
    let mut line = 1;
    let mut found = Vec::new();
    for (at, &c) in code.iter().enumerate() {
        line += usize::from(c == '\n');
        if c != '.' {
            continue;
        }
        // Layout is free between the parts of a call.
        let rest: String = code[at + 1..].iter().filter(|c| !c.is_whitespace()).take(16).collect();
        if let Some(name) = names
            .iter()
            .find(|name| rest.strip_prefix(**name).is_some_and(|rest| rest.starts_with("()")))
        {
            found.push((*name, line));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(n: usize) -> String {
        "//! x\n".to_owned() + &"fn f() {}\n".repeat(n - 1)
    }

    #[test]
    fn a_file_that_is_too_long_is_caught() {
        let tests = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", lines(500));
        for (path, text, expect) in [
            ("model/src/a.rs", lines(600), 0),
            ("model/src/a.rs", lines(601), 1),
            ("model/src/a.rs", lines(600) + &tests, 0),
            ("model/src/a/tests.rs", lines(900), 0),
            ("tests/tests/end_to_end.rs", lines(900), 0),
            ("tests/src/harness.rs", lines(900), 1),
        ] {
            assert_eq!(
                check_sizes(&[Source::new(path, &text)]).len(),
                expect,
                "{path}: {} lines",
                text.lines().count()
            );
        }
    }

    #[test]
    fn a_file_that_does_not_say_what_it_is_for_is_caught() {
        for (text, expect) in [
            ("//! The lease.\nuse a;", 0),
            ("use a;", 1),
            ("// The lease.\n", 1),
            ("//!\n", 1),
            ("", 1),
        ] {
            assert_eq!(
                check_openings(&[Source::new("model/src/a.rs", text)]).len(),
                expect,
                "{text}"
            );
        }
    }

    #[test]
    fn a_name_for_everything_is_caught() {
        for (path, expect) in [
            ("model/src/lease.rs", 0),
            ("model/src/lease/mod.rs", 1),
            ("server/src/utils.rs", 1),
            ("server/src/common/lease.rs", 1),
            ("server/src/helpers.rs", 1),
            ("server/src/commons.rs", 0),
        ] {
            assert_eq!(check_names(&[Source::new(path, "//! x")]).len(), expect, "{path}");
        }
    }

    #[test]
    fn an_unwrap_outside_tests_is_caught() {
        for (path, text, expect) in [
            ("model/src/a.rs", "fn f() { x.unwrap(); y\n    .unwrap () }", 2),
            ("model/src/a.rs", "fn f() { x.unwrap_err(); }", 1),
            (
                "model/src/a.rs",
                "fn f() { x.unwrap_or_default(); x.unwrap_or(1); x.expect(\"is\"); }",
                0,
            ),
            ("model/src/a.rs", "// x.unwrap()\nlet x = \".unwrap()\";", 0),
            ("model/src/a.rs", "#[cfg(test)]\nmod tests { fn f() { x.unwrap() } }", 0),
            ("tests/src/lib.rs", "fn f() { x.unwrap() }", 0),
        ] {
            assert_eq!(check_unwraps(&[Source::new(path, text)]).len(), expect, "{path}: {text}");
        }
    }
}
