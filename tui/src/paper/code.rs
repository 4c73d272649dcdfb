//! What the words of a program are, by the syntax of its file. Pure but for the syntaxes, which are loaded once, when the
//! first file asks for one.

use std::sync::LazyLock;

use syntect::parsing::{ParseState, Scope, ScopeStack, SyntaxReference, SyntaxSet};

use crate::paper::{Ink, Span};

static SYNTAXES: LazyLock<SyntaxSet> = LazyLock::new(SyntaxSet::load_defaults_newlines);

/// Beginnings of the scopes that matter, the more telling ones first.
static INKS: LazyLock<Vec<(Scope, Ink)>> = LazyLock::new(|| {
    let known = [
        ("comment", Ink::Comment),
        ("string", Ink::String),
        ("constant.character", Ink::String),
        ("constant", Ink::Constant),
        ("entity.name.function", Ink::Function),
        ("support.function", Ink::Function),
        ("variable.function", Ink::Function),
        ("entity.name.type", Ink::Type),
        ("entity.name", Ink::Type),
        ("support.type", Ink::Type),
        ("support.class", Ink::Type),
        ("storage.type", Ink::Keyword),
        ("storage.modifier", Ink::Keyword),
        ("keyword.operator", Ink::Plain),
        ("keyword", Ink::Keyword),
        ("markup.heading", Ink::Keyword),
        ("markup.raw", Ink::String),
    ];
    known.into_iter().filter_map(|(name, ink)| Some((Scope::new(name).ok()?, ink))).collect()
});

/// How a language is written.
#[derive(Clone, Copy)]
pub(super) struct Syntax(&'static SyntaxReference);

impl Syntax {
    /// By a file's name or its ending; nothing, for what isn't known.
    pub(super) fn of(path: &str) -> Option<Self> {
        let name = path.rsplit('/').next()?;
        let ending = name.rsplit_once('.').map_or(name, |(_, ending)| ending);
        let found = SYNTAXES.find_syntax_by_extension(name);
        found.or_else(|| SYNTAXES.find_syntax_by_extension(ending)).map(Self)
    }
}

/// Reads code line by line.
pub(super) struct Reader {
    state: ParseState,
    scopes: ScopeStack,
}

impl Reader {
    /// From the beginning of a file, or as if it were.
    pub(super) fn new(Syntax(syntax): Syntax) -> Self {
        Self { state: ParseState::new(syntax), scopes: ScopeStack::new() }
    }

    /// The next line. Where its syntax can't be made out it is just text.
    pub(super) fn read(&mut self, text: &str) -> Vec<Span> {
        let line = format!("{text}\n");
        let Ok(ops) = self.state.parse_line(&line, &SYNTAXES) else {
            return vec![Span { text: text.into(), ink: Ink::Plain, is_changed: false }];
        };
        let mut spans: Vec<Span> = vec![];
        let mut push = |from: usize, to: usize, scopes: &ScopeStack| {
            let Some(piece) = text.get(from..to.min(text.len())).filter(|piece| !piece.is_empty())
            else {
                return;
            };
            spans.push(Span { text: piece.into(), ink: ink(scopes), is_changed: false });
        };
        let mut at = 0;
        for (to, op) in &ops {
            push(at, *to, &self.scopes);
            at = *to;
            // A stack that doesn't fit only costs colours.
            let _ = self.scopes.apply(op);
        }
        push(at, text.len(), &self.scopes);
        spans
    }
}

/// What the innermost scope that matters says.
fn ink(scopes: &ScopeStack) -> Ink {
    let of = |scope: &Scope| {
        INKS.iter().find(|(prefix, _)| prefix.is_prefix_of(*scope)).map(|(_, ink)| *ink)
    };
    scopes.as_slice().iter().rev().find_map(of).unwrap_or_default()
}
