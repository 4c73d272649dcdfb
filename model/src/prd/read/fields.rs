//! Typed access to JSON fields: wrong types, unknown fields, lengths and control characters are reported
//! here, so that the rules see only values they can use.

use serde_json::{Map, Value};

use super::{Reader, member, suggest};
use crate::prd::diagnostic::{Code, Diagnostic, shown};
use crate::prd::{MAX_ITEM_CHARS, MAX_ITEMS, MAX_NAME_CHARS, MAX_TEXT_CHARS};

/// A problem has been reported; there is nothing to go on with.
pub(super) struct Reported;

/// What a string may be like.
#[derive(Clone, Copy)]
pub(super) enum Shape {
    /// One line, short.
    Name,
    /// Several lines, short.
    Item,
    /// Several lines.
    Text,
}

impl Shape {
    fn max_chars(self) -> usize {
        match self {
            Self::Name => MAX_NAME_CHARS,
            Self::Item => MAX_ITEM_CHARS,
            Self::Text => MAX_TEXT_CHARS,
        }
    }

    fn refuses(self, c: char) -> bool {
        match self {
            Self::Name => c.is_control(),
            // A carriage return is let through for texts that were written on Windows.
            Self::Item | Self::Text => c.is_control() && !matches!(c, '\t' | '\n' | '\r'),
        }
    }
}

impl Reader<'_> {
    pub(super) fn object<'v>(
        &mut self,
        value: &'v Value,
        path: &str,
        fields: &[&str],
    ) -> Result<&'v Map<String, Value>, Reported> {
        let Value::Object(object) = value else {
            return Err(self.wrong_type(path, "an object", value));
        };
        for key in object.keys().filter(|key| !fields.contains(&key.as_str())) {
            let (lines, story) = (self.lines, &self.story);
            self.findings.add_with(Code::UnknownField, || {
                let message = format!("the field {} is not known here", shown(key));
                let way_out = match suggest::nearest(key, fields) {
                    Some(field) => format!("did you mean {field:?}?"),
                    None => format!("remove it, or use one of: {}", fields.join(", ")),
                };
                let mut diagnostic =
                    Diagnostic::new(Code::UnknownField, member(path, key), message)
                        .suggest(way_out);
                diagnostic.line = lines.find(path);
                diagnostic.story_id.clone_from(story);
                diagnostic
            });
        }
        Ok(object)
    }

    pub(super) fn objects<T>(
        &mut self,
        object: &Map<String, Value>,
        path: &str,
        key: &str,
        most: usize,
        read: fn(&mut Self, &Value, &str) -> Result<T, Reported>,
    ) -> Result<Vec<T>, Reported> {
        let list = self.list(object, path, key, most)?;
        let path = member(path, key);
        // Read all before giving up, so that all are reported.
        let read: Vec<_> = list
            .iter()
            .enumerate()
            .map(|(index, value)| read(self, value, &format!("{path}[{index}]")))
            .collect();
        read.into_iter().collect()
    }

    pub(super) fn strings<'v>(
        &mut self,
        object: &'v Map<String, Value>,
        path: &str,
        key: &str,
        blank: Code,
    ) -> Result<Vec<&'v str>, Reported> {
        let list = self.list(object, path, key, MAX_ITEMS)?;
        let path = member(path, key);
        let read: Vec<_> = list
            .iter()
            .enumerate()
            .map(|(index, value)| {
                let path = format!("{path}[{index}]");
                let text = self.string(value, &path, Shape::Item)?;
                if text.trim().is_empty() {
                    self.add(blank, &path, "the entry is blank", "fill it in or remove it");
                }
                Ok(text)
            })
            .collect();
        read.into_iter().collect()
    }

    pub(super) fn list<'v>(
        &mut self,
        object: &'v Map<String, Value>,
        path: &str,
        key: &str,
        most: usize,
    ) -> Result<&'v [Value], Reported> {
        match object.get(key) {
            None | Some(Value::Null) => Ok(&[]),
            Some(Value::Array(list)) if list.len() > most => {
                let message = format!("{} entries; at most {most} are read", list.len());
                self.add(
                    Code::TooManyItems,
                    &member(path, key),
                    message,
                    "split the PRD into several",
                );
                Err(Reported)
            }
            Some(Value::Array(list)) => Ok(list),
            Some(other) => Err(self.wrong_type(&member(path, key), "a list", other)),
        }
    }

    pub(super) fn required<'v>(
        &mut self,
        object: &'v Map<String, Value>,
        path: &str,
        key: &str,
        shape: Shape,
        missing: Code,
    ) -> Result<&'v str, Reported> {
        let text = self.optional(object, path, key, shape)?;
        if text.trim().is_empty() {
            let message = format!("the {key} is missing or blank");
            self.add(missing, &member(path, key), message, "write one");
            return Err(Reported);
        }
        Ok(text)
    }

    pub(super) fn optional<'v>(
        &mut self,
        object: &'v Map<String, Value>,
        path: &str,
        key: &str,
        shape: Shape,
    ) -> Result<&'v str, Reported> {
        match object.get(key) {
            None | Some(Value::Null) => Ok(""),
            Some(value) => self.string(value, &member(path, key), shape),
        }
    }

    fn string<'v>(
        &mut self,
        value: &'v Value,
        path: &str,
        shape: Shape,
    ) -> Result<&'v str, Reported> {
        let Value::String(text) = value else {
            return Err(self.wrong_type(path, "a string", value));
        };
        let (chars, most) = (text.chars().count(), shape.max_chars());
        if chars > most {
            let message = format!("{chars} characters; at most {most} are read");
            self.add(Code::TextTooLong, path, message, "say it shorter, or link to it");
        }
        if let Some(c) = text.chars().find(|c| shape.refuses(*c)) {
            let message = format!("the control character {c:?} has no place here");
            self.add(Code::ControlCharacter, path, message, "remove it");
        }
        Ok(text)
    }

    pub(super) fn wrong_type(&mut self, path: &str, expected: &str, value: &Value) -> Reported {
        let found = match value {
            Value::Null => "null",
            Value::Bool(_) => "true or false",
            Value::Number(_) => "a number",
            Value::String(_) => "a string",
            Value::Array(_) => "a list",
            Value::Object(_) => "an object",
        };
        self.add(
            Code::WrongType,
            path,
            format!("this is {found}, and has to be {expected}"),
            format!("write {expected} here"),
        );
        Reported
    }
}
