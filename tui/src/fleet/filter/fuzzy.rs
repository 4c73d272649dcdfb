//! Letters that appear in a text in their order: what a person remembers of a name.

use std::cell::RefCell;
use std::ops::Range;

use nucleo_matcher::pattern::{Atom, AtomKind, CaseMatching, Normalization};
use nucleo_matcher::{Config, Matcher, Utf32Str};

/// The letters.
#[derive(Clone, Debug)]
pub(crate) struct Fuzzy(Atom);

thread_local! {
    // A matcher is 135 KiB of scratch space: one a thread, for all rows.
    static SCRATCH: RefCell<(Matcher, Vec<char>, Vec<u32>)> =
        RefCell::new((Matcher::new(Config::DEFAULT), vec![], vec![]));
}

impl Fuzzy {
    pub(super) fn new(letters: &str) -> Self {
        let (case, forms) = (CaseMatching::Ignore, Normalization::Smart);
        Self(Atom::new(letters, case, forms, AtomKind::Fuzzy, false))
    }

    pub(super) fn matches(&self, text: &str) -> bool {
        SCRATCH.with_borrow_mut(|(matcher, chars, _)| {
            self.0.score(Utf32Str::new(text, chars), matcher).is_some()
        })
    }

    pub(super) fn find(&self, text: &str, found: &mut Vec<Range<usize>>) {
        // Its places are those of graphemes; in ASCII these are the bytes.
        if !text.is_ascii() {
            return;
        }
        SCRATCH.with_borrow_mut(|(matcher, chars, places)| {
            places.clear();
            if self.0.indices(Utf32Str::new(text, chars), matcher, places).is_some() {
                found.extend(places.iter().map(|at| *at as usize..*at as usize + 1));
            }
        });
    }
}
