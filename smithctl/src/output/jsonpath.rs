//! JSONPath (RFC 9535), also in kubectl's braces.

use std::str::FromStr;

use jsonpath_rust::parser::parse_json_path;
use jsonpath_rust::query::js_path_vals;
use serde_json::Value;
use smith_model::printable::{Lines, printable};

/// A path that was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Path(String);

impl FromStr for Path {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let inner = match text.strip_prefix('{') {
            Some(rest) => match rest.strip_suffix('}') {
                Some(inner) if !inner.contains(['{', '}']) => inner.trim(),
                _ => return Err("one path in one pair of braces; templates aren't known".into()),
            },
            None => text,
        };
        let path = match inner.chars().next() {
            None => return Err("the JSONPath is empty".into()),
            Some('$') => inner.to_owned(),
            Some('.' | '[') => format!("${inner}"),
            Some(_) => format!("$.{inner}"),
        };
        match parse_json_path(&path) {
            Ok(_) => Ok(Self(path)),
            Err(error) => {
                let error = error.to_string();
                let error = error.split_whitespace().collect::<Vec<_>>().join(" ");
                Err(format!("{path:?} isn't a JSONPath of RFC 9535: {error}"))
            }
        }
    }
}

impl Path {
    /// What it finds, each as a text: strings as they are (made printable), the rest as JSON.
    pub(crate) fn find(&self, value: &Value) -> Vec<String> {
        let found = js_path_vals(&self.0, value).unwrap_or_default();
        found
            .into_iter()
            .map(|value| match value {
                Value::String(text) => printable(text, Lines::Many).into_owned(),
                value => super::json_line(value),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kubectl_s_and_the_rfc_s_forms_find_the_same() {
        let value = serde_json::json!({"items": [{"a": "x", "n": 2}, {"a": "y\u{1b}[2J", "n": 1}]});
        for path in
            ["$.items[*].a", "{.items[*].a}", ".items[*].a", "items[*].a", "{ .items[*]['a'] }"]
        {
            let found = path.parse::<Path>().unwrap().find(&value);
            assert_eq!(found, ["x", "y\\x1b[2J"], "{path}");
        }
        let found = "$.items[?@.n > 1].a".parse::<Path>().unwrap().find(&value);
        assert_eq!(found, ["x"]);
        assert_eq!("{}".parse::<Path>().unwrap_err(), "the JSONPath is empty");
    }
}
