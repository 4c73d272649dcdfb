//! PRDs to begin with: each is valid as it is, and meant to be overwritten.

use std::fmt;
use std::str::FromStr;

use super::{Prd, Stack, Story, StoryId, StoryStatus, VERSION};

/// What kind of work a template is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Anything.
    #[default]
    Default,
    /// Something new.
    Feature,
    /// Something that is broken.
    Bugfix,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Default, Self::Feature, Self::Bugfix];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Feature => "feature",
            Self::Bugfix => "bugfix",
        }
    }
}

/// The text is no name of a template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a PRD template: use default, feature or bugfix")]
pub struct ParseKindError {
    text: String,
}

impl FromStr for Kind {
    type Err = ParseKindError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let kind = Self::ALL.into_iter().find(|kind| kind.name() == text);
        kind.ok_or_else(|| ParseKindError { text: text.chars().take(40).collect() })
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A PRD of a kind, to be filled in.
pub fn template(kind: Kind) -> Prd {
    match kind {
        Kind::Default => empty(
            "My project",
            "What is wanted, for whom, and why it matters now.",
            vec![story(
                0,
                "Show a greeting",
                "As a user I want to be greeted by name, so that I know that I am signed in.",
                &[
                    "The greeting holds the name that was given as argument",
                    "A missing name is refused with a message that says how to give one",
                ],
            )],
        ),
        Kind::Feature => Prd {
            goals: texts(&["Users can take their data with them"]),
            non_goals: texts(&["Scheduled exports"]),
            success_metrics: texts(&["An export of 10000 rows takes less than two seconds"]),
            open_questions: texts(&["Which encoding do spreadsheet programs of our users expect?"]),
            rules: texts(&["New behaviour comes with a test that fails without it"]),
            ..empty(
                "Export of reports",
                "Users copy reports by hand today. They want a file that a spreadsheet program opens.",
                vec![
                    story(
                        0,
                        "Write a report as CSV",
                        "As an analyst I want a report as CSV, so that I can go on with it in a spreadsheet.",
                        &[
                            "The first line holds the names of the columns",
                            "A value with a comma or a quotation mark is read back unchanged",
                            "An empty report is a file that holds only the first line",
                        ],
                    ),
                    Story {
                        depends_on: StoryId::at_index(0).into_iter().collect(),
                        ..story(
                            1,
                            "Choose the columns of the export",
                            "As an analyst I want to choose columns, so that I don't delete them afterwards.",
                            &[
                                "Only the chosen columns are written, in the order of the choice",
                                "An unknown column is rejected with a message that lists the known ones",
                            ],
                        )
                    },
                ],
            )
        },
        Kind::Bugfix => Prd {
            goals: texts(&["The reported case gives the expected result"]),
            non_goals: texts(&["Changes of behaviour beyond the reported case"]),
            rules: texts(&["The change is as small as the cause allows"]),
            ..empty(
                "Fix: dates before 1970 are shown one day early",
                "What happens: 1969-12-31 is shown as 1969-12-30. What is expected: the date as stored. \
                 How to see it: open any entry from before 1970.",
                vec![
                    story(
                        0,
                        "Reproduce the fault in a test",
                        "As a maintainer I want a test that shows the fault, so that it cannot come back.",
                        &["A test for 1969-12-31 fails without the fix and passes with it"],
                    ),
                    Story {
                        depends_on: StoryId::at_index(0).into_iter().collect(),
                        ..story(
                            1,
                            "Fix the cause",
                            "As a user I want to see the date that is stored, so that I can trust the list.",
                            &[
                                "1969-12-31 is shown as 1969-12-31",
                                "A malformed date is still rejected with the message of today",
                            ],
                        )
                    },
                ],
            )
        },
    }
}

fn empty(project: &str, overview: &str, stories: Vec<Story>) -> Prd {
    Prd {
        version: VERSION,
        project: project.to_owned(),
        overview: overview.to_owned(),
        goals: Vec::new(),
        non_goals: Vec::new(),
        success_metrics: Vec::new(),
        open_questions: Vec::new(),
        stack: Stack::default(),
        routes: Vec::new(),
        ui_notes: String::new(),
        data_model: Vec::new(),
        import_format: String::new(),
        rules: Vec::new(),
        quality_gates: texts(&["make test"]),
        stories,
    }
}

fn story(index: usize, title: &str, description: &str, criteria: &[&str]) -> Story {
    Story {
        id: StoryId::at_index(index).expect("a template has few stories"),
        title: title.to_owned(),
        status: StoryStatus::Open,
        depends_on: Vec::new(),
        description: description.to_owned(),
        acceptance_criteria: texts(criteria),
    }
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prd::Readiness;

    #[test]
    fn every_template_passes_without_a_warning_in_both_formats() {
        for kind in Kind::ALL {
            let prd = template(kind);
            let report = prd.check();
            assert_eq!(report.readiness, Readiness::Pass, "{kind}: {report:#?}");
            assert_eq!(Prd::from_json(&prd.canonical_json()).unwrap().0, prd, "{kind}");
            assert_eq!(Prd::from_markdown(&prd.to_markdown()).unwrap().0, prd, "{kind}");
            assert_eq!(kind.name().parse(), Ok(kind));
        }
        assert!("Feature ".parse::<Kind>().is_err());
    }
}
