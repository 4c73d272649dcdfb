//! What ends a command: a kind, which fixes the exit code, a message, and hints that say the way out.

use std::io;

use smith_model::problem::{Code, Problem};

/// How a command ended that did what it could.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Everything was done.
    Done,
    /// At least one item failed; that was told already.
    Failed,
    /// Another state than the one waited for, or not in time; that was told already.
    NotReached,
    /// A command that was run elsewhere ended with this.
    Of(u8),
}

impl Exit {
    /// The exit code.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::NotReached => 3,
            Self::Of(code) => code,
        }
    }

    /// Of two items' ends, the one that counts.
    pub(crate) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Failed, _) | (_, Self::Failed) => Self::Failed,
            (Self::NotReached, _) | (_, Self::NotReached) => Self::NotReached,
            (Self::Of(code), _) | (_, Self::Of(code)) => Self::Of(code),
            (Self::Done, Self::Done) => Self::Done,
        }
    }
}

/// The kind of an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The server, the network or the machine said no.
    Failed,
    /// The command line or a configuration file is wrong.
    Usage,
    /// Not waited for long enough, or something else came.
    NotReached,
    /// Whoever read the output went away.
    BrokenPipe,
}

/// What ends a command.
#[derive(Debug)]
pub(crate) struct Error {
    pub(crate) kind: Kind,
    /// What went wrong, with its causes.
    pub(crate) message: String,
    /// What to do about it.
    pub(crate) hints: Vec<String>,
    /// The server's own words, if it said anything.
    pub(crate) problem: Option<Box<Problem>>,
}

impl Error {
    fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hints: vec![], problem: None }
    }

    /// Something went wrong.
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self::new(Kind::Failed, message)
    }

    /// The command line is wrong.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Kind::Usage, message)
    }

    /// It didn't come to what was waited for.
    pub(crate) fn not_reached(message: impl Into<String>) -> Self {
        Self::new(Kind::NotReached, message)
    }

    /// With a way out.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// The exit code.
    pub(crate) fn exit_code(&self) -> u8 {
        match self.kind {
            Kind::Failed => 1,
            Kind::Usage => 2,
            Kind::NotReached => 3,
            Kind::BrokenPipe => 141,
        }
    }

    /// As a problem object: the server's own, or one of the same shape.
    pub(crate) fn json(&self) -> serde_json::Value {
        if let Some(problem) = &self.problem {
            return serde_json::to_value(problem).expect("wire types serialize");
        }
        let (code, title) = match self.kind {
            Kind::Failed => ("client-failed", "the command failed"),
            Kind::Usage => ("client-usage", "the command line is wrong"),
            Kind::NotReached => ("client-not-reached", "the state waited for was not reached"),
            Kind::BrokenPipe => ("client-broken-pipe", "the output was closed"),
        };
        let mut json = serde_json::json!({
            "type": "about:blank", "title": title, "status": 0, "code": code, "detail": self.message,
        });
        if !self.hints.is_empty() {
            json["hints"] = self.hints.clone().into();
        }
        json
    }
}

/// An error with its causes on one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        next = cause.source();
    }
    text
}

impl From<smith_client::Error> for Error {
    fn from(error: smith_client::Error) -> Self {
        use smith_client::Error as Client;
        let kind = match error {
            Client::InvalidServer { .. } | Client::InvalidToken => Kind::Usage,
            _ => Kind::Failed,
        };
        let told = Self::new(kind, chain(&error));
        match error {
            Client::Unreachable { .. } | Client::NotSmith { .. } => told
                .hint("is it running? smithd starts one on this machine")
                .hint("smithctl config get-contexts shows which servers are known"),
            Client::Problem { problem, .. } => told.with_problem(problem),
            _ => told,
        }
    }
}

impl Error {
    fn with_problem(mut self, problem: Box<Problem>) -> Self {
        for field in &problem.errors {
            let said = &self.message;
            if !said.contains(&field.field) {
                self.hints.push(format!("{}: must be {}", field.field, field.rule));
            }
        }
        let hint = match problem.code {
            Code::Unauthenticated => Some(
                "this server doesn't know the token; smithctl config view shows where it comes from",
            ),
            Code::Forbidden => Some("smithctl whoami shows what this token may do"),
            Code::IdempotencyConflict => Some("leave --idempotency-key out for a new loop"),
            Code::LoopActive => Some("cancel it first, and wait until its worker is gone"),
            Code::ItemClaimed => Some("--reason TEXT takes it over"),
            Code::StaleOccurrence => Some("smithctl inbox shows what is so now"),
            Code::RevisionMismatch => Some("look at it again, and repeat the command"),
            _ => None,
        };
        self.hints.extend(hint.map(str::to_owned));
        if let (Code::Internal, Some(id)) = (problem.code, &problem.request_id) {
            self.hints.push(format!("the server's log has it under request id {id}"));
        }
        self.problem = Some(problem);
        self
    }
}

impl From<io::Error> for Error {
    /// Of writing the output.
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::new(Kind::BrokenPipe, "the output was closed"),
            _ => Self::failed(format!("can't write the output: {error}")),
        }
    }
}

impl From<crate::contexts::Error> for Error {
    fn from(error: crate::contexts::Error) -> Self {
        Self::usage(chain(&error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_end_of_many_items_counts() {
        let fold = |ends: &[Exit]| ends.iter().fold(Exit::Done, |all, end| all.and(*end)).code();
        assert_eq!(fold(&[]), 0);
        assert_eq!(fold(&[Exit::Done, Exit::Done]), 0);
        assert_eq!(fold(&[Exit::Done, Exit::NotReached]), 3);
        assert_eq!(fold(&[Exit::NotReached, Exit::Failed, Exit::Done]), 1);
    }

    #[test]
    fn a_problem_is_passed_on_as_it_came() {
        let problem = Problem::new(Code::LoopActive, "loop a is overwriting");
        let client =
            smith_client::Error::Problem { problem: Box::new(problem.clone()), retry_after: None };
        let error = Error::from(client);
        assert_eq!(error.exit_code(), 1);
        assert_eq!(error.message, "loop a is overwriting");
        assert_eq!(error.json(), serde_json::to_value(problem).unwrap());
    }

    #[test]
    fn other_errors_have_a_problem_s_shape() {
        let json = Error::usage("no server").json();
        for field in ["type", "title", "status", "code", "detail"] {
            assert!(!json[field].is_null(), "{field}");
        }
        let pipe = Error::from(io::Error::from(io::ErrorKind::BrokenPipe));
        assert_eq!(pipe.exit_code(), 141);
    }
}
