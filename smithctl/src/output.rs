//! The forms that an answer can take: for people, or for programs.
//!
//! JSON and YAML hold the API's objects unchanged. Characters that act on a terminal are written as
//! escapes there, which changes the text but not the value.

mod jsonpath;
mod table;

use std::str::FromStr;

use serde_json::Value;
use smith_model::printable::{Lines, printable};

use crate::error::Error;
pub(crate) use jsonpath::Path;
pub(crate) use table::Table;

/// What to print.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Format {
    /// For people.
    #[default]
    Table,
    /// For people, with more columns.
    Wide,
    /// The API's objects as JSON.
    Json,
    /// The API's objects as YAML.
    Yaml,
    /// Ids only, one a line.
    Name,
    /// What a JSONPath finds in the JSON, one match a line.
    JsonPath(Path),
}

impl Format {
    /// Is it read by people?
    pub(crate) fn is_human(&self) -> bool {
        matches!(self, Self::Table | Self::Wide)
    }
}

impl FromStr for Format {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "table" => Ok(Self::Table),
            "wide" => Ok(Self::Wide),
            "json" => Ok(Self::Json),
            "yaml" => Ok(Self::Yaml),
            "name" => Ok(Self::Name),
            _ => match text.strip_prefix("jsonpath=") {
                Some(path) => Ok(Self::JsonPath(path.parse()?)),
                None => Err("use table, wide, json, yaml, name or jsonpath=EXPR".into()),
            },
        }
    }
}

/// An answer in each of its forms.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shown {
    /// For programs.
    pub(crate) value: Value,
    /// Its ids.
    pub(crate) names: Vec<String>,
    /// For people.
    pub(crate) human: String,
}

/// The answer as text, with a line end behind each line; nothing, if there is nothing to say.
pub(crate) fn render(format: &Format, shown: &Shown) -> Result<String, Error> {
    let Shown { value, names, human } = shown;
    let mut text = match format {
        Format::Table | Format::Wide => human.clone(),
        Format::Json => json(value),
        Format::Yaml => yaml(value),
        Format::Name => names.join("\n"),
        Format::JsonPath(path) => path.find(value).join("\n"),
    };
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    Ok(text)
}

/// Several objects as one.
pub(crate) fn items(items: Vec<Value>) -> Value {
    serde_json::json!({ "items": items })
}

/// A value on one line, for streams.
pub(crate) fn json_line(value: &Value) -> String {
    escaped(&value.to_string(), Escape::Json)
}

/// A text of JSON values, each as it is, with escapes for what acts on a terminal.
pub(crate) fn printable_json(text: &str) -> String {
    escaped(text, Escape::Json)
}

fn json(value: &Value) -> String {
    let text = serde_json::to_string_pretty(value).expect("a value serializes");
    escaped(&text, Escape::Json)
}

fn yaml(value: &Value) -> String {
    match serde_saphyr::to_string(value) {
        Ok(text) if is_plain(&text) => text,
        // JSON is YAML too, and every character in it can be an escape.
        _ => {
            let text = serde_json::to_string_pretty(value).expect("a value serializes");
            escaped(&text, Escape::Yaml)
        }
    }
}

fn is_plain(text: &str) -> bool {
    printable(text, Lines::Many).len() == text.len()
}

#[derive(Clone, Copy)]
enum Escape {
    Json,
    Yaml,
}

/// In JSON such characters stand in strings only, so each can be an escape.
fn escaped(text: &str, escape: Escape) -> String {
    if is_plain(text) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len() + 32);
    for c in text.chars() {
        if is_plain(c.encode_utf8(&mut [0; 4])) {
            out.push(c);
            continue;
        }
        match escape {
            Escape::Yaml => out.push_str(&format!("\\U{:08x}", c as u32)),
            Escape::Json => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    out.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
    }
    out
}

#[cfg(test)]
mod tests;
