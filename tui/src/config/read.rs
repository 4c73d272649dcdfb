//! The file, read. Whatever can't be read leaves its setting as it was.

use std::ops::Range;
use std::path::PathBuf;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Config, Position, Problem, Setting, Severity, keys};
use crate::command::near;
use crate::host::Depth;
use crate::look::{Motion, Theme};

/// What is read, and where things are in it.
pub(super) struct Text<'a>(&'a str);

impl Text<'_> {
    fn position(&self, offset: usize) -> Position {
        let before = self.0.get(..offset).unwrap_or(self.0);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Position {
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }

    pub(super) fn at(&self, span: Range<usize>) -> Position {
        self.position(span.start)
    }

    pub(super) fn wrong(&self, span: Range<usize>, what: impl Into<String>) -> Problem {
        Problem { at: self.at(span), severity: Severity::Wrong, what: what.into() }
    }
}

/// The settings, as the file lists them.
pub(super) const SETTINGS: [&str; 9] =
    ["theme", "ascii", "colours", "motion", "mouse", "notifications", "title", "hints", "keys"];

impl Config {
    /// Reads the file at a path; nothing, where it isn't there.
    pub fn read(path: Option<PathBuf>, text: Option<&str>) -> Self {
        let mut config = Self { path, is_there: text.is_some(), ..Self::default() };
        let source = text.unwrap_or_default();
        let text = Text(source);
        let (table, errors) = DeTable::parse_recoverable(source);
        for error in errors {
            let span = error.span().unwrap_or(0..0);
            let problem = text.wrong(span, error.message().replace('\n', ", "));
            // What follows a mistake in its line is mostly about the same.
            if config.problems.last().is_none_or(|last| last.at.line != problem.at.line) {
                config.problems.push(problem);
            }
        }
        for (name, value) in table.get_ref() {
            // What couldn't be read stands nowhere.
            if value.span().is_empty() {
                continue;
            }
            config.take(&text, name.get_ref(), name.span(), value);
        }
        config.problems.sort_by_key(|problem| problem.at);
        config
    }

    fn take(
        &mut self,
        text: &Text<'_>,
        name: &str,
        at: Range<usize>,
        value: &Spanned<DeValue<'_>>,
    ) {
        let problem = match name {
            "theme" => set(text, &mut self.theme, value, theme),
            "ascii" => set(text, &mut self.ascii, value, |value| switch(value).map(Some)),
            "colours" => set(text, &mut self.colours, value, colours),
            "motion" => set(text, &mut self.motion, value, motion),
            "mouse" => set(text, &mut self.mouse, value, switch),
            "notifications" => set(text, &mut self.notifications, value, switch),
            "title" => set(text, &mut self.title, value, switch),
            "hints" => set(text, &mut self.hints, value, switch),
            "keys" => {
                match value.get_ref() {
                    DeValue::Table(contexts) => keys::read(text, contexts, self),
                    _ => self.problems.push(text.wrong(
                        value.span(),
                        "keys are tables: write [keys.fleet] and below it \"x\" = \"mark\"",
                    )),
                }
                None
            }
            other => {
                let meant = near::meant_or_all(other, &SETTINGS);
                Some(text.wrong(at, format!("there is no setting {other:?}{meant}")))
            }
        };
        self.problems.extend(problem);
    }
}

fn set<T>(
    text: &Text<'_>,
    setting: &mut Setting<T>,
    value: &Spanned<DeValue<'_>>,
    read: impl Fn(&DeValue<'_>) -> Result<T, String>,
) -> Option<Problem> {
    match read(value.get_ref()) {
        Ok(read) => {
            *setting = Setting { value: read, at: Some(text.at(value.span())) };
            None
        }
        Err(what) => Some(text.wrong(value.span(), what)),
    }
}

fn switch(value: &DeValue<'_>) -> Result<bool, String> {
    match value {
        DeValue::Boolean(is_on) => Ok(*is_on),
        DeValue::String(text) if text == "on" => Ok(true),
        DeValue::String(text) if text == "off" => Ok(false),
        _ => Err("true or false is meant".to_owned()),
    }
}

fn theme(value: &DeValue<'_>) -> Result<Option<Theme>, String> {
    let names = Theme::ALL.map(Theme::as_str);
    match value.as_str() {
        Some("auto") => Ok(None),
        Some(name) => Theme::named(name).map(Some).ok_or_else(|| {
            format!("there is no theme {name:?}{}", near::meant_or_all(name, &names))
        }),
        None => Err(format!("the name of a theme is meant: auto, {}", names.join(", "))),
    }
}

fn colours(value: &DeValue<'_>) -> Result<Option<Depth>, String> {
    Ok(match value.as_str() {
        Some("auto") => None,
        Some("16") => Some(Depth::Sixteen),
        Some("256") => Some(Depth::Indexed),
        Some("all") => Some(Depth::True),
        _ => return Err("\"auto\", \"16\", \"256\" or \"all\" is meant".to_owned()),
    })
}

fn motion(value: &DeValue<'_>) -> Result<Motion, String> {
    match value.as_str() {
        Some("full") => Ok(Motion::Full),
        Some("reduced") => Ok(Motion::Reduced),
        _ => Err("\"full\" or \"reduced\" is meant".to_owned()),
    }
}
