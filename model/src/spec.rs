//! What is asked of a loop: the request as parsed, and the spec (anomaly) as stored.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::Extra;
use crate::gate::{Gate, Gates};
use crate::id::{Digest, LoopId, ProjectName};
use crate::policy::{Bounds, Policy, PolicyRequest};
use crate::prd::Prd;
use crate::problem::FieldError;
use crate::repository::Repository;

/// Where a request came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum SourceType {
    /// A person's words.
    Prompt,
    /// A PRD, worked through by one loop.
    Prd,
    /// One story of a PRD.
    PrdStory,
    /// An issue on GitHub.
    GithubIssue,
    /// Another program.
    Api,
}

/// A request for a loop, as parsed and before any default.
///
/// Unknown fields are refused. The idempotency fingerprint is of this value, so that a change of the
/// server's defaults doesn't make the same request another one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct LoopRequest {
    /// The name that the caller gives it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loop_id: Option<LoopId>,
    /// Makes the same request the same loop; the header `Idempotency-Key` wins over it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
    /// The project; `default` where none is named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<ProjectName>,
    /// One line for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What is wanted, in full.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Where the request came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_type: Option<SourceType>,
    /// Its place there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_ref: Option<String>,
    /// What runs the model; `command` where none is named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider_id: Option<String>,
    /// Handed to the agent as `SMITH_MODEL`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The agent's command line, for the provider `command`; run by `/bin/sh -c`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// The repository: `https://…` or `file:///…`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repository: Option<Repository>,
    /// A branch, tag or commit of it; its default branch where none is named.
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// The stories.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub prd: Option<Value>,
    /// More words for the agent, in every iteration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    /// The commands that decide, or the word `none`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gates: Option<Gates>,
    /// Limits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<PolicyRequest>,
    /// Higher goes first; -100 to 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<i32>,
    /// Loops that must be synced first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<LoopId>,
    /// For filters.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Kept, shown, and of no effect.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, Value>,
    /// Ties it to other systems' records; goes into commit trailers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<String>,
}

/// The spec of a loop (the anomaly) as stored under `anomalies/{loop}`; it never changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Spec {
    /// Major version of the record.
    pub schema_version: u32,
    /// The loop's name.
    pub loop_id: LoopId,
    /// Distinguishes it from any other loop that ever was.
    pub uid: Uuid,
    /// The project.
    pub project: ProjectName,
    /// One line for people.
    pub title: String,
    /// What is wanted, in full.
    pub description: String,
    /// Where the request came from.
    pub source_type: SourceType,
    /// Its place there.
    pub source_ref: String,
    /// What runs the model.
    pub provider_id: String,
    /// Handed to the agent as `SMITH_MODEL`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The agent's command line.
    pub command: String,
    /// The repository.
    pub repository: Repository,
    /// A branch, tag or commit of it.
    #[serde(rename = "ref", default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// The stories.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub prd: Option<Prd>,
    /// More words for the agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    /// The commands that decide; empty only where the request said `none`.
    pub gates: Vec<Gate>,
    /// Limits after defaults and bounds.
    pub policy: Policy,
    /// Higher goes first.
    pub priority: i32,
    /// Loops that must be synced first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<LoopId>,
    /// For filters.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Kept, shown, and of no effect.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub metadata: BTreeMap<String, Value>,
    /// Ties it to other systems' records.
    pub correlation_id: String,
    /// The identity that asked.
    pub created_by: String,
    /// When.
    pub created_at: Timestamp,
    /// Fields of a later version.
    #[serde(flatten)]
    #[cfg_attr(feature = "openapi", schema(ignore))]
    pub extra: Extra,
}

impl Spec {
    /// The published branch of the loop: one and the same for all attempts and rounds.
    pub fn branch(&self) -> String {
        format!("smith/{}", self.loop_id)
    }

    /// What lists and the scheduler need of it.
    pub fn summary(&self) -> crate::state::Summary {
        crate::state::Summary {
            project: self.project.clone(),
            title: self.title.clone(),
            source_type: self.source_type,
            source_ref: self.source_ref.clone(),
            provider_id: self.provider_id.clone(),
            repository: self.repository.url(),
            priority: self.priority,
            depends_on: self.depends_on.clone(),
            labels: self.labels.clone(),
            policy: self.policy.clone(),
        }
    }
}

/// What a server allows in requests.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// Defaults and bounds of policies.
    pub bounds: Bounds,
    /// Directories below which `file` repositories may lie; none: no `file` repositories.
    pub file_roots: Vec<String>,
    /// The agent's command line where the request names none.
    pub default_command: Option<String>,
}

/// Everything about a new loop that the request doesn't say.
#[derive(Clone, Debug)]
pub struct Birth {
    /// Drawn by the server.
    pub uid: Uuid,
    /// The identity that asks.
    pub by: String,
    /// The server's clock.
    pub now: Timestamp,
}

/// A request that passed every check, and its idempotency.
#[derive(Clone, Debug)]
pub struct Accepted {
    /// The spec to be stored.
    pub spec: Spec,
    /// The full idempotency key.
    pub key: String,
    /// The digest of the request as parsed.
    pub fingerprint: Digest,
}

const LABEL_RULE: &str = "1 to 63 characters of a-z, A-Z, 0-9, '-', '_', '.' and '/'";

impl LoopRequest {
    /// The idempotency key: as given, else the loop id, else the source.
    pub fn key(&self) -> Option<String> {
        if let Some(key) = &self.idempotency_key {
            return Some(key.clone());
        }
        if let Some(id) = &self.loop_id {
            return Some(format!("loop:{id}"));
        }
        match (self.source_type, &self.source_ref) {
            (Some(kind), Some(place)) => {
                let kind = serde_json::to_value(kind).ok()?;
                Some(format!("{}:{place}", kind.as_str()?))
            }
            _ => None,
        }
    }

    /// The digest that tells this request from another one under the same key.
    pub fn fingerprint(&self) -> Digest {
        let request = Self { idempotency_key: None, ..self.clone() };
        Digest::of(&serde_json::to_vec(&request).expect("plain data serializes"))
    }

    /// The project of the request.
    pub fn project(&self) -> ProjectName {
        self.project.clone().unwrap_or_else(ProjectName::default_project)
    }

    /// Checks everything that can be known now; every problem is named, not only the first.
    pub fn accept(&self, rules: &Rules, birth: Birth) -> Result<Accepted, Vec<FieldError>> {
        let mut errors = vec![];
        let e = &mut errors;
        let Self {
            loop_id,
            idempotency_key,
            project: _,
            title,
            description,
            source_type,
            source_ref,
            provider_id,
            model,
            command,
            repository,
            reference,
            prd,
            prompt,
            gates,
            policy,
            priority,
            depends_on,
            labels,
            metadata,
            correlation_id,
        } = self;
        for (field, value, most) in [
            ("idempotency_key", idempotency_key, 512),
            ("title", title, 200),
            ("description", description, 64 * 1024),
            ("source_ref", source_ref, 512),
            ("model", model, 200),
            ("command", command, 4096),
            ("ref", reference, 250),
            ("prompt", prompt, 64 * 1024),
            ("correlation_id", correlation_id, 200),
        ] {
            text(field, value.as_deref(), most, e);
        }
        let Some(key) = self.key() else {
            let rule = "given (as idempotency_key or the header Idempotency-Key), or loop_id, or source_type and source_ref";
            e.push(FieldError::new("idempotency_key", "", rule));
            return Err(errors);
        };
        let provider = provider_id.as_deref().unwrap_or("command");
        if provider != "command" {
            e.push(FieldError::new("provider_id", provider, "\"command\" (the only one so far)"));
        }
        let command = command.clone().or_else(|| rules.default_command.clone());
        if command.as_deref().is_none_or(|c| c.trim().is_empty()) {
            let rule = "the agent's command line (this server has no default agent)";
            e.push(FieldError::new("command", "", rule));
        }
        match repository {
            None => e.push(FieldError::new("repository", "", "https://host/path or file:///path")),
            Some(Repository::File(path)) if !below(path, &rules.file_roots) => {
                let rule = if rules.file_roots.is_empty() {
                    "an https address: this server allows no local repositories".to_owned()
                } else {
                    format!("below {}", rules.file_roots.join(" or "))
                };
                e.push(FieldError::new("repository", path, rule));
            }
            Some(_) => {}
        }
        if reference.as_deref().is_some_and(|r| !is_reference(r)) {
            let given = reference.as_deref().unwrap_or_default();
            e.push(FieldError::new("ref", given, "the name of a branch or tag, or a commit id"));
        }
        let prd = prd.as_ref().and_then(|value| match Prd::accept(value) {
            Ok(prd) => Some(prd),
            Err(report) => {
                for problem in report.errors {
                    let path = problem.path.replacen('$', "prd", 1);
                    e.push(FieldError::new(path, "", problem.message));
                }
                None
            }
        });
        let said = [title, description, prompt].into_iter().flatten().any(|t| !t.trim().is_empty());
        if self.prd.is_none() && !said {
            e.push(FieldError::new("prompt", "", "given, or a title, a description or a prd"));
        }
        let mut list = vec![];
        match (gates, &prd) {
            (Some(gates), _) => match gates.resolve("gates") {
                Ok(gates) => list = gates,
                Err(mut wrong) => e.append(&mut wrong),
            },
            (None, Some(_)) => {}
            (None, None) => {
                let rule = "a list of command lines, or the word \"none\"";
                e.push(FieldError::new("gates", "", rule));
            }
        }
        if let (Some(prd), false) = (&prd, matches!(gates, Some(Gates::None(_)))) {
            // The gates of a PRD that a person submitted count too, behind those of the request.
            for line in &prd.quality_gates {
                if list.iter().all(|gate: &Gate| gate.run != *line) {
                    list.push(Gate { run: line.clone(), timeout: None });
                }
            }
        }
        let policy = match rules.bounds.resolve(&policy.clone().unwrap_or_default()) {
            Ok(policy) => policy,
            Err(mut wrong) => {
                e.append(&mut wrong);
                Policy::default()
            }
        };
        let priority = priority.unwrap_or(0);
        if !(-100..=100).contains(&priority) {
            e.push(FieldError::new("priority", priority, "-100 to 100"));
        }
        if depends_on.len() > 16 {
            e.push(FieldError::new("depends_on", depends_on.len(), "at most 16 loops"));
        }
        let mut unique = depends_on.clone();
        unique.sort();
        unique.dedup();
        if unique.len() != depends_on.len() {
            e.push(FieldError::new("depends_on", depends_on.len(), "without repetition"));
        }
        let word = |t: &str, least: usize| {
            let ok = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
            (least..=63).contains(&t.len()) && t.chars().all(ok)
        };
        if labels.len() > 32 {
            e.push(FieldError::new("labels", labels.len(), "at most 32"));
        }
        for (name, value) in labels {
            if !word(name, 1) || !word(value, 0) {
                e.push(FieldError::new(format!("labels.{name}"), value, LABEL_RULE));
            }
        }
        if metadata.len() > 64 {
            e.push(FieldError::new("metadata", metadata.len(), "at most 64 fields"));
        }
        let (Some(repository), Some(command), true) =
            (repository.clone(), command, errors.is_empty())
        else {
            return Err(errors);
        };
        let project = self.project();
        let source_ref = source_ref.clone().unwrap_or_else(|| key.clone());
        let first_line = |t: &String| t.lines().next().map(|l| l.chars().take(200).collect());
        let from_prd = prd.as_ref().map(|p| p.project.clone());
        let title = title.clone().or(from_prd).or_else(|| prompt.as_ref().and_then(first_line));
        let title = title.or_else(|| description.as_ref().and_then(first_line));
        let slug = source_ref.clone();
        let spec = Spec {
            schema_version: crate::SCHEMA_VERSION,
            loop_id: loop_id.clone().unwrap_or_else(|| LoopId::derive(&slug, &project, &key)),
            uid: birth.uid,
            project,
            title: title.unwrap_or_else(|| source_ref.clone()),
            description: description.clone().unwrap_or_default(),
            source_type: source_type.unwrap_or(if prd.is_some() {
                SourceType::Prd
            } else {
                SourceType::Prompt
            }),
            source_ref,
            provider_id: provider.to_owned(),
            model: model.clone(),
            command,
            repository,
            reference: reference.clone(),
            prd,
            prompt: prompt.clone(),
            gates: list,
            policy,
            priority,
            depends_on: depends_on.clone(),
            labels: labels.clone(),
            metadata: metadata.clone(),
            correlation_id: correlation_id.clone().unwrap_or_else(|| birth.uid.to_string()),
            created_by: birth.by,
            created_at: birth.now,
            extra: Extra::new(),
        };
        let size = serde_json::to_vec(&spec).map_or(usize::MAX, |bytes| bytes.len());
        if size > MOST_SPEC_BYTES {
            let rule = format!("at most {MOST_SPEC_BYTES} bytes in all");
            return Err(vec![FieldError::new("(the whole spec)", size, rule)]);
        }
        Ok(Accepted { spec, key, fingerprint: self.fingerprint() })
    }
}

/// The most bytes of a spec as encoded.
pub const MOST_SPEC_BYTES: usize = 512 * 1024;

fn text(field: &str, value: Option<&str>, most: usize, errors: &mut Vec<FieldError>) {
    let Some(value) = value else { return };
    let single_line = most <= 4096 && field != "command";
    if value.len() > most {
        errors.push(FieldError::new(field, value.len(), format!("at most {most} bytes")));
    } else if value.contains('\0') || (single_line && value.chars().any(char::is_control)) {
        errors.push(FieldError::new(field, value, "without control characters"));
    } else if value.trim().is_empty() && single_line {
        errors.push(FieldError::new(field, value, "not blank"));
    }
}

fn below(path: &str, roots: &[String]) -> bool {
    let inside = |root: &String| {
        let root = root.trim_end_matches('/');
        path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    roots.iter().any(inside)
}

/// The rules of `git check-ref-format` that matter for a name that git is given as an argument.
fn is_reference(text: &str) -> bool {
    let bad = |c: char| c.is_control() || c.is_whitespace() || "~^:?*[\\".contains(c);
    !text.is_empty()
        && !text.starts_with(['-', '/', '.'])
        && !text.ends_with(['/', '.'])
        && !text.ends_with(".lock")
        && !text.contains("..")
        && !text.contains("//")
        && !text.contains("@{")
        && !text.chars().any(bad)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn rules() -> Rules {
        Rules { file_roots: vec!["/srv".into()], ..Rules::default() }
    }

    fn accept(request: Value) -> Result<Accepted, Vec<FieldError>> {
        let request: LoopRequest = serde_json::from_value(request).expect("a request");
        let birth = Birth { uid: Uuid::nil(), by: "t".into(), now: Timestamp::UNIX_EPOCH };
        request.accept(&rules(), birth)
    }

    fn refused(request: Value) -> Vec<String> {
        accept(request).expect_err("refused").into_iter().map(|e| e.field).collect()
    }

    fn whole() -> Value {
        json!({
            "loop_id": "a", "repository": "/srv/r", "prompt": "do it\nnow", "gates": ["true"],
            "command": "agent",
        })
    }

    fn with(changes: Value) -> Value {
        let mut request = whole();
        for (field, value) in changes.as_object().expect("an object") {
            request[field] = value.clone();
        }
        request
    }

    #[test]
    fn a_whole_request_is_taken() {
        let accepted = accept(whole()).expect("valid");
        assert_eq!(accepted.spec.title, "do it");
        assert_eq!(accepted.key, "loop:a");
        assert_eq!(accepted.spec.branch(), "smith/a");
    }

    #[test]
    fn an_empty_request_names_all_that_is_missing() {
        assert_eq!(refused(json!({})), ["idempotency_key"]);
        let fields = refused(json!({"loop_id": "a"}));
        assert_eq!(fields, ["command", "repository", "prompt", "gates"]);
    }

    #[test]
    fn each_broken_rule_names_its_field() {
        let check = |changes: Value, field: &str| {
            assert_eq!(refused(with(changes.clone())), [field], "{changes}");
        };
        check(json!({"repository": "/etc/x"}), "repository");
        check(json!({"repository": "/srvx"}), "repository");
        check(json!({"ref": "a..b"}), "ref");
        check(json!({"ref": "--upload-pack=x"}), "ref");
        check(json!({"gates": []}), "gates");
        check(json!({"priority": 101}), "priority");
        check(json!({"labels": {"a b": "c"}}), "labels.a b");
        check(json!({"policy": {"attempts": 0}}), "policy.attempts");
        check(json!({"depends_on": ["b", "b"]}), "depends_on");
        check(json!({"provider_id": "other"}), "provider_id");
        check(json!({"title": "a\u{1b}[31m"}), "title");
        check(json!({"command": "x".repeat(5000)}), "command");
    }

    #[test]
    fn the_fingerprint_is_of_the_request_not_of_key_or_defaults() {
        let print =
            |v: Value| serde_json::from_value::<LoopRequest>(v).expect("reads").fingerprint();
        let a = print(whole());
        assert_eq!(a, print(with(json!({"idempotency_key": "k"}))));
        assert_ne!(a, print(with(json!({"priority": 0}))));
    }
}
