//! What was measured, as Markdown.

use std::fmt::{self, Write as _};

/// Is a goal reached?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// There is none.
    NoGoal,
    /// Yes.
    Met,
    /// No.
    Missed,
}

impl Verdict {
    /// Reached where `value` is at most `most`.
    pub fn at_most(value: f64, most: f64) -> Self {
        if value <= most { Self::Met } else { Self::Missed }
    }

    /// Reached where `value` is at least `least`.
    pub fn at_least(value: f64, least: f64) -> Self {
        if value >= least { Self::Met } else { Self::Missed }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::NoGoal => "",
            Self::Met => "met",
            Self::Missed => "**missed**",
        })
    }
}

/// One comparison.
#[derive(Clone, Debug)]
pub struct Row {
    /// What is compared.
    pub what: String,
    /// The other side's figures.
    pub peer: String,
    /// Smith's.
    pub smith: String,
    /// Ratio or difference.
    pub result: String,
    /// What was aimed at.
    pub goal: &'static str,
    /// Whether it was reached.
    pub verdict: Verdict,
}

impl Row {
    /// A row without a goal.
    pub fn new(
        what: impl Into<String>,
        peer: impl Into<String>,
        smith: impl Into<String>,
        result: impl Into<String>,
    ) -> Self {
        Self {
            what: what.into(),
            peer: peer.into(),
            smith: smith.into(),
            result: result.into(),
            goal: "",
            verdict: Verdict::NoGoal,
        }
    }

    /// The same with a goal.
    pub fn goal(self, goal: &'static str, verdict: Verdict) -> Self {
        Self { goal, verdict, ..self }
    }
}

/// The rows of one subject.
#[derive(Clone, Debug)]
pub struct Section {
    /// The subject.
    pub title: &'static str,
    /// What is measured, and how.
    pub how: String,
    /// The column of the other side.
    pub peer: &'static str,
    /// The comparisons.
    pub rows: Vec<Row>,
    /// What else was seen.
    pub notes: Vec<String>,
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { title, how, peer, rows, notes } = self;
        writeln!(f, "## {title}\n\n{how}\n")?;
        writeln!(
            f,
            "| | {peer} | Smith | comparison | goal | |\n| --- | --- | --- | --- | --- | --- |"
        )?;
        for Row { what, peer, smith, result, goal, verdict } in rows {
            writeln!(f, "| {what} | {peer} | {smith} | {result} | {goal} | {verdict} |")?;
        }
        if !notes.is_empty() {
            f.write_char('\n')?;
        }
        for note in notes {
            writeln!(f, "- {note}")?;
        }
        Ok(())
    }
}

/// Stands before and after what people write into the generated page.
const KEPT: (&str, &str) = ("<!-- kept by hand: begin -->", "<!-- kept by hand: end -->");

/// The page that `target` generates, with what people had written into the one before.
pub fn page(target: &str, before: &str, machine: &str, sections: &[Section]) -> String {
    let kept = before.split_once(KEPT.0).and_then(|(_, rest)| rest.split_once(KEPT.1));
    let kept = kept.map_or("\n", |(kept, _)| kept);
    let mut page = format!(
        "# Benchmarks\n\nThis page is generated: `{target}`. Only the section between the marks is written by hand, and kept.\n\
         Every comparison is made in one run on one machine, Smith and its peer taking turns; a figure is the median of the rounds, with their range in brackets. Times are milliseconds unless they say otherwise. What counts is the comparison: the figures themselves are the machine's.\n\n",
    );
    page.push_str(machine);
    for section in sections {
        let _ = write!(page, "\n{section}");
    }
    let (begin, end) = KEPT;
    let _ = write!(
        page,
        "\n## Goals that are missed: why, and what would reach them\n\n{begin}{kept}{end}\n"
    );
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_wrote_is_kept() {
        let first = page("make bench", "", "machine", &[]);
        let (begin, end) = KEPT;
        let written = first.replace(begin, &format!("{begin}\nBecause of the disk."));
        let second = page("make bench", &written, "other machine", &[]);
        assert!(second.contains(&format!("{begin}\nBecause of the disk.\n{end}")), "{second}");
        assert!(second.contains("other machine"));
    }
}
