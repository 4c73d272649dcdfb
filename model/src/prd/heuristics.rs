//! What can be guessed about a story from its words: too big, too vague, no failure, too many surfaces.
//!
//! These are word lists, and the lists are English. So that they don't lie about other texts:
//!
//! - words are compared whole, in lower case (`"flagship"` holds no `"flag"`), and size is counted in
//!   characters;
//! - a story without a single one of [`ENGLISH_WORDS`] is taken for another language: only what doesn't
//!   depend on words (size, number of words) is checked then;
//! - a criterion that names something exact (a digit, `` `code` `` or a "quotation") is never called vague
//!   or short: "`make test` passes" can be observed.

/// Most criteria of a story that fits one iteration.
pub const MAX_STORY_CRITERIA: usize = 5;

/// Most characters in title, description and criteria of a story that fits one iteration.
pub const MAX_STORY_CHARS: usize = 900;

/// Fewest words of a criterion that says what happens.
pub const MIN_CRITERION_WORDS: usize = 4;

/// Words of the command line.
pub const CLI_WORDS: &[&str] = &["cli", "command", "commands", "terminal", "flag", "flags"];

/// Words of an API.
pub const API_WORDS: &[&str] =
    &["api", "apis", "http", "endpoint", "endpoints", "handler", "handlers", "server", "servers"];

/// Words of a user interface.
pub const UI_WORDS: &[&str] = &[
    "ui",
    "ux",
    "frontend",
    "front end",
    "page",
    "pages",
    "component",
    "components",
    "screen",
    "screens",
];

/// Words that sound like a criterion and say nothing that can be observed.
pub const VAGUE_WORDS: &[&str] = &[
    "work",
    "works",
    "handle",
    "handles",
    "support",
    "supports",
    "appropriate",
    "appropriately",
    "proper",
    "properly",
    "correct",
    "correctly",
    "improve",
    "improves",
    "improved",
    "enhance",
    "enhances",
    "enhanced",
    "clean",
    "cleanup",
    "better",
    "nice to have",
    "user friendly",
    "robust",
    "seamless",
    "seamlessly",
];

/// Words of a failure or a refusal.
pub const NEGATIVE_WORDS: &[&str] = &[
    "invalid",
    "missing",
    "reject",
    "rejects",
    "rejected",
    "refuse",
    "refuses",
    "refused",
    "error",
    "errors",
    "fail",
    "fails",
    "failed",
    "failure",
    "failures",
    "without",
    "cannot",
    "can't",
    "can not",
    "does not",
    "doesn't",
    "do not",
    "don't",
    "must not",
    "never",
    "prevent",
    "prevents",
    "prevented",
    "negative case",
    "malformed",
    "deny",
    "denies",
    "denied",
    "empty",
    "unknown",
    "unauthorized",
    "forbidden",
    "not found",
    "non zero",
    "nonzero",
];

/// Words that nearly every English text has.
pub const ENGLISH_WORDS: &[&str] = &[
    "a", "an", "and", "are", "as", "be", "by", "for", "from", "has", "if", "is", "it", "its",
    "not", "of", "on", "or", "so", "that", "the", "this", "to", "when", "with", "without",
];

/// What the words of a story gave away.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Guesses {
    /// Characters in title, description and criteria, when there are too many.
    pub(super) too_many_chars: Option<usize>,
    /// Number of criteria, when there are too many.
    pub(super) too_many_criteria: Option<usize>,
    /// Criteria that are vague, by index.
    pub(super) weak: Vec<(usize, Weakness)>,
    /// No criterion speaks of a failure.
    pub(super) no_negative_case: bool,
    /// A word each of command line, API and user interface.
    pub(super) surfaces: Option<[&'static str; 3]>,
}

/// Why a criterion is weak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weakness {
    /// It has a word that says nothing.
    Vague(&'static str),
    /// It has too few words.
    Short,
}

/// Looks at a story. Blank criteria are another rule's business.
pub(super) fn guess(title: &str, description: &str, criteria: &[&str]) -> Guesses {
    let story_words: Vec<Words> =
        [title, description].iter().chain(criteria).map(|text| Words::of(text)).collect();
    let english = story_words.iter().any(|words| words.find(ENGLISH_WORDS).is_some());
    let criterion_words = &story_words[2..];
    let negative = |words: &Words| words.find(NEGATIVE_WORDS).is_some() || words.has_error_status();

    let chars: usize =
        [title, description].iter().chain(criteria).map(|text| text.trim().chars().count()).sum();
    let weak = criteria
        .iter()
        .zip(criterion_words)
        .enumerate()
        .filter(|(_, (text, words))| {
            !text.trim().is_empty() && !names_something(text) && !negative(words)
        })
        .filter_map(|(index, (_, words))| {
            let vague = english.then(|| words.find(VAGUE_WORDS)).flatten().map(Weakness::Vague);
            let short = (words.count() < MIN_CRITERION_WORDS).then_some(Weakness::Short);
            Some((index, vague.or(short)?))
        })
        .collect();
    let find_in_story = |list| story_words.iter().find_map(|words| words.find(list));
    let surfaces =
        match (find_in_story(CLI_WORDS), find_in_story(API_WORDS), find_in_story(UI_WORDS)) {
            (Some(cli), Some(api), Some(ui)) if english => Some([cli, api, ui]),
            _ => None,
        };
    Guesses {
        too_many_chars: (chars > MAX_STORY_CHARS).then_some(chars),
        too_many_criteria: (criteria.len() > MAX_STORY_CRITERIA).then_some(criteria.len()),
        weak,
        no_negative_case: english && !criterion_words.iter().any(negative),
        surfaces,
    }
}

/// Whether a text has something exact in it.
fn names_something(text: &str) -> bool {
    text.chars().any(|c| c.is_numeric() || matches!(c, '`' | '"' | '“' | '„' | '«'))
}

/// The words of a text, in lower case; hyphens separate, apostrophes don't.
struct Words(Vec<String>);

impl Words {
    fn of(text: &str) -> Self {
        let lower = text.to_lowercase().replace('’', "'");
        let words = lower
            .split(|c: char| !c.is_alphanumeric() && c != '\'')
            .map(|word| word.trim_matches('\''))
            .filter(|word| !word.is_empty());
        Self(words.map(str::to_owned).collect())
    }

    /// The first entry of a list that occurs, as whole words.
    fn find(&self, list: &'static [&'static str]) -> Option<&'static str> {
        list.iter().copied().find(|phrase| match phrase.split_once(' ') {
            None => self.0.iter().any(|word| word == phrase),
            Some(_) => {
                let phrase: Vec<&str> = phrase.split(' ').collect();
                self.0.windows(phrase.len()).any(|window| window == phrase.as_slice())
            }
        })
    }

    /// Whether there is an HTTP status of an error: `404`.
    fn has_error_status(&self) -> bool {
        self.0.iter().any(|word| word.len() == 3 && matches!(word.parse(), Ok(400_u16..=599)))
    }

    /// How many words there are. Scripts without spaces (from Thai on to Chinese) count two characters as
    /// a word.
    fn count(&self) -> usize {
        let spaceless = |c: char| matches!(c, '\u{0e00}'..='\u{0eff}' | '\u{2e80}'..);
        let weight = |word: &String| match word.chars().any(spaceless) {
            true => word.chars().count().div_ceil(2),
            false => 1,
        };
        self.0.iter().map(weight).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weakness(criterion: &str) -> Option<Weakness> {
        guess("A title", "The description is here", &[criterion])
            .weak
            .first()
            .map(|(_, weakness)| *weakness)
    }

    #[test]
    fn vague_and_short_criteria_are_weak() {
        for (criterion, expected) in [
            ("The feature works on every machine", Some(Weakness::Vague("works"))),
            ("Output is user-friendly for all users", Some(Weakness::Vague("user friendly"))),
            ("List is sorted", Some(Weakness::Short)),
            ("The list is sorted by name", None),
            ("`make test` passes", None),
            ("Returns 200", None),
            ("Rejects it", None),
            ("The workshop is shown on the map", None),
            ("", None),
            ("一覧は名前の順に並ぶ", None),
        ] {
            assert_eq!(weakness(criterion), expected, "{criterion:?}");
        }
    }

    #[test]
    fn a_failure_is_recognised_by_whole_words_and_by_status() {
        for (criterion, missing) in [
            ("An unknown name is answered with a list of names", false),
            ("It doesn’t start twice on the same port", false),
            ("Answers 404 for a page that is gone", false),
            ("The terrors of the sea are listed in a table", true),
        ] {
            assert_eq!(guess("", "", &[criterion]).no_negative_case, missing, "{criterion:?}");
        }
    }

    #[test]
    fn other_languages_are_not_judged_by_english_words() {
        let guesses = guess(
            "Konto löschen",
            "Nutzer löschen ihr Konto",
            &["Das Konto verschwindet sofort ganz"],
        );
        assert_eq!(guesses, Guesses::default());
    }

    #[test]
    fn size_is_counted_in_characters() {
        assert_eq!(guess("", &"ä".repeat(900), &[]).too_many_chars, None);
        assert_eq!(guess("", &"ä".repeat(901), &[]).too_many_chars, Some(901));
        assert_eq!(guess("", "", &["x"; 6]).too_many_criteria, Some(6));
    }

    #[test]
    fn surfaces_need_all_three() {
        let all = guess("The CLI flag", "calls an endpoint", &["and a page shows it"]);
        assert_eq!(all.surfaces, Some(["cli", "endpoint", "page"]));
        assert_eq!(
            guess("The flagship", "calls an endpoint", &["and a page shows it"]).surfaces,
            None
        );
    }
}
