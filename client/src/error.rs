//! What can go wrong between a caller and the server.

use std::time::Duration;

use smith_model::problem::{Code, Problem};

/// A call that didn't do what was asked, as far as is known.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address can't be one of a server.
    #[error("{given:?} isn't a server's address: {rule}")]
    InvalidServer {
        /// As given.
        given: String,
        /// The rule that it breaks.
        rule: String,
    },
    /// The token holds characters that can't be sent.
    #[error("the token holds characters that no token has")]
    InvalidToken,
    /// The HTTP client could not be set up.
    #[error("can't set up the HTTP client")]
    Setup(#[source] reqwest::Error),
    /// The server said no, or that it failed.
    #[error("{problem}")]
    Problem {
        /// In the server's words.
        problem: Box<Problem>,
        /// When it says that trying again makes sense.
        retry_after: Option<Duration>,
    },
    /// The connection did not come up, or broke. What a request that isn't a read did is unknown.
    #[error("can't reach {server}")]
    Unreachable {
        /// The server's address.
        server: String,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
    /// No answer in time. What a request that isn't a read did is unknown.
    #[error("no answer from {server} within {}", seconds(.after))]
    TimedOut {
        /// The server's address.
        server: String,
        /// The time that it had.
        after: Duration,
    },
    /// A stream said nothing, not even that it is alive.
    #[error("the stream from {server} was silent for {}", seconds(.after))]
    Silent {
        /// The server's address.
        server: String,
        /// For how long.
        after: Duration,
    },
    /// The server ended a stream.
    #[error("the server ended the stream")]
    Ended,
    /// The server ended a terminal for a reason that may pass.
    #[error("the server ended the terminal: {text}")]
    Away {
        /// In the server's words.
        text: String,
    },
    /// An answer that isn't of the shape that this version knows.
    #[error("{server} answered something that isn't {expected}: {detail}")]
    Malformed {
        /// The server's address.
        server: String,
        /// What should have come.
        expected: &'static str,
        /// What is wrong with it.
        detail: String,
    },
    /// An answer that doesn't come from Smith: a proxy's, or another program's.
    #[error(
        "{server} answered {status} without saying why; is it a Smith server? It begins {beginning:?}"
    )]
    NotSmith {
        /// The server's address.
        server: String,
        /// The HTTP status.
        status: u16,
        /// The first characters of the answer.
        beginning: String,
    },
}

fn seconds(time: &Duration) -> String {
    if time.subsec_millis() == 0 {
        format!("{} s", time.as_secs())
    } else {
        format!("{:.1} s", time.as_secs_f64())
    }
}

impl Error {
    /// The server's words, if it said anything.
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Problem { problem, .. } => Some(problem),
            _ => None,
        }
    }

    /// The server's code, if it said anything.
    pub fn code(&self) -> Option<Code> {
        self.problem().map(|problem| problem.code)
    }

    /// May the same call work a moment later, without anybody changing anything?
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable { .. }
            | Self::TimedOut { .. }
            | Self::Silent { .. }
            | Self::Ended
            | Self::Away { .. } => true,
            Self::Problem { problem, .. } => {
                problem.status >= 500 && problem.code != Code::StoppedNotRecorded
                    || problem.status == 429
            }
            // A proxy whose server is away.
            Self::NotSmith { status, .. } => matches!(status, 429 | 502..=504),
            Self::InvalidServer { .. }
            | Self::InvalidToken
            | Self::Setup(_)
            | Self::Malformed { .. } => false,
        }
    }

    /// When the server says that trying again makes sense.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Problem { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// Is it known that the server wasn't reached, or asked for another try?
    pub(crate) fn worth_repeating(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            _ => self.may_pass() && self.retry_after().is_some(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(code: Code, retry_after: Option<Duration>) -> Error {
        Error::Problem { problem: Box::new(Problem::new(code, "x")), retry_after }
    }

    #[test]
    fn only_what_asks_for_another_try_is_repeated() {
        let second = Some(Duration::from_secs(1));
        assert!(problem(Code::Unavailable, second).worth_repeating());
        assert!(problem(Code::RateLimited, second).worth_repeating());
        assert!(!problem(Code::Unavailable, None).worth_repeating());
        assert!(!problem(Code::IllegalTransition, second).worth_repeating());
        assert!(!problem(Code::StoppedNotRecorded, second).worth_repeating());
        let timed_out = Error::TimedOut { server: "x".into(), after: Duration::from_millis(1500) };
        assert!(timed_out.may_pass() && !timed_out.worth_repeating());
        assert_eq!(timed_out.to_string(), "no answer from x within 1.5 s");
    }
}
