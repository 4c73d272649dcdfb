//! Which keys mean which command, where. Pure.

use crate::action::Action;
use crate::command;
use crate::keys::{Chord, defaults};

/// Where a binding holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Context {
    /// Wherever nothing nearer binds the same keys.
    Everywhere,
    /// Wherever a cursor goes up and down.
    List,
    /// The fleet.
    Fleet,
    /// The fleet's facets, while keys go to them.
    Facets,
    /// The inbox.
    Inbox,
    /// A loop.
    Loop,
    /// A loop's journal.
    Journal,
    /// A text that is read.
    Text,
    /// Terminals, while one watches.
    Terminal,
    /// Terminals, while one types: only what stands behind the prefix.
    Typing,
    /// A recording that is played.
    Playing,
}

impl Context {
    /// All, as help lists them.
    pub const ALL: [Self; 11] = [
        Self::Fleet,
        Self::Facets,
        Self::Inbox,
        Self::Loop,
        Self::Journal,
        Self::Terminal,
        Self::Typing,
        Self::Text,
        Self::Playing,
        Self::List,
        Self::Everywhere,
    ];

    /// The context of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|context| context.as_str() == name)
    }

    /// Its name in the configuration and in help.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Everywhere => "everywhere",
            Self::List => "list",
            Self::Fleet => "fleet",
            Self::Facets => "facets",
            Self::Inbox => "inbox",
            Self::Loop => "loop",
            Self::Journal => "journal",
            Self::Text => "text",
            Self::Terminal => "terminal",
            Self::Typing => "typing",
            Self::Playing => "playing",
        }
    }
}

/// Keys that mean a command.
#[derive(Clone, Debug, PartialEq)]
pub struct Binding {
    /// Where.
    pub context: Context,
    /// One chord, or several in a row.
    pub keys: Vec<Chord>,
    /// The command, as one could write it behind `:`.
    pub command: String,
    /// What it does.
    pub action: Action,
}

/// All bindings.
#[derive(Clone, Debug, PartialEq)]
pub struct Keymap {
    bindings: Vec<Binding>,
}

/// What keys come to.
#[derive(Clone, Debug, PartialEq)]
pub enum Resolved<'a> {
    /// Nothing is bound to them.
    Nothing,
    /// Something may follow: these.
    Prefix(Vec<&'a Binding>),
    /// That.
    Bound(&'a Binding),
}

impl Keymap {
    /// The bindings that Smith comes with.
    pub fn standard() -> Self {
        let bindings = defaults::BINDINGS.iter().map(|(context, keys, command)| {
            let keys = Chord::sequence(keys).expect("a test reads every default");
            let action = command::parse(command).expect("a test reads every default");
            Binding { context: *context, keys, command: (*command).to_owned(), action }
        });
        Self { bindings: bindings.collect() }
    }

    /// All of them.
    pub fn bindings(&self) -> &[Binding] {
        &self.bindings
    }

    /// Takes a binding, in place of one with the same keys in the same context.
    pub fn bind(&mut self, binding: Binding) {
        self.unbind(binding.context, &binding.keys);
        self.bindings.push(binding);
    }

    /// Forgets what keys mean in a context; answers whether they meant anything.
    pub fn unbind(&mut self, context: Context, keys: &[Chord]) -> bool {
        let before = self.bindings.len();
        self.bindings.retain(|other| other.context != context || other.keys != keys);
        before != self.bindings.len()
    }

    /// What keys mean, nearest context first. A prefix in a nearer context wins over a binding further out.
    pub fn resolve(&self, contexts: &[Context], keys: &[Chord]) -> Resolved<'_> {
        let mut all: Vec<&Binding> = vec![];
        for context in contexts {
            let here = self.bindings.iter().filter(|b| b.context == *context);
            let (bound, longer): (Vec<&Binding>, Vec<&Binding>) =
                here.filter(|b| b.keys.starts_with(keys)).partition(|b| b.keys.len() == keys.len());
            if let (true, true, [bound, ..]) = (all.is_empty(), longer.is_empty(), bound.as_slice())
            {
                return Resolved::Bound(bound);
            }
            for binding in longer {
                if !all.iter().any(|nearer| nearer.keys == binding.keys) {
                    all.push(binding);
                }
            }
        }
        if all.is_empty() { Resolved::Nothing } else { Resolved::Prefix(all) }
    }

    /// The keys that one would press for an action in these contexts, shortest first. Keys that mean something else in
    /// a nearer context aren't among them.
    pub fn keys_of(&self, contexts: &[Context], action: &Action) -> Option<&[Chord]> {
        let all = contexts.iter().flat_map(|context| {
            self.bindings.iter().filter(move |b| b.context == *context && b.action == *action)
        });
        let all = all.filter(|binding| self.reaches(contexts, binding));
        all.map(|b| b.keys.as_slice()).min_by_key(|keys| keys.len())
    }

    /// Does one get there by pressing its keys?
    fn reaches(&self, contexts: &[Context], binding: &Binding) -> bool {
        let waits = (1..binding.keys.len()).all(|count| {
            matches!(self.resolve(contexts, &binding.keys[..count]), Resolved::Prefix(_))
        });
        let resolved = self.resolve(contexts, &binding.keys);
        waits && matches!(resolved, Resolved::Bound(bound) if bound.action == binding.action)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn binding(context: Context, keys: &str, command: &str) -> Binding {
        Binding {
            context,
            keys: Chord::sequence(keys).unwrap(),
            command: command.to_owned(),
            action: command::parse(command).unwrap(),
        }
    }

    #[test]
    fn every_default_is_a_command_and_no_key_is_bound_twice_in_a_context() {
        let map = Keymap::standard();
        for (at, one) in map.bindings.iter().enumerate() {
            for other in &map.bindings[at + 1..] {
                let clash = one.context == other.context
                    && (one.keys.starts_with(&other.keys) || other.keys.starts_with(&one.keys));
                assert!(!clash, "{one:?} and {other:?}");
            }
        }
    }

    #[test]
    fn the_nearest_context_wins_and_a_prefix_waits() {
        let mut map = Keymap { bindings: vec![] };
        map.bind(binding(Context::Everywhere, "q", "quit"));
        map.bind(binding(Context::Fleet, "q", "help"));
        map.bind(binding(Context::List, "g g", "top"));
        let contexts = [Context::Fleet, Context::List, Context::Everywhere];
        let q = Chord::sequence("q").unwrap();
        let g = Chord::sequence("g").unwrap();
        let resolved = map.resolve(&contexts, &q);
        assert!(matches!(resolved, Resolved::Bound(b) if b.command == "help"));
        assert!(matches!(map.resolve(&contexts, &g), Resolved::Prefix(all) if all.len() == 1));
        assert_eq!(map.resolve(&contexts, &Chord::sequence("x").unwrap()), Resolved::Nothing);
        map.unbind(Context::Fleet, &q);
        let resolved = map.resolve(&contexts, &q);
        assert!(matches!(resolved, Resolved::Bound(b) if b.command == "quit"));
        assert_eq!(map.keys_of(&contexts, &Action::Quit), Some(q.as_slice()));
    }

    #[test]
    fn keys_that_mean_something_else_nearer_are_not_taught() {
        let mut map = Keymap { bindings: vec![] };
        map.bind(binding(Context::Everywhere, "x", "cancel"));
        map.bind(binding(Context::Everywhere, "l", "journal"));
        map.bind(binding(Context::Everywhere, "alt-l", "journal"));
        map.bind(binding(Context::Terminal, "x", "pane close"));
        map.bind(binding(Context::Terminal, "l a", "level all"));
        let cancel = command::parse("cancel").unwrap();
        let journal = command::parse("journal").unwrap();
        let level = command::parse("level all").unwrap();
        let contexts = [Context::Terminal, Context::Everywhere];
        let keys = |action| map.keys_of(&contexts, action).map(crate::keys::keys_text);
        assert_eq!(keys(&cancel), None);
        assert_eq!(keys(&journal).as_deref(), Some("alt-l"));
        assert_eq!(keys(&level).as_deref(), Some("l a"));
        let everywhere = map.keys_of(&[Context::Everywhere], &cancel).map(crate::keys::keys_text);
        assert_eq!(everywhere.as_deref(), Some("x"));
    }
}
