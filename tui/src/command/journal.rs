//! Commands for journals.

use smith_model::id::LoopId;

use crate::action::{Action, Destination};
use crate::command::{Command, Completes, command, named, none};
use crate::journal::{Clock, JournalAction};

/// All of them.
pub(super) const COMMANDS: &[Command] = &[
    command("journal", &["logs"], "[LOOP …]", "the journals of these loops, live", |args| {
        if args.is_empty() {
            return Ok(Action::Journal(JournalAction::Open));
        }
        let loops: Result<Vec<LoopId>, _> = args.split_whitespace().map(str::parse).collect();
        Ok(Action::Go(Destination::Journal(loops.map_err(|error| format!("{error}"))?)))
    })
    .completing(Completes::Loops),
    command("grep", &[], "[WORDS]", "show only entries with these: word, /regex/, !not", |args| {
        Ok(Action::Journal(match args {
            "" => JournalAction::EditFilter,
            words => JournalAction::Filter(words.to_owned()),
        }))
    }),
    command("level", &[], "all|output|info|warn|error", "only entries of this level too", |args| {
        let level = (args != "all").then(|| named(args, "a level")).transpose()?;
        Ok(Action::Journal(JournalAction::Level(level)))
    }),
    command("phase", &[], "all|PHASE", "only entries of this phase too, such as gates", |args| {
        let phase = (args != "all").then(|| named(args, "a phase")).transpose()?;
        Ok(Action::Journal(JournalAction::Phase(phase)))
    }),
    command("times", &[], "[day|date|ago]", "how times are written; alone: the next way", |args| {
        let clock =
            (!args.is_empty()).then(|| named::<Clock>(args, "day, date or ago")).transpose()?;
        Ok(Action::Journal(JournalAction::Times(clock)))
    }),
    command("follow", &[], "", "go on with entries as they come, or stay here", |args| {
        none(args, Action::Journal(JournalAction::Follow))
    }),
    command("fold-entry", &[], "", "show all of a long output, or less again", |args| {
        none(args, Action::Journal(JournalAction::Fold))
    }),
    command("fold-entries", &[], "", "the same for every output", |args| {
        none(args, Action::Journal(JournalAction::FoldAll))
    }),
    command(
        "save-all",
        &[],
        "[FILE]",
        "write whole journals to a new file; .txt: as text",
        |args| {
            let name = Some(args).filter(|name| !name.is_empty()).map(str::to_owned);
            Ok(Action::Journal(JournalAction::SaveAll(name)))
        },
    ),
];
