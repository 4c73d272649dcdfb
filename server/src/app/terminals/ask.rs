//! What is asked of a worker's terminal server without attaching: how it stands, a command, a detach.

use std::time::Duration;

use serde_json::json;
use smith_model::access::Role;
use smith_model::id::LoopId;
use smith_model::problem::{Code, FieldError, Problem};
use smith_model::terminal::ticket::Act;
use smith_model::terminal::{
    CommandAnswer, CommandRequest, DetachAnswer, DetachRequest, MOST_COMMAND_SECONDS, SessionState,
    Viewer,
};
use smith_term::message::{Answer, Ask, FromViewer, FromWorker, Ticket};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::attachment::connect;
use super::wire::{Broken, halves};
use super::{Deed, NoTarget, Target};
use crate::app::why::RuntimeView;
use crate::app::{App, Caller, Error};

/// How long a worker may take to answer what costs it nothing.
const ANSWER: Duration = Duration::from_secs(5);

/// How much longer than a command's own time its answer may take: its processes are ended, and its output is sent.
const COMMAND_SLACK: Duration = Duration::from_secs(15);

/// Seconds that a command may take where it isn't said.
const COMMAND_SECONDS: u32 = 60;

/// The longest command line: it stands in an audit record and in a journal entry.
const MOST_COMMAND_BYTES: usize = 4000;

impl App {
    /// How a worker's sessions are.
    pub(super) async fn status(
        &self,
        caller: &Caller,
        target: &Target,
        runtime: &dyn RuntimeView,
    ) -> Result<Vec<SessionState>, Error> {
        let ticket = self.one(caller, target, Act::Status);
        match ask(target, Ask::Status { ticket }, ANSWER, runtime).await? {
            Answer::Status { sessions } => Ok(sessions),
            other => Err(unexpected(target, other)),
        }
    }

    /// Runs one command line in the workspace. It is recorded before it begins and after it ended, and ended when
    /// `hung_up` says that nobody waits for it any more.
    pub async fn command(
        &self,
        caller: &Caller,
        id: &LoopId,
        request: &CommandRequest,
        runtime: &dyn RuntimeView,
        hung_up: CancellationToken,
    ) -> Result<CommandAnswer, Error> {
        caller.needs(Role::Operator)?;
        let (line, seconds) = checked(request)?;
        let (_, target) = self.target(caller, id).await?;
        let target = target?;
        let (name, worker) = (&caller.identity.name, &target.worker);
        let shown = self.settings.secrets.redact_text(line);
        let deed = Deed {
            action: "terminal.command",
            reason: None,
            after: json!({ "command": shown, "timeout_seconds": seconds, "worker": worker }),
            message: format!("{name} runs in the workspace of {}: {shown}", target.no),
        };
        self.record(caller, &target, deed).await?;
        let within = Duration::from_secs(seconds.into());
        let ticket = self.one(caller, &target, Act::Command);
        let timeout_millis = u64::from(seconds) * 1000;
        let asked = Ask::Command { ticket, line: line.to_owned(), timeout_millis };
        let answer = tokio::select! {
            // An answer that is there is told, also to one who is just leaving.
            biased;
            answer = ask(&target, asked, within + COMMAND_SLACK, runtime) => answer,
            () = hung_up.cancelled() => Err(NoTarget {
                why: "nobody waited for the command any more, so it was ended".into(),
                soon: true,
            }),
        };
        let answer = match answer {
            Ok(Answer::Command(answer)) => Ok(answer),
            Ok(Answer::NotStarted { why }) => {
                let detail = format!("the command couldn't be started: {why}");
                Err(Problem::new(Code::NotAttachable, detail).into())
            }
            Ok(other) => Err(unexpected(&target, other)),
            Err(none) => Err(Error::from(none)),
        };
        let (ended, after) = match &answer {
            Ok(CommandAnswer { exit, millis, .. }) => {
                (exit.to_string(), json!({ "exit": exit, "millis": millis, "worker": worker }))
            }
            Err(error) => {
                let why = super::words(&error.problem().detail);
                (why.clone(), json!({ "failed": why, "worker": worker }))
            }
        };
        let deed = Deed {
            action: "terminal.command.end",
            reason: None,
            after,
            message: format!("the command of {name} ended: {ended}"),
        };
        self.record(caller, &target, deed).await?;
        answer
    }

    /// Ends attachments: one, or all of the caller's own.
    pub async fn detach(
        &self,
        caller: &Caller,
        id: &LoopId,
        request: &DetachRequest,
        runtime: &dyn RuntimeView,
    ) -> Result<DetachAnswer, Error> {
        caller.needs(Role::Operator)?;
        let DetachRequest { viewer } = *request;
        let (_, target) = self.target(caller, id).await?;
        let target = target?;
        let name = &caller.identity.name;
        let sessions = self.status(caller, &target, runtime).await?;
        let attached = sessions.into_iter().flat_map(|session| session.viewers);
        let wanted = |seen: &Viewer| viewer.map_or(seen.name == *name, |id| seen.id == id);
        let found: Vec<Viewer> = attached.filter(wanted).collect();
        if let Some(number) = viewer.filter(|_| found.is_empty()) {
            let detail = format!("nobody with the number {} is attached to loop {id}", number.0);
            return Err(Problem::new(Code::NotFound, detail).into());
        }
        let of_others = found.iter().find(|seen| seen.name != *name);
        if let Some(other) = of_others.filter(|_| caller.identity.role < Role::Admin) {
            let detail =
                format!("viewer {} is {}: only an admin can detach others", other.id.0, other.name);
            return Err(Problem::new(Code::Forbidden, detail).into());
        }
        if found.is_empty() {
            return Ok(DetachAnswer { detached: vec![] });
        }
        let names: Vec<_> = found.iter().map(|v| format!("{} ({})", v.name, v.id.0)).collect();
        let deed = Deed {
            action: "terminal.detach",
            reason: None,
            after: json!({ "viewers": found, "worker": target.worker }),
            message: format!("{name} detaches {} from {}", names.join(", "), target.no),
        };
        self.record(caller, &target, deed).await?;
        let ticket = self.one(caller, &target, Act::Detach);
        let own_only = caller.identity.role < Role::Admin || viewer.is_none();
        let asked = Ask::Detach { ticket, viewer, own_only };
        match ask(&target, asked, ANSWER, runtime).await? {
            Answer::Detached { viewers } => Ok(DetachAnswer { detached: viewers }),
            other => Err(unexpected(&target, other)),
        }
    }

    fn one(&self, caller: &Caller, target: &Target, act: Act) -> Ticket {
        Ticket(self.ticket(caller, target, act).0.to_string())
    }
}

/// The command line and its seconds, within their bounds.
fn checked(request: &CommandRequest) -> Result<(&str, u32), Problem> {
    let CommandRequest { command, timeout_seconds } = request;
    let seconds = timeout_seconds.unwrap_or(COMMAND_SECONDS);
    let mut errors = vec![];
    let plain = |c: char| !c.is_control() || c == '\n' || c == '\t';
    let short = command.len() <= MOST_COMMAND_BYTES;
    if command.trim().is_empty() || !short || !command.chars().all(plain) {
        let rule = format!(
            "1 to {MOST_COMMAND_BYTES} bytes without control characters; put more into a script"
        );
        errors.push(FieldError::new("command", command, rule));
    }
    if !(1..=MOST_COMMAND_SECONDS).contains(&seconds) {
        let rule = format!("1 to {MOST_COMMAND_SECONDS}");
        errors.push(FieldError::new("timeout_seconds", seconds, rule));
    }
    if errors.is_empty() { Ok((command, seconds)) } else { Err(Problem::fields(errors)) }
}

/// Asks a worker one thing.
async fn ask(
    target: &Target,
    what: Ask,
    within: Duration,
    runtime: &dyn RuntimeView,
) -> Result<Answer, NoTarget> {
    let stream = connect(target, runtime).await?;
    let (mut incoming, mut outgoing) = halves(stream);
    let exchange = async {
        outgoing.tell(&FromViewer::Ask(what)).await?;
        loop {
            match incoming.message().await? {
                FromWorker::Answer(answer) => return Ok(Ok(answer)),
                FromWorker::End { text, .. } => return Ok(Err(text)),
                _ => {}
            }
        }
    };
    let worker = &target.worker;
    let why = match timeout(within, exchange).await {
        Ok(Ok(Ok(answer))) => return Ok(answer),
        Ok(Ok(Err(text))) => format!("the worker {worker} doesn't answer: {}", super::words(&text)),
        Ok(Err(broken)) => told(worker, &broken),
        Err(_) => told(worker, &Broken::Late(within)),
    };
    Err(NoTarget { why, soon: true })
}

fn told(worker: &str, broken: &Broken) -> String {
    let chain = crate::telemetry::chain(broken);
    format!("the stream to the worker {worker} broke: {chain}")
}

fn unexpected(target: &Target, answer: Answer) -> Error {
    let worker = &target.worker;
    let why = match answer {
        Answer::Refused { why } => super::words(&why),
        _ => "it answers something else than it was asked".into(),
    };
    Problem::new(Code::NotAttachable, format!("the worker {worker} refuses: {why}")).into()
}
