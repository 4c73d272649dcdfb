//! What `loop create` and `prd submit` say alike of the work: on what, with what, how much of it.

use std::collections::BTreeMap;

use smith_model::duration::Span;
use smith_model::gate::{GateForm, Gates, NoGates};
use smith_model::policy::PolicyRequest;

use crate::commands::loops::list;

/// What the work is done on and with: as in PRD ingress.
#[derive(Debug, clap::Args)]
pub(crate) struct Work {
    /// The repository: a directory (`.`: this one), or an https address.
    #[arg(long, value_name = "PATH|URL")]
    pub(crate) repo: Option<String>,
    /// A branch, tag or commit to start from; the default branch where none is given.
    #[arg(long = "ref", value_name = "REF")]
    pub(crate) reference: Option<String>,
    /// A command that decides whether a result is good; may be given again, and runs in that order.
    #[arg(long = "gate", value_name = "COMMAND", conflicts_with = "no_gates")]
    pub(crate) gates: Vec<String>,
    /// Every result is good, on purpose.
    #[arg(long)]
    pub(crate) no_gates: bool,
    /// The agent's command line; the server's default where none is given.
    #[arg(long, value_name = "COMMAND")]
    pub(crate) agent: Option<String>,
    /// Handed to the agent as SMITH_MODEL.
    #[arg(long, value_name = "NAME")]
    pub(crate) model: Option<String>,
}

/// Order, labels and limits: as in PRD ingress.
#[derive(Debug, clap::Args)]
#[group(id = "wanted", multiple = true)]
pub(crate) struct Wanted {
    /// Higher goes first; -100 to 100.
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(crate) priority: Option<i32>,
    /// A label for filters; may be given again.
    #[arg(short = 'l', long = "label", value_name = "NAME=VALUE", value_parser = list::label)]
    pub(crate) labels: Vec<(String, String)>,
    /// Attempts before it is given up.
    #[arg(long, value_name = "N", help_heading = "Limits")]
    attempts: Option<u32>,
    /// Iterations of an attempt.
    #[arg(long, value_name = "N", help_heading = "Limits")]
    iterations: Option<u32>,
    /// Iterations of a story in an attempt.
    #[arg(long, value_name = "N", help_heading = "Limits")]
    story_tries: Option<u32>,
    /// The longest that the agent may run, such as 30m.
    #[arg(long, value_name = "TIME", help_heading = "Limits")]
    agent_timeout: Option<Span>,
    /// The longest that a gate may run.
    #[arg(long, value_name = "TIME", help_heading = "Limits")]
    gate_timeout: Option<Span>,
    /// The longest that an attempt may take; its last tenth is kept for landing.
    #[arg(long, value_name = "TIME", help_heading = "Limits")]
    timeout: Option<Span>,
    /// Silence after which the agent counts as stalled.
    #[arg(long, value_name = "TIME", help_heading = "Limits")]
    stall_after: Option<Span>,
    /// Tokens of an attempt, as the agent reports them.
    #[arg(long, value_name = "N", help_heading = "Limits")]
    tokens: Option<u64>,
    /// Money of an attempt in US dollars, such as 2.50, as the agent reports it.
    #[arg(long, value_name = "DOLLARS", value_parser = micro_dollars, help_heading = "Limits")]
    cost_usd: Option<u64>,
}

impl Work {
    /// The gates, if the line says anything of them.
    pub(crate) fn gates(&self) -> Option<Gates> {
        match (self.no_gates, self.gates.is_empty()) {
            (true, _) => Some(Gates::None(NoGates::None)),
            (false, true) => None,
            (false, false) => {
                Some(Gates::List(self.gates.iter().cloned().map(GateForm::Line).collect()))
            }
        }
    }
}

impl Wanted {
    /// The limits, if the line names any.
    pub(crate) fn policy(&self) -> Option<PolicyRequest> {
        let policy = PolicyRequest {
            attempts: self.attempts,
            iterations: self.iterations,
            story_tries: self.story_tries,
            agent_timeout: self.agent_timeout,
            gate_timeout: self.gate_timeout,
            attempt_timeout: self.timeout,
            stall_after: self.stall_after,
            tokens: self.tokens,
            cost_microusd: self.cost_usd,
            ..PolicyRequest::default()
        };
        (policy != PolicyRequest::default()).then_some(policy)
    }

    /// The labels.
    pub(crate) fn labels(&self) -> BTreeMap<String, String> {
        self.labels.iter().cloned().collect()
    }
}

/// Dollars with at most six decimals, exactly.
fn micro_dollars(text: &str) -> Result<u64, String> {
    let rule = "dollars with at most six decimals, such as 2.50";
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = |t: &str| t.bytes().all(|b| b.is_ascii_digit());
    if text.is_empty() || whole.is_empty() || !digits(whole) || !digits(part) || part.len() > 6 {
        return Err(rule.into());
    }
    let micro = |t: String| t.parse::<u64>().map_err(|_| rule.to_owned());
    let whole = micro(whole.to_owned())?.checked_mul(1_000_000).ok_or(rule)?;
    whole.checked_add(micro(format!("{part:0<6}"))?).ok_or_else(|| rule.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dollars_are_read_exactly() {
        assert_eq!(micro_dollars("2.5"), Ok(2_500_000));
        assert_eq!(micro_dollars("0.000001"), Ok(1));
        assert_eq!(micro_dollars("10"), Ok(10_000_000));
        for bad in ["", ".5", "1.0000001", "-1", "1e3", "99999999999999999999"] {
            assert!(micro_dollars(bad).is_err(), "{bad}");
        }
    }
}
