//! What a binding does to others. Pure.

use std::fmt;

use super::map::{Binding, Context, Keymap};
use super::{Chord, keys_text};

/// What one does to another.
#[derive(Clone, Debug, PartialEq)]
pub enum Clash {
    /// It is never reached: another begins with its keys.
    Unreachable {
        /// Its keys.
        keys: Vec<Chord>,
        /// The other one.
        by: Binding,
    },
    /// Another is never reached any more: this one begins with its keys.
    MakesUnreachable {
        /// Its keys.
        keys: Vec<Chord>,
        /// The other one.
        other: Binding,
    },
    /// Another means nothing where this one does.
    Hides(Binding),
    /// It means nothing where this one does.
    HiddenIn(Binding),
}

impl Context {
    /// Whether what is bound in the other one holds here too, unless it is bound here.
    fn is_within(self, outer: Self) -> bool {
        match (self, outer) {
            // Only what stands in it reaches this program while somebody types.
            (Self::Typing, _) | (_, Self::Typing) => false,
            (Self::Everywhere, _) => false,
            (_, Self::Everywhere) => true,
            (Self::List, _) => false,
            (_, Self::List) => true,
            _ => false,
        }
    }
}

impl Keymap {
    /// What the binding of these keys in a context does to others.
    pub fn clashes(&self, context: Context, keys: &[Chord]) -> Vec<Clash> {
        let is_it = |other: &&Binding| other.context == context && other.keys == keys;
        if self.bindings().iter().find(is_it).is_none() {
            return vec![];
        }
        let of = |other: &Binding| {
            let (other_context, other) = (other.context, other.clone());
            if other_context == context && other.keys == keys {
                None
            } else if other_context == context && other.keys.starts_with(keys) {
                Some(Clash::Unreachable { keys: keys.to_vec(), by: other })
            } else if other_context == context && keys.starts_with(&other.keys) {
                Some(Clash::MakesUnreachable { keys: keys.to_vec(), other })
            } else if context.is_within(other_context)
                && (other.keys.starts_with(keys) || keys.starts_with(&other.keys))
            {
                Some(Clash::Hides(other))
            } else if other_context.is_within(context) && keys.starts_with(&other.keys) {
                Some(Clash::HiddenIn(other))
            } else {
                None
            }
        };
        self.bindings().iter().filter_map(of).collect()
    }
}

impl fmt::Display for Clash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable { keys, by } => {
                let (keys, by_keys) = (keys_text(keys), keys_text(&by.keys));
                write!(f, "{keys} is never reached: {by_keys} ({}) begins with it", by.command)
            }
            Self::MakesUnreachable { keys, other } => {
                let (keys, others) = (keys_text(keys), keys_text(&other.keys));
                write!(
                    f,
                    "{others} ({}) isn't reached any more: {keys} begins with it",
                    other.command
                )
            }
            Self::Hides(other) => {
                let (keys, context) = (keys_text(&other.keys), other.context.as_str());
                write!(f, "it hides {keys} ({}) of {context}", other.command)
            }
            Self::HiddenIn(other) => {
                let (keys, context) = (keys_text(&other.keys), other.context.as_str());
                write!(f, "in {context} {keys} stays {}", other.command)
            }
        }
    }
}
