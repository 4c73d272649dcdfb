//! What may be typed next in a command. Pure, and bounded whatever the fleet is.

use smith_model::state::State;

use crate::command::{self, Command};
use crate::fleet::{Column, Kind};
use crate::look::Theme;
use crate::world::World;

/// The most that is offered.
pub const MOST: usize = 50;

/// What the words behind a command name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Completes {
    /// What its args spell out (`on|off`), or nothing.
    #[default]
    Words,
    /// A loop.
    Loops,
    /// Words of a filter.
    Filter,
    /// A theme.
    Themes,
    /// A column of the fleet.
    Columns,
    /// Columns of the fleet, with `+` or `-` before them.
    ColumnChanges,
    /// A view of the fleet that was kept.
    Views,
}

/// A whole line that may be meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The line.
    pub text: String,
    /// Its last word, which is what is offered.
    pub word: String,
    /// What it is.
    pub about: String,
}

/// What a line may go on to.
pub fn offers(line: &str, world: &World) -> Vec<Offer> {
    let line = line.trim_start();
    let Some((name, args)) = line.split_once(' ') else { return names(line) };
    let Some(command) = command::find(name) else { return vec![] };
    let (before, word) = args.rsplit_once(' ').map_or(("", args), |(before, word)| (before, word));
    let mut lead = format!("{name} ");
    if !before.is_empty() {
        // Only filters and columns, and what takes a list, are several words.
        let is_several = matches!(command.completes, Completes::Filter | Completes::ColumnChanges);
        if !is_several && !command.args.contains('…') {
            return vec![];
        }
        lead.push_str(before);
        lead.push(' ');
    }
    let offers = words(command, word, world).into_iter().map(|(word, about)| Offer {
        text: format!("{lead}{word}"),
        word,
        about,
    });
    offers.collect()
}

/// Commands whose name begins with it, then those that have it within.
fn names(typed: &str) -> Vec<Offer> {
    let offer = |name: &str, command: &Command| Offer {
        text: name.to_owned(),
        word: name.to_owned(),
        about: command.help.to_owned(),
    };
    let all =
        || command::all().flat_map(|c| c.aliases.iter().chain([&c.name]).map(move |n| (*n, c)));
    let mut begin: Vec<Offer> =
        all().filter(|(name, _)| name.starts_with(typed)).map(|(n, c)| offer(n, c)).collect();
    begin.sort_by(|one, other| one.word.cmp(&other.word));
    let within = command::all().filter(|c| !c.name.starts_with(typed) && c.name.contains(typed));
    begin.extend(within.map(|c| offer(c.name, c)));
    begin.truncate(MOST);
    begin
}

/// What of a command's last word may be meant, each with what it is.
pub fn words(command: &Command, word: &str, world: &World) -> Vec<(String, String)> {
    let all: Vec<(String, String)> = match command.completes {
        Completes::Words => spelled(command.args),
        Completes::Themes => Theme::ALL
            .iter()
            .map(|theme| (theme.as_str().to_owned(), theme.about().to_owned()))
            .collect(),
        Completes::Columns => {
            Column::ALL.iter().map(|column| (column.name().to_owned(), String::new())).collect()
        }
        Completes::ColumnChanges => {
            let sign = word.get(..1).filter(|sign| ["+", "-"].contains(sign)).unwrap_or_default();
            let names = Column::ALL.iter().map(|column| format!("{sign}{}", column.name()));
            names.map(|name| (name, String::new())).collect()
        }
        Completes::Views => {
            let views = world.views.views.iter();
            views.map(|(name, view)| (name.clone(), view.look.filter.text().to_owned())).collect()
        }
        Completes::Loops => return loops(word, world),
        Completes::Filter => filters(word, world),
    };
    let (mut begin, rest): (Vec<_>, Vec<_>) =
        all.into_iter().partition(|(offered, _)| offered.starts_with(word));
    begin.extend(rest.into_iter().filter(|(offered, _)| offered.contains(word)));
    begin.truncate(MOST);
    begin
}

/// The words that args spell out: those of `none|project|state`, not `ID`.
fn spelled(args: &str) -> Vec<(String, String)> {
    let words = args.trim_matches(['[', ']']).split('|');
    let words = words.filter(|word| {
        !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')
    });
    words.map(|word| (word.to_owned(), String::new())).collect()
}

fn filters(word: &str, world: &World) -> Vec<(String, String)> {
    let sign = if word.starts_with('!') { "!" } else { "" };
    let only = if sign.is_empty() { "only loops" } else { "no loops" };
    let states = State::ALL.iter();
    let states =
        states.map(|state| (format!("{sign}state:{state}"), format!("{only} in this state")));
    let projects = world.fleet.counts().by_project().keys().take(MOST);
    let projects = projects.map(|project| {
        (format!("{sign}project:{}", project.as_str()), format!("{only} of this project"))
    });
    let reasons = world.fleet.counts().by_reason().iter();
    let reasons =
        reasons.map(|(reason, _)| (format!("{sign}reason:{reason}"), format!("{only} with it")));
    let flags = ["fault:yes", "held:yes", "silent:yes", "claimed:no"];
    let flags = flags.iter().map(|flag| (format!("{sign}{flag}"), only.to_owned()));
    // One begins to compare, and goes on typing: nothing to offer to somebody who didn't begin.
    let begun = Column::ALL.iter().filter(|_| word.len() > sign.len());
    let fields = begun.filter_map(|column| {
        let (compare, about) = match column.kind() {
            Kind::Ago => (">", "for longer than, such as 1h30m"),
            Kind::Until => ("<", "in less than, such as 10m"),
            Kind::Number => (">", "more than"),
            Kind::Money => (">", "more dollars than"),
            Kind::Text => ("", "has that in it"),
            Kind::Named => return None,
        };
        Some((format!("{sign}{}:{compare}", column.name()), about.to_owned()))
    });
    states.chain(projects).chain(reasons).chain(flags).chain(fields).collect()
}

/// Loops whose id has the word: the first that are found, ordered by where it stands.
fn loops(word: &str, world: &World) -> Vec<(String, String)> {
    let has = world.fleet.rows().filter_map(|(_, row)| {
        let at = row.id.as_str().find(word)?;
        Some((at, row))
    });
    let mut found: Vec<_> = has.take(MOST).collect();
    found.sort_by(|(at, one), (other_at, other)| at.cmp(other_at).then(one.id.cmp(&other.id)));
    let found = found.into_iter();
    found.map(|(_, row)| (row.id.to_string(), row.title.to_string())).collect()
}
