//! Commands for terminals and their panes.

use smith_model::id::LoopId;
use smith_model::terminal::Session;
use smith_term::playback::clock;

use crate::action::{Action, Destination};
use crate::command::{Command, command, none};
use crate::panes::{
    Asked, Axis, Find, PaneAction, Player, Seek, Subject, TerminalAction, Toward, Way,
};

/// All of them.
pub(super) const COMMANDS: &[Command] = &[
    command("attach", &[], "[LOOP] [agent|shell]", "watch a worker's terminal", |args| {
        let (id, session) = target(args)?;
        act(TerminalAction::Attach(id, session.unwrap_or(Session::Agent)))
    }),
    command("shell", &[], "[LOOP]", "a shell in a loop's workspace", |args| {
        let (id, _) = target(args)?;
        act(TerminalAction::Attach(id, Session::Shell))
    }),
    command("recordings", &[], "[LOOP]", "what was recorded of a loop's terminals", |args| {
        let (id, _) = target(args)?;
        act(TerminalAction::Recordings(id))
    }),
    command("play", &[], "LOOP N", "play a recording", |args| {
        let wrong = || format!("write LOOP N, not {args:?}; `recordings` lists them");
        let (id, number) = args.split_once(char::is_whitespace).ok_or_else(wrong)?;
        let number = number.trim().parse().map_err(|_| wrong())?;
        let id = id.parse().map_err(|error| format!("{error}"))?;
        Ok(Action::Go(Destination::Terminal(Subject::Recording(id, number))))
    }),
    command("split", &[], "right|below [agent|shell]", "another pane beside this one", |args| {
        let (side, rest) = args.split_once(char::is_whitespace).unwrap_or((args, ""));
        let axis = match side {
            "right" => Axis::Right,
            "below" => Axis::Below,
            _ => return Err(format!("{side:?} isn't right or below")),
        };
        let session = match rest.trim() {
            "" => None,
            name => Some(session(name).ok_or_else(|| format!("{name:?} isn't agent or shell"))?),
        };
        act(TerminalAction::Split(axis, session))
    }),
    command(
        "pane",
        &[],
        "close|zoom|swap|next|left|right|up|down|narrower|wider|shorter|taller",
        "do something with panes",
        |args| act(TerminalAction::Pane(pane(args)?)),
    ),
    command("take", &[], "", "type here: take the keyboard, if nobody has it", |args| {
        none(args, Action::Terminal(TerminalAction::Take))
    }),
    command("steal", &[], "[REASON]", "take the keyboard from whoever has it", |args| {
        act(TerminalAction::Steal(given(args)))
    }),
    command("hand-back", &[], "[NOTE]", "give the keyboard back, with a note", |args| {
        act(TerminalAction::HandBack(given(args)))
    }),
    command("aside", &[], "", "use the workstation's keys, and keep the keyboard", |args| {
        none(args, Action::Terminal(TerminalAction::Aside))
    }),
    command("send-key", &[], "KEY", "give the program a key", |args| {
        act(TerminalAction::Send(args.parse()?))
    }),
    command("search", &[], "[TEXT]", "look through a terminal, from below", |args| {
        act(match given(args) {
            Some(text) => TerminalAction::Find(Find::Text(text)),
            None => TerminalAction::Ask(Asked::Find),
        })
    }),
    command("search-up", &[], "", "the same further up", |args| {
        none(args, Action::Terminal(TerminalAction::Find(Find::Up)))
    }),
    command("search-down", &[], "", "the same further down", |args| {
        none(args, Action::Terminal(TerminalAction::Find(Find::Down)))
    }),
    command("copy-selected", &[], "", "copy what is selected in a terminal", |args| {
        none(args, Action::Terminal(TerminalAction::Copy))
    }),
    command("again", &[], "", "attach again, or fetch again", |args| {
        none(args, Action::Terminal(TerminalAction::Again))
    }),
    command("pause", &[], "", "stand still in a recording, or go on", |args| {
        none(args, Action::Terminal(TerminalAction::Play(Player::PauseOrGo)))
    }),
    command("speed", &[], "faster|slower", "twice or half as fast", |args| {
        let player = match args {
            "faster" => Player::Faster,
            "slower" => Player::Slower,
            _ => return Err(format!("{args:?} isn't faster or slower")),
        };
        act(TerminalAction::Play(player))
    }),
    command(
        "seek",
        &[],
        "[TIME|+SECONDS|-SECONDS|0%…90%|next|previous]",
        "go elsewhere in a recording",
        |args| {
            act(match seek(args)? {
                Some(seek) => TerminalAction::Play(Player::Seek(seek)),
                None => TerminalAction::Ask(Asked::Time),
            })
        },
    ),
];

fn act(action: TerminalAction) -> Result<Action, String> {
    Ok(Action::Terminal(action))
}

fn given(args: &str) -> Option<String> {
    Some(args.to_owned()).filter(|args| !args.is_empty())
}

fn session(name: &str) -> Option<Session> {
    Session::ALL.into_iter().find(|session| session.as_str() == name)
}

/// A loop and a session, neither of which need be there.
fn target(args: &str) -> Result<(Option<LoopId>, Option<Session>), String> {
    let (mut id, mut which) = (None, None);
    for word in args.split_whitespace() {
        match session(word).filter(|_| which.is_none()) {
            Some(session) => which = Some(session),
            None if id.is_none() => id = Some(word.parse().map_err(|error| format!("{error}"))?),
            None => return Err(format!("one loop at a time, not {args:?}")),
        }
    }
    Ok((id, which))
}

fn pane(args: &str) -> Result<PaneAction, String> {
    Ok(match args {
        "close" => PaneAction::Close,
        "zoom" => PaneAction::Zoom,
        "swap" => PaneAction::Swap,
        "next" => PaneAction::Next,
        "left" => PaneAction::Focus(Way::Left),
        "right" => PaneAction::Focus(Way::Right),
        "up" => PaneAction::Focus(Way::Up),
        "down" => PaneAction::Focus(Way::Down),
        "narrower" => PaneAction::Resize(Way::Left),
        "wider" => PaneAction::Resize(Way::Right),
        "shorter" => PaneAction::Resize(Way::Up),
        "taller" => PaneAction::Resize(Way::Down),
        _ => return Err(format!("{args:?} isn't something to be done with panes")),
    })
}

fn seek(args: &str) -> Result<Option<Seek>, String> {
    let seconds = |text: &str| text.parse::<i32>().map_err(|_| format!("{args:?} isn't seconds"));
    Ok(Some(match args {
        "" => return Ok(None),
        "next" => Seek::Activity(Toward::Next),
        "previous" => Seek::Activity(Toward::Previous),
        args if args.starts_with(['+', '-']) => Seek::By(seconds(args)?),
        args => {
            match args.strip_suffix("0%").map(|tenth| if tenth.is_empty() { "0" } else { tenth }) {
                Some(tenth) => match tenth.parse() {
                    Ok(tenth @ 0..=10) => Seek::Tenth(tenth),
                    _ => return Err(format!("{args:?} isn't 0%, 10% or so, up to 100%")),
                },
                None => Seek::To(clock::read(args).map_err(|error| error.to_string())?),
            }
        }
    }))
}
