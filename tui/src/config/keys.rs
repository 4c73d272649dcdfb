//! The file's keys: `[keys.CONTEXT]`, and in it `"KEYS" = "COMMAND"`; with an empty command they mean nothing.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::read::Text;
use super::{Config, Position, Problem, Severity};
use crate::command::{self, near};
use crate::keys::{Binding, Chord, Clash, Context};

/// A binding that the file makes, and where.
struct Made {
    context: Context,
    keys: Vec<Chord>,
    at: Range<usize>,
}

/// Reads all contexts' tables into the keymap.
pub(super) fn read(text: &Text<'_>, contexts: &DeTable<'_>, config: &mut Config) {
    let mut made: Vec<Made> = vec![];
    for (name, table) in contexts {
        let Some(context) = Context::named(name.get_ref()) else {
            let all = Context::ALL.map(Context::as_str);
            let meant = near::meant_or_all(name.get_ref(), &all);
            let what = format!("there are no keys of {:?}{meant}", name.get_ref());
            config.problems.push(text.wrong(name.span(), what));
            continue;
        };
        let DeValue::Table(table) = table.get_ref() else {
            let what = format!("write [keys.{}] and below it \"x\" = \"mark\"", context.as_str());
            config.problems.push(text.wrong(table.span(), what));
            continue;
        };
        for (keys, value) in table {
            let chords = match Chord::sequence(keys.get_ref()) {
                Ok(chords) => chords,
                Err(what) => {
                    config.problems.push(text.wrong(keys.span(), what));
                    continue;
                }
            };
            let Some(command) = value.get_ref().as_str().map(str::trim) else {
                let what = "a command is meant, as one writes it behind `:`; \"\" for none";
                config.problems.push(text.wrong(value.span(), what));
                continue;
            };
            let twice = made.iter().find(|made| made.context == context && made.keys == chords);
            if let Some(first) = twice {
                let line = text.at(first.at.clone()).line;
                let what = format!("{} is bound in line {line} already", keys.get_ref());
                config.problems.push(text.wrong(keys.span(), what));
                continue;
            }
            if let Err(problem) = bind(text, config, context, &chords, command, value.span()) {
                config.problems.push(problem);
                continue;
            }
            config.keys_set += 1;
            made.push(Made { context, keys: chords, at: keys.span() });
        }
    }
    let made = made.into_iter().map(|made| (text.at(made.at), made.context, made.keys)).collect();
    check(config, made);
}

fn bind(
    text: &Text<'_>,
    config: &mut Config,
    context: Context,
    keys: &[Chord],
    command: &str,
    at: Range<usize>,
) -> Result<(), Problem> {
    if command.is_empty() {
        if !config.keymap.unbind(context, keys) {
            let what = format!("nothing is bound to it in {}", context.as_str());
            return Err(text.wrong(at, what));
        }
        return Ok(());
    }
    let action = command::parse(command).map_err(|what| text.wrong(at, what))?;
    let keys = keys.to_vec();
    config.keymap.bind(Binding { context, keys, command: command.to_owned(), action });
    Ok(())
}

/// What the file's bindings do to others.
fn check(config: &mut Config, made: Vec<(Position, Context, Vec<Chord>)>) {
    for (at, context, keys) in &made {
        for clash in config.keymap.clashes(*context, keys) {
            let severity = match clash {
                Clash::Unreachable { .. } | Clash::MakesUnreachable { .. } => Severity::Wrong,
                Clash::Hides(_) | Clash::HiddenIn(_) => Severity::Note,
            };
            config.problems.push(Problem { at: *at, severity, what: clash.to_string() });
        }
    }
    let Some((at, ..)) = made.iter().max_by_key(|(at, ..)| *at) else { return };
    for (commands, name) in
        [(&["quit"][..], "leaves"), (&["command", "palette"], "reaches commands")]
    {
        let has = config.keymap.bindings().iter().any(|binding| {
            binding.context == Context::Everywhere && commands.contains(&binding.command.as_str())
        });
        if !has {
            let what = format!("with these keys nothing {name} everywhere: bind {}", commands[0]);
            config.problems.push(Problem { at: *at, severity: Severity::Wrong, what });
        }
    }
}
