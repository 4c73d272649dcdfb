//! Views that were kept by a name: what they are, and the file's text. Pure.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::fleet::{Columns, Look};

/// The longest name of a view, in characters.
const LONGEST: usize = 40;

/// How a view looks.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct SavedView {
    /// Which rows, and in which order.
    #[serde(flatten)]
    pub look: Look,
    /// Which columns.
    pub columns: Columns,
}

/// All that were kept.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct SavedViews {
    /// By name.
    pub views: BTreeMap<String, SavedView>,
}

/// Something to be done with the file in which views are kept.
#[derive(Clone, Debug, PartialEq)]
pub enum ViewsJob {
    /// Read it.
    Load,
    /// Keep a view by a name.
    Save(String, SavedView),
    /// Forget a view.
    Forget(String),
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ViewsSaid {
    /// All that are kept now; nothing: that isn't known, and those that were known stay.
    pub views: Option<SavedViews>,
    /// What is to be said.
    pub text: Option<String>,
    /// It went wrong.
    pub is_wrong: bool,
}

/// A name for a view or a tab: one word or several, on one line.
pub fn name(text: &str) -> Result<String, String> {
    let text = text.trim();
    match text.chars().count() {
        0 => Err("a name follows".to_owned()),
        count if count > LONGEST => Err(format!("a name has at most {LONGEST} characters")),
        _ if text.chars().any(char::is_control) => Err("a name is one line of text".to_owned()),
        _ => Ok(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::{Column, Direction, Filter, Grouping, Scope, Sort};

    #[test]
    fn a_view_reads_as_it_was_written_and_lacks_nothing_that_it_needs() {
        let view = SavedView {
            look: Look {
                filter: Filter::parse("state:flatline,unresolved !label:env=dev").unwrap(),
                scope: Scope::Faults,
                sort: Sort { column: Column::Cost, direction: Direction::Reversed },
                grouping: Grouping::Project,
            },
            columns: Columns::Chosen(vec![Column::Loop, Column::Cost]),
        };
        let views = SavedViews { views: BTreeMap::from([("night".to_owned(), view)]) };
        let text = serde_json::to_string_pretty(&views).unwrap();
        assert_eq!(serde_json::from_str::<SavedViews>(&text).unwrap(), views);
        insta::assert_snapshot!(text, @r#"
        {
          "views": {
            "night": {
              "filter": "state:flatline,unresolved !label:env=dev",
              "scope": "faults",
              "sort": {
                "column": "cost",
                "direction": "reversed"
              },
              "grouping": "project",
              "columns": {
                "chosen": [
                  "loop",
                  "cost"
                ]
              }
            }
          }
        }
        "#);
        let short: SavedViews = serde_json::from_str(r#"{"views": {"all": {}}}"#).unwrap();
        assert_eq!(short.views["all"], SavedView::default());
        let wrong = r#"{"views": {"all": {"filter": "age:soon"}}}"#;
        let error = serde_json::from_str::<SavedViews>(wrong).unwrap_err().to_string();
        assert!(error.contains("age:soon"), "{error}");
    }

    #[test]
    fn a_name_is_short_and_one_line() {
        assert_eq!(name(" on call "), Ok("on call".to_owned()));
        for wrong in ["", "  ", "a\nb", &"x".repeat(41)] {
            assert!(name(wrong).is_err(), "{wrong:?}");
        }
    }
}
