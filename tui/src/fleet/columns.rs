//! Which columns a view shows: those that a person chose, else the ones that a width has room for. Pure.

use serde::{Deserialize, Serialize};

use crate::fleet::Column;

/// Which columns a view shows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Columns {
    /// What the width has room for.
    #[default]
    Default,
    /// These, in this order.
    Chosen(Vec<Column>),
}

/// What is to become of the columns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ColumnChange {
    /// What the width has room for.
    Default,
    /// These, in this order.
    Only(Vec<Column>),
    /// Some more, and without others.
    But {
        /// These are added at the end.
        with: Vec<Column>,
        /// These go.
        without: Vec<Column>,
    },
}

impl ColumnChange {
    /// Reads `default`, `loop state cost` or `+cost -age`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (mut only, mut with, mut without) = (vec![], vec![], vec![]);
        for word in text.split([' ', ',']).filter(|word| !word.is_empty()) {
            let (to, name) = match word.as_bytes() {
                [b'+', ..] => (&mut with, &word[1..]),
                [b'-', ..] => (&mut without, &word[1..]),
                _ if word == "default" => return Ok(Self::Default),
                _ => (&mut only, word),
            };
            let column = Column::named(name)?;
            if !to.contains(&column) {
                to.push(column);
            }
        }
        if without.contains(&Column::Loop) {
            return Err(
                "the loop's id stays: without it nobody knows which row is which".to_owned()
            );
        }
        match (only.is_empty(), with.is_empty() && without.is_empty()) {
            (false, true) => {
                only.retain(|column| *column != Column::Loop);
                only.insert(0, Column::Loop);
                Ok(Self::Only(only))
            }
            (true, false) => Ok(Self::But { with, without }),
            (false, false) => {
                Err("either all columns, or changes with + and -, but not both".to_owned())
            }
            (true, true) => Err("columns follow, or +COLUMN -COLUMN, or default".to_owned()),
        }
    }
}

impl Columns {
    /// The columns for a width in cells.
    pub fn at(&self, width: u16) -> Vec<Column> {
        match self {
            Self::Chosen(columns) => columns.clone(),
            Self::Default => by_width(width).to_vec(),
        }
    }

    /// What becomes of them, where the width is that.
    pub fn change(&mut self, change: &ColumnChange, width: u16) {
        *self = match change {
            ColumnChange::Default => Self::Default,
            ColumnChange::Only(columns) => Self::Chosen(columns.clone()),
            ColumnChange::But { with, without } => {
                let mut columns = self.at(width);
                columns.retain(|column| !without.contains(column));
                let more = with.iter().filter(|column| !columns.contains(column));
                let more: Vec<Column> = more.copied().collect();
                columns.extend(more);
                Self::Chosen(columns)
            }
        };
    }
}

/// The least comes first, the widest last.
fn by_width(width: u16) -> &'static [Column] {
    use Column::{
        Age, Attempt, Cost, Iteration, Loop, Message, Phase, Project, Provider, Reason, State,
        Stories, Story, Title,
    };
    // Each set fits its least width with columns that are cut, the title among what is seen.
    match width {
        0..72 => &[Loop, State, Stories, Age],
        72..100 => &[Loop, State, Stories, Age, Title],
        100..110 => &[Loop, State, Phase, Stories, Attempt, Age, Title],
        110..126 => &[Loop, Project, State, Reason, Stories, Attempt, Age, Title],
        126..180 => &[Loop, Project, State, Reason, Phase, Stories, Attempt, Cost, Age, Title],
        _ => &[
            Loop, Project, State, Reason, Phase, Iteration, Story, Stories, Attempt, Provider,
            Cost, Age, Title, Message,
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_named_whole_or_as_changes() {
        use Column::{Age, Cost, Loop, State};
        let parse = ColumnChange::parse;
        assert_eq!(parse("default"), Ok(ColumnChange::Default));
        assert_eq!(parse("state,cost"), Ok(ColumnChange::Only(vec![Loop, State, Cost])));
        let but = ColumnChange::But { with: vec![Cost], without: vec![Age] };
        assert_eq!(parse("+cost -age"), Ok(but.clone()));
        for (wrong, why) in [
            ("", "columns follow"),
            ("+cost state", "not both"),
            ("-loop", "stays"),
            ("+colour", "isn't a column"),
        ] {
            let error = parse(wrong).unwrap_err();
            assert!(error.contains(why), "{wrong}: {error}");
        }
        let mut columns = Columns::Default;
        columns.change(&but, 60);
        assert_eq!(columns.at(300), [Loop, State, Column::Stories, Cost]);
        columns.change(&ColumnChange::Default, 60);
        assert_eq!(columns, Columns::Default);
    }
}
