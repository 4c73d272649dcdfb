//! Markdown as people write it, without knowing what the export looks like.

use super::*;

fn read(text: &str) -> (Prd, Vec<(Code, u32)>) {
    let (prd, report) = Prd::from_markdown(text).unwrap_or_else(|report| panic!("{report:#?}"));
    let relevant = |warning: &&Diagnostic| warning.code.name().starts_with("prd_markdown");
    let warnings = report.warnings.iter().filter(relevant);
    (prd, warnings.map(|warning| (warning.code, warning.line.unwrap())).collect())
}

#[test]
fn stories_with_labels_and_plain_criteria() {
    let (prd, warnings) = read(
        "Greeter\n=======\n\n**Summary**\n-----------\nGreets people.\n\n---\n\n## 1. Objectives\n* Kind words\n\n\
         ## Guardrails:\n1. No rude words\n2. No jokes\n\n## QUALITY GATES\n- `make test`\n- make lint\n\n\
         ## User Stories\n\n### Story US-001 - Greet somebody\n**Status:** In Progress\nAs a user I want to be\n\
         greeted.\n\n- [ ] The name is shown\n- [x] An empty name is rejected\n  - with a message\n\n---\n\n\
         ### Say goodbye (US-002)\n- Depends on: US-001\n- Status: open\n- Description: As a user I want an end.\n\
         - Acceptance:\n  - An unknown name is rejected\n  - It is \"bye\"\n",
    );
    assert_eq!(warnings, []);
    assert_eq!(prd.project, "Greeter");
    assert_eq!(prd.overview, "Greets people.");
    assert_eq!(prd.goals, ["Kind words"]);
    assert_eq!(prd.rules, ["No rude words", "No jokes"]);
    assert_eq!(prd.quality_gates, ["make test", "make lint"]);
    let [greet, goodbye] = prd.stories.as_slice() else { panic!("{prd:#?}") };
    assert_eq!(greet.title, "Greet somebody");
    assert_eq!(greet.status, StoryStatus::InProgress);
    assert_eq!(greet.description, "As a user I want to be\ngreeted.");
    assert_eq!(
        greet.acceptance_criteria,
        ["The name is shown", "An empty name is rejected\n- with a message"]
    );
    assert_eq!(goodbye.title, "Say goodbye");
    assert_eq!(goodbye.depends_on, [greet.id]);
    assert_eq!(goodbye.description, "As a user I want an end.");
    assert_eq!(goodbye.acceptance_criteria, ["An unknown name is rejected", "It is \"bye\""]);
}

#[test]
fn stories_as_list_items() {
    let (prd, warnings) = read(
        "# Greeter\n\nGreets people.\n\n## Quality gates\n- make test\n\n## Stories\n\
         - [x] **US-001**: Greet somebody\n  As a user I want to be greeted.\n  - An empty name is rejected\n\
         - US-002: Say goodbye\n  - Depends on: US-001 and US-001\n  - An unknown name is rejected\n\n  As a user I want an end.\n",
    );
    assert_eq!(warnings, []);
    assert_eq!(prd.overview, "Greets people.");
    let [greet, goodbye] = prd.stories.as_slice() else { panic!("{prd:#?}") };
    assert_eq!((greet.title.as_str(), greet.status), ("Greet somebody", StoryStatus::Done));
    assert_eq!(greet.description, "As a user I want to be greeted.");
    assert_eq!(greet.acceptance_criteria, ["An empty name is rejected"]);
    assert_eq!((goodbye.title.as_str(), goodbye.status), ("Say goodbye", StoryStatus::Open));
    assert_eq!(goodbye.depends_on, [greet.id, greet.id]);
    assert_eq!(goodbye.description, "As a user I want an end.");
}

#[test]
fn sub_headings_and_code() {
    let (prd, warnings) = read(
        "# Greeter\n## Overview\nUse it so:\n\n```sh\n# Goals\n- Status: done\n```\n## Quality Gates\n- make test\n\
         ## US-001: Greet\n### Description\nStatus: it is shown in green.\n### Acceptance Criteria\n\
         - Status: is shown\n- Depends on: nothing, and never fails\n### Status\ndone\n### Depends on\nnone\n",
    );
    assert_eq!(warnings, []);
    assert_eq!(prd.overview, "Use it so:\n\n```sh\n# Goals\n- Status: done\n```");
    let [greet] = prd.stories.as_slice() else { panic!("{prd:#?}") };
    assert_eq!(greet.description, "Status: it is shown in green.");
    assert_eq!(
        greet.acceptance_criteria,
        ["Status: is shown", "Depends on: nothing, and never fails"]
    );
    assert_eq!(greet.status, StoryStatus::Done);
    assert_eq!(greet.depends_on, []);
}

#[test]
fn tables_and_lists_of_the_technical_sections() {
    let (prd, warnings) = read(
        "# Greeter\n## Overview\nx\n## Tech stack\n- **Framework:** axum\n- Database: none\n## Routes\n\
         | Name | Path |\n|:--|---|\n| Home | `/` |\n## Data Model\n### Person\n| Name | Type |\n|-|-|\n| id | int |\n\
         ## Quality Gates\n- make test\n## Stories\n### US-001: Greet\nA user is greeted.\n- An empty name is rejected\n",
    );
    assert_eq!(warnings, []);
    assert_eq!((prd.stack.framework.as_str(), prd.stack.database.as_str()), ("axum", "none"));
    assert_eq!(
        prd.routes,
        [Route { path: "`/`".into(), name: "Home".into(), purpose: String::new() }]
    );
    assert_eq!(prd.data_model[0].name, "Person");
    assert_eq!(prd.data_model[0].fields[0].type_name, "int");
}

#[test]
fn what_has_no_place_is_reported_and_kept_where_it_can_be() {
    let (prd, warnings) = read(
        "# Greeter\nFor all.\n## Overview\nx\n### Background\ny\n## Appendix\n- a\n## Rules\nThese:\n- b\n## Stack\n\
         | Part | Choice | Why |\n|-|-|-|\n| Editor | vi | x |\n## Quality Gates\n- make test\n## Stories\nSome.\n### Phase 1\n\
         #### US-001: Greet\nA user is greeted.\n- An empty name is rejected\n##### Notes\nz\n## Changelog\n",
    );
    assert_eq!(
        warnings,
        [
            (Code::MarkdownUnknownSection, 5),
            (Code::MarkdownUnknownSection, 7),
            (Code::MarkdownStrayText, 10),
            (Code::MarkdownStrayText, 13),
            (Code::MarkdownStrayText, 15),
            (Code::MarkdownStrayText, 19),
            (Code::MarkdownUnknownSection, 20),
            (Code::MarkdownUnknownSection, 24),
            (Code::MarkdownUnknownSection, 26),
            (Code::MarkdownStrayText, 2),
        ]
    );
    assert_eq!(prd.overview, "x\n\n### Background\n\ny");
    assert_eq!(prd.rules, ["b"]);
    assert_eq!(prd.stories[0].description, "A user is greeted.\n\n##### Notes\n\nz");
}

#[test]
fn problems_of_the_rules_have_lines() {
    let report = Prd::from_markdown(
        "# Greeter\n\n## Quality Gates\n\n- \n\n## Stories\n\n### US-001: Greet\n\nDepends on: the login, US-004\n\n\
         - An empty name is rejected\n-\n",
    )
    .unwrap_err();
    let found: Vec<_> = report.errors.iter().map(|error| (error.code, error.line)).collect();
    assert_eq!(
        found,
        [
            (Code::MissingOverview, None),
            (Code::EmptyQualityGate, Some(5)),
            (Code::MissingStoryDescription, Some(9)),
            (Code::EmptyAcceptanceCriterion, Some(14)),
            (Code::UnknownStoryDependency, Some(11)),
            (Code::UnknownStoryDependency, Some(11)),
            (Code::UnknownStoryDependency, Some(11)),
        ]
    );
}
