//! JSON text to a JSON value, with what serde_json keeps to itself: fields that are given twice.
//!
//! Nesting is bounded by serde_json (127 levels), so no document can exhaust the stack.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::diagnostic::{Code, Diagnostic, Findings, shown};
use super::read::SourceLines;
use super::{MAX_INPUT_BYTES, Prd, Report};

pub(super) fn read(text: &str) -> Result<(Prd, Report), Report> {
    let mut findings = Findings::default();
    if let Some(diagnostic) = too_large(text) {
        findings.add(diagnostic);
        return Err(findings.into_report());
    }
    let mut deserializer = serde_json::Deserializer::from_str(text.trim_start_matches('\u{feff}'));
    let parsed = Node { place: &Place::Root, findings: &mut findings }
        .deserialize(&mut deserializer)
        .and_then(|value| deserializer.end().map(|()| value));
    match parsed {
        Ok(value) => super::read::read(&value, &SourceLines::default(), findings),
        Err(error) => {
            findings.add(malformed(&error));
            Err(findings.into_report())
        }
    }
}

/// The diagnostic of a text that is too long to be looked at.
pub(super) fn too_large(text: &str) -> Option<Diagnostic> {
    (text.len() > MAX_INPUT_BYTES).then(|| {
        let message =
            format!("the text has {} bytes; at most {MAX_INPUT_BYTES} are read", text.len());
        Diagnostic::new(Code::TooLarge, "$", message).suggest("split the PRD into several")
    })
}

fn malformed(error: &serde_json::Error) -> Diagnostic {
    let (line, column) = (error.line(), error.column());
    let text = error.to_string();
    // The place has fields of its own.
    let text = text.strip_suffix(&format!(" at line {line} column {column}")).unwrap_or(&text);
    let mut diagnostic =
        Diagnostic::new(Code::MalformedJson, "$", format!("this is not JSON: {text}"))
            .suggest("fix the JSON at this place; nothing behind it was checked");
    diagnostic.line = u32::try_from(line).ok();
    diagnostic.column = u32::try_from(column.max(1)).ok();
    diagnostic
}

/// Where a value is; turned into text only for a diagnostic, since a document may have many values.
enum Place<'p> {
    Root,
    Member(&'p Place<'p>, &'p str),
    Index(&'p Place<'p>, usize),
}

impl Place<'_> {
    fn path(&self) -> String {
        match self {
            Self::Root => "$".to_owned(),
            Self::Member(parent, key) => super::read::member(&parent.path(), key),
            Self::Index(parent, index) => format!("{}[{index}]", parent.path()),
        }
    }
}

/// A value that is about to be read.
struct Node<'p, 'f> {
    place: &'p Place<'p>,
    findings: &'f mut Findings,
}

impl<'de> DeserializeSeed<'de> for Node<'_, '_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_, '_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("number out of range"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let Self { place, findings } = self;
        let mut list = Vec::new();
        loop {
            let inner = Place::Index(place, list.len());
            match access.next_element_seed(Node { place: &inner, findings: &mut *findings })? {
                Some(value) => list.push(value),
                None => return Ok(Value::Array(list)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let Self { place, findings } = self;
        let mut map = Map::new();
        while let Some(key) = access.next_key::<String>()? {
            let inner = Place::Member(place, &key);
            if map.contains_key(&key) {
                findings.add_with(Code::DuplicateField, || {
                    let message = format!("the field {} is given more than once", shown(&key));
                    Diagnostic::new(Code::DuplicateField, inner.path(), message)
                        .suggest("keep one of them; which one is meant cannot be known")
                });
            }
            let value = access.next_value_seed(Node { place: &inner, findings: &mut *findings })?;
            map.insert(key, value);
        }
        Ok(Value::Object(map))
    }
}
