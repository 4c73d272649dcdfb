//! A request as a file for an editor: YAML with comments that say what is what, and what was wrong with it. Pure.

use serde_json::Value;
use smith_model::problem::FieldError;
use smith_model::spec::LoopRequest;

use crate::create::{Fields, Refusal};

/// How lines begin that say what was wrong.
const WRONG: &str = "#! ";

/// A file that begins with what is known.
pub fn write(fields: &Fields) -> String {
    let Fields { title, prompt, repository, reference, command, gates, project, priority } = fields;
    let line = |comment: &str, name: &str, value: &str| {
        let value = value.trim();
        let value = if value.is_empty() { String::new() } else { format!(" {}", quoted(value)) };
        format!("# {comment}\n{name}:{value}\n")
    };
    let mut text = "# A request for a loop, in YAML. Lines that begin with # don't count.\n\
                    # Left as it is, or made empty, it asks for nothing.\n\n"
        .to_owned();
    text += &line("One line for people.", "title", title);
    // Where the first line is set in itself, YAML has to be told by how much the text is.
    let by = if prompt.starts_with(' ') { "2" } else { "" };
    text += "# What is wanted, in full: as many lines as it takes, each set in.\n";
    text += &format!("prompt: |{by}\n");
    for line in prompt.lines() {
        text += &format!("  {line}\n");
    }
    if prompt.trim().is_empty() {
        text += "  \n";
    }
    text += &line("https://… or file:///…", "repository", repository);
    text +=
        &line("A branch, tag or commit; the default branch where none is named.", "ref", reference);
    text += &line("The agent's command line, for sh.", "command", command);
    text += "# The commands that decide: a list of command lines, or the word none.\n";
    let lines: Vec<&str> = gates.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    match lines.as_slice() {
        [] => text += "gates:\n#  - make test\n",
        ["none"] => text += "gates: none\n",
        lines => {
            text += "gates:\n";
            for line in lines {
                text += &format!("  - {}\n", quoted(line));
            }
        }
    }
    text += &line("Whose it is; default where none is named.", "project", project);
    match priority.trim() {
        "" => text += "# Higher goes first, -100 to 100.\n# priority: 0\n",
        priority => text += &format!("# Higher goes first, -100 to 100.\npriority: {priority}\n"),
    }
    text
}

/// A text as a scalar: every JSON string is one.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// Is nothing asked for?
pub fn is_nothing(before: &str, after: &str) -> bool {
    let is_blank = |line: &str| line.trim().is_empty() || line.trim_start().starts_with('#');
    without_errors(before).trim() == without_errors(after).trim() || after.lines().all(is_blank)
}

/// The request in a file, or what is wrong with it.
pub fn read(text: &str) -> Result<LoopRequest, Refusal> {
    let refuse = |why: String| Refusal { why, fields: vec![] };
    let options = serde_saphyr::options! { strict_booleans: true };
    let value: Value = serde_saphyr::from_str_with_options(text, options)
        .map_err(|error| refuse(format!("this isn't YAML: {error}")))?;
    serde_json::from_value(value).map_err(|error| refuse(format!("this isn't a request: {error}")))
}

/// The file again, with what was wrong at its top.
pub fn with_errors(text: &str, refusal: &Refusal) -> String {
    let Refusal { why, fields } = refusal;
    let mut out = String::new();
    let mut add = |text: &str| {
        for line in text.lines() {
            out += &format!("{WRONG}{line}\n");
        }
    };
    add("It wasn't taken. Change it, or leave it as it is to give up:");
    if fields.is_empty() {
        add(why);
    }
    for FieldError { field, value, rule } in fields {
        let value = if value.is_empty() { String::new() } else { format!(" {value:?}") };
        add(&format!("{field}{value}: must be {rule}"));
    }
    out + &without_errors(text)
}

fn without_errors(text: &str) -> String {
    text.lines().filter(|line| !line.starts_with(WRONG)).flat_map(|line| [line, "\n"]).collect()
}
