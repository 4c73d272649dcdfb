//! The spec as it is stored, as indented text. Pure.

use serde_json::Value;

use super::overview::failures;
use super::sheet::{Sheet, part};
use crate::fetch::Topic;
use crate::look::Role;
use crate::world::Known;

/// What it is made of.
pub(super) const TOPICS: [Topic; 1] = [Topic::Detail];

/// All of it.
pub(super) fn page(known: Option<&Known>) -> Sheet {
    let mut sheet = Sheet::default();
    let Some(known) = known else {
        sheet.text(2, "asking …", Role::Dim);
        return sheet;
    };
    failures(&mut sheet, &[("the spec", known.detail.failure())]);
    let Some(detail) = known.detail.value() else {
        sheet.text(2, "…", Role::Dim);
        return sheet;
    };
    match serde_json::to_value(&detail.spec) {
        Ok(Value::Object(fields)) => {
            for (name, value) in &fields {
                field(&mut sheet, 0, name, value);
            }
        }
        Ok(value) => sheet.text(0, &value.to_string(), Role::Text),
        Err(error) => sheet.text(0, &format!("! {error}"), Role::Bad),
    }
    sheet
}

fn field(sheet: &mut Sheet, depth: usize, name: &str, value: &Value) {
    let head = [part(format!("{}{name}: ", "  ".repeat(depth)), Role::Key)];
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            sheet.item(head, []);
            for (name, value) in fields {
                field(sheet, depth + 1, name, value);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            sheet.item(head, []);
            items.iter().for_each(|value| item(sheet, depth + 1, value));
        }
        Value::String(text) if text.contains('\n') => {
            sheet.item(head, [part("|", Role::Dim)]).copy(&**text);
            sheet.text(4 + 2 * depth, text.trim_end_matches('\n'), Role::Text);
        }
        value => {
            sheet.item(head, [part(scalar(value), Role::Text)]).copy(scalar(value));
        }
    }
}

fn item(sheet: &mut Sheet, depth: usize, value: &Value) {
    let dash = part(format!("{}- ", "  ".repeat(depth)), Role::Key);
    match value {
        Value::Object(fields) => {
            let mut fields = fields.iter();
            if let Some((name, value)) = fields.next() {
                match value {
                    Value::Object(_) | Value::Array(_) => {
                        sheet.item([dash], []);
                        field(sheet, depth + 1, name, value);
                    }
                    value => {
                        let body =
                            [part(format!("{name}: "), Role::Key), part(scalar(value), Role::Text)];
                        sheet.item([dash], body).copy(scalar(value));
                    }
                }
            }
            for (name, value) in fields {
                field(sheet, depth + 1, name, value);
            }
        }
        Value::Array(items) => items.iter().for_each(|value| item(sheet, depth + 1, value)),
        value => {
            sheet.item([dash], [part(scalar(value), Role::Text)]).copy(scalar(value));
        }
    }
}

fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) if text.is_empty() => "\"\"".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(_) => "[]".to_owned(),
        Value::Object(_) => "{}".to_owned(),
        value => value.to_string(),
    }
}
