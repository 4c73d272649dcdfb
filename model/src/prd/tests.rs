//! Tests of the PRD as a whole: each code has an input that triggers it, every PRD survives both formats,
//! and no input makes a reader panic.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// Text with everything in it that could be taken for structure.
pub(crate) fn nasty_text() -> impl Strategy<Value = String> {
    let fragment = prop_oneof![
        4 => "[a-zA-Z0-9]{1,4}",
        1 => any::<char>().prop_map(String::from),
        12 => prop::sample::select(FRAGMENTS).prop_map(str::to_owned),
    ];
    prop::collection::vec(fragment, 0..10).prop_map(|parts| parts.concat())
}

const FRAGMENTS: &[&str] = &[
    "\n",
    "\n",
    "\n\n",
    "\r\n",
    "\r",
    " ",
    "  ",
    "    ",
    "\t",
    "\\",
    "\\\\",
    "#",
    "## ",
    "- ",
    "* ",
    "+ ",
    "1. ",
    "12) ",
    "```",
    "```\n",
    "\n```\n",
    "````",
    "~~~\n",
    "`",
    "---",
    "===",
    "***",
    "_",
    "|",
    "\\|",
    ":",
    "Status: ",
    "Status\\: done",
    "Depends on: US-001",
    "**Acceptance:**",
    "Description:",
    "US-001",
    "US-002: x",
    "[ ] ",
    "[x]",
    "&#10;",
    "&#",
    "&",
    ";",
    "35;",
    "<!-- prd version 2 -->",
    "## Goals\n",
    "### US-009: x\n",
    "Overview",
    "\u{a0}",
    "\u{2028}",
    "\u{85}",
    "\u{0}",
    "\u{1b}",
    "\u{feff}",
    "ä",
    "漢字",
];

fn valid() -> Value {
    json!({
        "version": 1,
        "project": "Greeter",
        "overview": "Greets people.",
        "qualityGates": ["make test"],
        "stories": [story(1), story(2)],
    })
}

fn story(number: usize) -> Value {
    json!({
        "id": format!("US-{number:03}"),
        "title": "Greet somebody",
        "status": "open",
        "description": "As a user I want to be greeted.",
        "acceptanceCriteria": ["An empty name is rejected with a message"],
    })
}

/// The valid document with one value replaced; the path is a JSON pointer.
fn with(pointer: &str, value: Value) -> String {
    let mut document = valid();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    match document.pointer_mut(parent).unwrap() {
        Value::Object(object) => drop(object.insert(key.to_owned(), value)),
        Value::Array(list) => list[key.parse::<usize>().unwrap()] = value,
        other => panic!("{other}"),
    }
    document.to_string()
}

fn report(read: Result<(Prd, Report), Report>) -> Report {
    match read {
        Ok((_, report)) | Err(report) => report,
    }
}

fn codes(report: &Report) -> Vec<Code> {
    report.errors.iter().chain(&report.warnings).map(|diagnostic| diagnostic.code).collect()
}

/// Code, text, and the path (of Markdown: the line) of the diagnostic. The text has no other problem.
fn triggers() -> Vec<(Code, Format, String, &'static str)> {
    use Format::{Json, Markdown};
    let s0 = "/stories/0";
    let at = |key: &str| format!("{s0}/{key}");
    let mut markdown = Prd::from_value(&valid()).unwrap().0.to_markdown();
    markdown.push('\n');
    vec![
        (Code::MalformedJson, Json, "{\n  \"version\": 1,\n  oops\n}".into(), "$"),
        (Code::TooLarge, Json, " ".repeat(MAX_INPUT_BYTES + 1), "$"),
        (Code::WrongType, Json, with("/goals", json!("fast")), "$.goals"),
        (Code::WrongType, Json, with("/goals", json!([{}])), "$.goals[0]"),
        (Code::WrongType, Json, with("/version", json!(1.5)), "$.version"),
        (Code::WrongType, Json, with("/version", json!("1")), "$.version"),
        (Code::WrongType, Json, "[]".into(), "$"),
        (Code::WrongType, Json, with("/stories/1", json!(null)), "$.stories[1]"),
        (Code::UnknownField, Json, with("/goal", json!([])), "$.goal"),
        (Code::UnknownField, Json, with("/stories/1/a b", json!(1)), "$.stories[1][\"a b\"]"),
        (
            Code::DuplicateField,
            Json,
            valid().to_string().replacen("\"status\"", "\"title\":\"x\",\"status\"", 1),
            "$.stories[0].title",
        ),
        (Code::InvalidVersion, Json, with("/version", json!(0)), "$.version"),
        (Code::InvalidVersion, Json, with("/version", json!(-3)), "$.version"),
        (Code::InvalidVersion, Json, with("/version", json!(null)), "$.version"),
        (Code::UnsupportedVersion, Json, with("/version", json!(99)), "$.version"),
        (
            Code::UnsupportedVersion,
            Markdown,
            markdown.replace("version 1 -->", "version 99 -->"),
            "line 3",
        ),
        (Code::MissingProject, Json, with("/project", json!(" ")), "$.project"),
        (Code::MissingOverview, Json, with("/overview", json!("")), "$.overview"),
        (Code::MissingQualityGates, Json, with("/qualityGates", json!([])), "$.qualityGates"),
        (
            Code::EmptyQualityGate,
            Json,
            with("/qualityGates", json!(["a", "\t"])),
            "$.qualityGates[1]",
        ),
        (Code::MissingStories, Json, with("/stories", json!([])), "$.stories"),
        (Code::TooManyItems, Json, with("/goals", json!(vec!["x"; MAX_ITEMS + 1])), "$.goals"),
        (Code::TooManyItems, Json, with("/stories", (1..=201).map(story).collect()), "$.stories"),
        (
            Code::TextTooLong,
            Json,
            with("/project", json!("x".repeat(MAX_NAME_CHARS + 1))),
            "$.project",
        ),
        (
            Code::TextTooLong,
            Json,
            with("/goals", json!(["x".repeat(MAX_ITEM_CHARS + 1)])),
            "$.goals[0]",
        ),
        (
            Code::TextTooLong,
            Json,
            with("/uiNotes", json!("x".repeat(MAX_TEXT_CHARS + 1))),
            "$.uiNotes",
        ),
        (Code::ControlCharacter, Json, with("/project", json!("a\nb")), "$.project"),
        (Code::ControlCharacter, Json, with("/overview", json!("a\u{1b}[0m")), "$.overview"),
        (Code::EmptyItem, Json, with("/rules", json!([""])), "$.rules[0]"),
        (Code::EmptyItem, Json, with("/routes", json!([{ "name": "x" }])), "$.routes[0].path"),
        (
            Code::EmptyItem,
            Json,
            with("/dataModel", json!([{ "name": "x", "fields": [{}] }])),
            "$.dataModel[0].fields[0].name",
        ),
        (Code::NonCanonicalStoryId, Json, with(&at("id"), json!("US-1")), "$.stories[0].id"),
        (Code::NonCanonicalStoryId, Json, with(&at("id"), json!("")), "$.stories[0].id"),
        (Code::NonCanonicalStoryId, Json, with(&at("id"), json!("US-003")), "$.stories[0].id"),
        (Code::NonCanonicalStoryId, Markdown, markdown.replace("US-002", "us-2"), "line 27"),
        (Code::MissingStoryTitle, Json, with(&at("title"), json!(null)), "$.stories[0].title"),
        (
            Code::MissingStoryDescription,
            Json,
            with(&at("description"), json!(" \n")),
            "$.stories[0].description",
        ),
        (
            Code::EmptyAcceptanceCriterion,
            Json,
            with("/stories/0/acceptanceCriteria", json!(["", "Never with the same name twice"])),
            "$.stories[0].acceptanceCriteria[0]",
        ),
        (Code::InvalidStoryStatus, Json, with(&at("status"), json!("Done")), "$.stories[0].status"),
        (Code::InvalidStoryStatus, Json, with(&at("status"), json!(null)), "$.stories[0].status"),
        (
            Code::InvalidStoryStatus,
            Markdown,
            markdown.replacen("Status: open", "Status: finished", 1),
            "line 17",
        ),
        (
            Code::MultipleInProgressStories,
            Json,
            valid().to_string().replace("\"open\"", "\"in_progress\""),
            "$.stories",
        ),
        (
            Code::UnknownStoryDependency,
            Json,
            with("/stories/1/dependsOn", json!(["US-007"])),
            "$.stories[1].dependsOn[0]",
        ),
        (
            Code::UnknownStoryDependency,
            Json,
            with("/stories/1/dependsOn", json!([""])),
            "$.stories[1].dependsOn[0]",
        ),
        (
            Code::FutureStoryDependency,
            Json,
            with("/stories/0/dependsOn", json!(["US-002"])),
            "$.stories[0].dependsOn[0]",
        ),
        (
            Code::FutureStoryDependency,
            Json,
            with("/stories/1/dependsOn", json!(["US-001", "US-002"])),
            "$.stories[1].dependsOn[1]",
        ),
        (
            Code::RepeatedStoryDependency,
            Json,
            with("/stories/1/dependsOn", json!(["US-001", "US-001"])),
            "$.stories[1].dependsOn[1]",
        ),
        (
            Code::BundledStorySurfaces,
            Json,
            with(&at("description"), json!("A command calls the API and a page shows it")),
            "$.stories[0]",
        ),
        (
            Code::OversizedStory,
            Json,
            with(&at("description"), json!("long ".repeat(200))),
            "$.stories[0]",
        ),
        (
            Code::WeakAcceptanceCriteria,
            Json,
            with("/stories/0/acceptanceCriteria/0", json!("It works")),
            "$.stories[0].acceptanceCriteria[0]",
        ),
        (
            Code::MissingNegativeCase,
            Json,
            with("/stories/0/acceptanceCriteria/0", json!("The name is shown on the wall")),
            "$.stories[0].acceptanceCriteria",
        ),
        (
            Code::MarkdownUnknownSection,
            Markdown,
            format!("{markdown}## Appendix\n\nsomething\n"),
            "line 39",
        ),
        (
            Code::MarkdownRepeatedSection,
            Markdown,
            format!("{markdown}## Overview\n\nmore\n"),
            "line 39",
        ),
        (
            Code::MarkdownStrayText,
            Markdown,
            format!("{markdown}## Rules\n\nsomething\n"),
            "line 41",
        ),
        (
            Code::MarkdownUnclosedFence,
            Markdown,
            markdown.replacen("Greets people.", "Greets:\n```\n", 1),
            "line 8",
        ),
        (Code::DuplicateStoryId, Json, with("/stories/1/id", json!("US-001")), "$.stories[1].id"),
        (
            Code::MissingAcceptanceCriteria,
            Json,
            with("/stories/0/acceptanceCriteria", json!([])),
            "$.stories[0].acceptanceCriteria",
        ),
    ]
}

/// Codes that come with another one: what is a duplicate is also out of order, what is vague has no failure.
fn comes_with(code: Code) -> &'static [Code] {
    match code {
        Code::DuplicateStoryId => &[Code::NonCanonicalStoryId],
        Code::MissingAcceptanceCriteria | Code::WeakAcceptanceCriteria => {
            &[Code::MissingNegativeCase]
        }
        _ => &[],
    }
}

#[test]
fn the_examples_begin_valid() {
    assert_eq!(report(Prd::from_value(&valid())).readiness, Readiness::Pass);
}

#[test]
fn every_code_has_an_input_that_triggers_it_and_nothing_else() {
    let mut seen = BTreeSet::new();
    for (code, format, text, place) in triggers() {
        let read = Prd::from_text(format, &text);
        assert_eq!(read.is_ok(), code.level() == Level::Warning, "{code}");
        let report = report(read);
        let start: String = text.chars().take(2_000).collect();
        let found = codes(&report);
        let others: Vec<_> =
            found.iter().filter(|c| **c != code && !comes_with(code).contains(c)).collect();
        assert!(others.is_empty(), "{code}: {report:#?}\n{start}");
        let at = |diagnostic: &Diagnostic| match place.strip_prefix("line ") {
            Some(line) => diagnostic.line == line.parse().ok(),
            None => diagnostic.path == place,
        };
        let mut all = report.errors.iter().chain(&report.warnings);
        let diagnostic = all.find(|diagnostic| diagnostic.code == code && at(diagnostic));
        let diagnostic =
            diagnostic.unwrap_or_else(|| panic!("no {code} at {place}: {report:#?}\n{start}"));
        assert!(diagnostic.suggestion.is_some() && !diagnostic.message.is_empty(), "{diagnostic}");
        seen.insert(code.name());
    }
    for rule in CODES {
        assert!(seen.contains(rule.name), "no input triggers {}", rule.name);
    }
}

#[test]
fn the_table_of_codes_agrees_with_serde() {
    for (index, rule) in CODES.iter().enumerate() {
        assert_eq!(rule.code as usize, index);
        assert_eq!(serde_json::to_value(rule.code).unwrap(), json!(rule.name));
        assert!(rule.name.starts_with("prd_"));
    }
    let names: BTreeSet<_> = CODES.iter().map(|rule| rule.name).collect();
    assert_eq!(names.len(), CODES.len());
}

#[test]
fn all_problems_are_reported_at_once() {
    let text = r#"{"version": 7, "project": 3, "gaols": [], "qualityGates": [""], "stories": [
        {"id": "US-002", "title": "", "status": "todo", "acceptanceCriteria": [""], "priority": 1}, 5]}"#;
    let report = Prd::from_json(text).unwrap_err();
    let expected = [
        ("$.gaols", Code::UnknownField),
        ("$.version", Code::UnsupportedVersion),
        ("$.project", Code::WrongType),
        ("$.overview", Code::MissingOverview),
        ("$.qualityGates[0]", Code::EmptyQualityGate),
        ("$.stories[0].priority", Code::UnknownField),
        ("$.stories[0].id", Code::NonCanonicalStoryId),
        ("$.stories[0].title", Code::MissingStoryTitle),
        ("$.stories[0].status", Code::InvalidStoryStatus),
        ("$.stories[0].description", Code::MissingStoryDescription),
        ("$.stories[0].acceptanceCriteria[0]", Code::EmptyAcceptanceCriterion),
        ("$.stories[1]", Code::WrongType),
    ];
    let found: Vec<_> =
        report.errors.iter().map(|error| (error.path.as_str(), error.code)).collect();
    assert_eq!(found, expected);
    assert_eq!(report.errors[0].suggestion.as_deref(), Some("did you mean \"goals\"?"));
    assert_eq!(report.errors[5].story_id.as_deref(), Some("US-002"));
}

#[test]
fn malformed_json_is_reported_with_its_place() {
    for (text, line, column) in [
        ("", 1, 1),
        ("{\n \"a\": 1,\n \"b\" 2}", 3, 6),
        ("{} x", 1, 4),
        ("{\"a\": 1e999}", 1, 11),
        ("\u{feff}{", 1, 1),
    ] {
        let report = Prd::from_json(text).unwrap_err();
        let [error] = report.errors.as_slice() else { panic!("{report:#?}") };
        assert_eq!(
            (error.code, error.line, error.column),
            (Code::MalformedJson, Some(line), Some(column)),
            "{text:?}"
        );
        assert!(!error.message.contains("at line"), "{error}");
    }
}

#[test]
fn hostile_documents_are_bounded() {
    let nested = "[".repeat(1_000_000);
    assert_eq!(codes(&Prd::from_json(&nested).unwrap_err()), [Code::MalformedJson]);

    let fields: Vec<String> = (0..50_000).map(|n| format!("\"vresion{n}\":0")).collect();
    let report = Prd::from_json(&format!("{{{}}}", fields.join(","))).unwrap_err();
    assert_eq!(report.errors.len(), MAX_DIAGNOSTICS);
    assert!(report.omitted > 49_000);

    let twice = format!("{{{}\"a\":0}}", "\"a\":0,".repeat(50_000));
    assert_eq!(Prd::from_json(&twice).unwrap_err().errors.len(), MAX_DIAGNOSTICS);

    let long_key = format!("{{\"{}\":[{}0]}}", "k".repeat(100_000), "0,".repeat(100_000));
    let report = Prd::from_json(&long_key).unwrap_err();
    assert!(report.errors.iter().all(|error| error.path.len() < 100 && error.message.len() < 200));

    for unit in ["# US-001\n", "- a\n", "|a\n", "a\n---\n", "Status: x\n", "- US-001\n", "\\\n"] {
        let text = format!("# P\n## Stories\n{}", unit.repeat(200_000 / unit.len()));
        assert!(Prd::from_markdown(&text).is_err(), "{unit:?}");
    }
}

#[test]
fn a_prd_has_one_size_limit_in_both_formats() {
    let mut prd = template(Kind::Default);
    prd.goals = vec!["\u{a0}".repeat(MAX_ITEM_CHARS - 1) + "x"; 70];
    assert_eq!(codes(&prd.check()), [Code::TooLarge]);
    prd.goals.truncate(60);
    assert!(prd.check().valid);
    assert_eq!(Prd::from_markdown(&prd.to_markdown()).unwrap().0, prd);
}

#[test]
fn canonical_json_is_stable_and_leaves_out_what_is_empty() {
    let prd = Prd::from_value(&valid()).unwrap().0;
    let text = prd.canonical_json();
    assert!(
        text.starts_with("{\n  \"version\": 1,\n  \"project\": \"Greeter\",\n  \"overview\""),
        "{text}"
    );
    assert!(
        !text.contains("goals") && !text.contains("stack") && !text.contains("dependsOn"),
        "{text}"
    );
    assert_eq!(Prd::from_json(&text).unwrap().0.canonical_json(), text);
    assert_eq!(serde_json::from_str::<Prd>(&text).unwrap(), prd);
}

#[test]
fn the_exported_form_is_readable() {
    let prd = Prd {
        goals: vec!["Kind words".into()],
        stack: Stack { framework: "axum | tower".into(), ..Stack::default() },
        routes: vec![Route { path: "/".into(), name: "Home".into(), purpose: "Greets".into() }],
        data_model: vec![Entity {
            name: "Person".into(),
            fields: vec![EntityField {
                name: "name".into(),
                type_name: "text".into(),
                note: String::new(),
            }],
        }],
        ..template(Kind::Feature)
    };
    insta::assert_snapshot!(prd.to_markdown(), @r"
# Export of reports

<!-- prd version 1 -->

## Overview

Users copy reports by hand today. They want a file that a spreadsheet program opens.

## Goals

- Kind words

## Non-Goals

- Scheduled exports

## Success Metrics

- An export of 10000 rows takes less than two seconds

## Open Questions

- Which encoding do spreadsheet programs of our users expect?

## Stack

| Part | Choice |
| --- | --- |
| Framework | axum &#124; tower |

## Routes

| Path | Name | Purpose |
| --- | --- | --- |
| / | Home | Greets |

## Data Model

### Person

| Field | Type | Note |
| --- | --- | --- |
| name | text |  |

## Rules

- New behaviour comes with a test that fails without it

## Quality Gates

- `make test`

## Stories

### US-001: Write a report as CSV

Status: open

#### Description

As an analyst I want a report as CSV, so that I can go on with it in a spreadsheet.

#### Acceptance Criteria

- The first line holds the names of the columns
- A value with a comma or a quotation mark is read back unchanged
- An empty report is a file that holds only the first line

### US-002: Choose the columns of the export

Status: open
Depends on: US-001

#### Description

As an analyst I want to choose columns, so that I don't delete them afterwards.

#### Acceptance Criteria

- Only the chosen columns are written, in the order of the choice
- An unknown column is rejected with a message that lists the known ones
    ");
    assert_eq!(Prd::from_markdown(&prd.to_markdown()).unwrap().0, prd);
}

mod by_hand;
mod round_trip;
