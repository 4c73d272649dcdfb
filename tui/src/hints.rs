//! Tips for the first days: one at a time, each until it was used or let go. Pure.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::action::Action;
use crate::command;

/// The file's name, in the directory of what programs remember.
pub const FILE: &str = "hints.json";
/// After so many uses somebody knows it.
const KNOWN: u32 = 2;

/// What is taught, in this order: a command, and what it is good for.
const TIPS: &[(&str, &str)] = &[
    ("palette", "finds everything that can be done, and every loop"),
    ("help", "lists the keys of where you are"),
    ("filter", "shows only the loops that you look for, say state:flatline or !docs"),
    ("tab new", "opens another tab with a cursor and a filter of its own"),
    ("theme", "shows each theme while you choose; :config names the file that keeps it"),
];

/// What somebody knows already.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Hints {
    /// How often each was used; one that was let go counts as known.
    uses: BTreeMap<String, u32>,
    /// None is shown any more.
    is_over: bool,
}

/// A tip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tip {
    /// The command.
    pub command: &'static str,
    /// What it is good for.
    pub text: &'static str,
}

impl Hints {
    /// For somebody who is here for the first time.
    pub fn new() -> Self {
        Self { uses: BTreeMap::new(), is_over: false }
    }

    /// The tip to be shown.
    pub fn tip(&self) -> Option<Tip> {
        let is_known = |command: &str| self.uses.get(command).is_some_and(|uses| *uses >= KNOWN);
        let mut left = TIPS.iter().filter(|(command, _)| !self.is_over && !is_known(command));
        left.next().map(|(command, text)| Tip { command, text })
    }

    /// Something was done; answers whether that is to be remembered.
    pub fn used(&mut self, action: &Action) -> bool {
        let is_it = |command: &str| command::parse(command).is_ok_and(|taught| taught == *action);
        let Some((command, _)) = TIPS.iter().find(|(command, _)| is_it(command)) else {
            return false;
        };
        let uses = self.uses.entry((*command).to_owned()).or_default();
        let is_new = *uses < KNOWN;
        *uses = (*uses + 1).min(KNOWN);
        is_new
    }

    /// The tip that is shown was read; answers whether there was one.
    pub fn let_go(&mut self) -> bool {
        let tip = self.tip();
        if let Some(tip) = tip {
            self.uses.insert(tip.command.to_owned(), KNOWN);
        }
        tip.is_some()
    }

    /// Shows all again, or none any more.
    pub fn set(&mut self, is_on: bool) {
        *self = if is_on { Self::new() } else { Self::default() };
    }
}

/// None: who doesn't ask isn't taught.
impl Default for Hints {
    fn default() -> Self {
        Self { uses: BTreeMap::new(), is_over: true }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tip_is_a_command() {
        for (command, _) in TIPS {
            assert!(command::parse(command).is_ok(), "{command}");
        }
    }

    #[test]
    fn a_tip_is_shown_until_it_was_used_twice_or_let_go() {
        let mut hints = Hints::new();
        assert_eq!(hints.tip().unwrap().command, "palette");
        assert!(hints.used(&Action::Palette));
        assert_eq!(hints.tip().unwrap().command, "palette");
        assert!(hints.used(&Action::Palette));
        assert!(!hints.used(&Action::Palette));
        assert_eq!(hints.tip().unwrap().command, "help");
        assert!(hints.let_go());
        assert_eq!(hints.tip().unwrap().command, "filter");
        let kept: Hints = serde_json::from_str(&serde_json::to_string(&hints).unwrap()).unwrap();
        assert_eq!(kept, hints);
        hints.set(false);
        assert_eq!(hints.tip(), None);
        assert!(!hints.let_go());
    }
}
