//! How long and how often a loop may try: what a request may ask, within the server's bounds.

use serde::{Deserialize, Serialize};

use crate::duration::Span;
use crate::problem::FieldError;

/// The limits of a loop after defaults and bounds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Policy {
    /// Attempts a round that may end by the loop's own fault.
    pub attempts: u32,
    /// Attempts a round that may be lost without its fault (worker lost, drained, provider down).
    pub uncounted_attempts: u32,
    /// The wait after the first failed attempt; doubled after each.
    pub backoff_initial: Span,
    /// The longest such wait.
    pub backoff_max: Span,
    /// Iterations an attempt.
    pub iterations: u32,
    /// Iterations a story an attempt.
    pub story_tries: u32,
    /// One run of the agent.
    pub agent_timeout: Span,
    /// One run of a gate that names no time of its own.
    pub gate_timeout: Span,
    /// One attempt; its last tenth is kept for landing.
    pub attempt_timeout: Span,
    /// Silence (no output, CPU, file change) after which the agent counts as stalled.
    pub stall_after: Span,
    /// A hold longer than this lands the attempt.
    pub hold_limit: Span,
    /// Tokens an attempt, as reported by the agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u64>,
    /// Money an attempt in millionths of a US dollar, as reported by the agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_microusd: Option<u64>,
}

impl Default for Policy {
    /// Attempts, backoff and timeout of one run are the original's (3, 5 s to 2 min, 30 min).
    fn default() -> Self {
        Self {
            attempts: 3,
            uncounted_attempts: 20,
            backoff_initial: Span::seconds(5),
            backoff_max: Span::seconds(120),
            iterations: 50,
            story_tries: 5,
            agent_timeout: Span::seconds(30 * 60),
            gate_timeout: Span::seconds(10 * 60),
            attempt_timeout: Span::seconds(4 * 3600),
            stall_after: Span::seconds(10 * 60),
            hold_limit: Span::seconds(24 * 3600),
            tokens: None,
            cost_microusd: None,
        }
    }
}

impl Policy {
    /// The wait after the `n`-th failure, counted from 1.
    pub fn backoff(&self, n: u32) -> Span {
        self.backoff_initial.doubled(n.saturating_sub(1), self.backoff_max)
    }
}

/// The part of a policy that a request names; the rest is the server's default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct PolicyRequest {
    /// See [`Policy::attempts`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempts: Option<u32>,
    /// See [`Policy::uncounted_attempts`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uncounted_attempts: Option<u32>,
    /// See [`Policy::backoff_initial`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backoff_initial: Option<Span>,
    /// See [`Policy::backoff_max`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backoff_max: Option<Span>,
    /// See [`Policy::iterations`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iterations: Option<u32>,
    /// See [`Policy::story_tries`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub story_tries: Option<u32>,
    /// See [`Policy::agent_timeout`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_timeout: Option<Span>,
    /// See [`Policy::gate_timeout`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gate_timeout: Option<Span>,
    /// See [`Policy::attempt_timeout`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempt_timeout: Option<Span>,
    /// See [`Policy::stall_after`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stall_after: Option<Span>,
    /// See [`Policy::hold_limit`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hold_limit: Option<Span>,
    /// See [`Policy::tokens`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u64>,
    /// See [`Policy::cost_microusd`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_microusd: Option<u64>,
}

/// The server's defaults and the most that a request may ask.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Bounds {
    /// What a request gets that names nothing.
    pub default: Policy,
    /// The most of each field; fields that are `None` are unbounded.
    pub most: Policy,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            default: Policy::default(),
            most: Policy {
                attempts: 20,
                uncounted_attempts: 100,
                backoff_initial: Span::seconds(3600),
                backoff_max: Span::seconds(6 * 3600),
                iterations: 1_000,
                story_tries: 100,
                agent_timeout: Span::seconds(12 * 3600),
                gate_timeout: Span::seconds(4 * 3600),
                attempt_timeout: Span::seconds(72 * 3600),
                stall_after: Span::seconds(4 * 3600),
                hold_limit: Span::seconds(14 * 24 * 3600),
                tokens: None,
                cost_microusd: None,
            },
        }
    }
}

impl Bounds {
    /// The policy of a request, or every field that is out of bounds.
    pub fn resolve(&self, request: &PolicyRequest) -> Result<Policy, Vec<FieldError>> {
        let mut errors = Vec::new();
        let PolicyRequest {
            attempts,
            uncounted_attempts,
            backoff_initial,
            backoff_max,
            iterations,
            story_tries,
            agent_timeout,
            gate_timeout,
            attempt_timeout,
            stall_after,
            hold_limit,
            tokens,
            cost_microusd,
        } = request;
        let (d, m) = (&self.default, &self.most);
        let one = |field, asked: &Option<u32>, default: u32, most: u32, errors: &mut Vec<_>| {
            within(field, asked.as_ref(), &default, &1, Some(&most), errors)
        };
        let span = |field, asked: &Option<Span>, default: Span, most: Span, errors: &mut Vec<_>| {
            within(field, asked.as_ref(), &default, &Span::millis(1), Some(&most), errors)
        };
        let e = &mut errors;
        let policy = Policy {
            attempts: one("policy.attempts", attempts, d.attempts, m.attempts, e),
            uncounted_attempts: one(
                "policy.uncounted_attempts",
                uncounted_attempts,
                d.uncounted_attempts,
                m.uncounted_attempts,
                e,
            ),
            backoff_initial: span(
                "policy.backoff_initial",
                backoff_initial,
                d.backoff_initial,
                m.backoff_initial,
                e,
            ),
            backoff_max: span("policy.backoff_max", backoff_max, d.backoff_max, m.backoff_max, e),
            iterations: one("policy.iterations", iterations, d.iterations, m.iterations, e),
            story_tries: one("policy.story_tries", story_tries, d.story_tries, m.story_tries, e),
            agent_timeout: span(
                "policy.agent_timeout",
                agent_timeout,
                d.agent_timeout,
                m.agent_timeout,
                e,
            ),
            gate_timeout: span(
                "policy.gate_timeout",
                gate_timeout,
                d.gate_timeout,
                m.gate_timeout,
                e,
            ),
            attempt_timeout: span(
                "policy.attempt_timeout",
                attempt_timeout,
                d.attempt_timeout,
                m.attempt_timeout,
                e,
            ),
            stall_after: span("policy.stall_after", stall_after, d.stall_after, m.stall_after, e),
            hold_limit: span("policy.hold_limit", hold_limit, d.hold_limit, m.hold_limit, e),
            tokens: budget("policy.tokens", *tokens, d.tokens, m.tokens, e),
            cost_microusd: budget(
                "policy.cost_microusd",
                *cost_microusd,
                d.cost_microusd,
                m.cost_microusd,
                e,
            ),
        };
        if errors.is_empty() { Ok(policy) } else { Err(errors) }
    }
}

fn within<T: PartialOrd + Copy + std::fmt::Display>(
    field: &'static str,
    asked: Option<&T>,
    default: &T,
    least: &T,
    most: Option<&T>,
    errors: &mut Vec<FieldError>,
) -> T {
    let value = *asked.unwrap_or(default);
    if value < *least {
        errors.push(FieldError::new(field, value, format!("at least {least}")));
    } else if let Some(most) = most
        && value > *most
        && asked.is_some()
    {
        errors.push(FieldError::new(field, value, format!("at most {most} on this server")));
    }
    value
}

fn budget(
    field: &'static str,
    asked: Option<u64>,
    default: Option<u64>,
    most: Option<u64>,
    errors: &mut Vec<FieldError>,
) -> Option<u64> {
    let value = asked.or(default)?;
    Some(within(field, asked.as_ref(), &value, &1, most.as_ref(), errors))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_field_out_of_bounds_is_named() {
        let request = PolicyRequest {
            attempts: Some(0),
            iterations: Some(1_000_000),
            agent_timeout: Some(Span::millis(0)),
            ..PolicyRequest::default()
        };
        let errors = Bounds::default().resolve(&request).expect_err("out of bounds");
        let fields: Vec<_> = errors.iter().map(|e| e.field.as_str()).collect();
        assert_eq!(fields, ["policy.attempts", "policy.iterations", "policy.agent_timeout"]);
        assert_eq!(errors[1].rule, "at most 1000 on this server");
    }

    #[test]
    fn a_request_that_names_nothing_gets_the_defaults() {
        let policy = Bounds::default().resolve(&PolicyRequest::default()).expect("valid");
        assert_eq!(policy, Policy::default());
    }

    proptest! {
        #[test]
        fn backoff_grows_to_its_cap(n in 0u32..1000) {
            let policy = Policy::default();
            prop_assert!(policy.backoff(n) <= policy.backoff(n + 1));
            prop_assert!(policy.backoff(n + 1) <= policy.backoff_max);
        }
    }
}
