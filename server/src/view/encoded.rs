//! Something that many streams tell, with its JSON, which is made once for all of them.

use std::ops::Deref;

use serde::Serialize;

/// A value and its JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded<T> {
    value: T,
    json: Box<str>,
}

impl<T: Serialize> Encoded<T> {
    /// Encodes a record or an event.
    pub fn new(value: T) -> Self {
        let json = serde_json::to_string(&value).expect("plain data serializes").into();
        Self { value, json }
    }
}

impl<T> Encoded<T> {
    /// The JSON: one line, as serde_json writes it.
    pub fn json(&self) -> &str {
        &self.json
    }
}

impl<T> Deref for Encoded<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.value
    }
}
