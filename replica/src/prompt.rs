//! The prompt: everything that an agent is told about one story. Pure.
//!
//! An agent is a fresh process, so all that it is to know of earlier iterations stands here. Text
//! from outside is bounded part by part, so that nothing can crowd out the story itself; output is
//! an indented block, which no line of it can end.

use std::fmt::Write as _;

use smith_model::gate::Gate;
use smith_model::handoff::HandoffDraft;
use smith_model::prd::{Prd, Story};
use smith_model::printable::{Lines, printable};
use smith_model::terminal::{Intervention, Session};

use crate::excerpt::{cut, tail};
use crate::notes::Notes;

/// The most bytes of a failed gate's output that the next prompt repeats.
pub const MOST_TAIL: usize = 16 * 1024;
/// The most bytes of a prompt.
pub const MOST_PROMPT: usize = 128 * 1024;
/// The most bytes of any other text from outside.
const MOST_TEXT: usize = 16 * 1024;

/// What went wrong in the iteration before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastFailure {
    /// One sentence.
    pub what: String,
    /// The command line that failed: a gate's, or the agent's.
    pub command: Option<String>,
    /// The end of its output.
    pub output: String,
}

/// What a prompt is made of.
#[derive(Clone, Copy, Debug)]
pub struct Parts<'a> {
    /// The story to work on.
    pub story: &'a Story,
    /// The document that it is from.
    pub prd: &'a Prd,
    /// More words of the request, for every story.
    pub words: Option<&'a str>,
    /// The gates that will judge.
    pub gates: &'a [Gate],
    /// The loop's title.
    pub title: &'a str,
    /// `US-001 Title` of the stories that are done.
    pub done: &'a [String],
    /// What the last attempt handed on.
    pub handoff: Option<&'a HandoffDraft>,
    /// What the agents of this attempt have left.
    pub notes: &'a Notes,
    /// What people did at the terminals since the last prompt.
    pub interventions: &'a [Intervention],
    /// What went wrong in the iteration before.
    pub failure: Option<&'a LastFailure>,
}

/// Writes the prompt.
pub fn prompt(parts: &Parts<'_>) -> String {
    let Parts { story, prd, words, gates, title, done, handoff, notes, interventions, failure } =
        *parts;
    let mut out = String::new();
    line(&mut out, &format!("# {}", one(title)));
    line(&mut out, "");
    line(&mut out, &format!("Story: {} {}", story.id, one(&story.title)));
    line(&mut out, "");
    line(&mut out, "Work on this one story, in the current directory, until it is done.");
    text(&mut out, "## Description", &story.description);
    list(&mut out, "## Acceptance criteria", &story.acceptance_criteria);
    if let Some(words) = words
        && words.trim() != story.description.trim()
    {
        text(&mut out, "## The request", words);
    }
    text(&mut out, "## The project", &prd.overview);
    list(&mut out, "## Rules", &prd.rules);
    list(&mut out, "## Out of scope", &prd.non_goals);
    judges(&mut out, gates);
    list(&mut out, "## Stories that are done", done);
    if let Some(handoff) = handoff {
        before(&mut out, handoff);
    }
    list(&mut out, "## What the last agent left undone", &notes.remaining);
    list(&mut out, "## Decisions so far", &notes.decisions);
    list(&mut out, "## Uncertain so far", &notes.uncertain);
    list(&mut out, "## Learnt so far", &notes.learnings);
    stepped_in(&mut out, interventions);
    if let Some(failure) = failure {
        failed(&mut out, failure);
    }
    let mut last = String::new();
    guardrails(&mut last);
    // The parts are bounded; this is for many of them at their bounds. The guardrails stay.
    let mut whole = cut(&out, MOST_PROMPT - last.len()).to_owned();
    whole.push_str(&last);
    whole
}

fn judges(out: &mut String, gates: &[Gate]) {
    if gates.is_empty() {
        text(out, "## Gates", "There are none: what you leave is taken as it is.");
        return;
    }
    let intro = "When you end, these commands are run here in this order. The story is done when \
                 each exits with 0 and the files have changed. Running them yourself first saves a try.";
    text(out, "## Gates", intro);
    line(out, "");
    for gate in gates {
        line(out, &indented(&gate.run));
    }
}

fn before(out: &mut String, handoff: &HandoffDraft) {
    let mut facts = vec![];
    if let Some(git) = &handoff.git {
        facts.push(format!(
            "{} files were changed, {} lines added and {} removed since the base",
            git.stat.files, git.stat.insertions, git.stat.deletions
        ));
    }
    let red = handoff.gates.iter().filter(|g| !g.green);
    facts.extend(red.map(|g| format!("red at its end: `{}`", one(&g.run))));
    if !handoff.next_step.is_empty() {
        facts.push(handoff.next_step.clone());
    }
    list(out, "## The last attempt", &facts);
    list(out, "### Decided then", &handoff.decisions);
    list(out, "### Uncertain then", &handoff.uncertain);
    list(out, "### Learnt then", &handoff.learnings);
}

fn stepped_in(out: &mut String, interventions: &[Intervention]) {
    for intervention in interventions {
        let Intervention { by, session, typed, hidden, note, stat, from: _, until: _, diff: _ } =
            intervention;
        let place = match session {
            Session::Agent => "at the last agent's terminal",
            Session::Shell => "in a shell here",
        };
        let body = format!(
            "{by} was {place}. Meanwhile {} files were changed, {} lines added and {} removed. \
             Build on that; don't undo it.",
            stat.files, stat.insertions, stat.deletions
        );
        text(out, "## A person stepped in", &body);
        if let Some(note) = note {
            text(out, "### The person's note", note);
        }
        let mut lines: Vec<String> = typed.clone();
        if *hidden {
            lines.push("(and something that the terminal didn't show)".to_owned());
        }
        list(out, "### What the person typed", &lines);
    }
}

fn failed(out: &mut String, failure: &LastFailure) {
    let LastFailure { what, command, output } = failure;
    text(out, "## The last iteration failed", what);
    if let Some(command) = command {
        line(out, "");
        line(out, "The command:");
        line(out, "");
        line(out, &indented(command));
    }
    if !output.trim().is_empty() {
        line(out, "");
        line(out, "The end of its output:");
        line(out, "");
        line(out, &indented(tail(&printable(output, Lines::Many), MOST_TAIL)));
    }
    line(out, "");
    line(out, "The files are as that iteration left them. Find the cause and fix it.");
}

fn guardrails(out: &mut String) {
    let rules = [
        "You needn't commit: what is in the directory when you end is what counts. `.git` is made anew for each iteration.",
        "Don't set the status of stories anywhere, nor edit what the gates are; both are found out by running the gates.",
        "Stay in this directory, and leave no process running.",
        "Nobody answers questions. Where something is unclear, decide, and write it down as below.",
        "Don't write secrets into files or output.",
    ]
    .map(str::to_owned);
    list(out, "## Guardrails", &rules);
    let leave = "Before you end you may leave a note for the next iteration in `.smith/handoff.json`. \
                 Every field may be left out; each is a list of sentences:";
    text(out, "## Handing on", leave);
    line(out, "");
    let form =
        r#"{"done": [], "remaining": [], "decisions": [], "uncertain": [], "learnings": []}"#;
    line(out, &indented(form));
}

fn line(out: &mut String, text: &str) {
    writeln!(out, "{text}").expect("a String takes every write");
}

/// A section of running text; none if there is no text.
fn text(out: &mut String, heading: &str, body: &str) {
    let body = body.trim();
    if body.is_empty() {
        return;
    }
    line(out, "");
    line(out, heading);
    line(out, "");
    line(out, cut(&printable(body, Lines::Many), MOST_TEXT));
}

/// A section that is a list; none if it is empty.
fn list(out: &mut String, heading: &str, items: &[String]) {
    if items.is_empty() {
        return;
    }
    line(out, "");
    line(out, heading);
    line(out, "");
    let mut room = MOST_TEXT;
    for (i, item) in items.iter().enumerate() {
        let item = one(item);
        if item.len() > room {
            line(out, &format!("- ({} more)", items.len() - i));
            return;
        }
        room -= item.len();
        line(out, &format!("- {item}"));
    }
}

/// On one printable line.
fn one(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    cut(&printable(&text, Lines::One), 4 * 1024).to_owned()
}

fn indented(text: &str) -> String {
    text.trim_end().lines().map(|l| format!("    {l}")).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stories::tests::prd;
    use proptest::prelude::*;

    fn write(failure: Option<&LastFailure>, gates: &[Gate]) -> String {
        let prd = prd(&[(&[], "open"), (&[0], "open")]);
        let handoff = HandoffDraft {
            learnings: vec!["February has 29 days then".into()],
            next_step: "go on with US-002".into(),
            ..HandoffDraft::default()
        };
        let notes = Notes { decisions: vec!["minutes".into()], ..Notes::default() };
        prompt(&Parts {
            story: &prd.stories[1],
            prd: &prd,
            words: Some("be quick"),
            gates,
            title: "Tally",
            done: &["US-001 Story 1".to_owned()],
            handoff: Some(&handoff),
            notes: &notes,
            interventions: &[],
            failure,
        })
    }

    #[test]
    fn everything_an_agent_needs_is_in_it() {
        let gate = Gate { run: "make test".into(), timeout: None };
        let text = write(None, &[gate]);
        for part in [
            "\nStory: US-002 Story 2\n",
            "## Description\n\nAs a user I want it.",
            "## Acceptance criteria\n\n- It fails with an error when the input is empty",
            "## The request\n\nbe quick",
            "## Rules\n\n- keep it small",
            "\n    make test\n",
            "## Stories that are done\n\n- US-001 Story 1",
            "## The last attempt\n\n- go on with US-002",
            "### Learnt then\n\n- February has 29 days then",
            "## Decisions so far\n\n- minutes",
            ".smith/handoff.json",
        ] {
            assert!(text.contains(part), "no {part:?} in\n{text}");
        }
        assert!(!text.contains("The last iteration failed"));
    }

    #[test]
    fn a_failure_is_told_with_its_command_and_the_end_of_its_output() {
        let lines: Vec<String> = (0..2_000).map(|n| format!("## line {n}")).collect();
        let failure = LastFailure {
            what: "A gate was red (exit code 2).".into(),
            command: Some("make test".into()),
            output: lines.join("\n"),
        };
        let text = write(Some(&failure), &[]);
        let section = text.split("\n## The last iteration failed\n").nth(1).expect("the section");
        let section = section.split("\n## ").next().expect("its text");
        assert!(section.contains("    make test\n"));
        let shown = section.lines().filter(|l| l.starts_with("    ## line")).count();
        assert!((60..2_000).contains(&shown), "{shown}");
        assert!(section.contains("    ## line 1999\n"));
    }

    proptest! {
        #[test]
        fn it_is_bounded_and_names_its_story_once(what in "\\PC{0,200}", output in "(.|\n){0,400}", n in 1usize..200) {
            let failure = LastFailure { what, command: Some("x".into()), output: output.repeat(n) };
            let text = write(Some(&failure), &[]);
            prop_assert!(text.len() <= MOST_PROMPT);
            prop_assert_eq!(text.lines().filter(|l| l.starts_with("Story: US-002")).count(), 1);
            prop_assert!(text.contains("## Handing on"));
        }
    }
}
