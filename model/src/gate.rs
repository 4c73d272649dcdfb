//! Gates: the commands that decide whether an iteration's result is good, and what they found.

use serde::{Deserialize, Serialize};

use crate::attempt::{ArtifactRef, Exit};
use crate::duration::Span;
use crate::id::Digest;
use crate::problem::FieldError;

/// One command, run by `/bin/sh -c` in the workspace; exit code 0 is green.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Gate {
    /// The command line.
    pub run: String,
    /// The longest it may take; `policy.gate_timeout` where it names none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Span>,
}

/// The gates of a loop. That there are none has to be said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(untagged)]
pub enum Gates {
    /// The word `none`.
    None(NoGates),
    /// At least one gate, in the order in which they run.
    List(Vec<GateForm>),
}

/// The word `none`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum NoGates {
    /// No gates, on purpose.
    #[serde(rename = "none")]
    None,
}

/// A gate as a request may write it: a command line alone, or with a timeout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(untagged)]
pub enum GateForm {
    /// The command line alone.
    Line(String),
    /// With its settings.
    Full(Gate),
}

/// The most gates of one loop.
pub const MOST_GATES: usize = 32;

impl Gates {
    /// The gates as the worker runs them, or what is wrong with them.
    pub fn resolve(&self, field: &str) -> Result<Vec<Gate>, Vec<FieldError>> {
        let Self::List(forms) = self else { return Ok(vec![]) };
        let mut errors = vec![];
        if forms.is_empty() || forms.len() > MOST_GATES {
            let rule = format!("1 to {MOST_GATES} gates, or the word \"none\"");
            errors.push(FieldError::new(field, forms.len(), rule));
        }
        let gates: Vec<Gate> = forms.iter().map(GateForm::gate).collect();
        for (i, gate) in gates.iter().enumerate() {
            if gate.run.trim().is_empty() || gate.run.contains('\0') || gate.run.len() > 4096 {
                let rule = "a command line of 1 to 4096 bytes without NUL";
                errors.push(FieldError::new(format!("{field}[{i}].run"), &gate.run, rule));
            }
        }
        if errors.is_empty() { Ok(gates) } else { Err(errors) }
    }
}

impl GateForm {
    fn gate(&self) -> Gate {
        match self {
            Self::Line(run) => Gate { run: run.clone(), timeout: None },
            Self::Full(gate) => gate.clone(),
        }
    }
}

/// Names a set of gates, so that evidence for a tree says under which gates it was found.
pub fn gate_set(gates: &[Gate]) -> Digest {
    Digest::of(&serde_json::to_vec(gates).expect("plain data serializes"))
}

/// What one run of a gate found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GateResult {
    /// The command line.
    pub run: String,
    /// How it ended.
    pub exit: Exit,
    /// Milliseconds that it took.
    pub millis: u64,
    /// Its whole output (both streams as they came), capped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<ArtifactRef>,
}

impl GateResult {
    /// Did it pass?
    pub fn green(&self) -> bool {
        self.exit == Exit::Code(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gates_are_written_as_lines_objects_or_none() {
        let read = |json: &str| serde_json::from_str::<Gates>(json).expect("reads");
        assert_eq!(read("\"none\"").resolve("gates"), Ok(vec![]));
        let gates = read(r#"["make test", {"run": "lint", "timeout": "1m"}]"#);
        let gates = gates.resolve("gates").expect("valid");
        assert_eq!(gates[0].run, "make test");
        assert_eq!(gates[1].timeout, Some(Span::seconds(60)));
    }

    #[test]
    fn an_empty_list_is_not_none() {
        let errors = Gates::List(vec![]).resolve("gates").expect_err("refused");
        assert_eq!(errors[0].field, "gates");
        let blank = Gates::List(vec![GateForm::Line(" ".into())]);
        assert_eq!(blank.resolve("gates").expect_err("refused")[0].field, "gates[0].run");
    }

    #[test]
    fn another_timeout_is_another_gate_set() {
        let gate = |timeout| Gate { run: "t".into(), timeout };
        assert_ne!(gate_set(&[gate(None)]), gate_set(&[gate(Some(Span::seconds(1)))]));
    }
}
