//! The reference of all commands, made of their definition: `docs/cli.md`.

use clap::{Command, CommandFactory as _};

use crate::args::Cli;

const HEAD: &str = "\
# smithctl

This file is generated: `smithctl reference > docs/cli.md`.

JSON and YAML output are the API's objects as they are, and stable.
Commands that take several ids print the object for one id, and `{\"items\": […]}` for several; streams (`--watch`, `--follow`) print one JSON object a line.
With `-o json`, `yaml` or `jsonpath` an error is an `application/problem+json` object on standard error.
";

/// The whole text.
pub(crate) fn text() -> String {
    let mut out = HEAD.to_owned();
    let mut root = Cli::command();
    write(&mut out, &mut root, "smithctl", 2);
    out
}

fn write(out: &mut String, command: &mut Command, path: &str, depth: usize) {
    let mut shown = command.clone().bin_name(path).term_width(100).disable_help_flag(true);
    if depth == 2 {
        shown = shown.disable_version_flag(true);
    }
    let help = shown.render_long_help().to_string();
    let lines: Vec<_> = help.lines().map(str::trim_end).collect();
    out.push_str(&format!("\n{} {path}\n\n```text\n", "#".repeat(depth.min(4))));
    out.push_str(lines.join("\n").trim_end());
    out.push_str("\n```\n");
    for inner in command.get_subcommands_mut().filter(|inner| !inner.is_hide_set()) {
        let path = format!("{path} {}", inner.get_name());
        write(out, inner, &path, depth + 1);
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn docs_cli_md_is_up_to_date() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/cli.md");
        let kept = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            kept == super::text(),
            "docs/cli.md is stale: cargo run -p smithctl -- reference > docs/cli.md"
        );
    }
}
