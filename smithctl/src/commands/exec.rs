//! `smithctl exec`: one command in a worker's workspace, without a terminal.

use std::io::{IsTerminal as _, Write as _};

use smith_model::attempt::Exit as Ended;
use smith_model::duration::Span;
use smith_model::id::LoopId;
use smith_model::printable::{Lines, printable};
use smith_model::terminal::{CommandAnswer, CommandRequest};

use crate::app::{App, to_value};
use crate::error::{Error, Exit};
use crate::output::{self, Format};

/// The arguments.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The loop.
    #[arg(value_name = "ID")]
    id: LoopId,
    /// How long it may take, at most 10m.
    #[arg(long, value_name = "TIME", default_value = "60s")]
    timeout: Span,
    /// The command: one argument is a line for sh; several are a program and its arguments.
    #[arg(required = true, last = true, value_name = "COMMAND")]
    command: Vec<String>,
}

/// What `timeout` ends with where the time was up, and what a shell adds to a signal's number.
const TIMED_OUT: u8 = 124;
const SIGNALLED: i32 = 128;

/// Runs it.
pub(crate) async fn run(app: &App, args: Args) -> Result<Exit, Error> {
    let Args { id, timeout, command } = args;
    let client = app.client()?;
    let seconds = timeout.std().as_secs().max(1);
    let request = CommandRequest {
        command: line(&command),
        timeout_seconds: Some(u32::try_from(seconds).unwrap_or(u32::MAX)),
    };
    let answer = app.ask(&client, &id, client.command(&id, &request)).await?;
    if app.ui.format.is_human() {
        show(app, &answer)?;
    } else {
        let names = vec![id.to_string()];
        let shown = output::Shown { value: to_value(&answer), names, human: String::new() };
        app.ui.show(&shown)?;
    }
    if answer.exit == Ended::TimedOut && app.ui.format == Format::Table {
        app.ui.note(&format!("its time ({timeout}) was up; --timeout gives it more"));
    }
    Ok(Exit::Of(code(answer.exit)))
}

fn code(exit: Ended) -> u8 {
    match exit {
        Ended::Code(code) => u8::try_from(code & 0xff).unwrap_or(1),
        Ended::Signal(signal) => u8::try_from(SIGNALLED + signal).unwrap_or(1),
        Ended::TimedOut => TIMED_OUT,
        Ended::Stalled | Ended::NotStarted | Ended::Unknown => 1,
    }
}

/// The line for sh.
fn line(command: &[String]) -> String {
    match command {
        [line] => line.clone(),
        words => words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" "),
    }
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// Each stream to the own one: made printable for a terminal, as it is for a program.
fn show(app: &App, answer: &CommandAnswer) -> Result<(), Error> {
    let CommandAnswer { stdout, stdout_omitted, stderr, stderr_omitted, .. } = answer;
    for (name, omitted) in [("output", stdout_omitted), ("standard error", stderr_omitted)] {
        if *omitted > 0 {
            app.ui.note(&format!("({omitted} bytes of its {name} before this are left out)"));
        }
    }
    let text = |text: &str, is_terminal: bool| match is_terminal {
        true => printable(text, Lines::Many).into_owned(),
        false => text.to_owned(),
    };
    let (mut out, mut err) = (std::io::stdout(), std::io::stderr());
    let shown = text(stdout, out.is_terminal());
    out.write_all(shown.as_bytes())?;
    out.flush()?;
    let shown = text(stderr, err.is_terminal());
    // Where standard error is gone there is nobody to tell.
    drop(err.write_all(shown.as_bytes()));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_argument_is_a_line_and_several_are_words() {
        let words = |words: &[&str]| line(&words.iter().map(|&w| w.to_owned()).collect::<Vec<_>>());
        assert_eq!(words(&["ls | wc -l"]), "ls | wc -l");
        assert_eq!(words(&["git", "log", "--format=%h %s"]), "git log '--format=%h %s'");
        assert_eq!(words(&["echo", "it's", ""]), r"echo 'it'\''s' ''");
    }

    #[test]
    fn the_exit_code_is_the_commands() {
        assert_eq!(code(Ended::Code(7)), 7);
        assert_eq!(code(Ended::Signal(9)), 137);
        assert_eq!(code(Ended::TimedOut), 124);
        assert_eq!(code(Ended::NotStarted), 1);
    }
}
