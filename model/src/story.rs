//! The stories of a loop and what is known of each, and the record of one iteration.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Extra;
use crate::attempt::{ArtifactRef, Exit};
use crate::gate::GateResult;
use crate::id::{AttemptNo, CommitId, Digest, TreeId};
use crate::state::StoryCounts;

/// Where a story stands. Only the worker's findings move it, never what an agent says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum StoryStatus {
    /// Not begun.
    Open,
    /// Being worked on.
    InProgress,
    /// Done; [`StoryRecord::done_as`] says on what evidence.
    Done,
    /// Its tries were used up in this attempt.
    Exhausted,
}

/// On what evidence a story counts as done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum DoneAs {
    /// Committed, with every gate green for the commit's tree.
    Certified,
    /// Nothing had to be changed: twice in a row the agent exited 0 and every gate was green.
    Unchanged,
    /// The repository's own file said so; nobody checked.
    Assumed,
}

/// The evidence that a story is done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Certificate {
    /// The tree that the gates passed.
    pub tree: TreeId,
    /// The commit with that tree, where one was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<CommitId>,
    /// The gates; see [`crate::gate::gate_set`].
    pub gate_set: Digest,
    /// The attempt of the iteration that found it.
    #[serde(flatten)]
    pub no: AttemptNo,
    /// The iteration, counted from 1 in its attempt.
    pub iteration: u32,
}

/// One story of the loop's PRD.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StoryRecord {
    /// Its id in the PRD.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Stories that must be done first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<String>,
    /// Where it stands.
    pub status: StoryStatus,
    /// On what evidence it is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done_as: Option<DoneAs>,
    /// The evidence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<Certificate>,
    /// Iterations spent on it in the newest attempt.
    pub tries: u32,
}

/// Where the stories came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum PrdSource {
    /// The loop's own spec.
    Spec,
    /// A file in the repository that has open stories.
    Repository,
    /// One story made of the loop's title, description and prompt.
    Prompt,
}

/// The stories as stored under `stories/{loop}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StoriesRecord {
    /// Major version of the record.
    pub schema_version: u32,
    /// Where they came from.
    pub source: PrdSource,
    /// The round whose worker wrote it.
    pub round: u32,
    /// In the PRD's order.
    pub stories: Vec<StoryRecord>,
    /// Fields of a later version.
    #[serde(flatten)]
    #[cfg_attr(feature = "openapi", schema(ignore))]
    pub extra: Extra,
}

impl StoriesRecord {
    /// How many are done, of how many.
    pub fn counts(&self) -> StoryCounts {
        let done = self.stories.iter().filter(|s| s.status == StoryStatus::Done).count();
        StoryCounts { done: done as u32, total: self.stories.len() as u32 }
    }
}

/// What an iteration came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum IterationOutcome {
    /// Changed and green: committed.
    Green,
    /// Green without a change.
    Unchanged,
    /// At least one gate was red.
    GatesFailed,
    /// A gate changed the tree that it was judging.
    GatesChangedTree,
    /// The agent ended with an error, and the gates were red or nothing was changed.
    AgentFailed,
    /// The agent ran out of its time.
    TimedOut,
    /// The agent was silent for too long.
    Stalled,
    /// The workspace could not be read.
    Unreadable,
    /// The process that runs the agent vanished.
    HostLost,
    /// Stopped in the middle: cancelled, held, drained, or out of time.
    Interrupted,
}

/// Tokens and money, as reported by the agent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Usage {
    /// Tokens read by the model.
    pub input_tokens: u64,
    /// Tokens written by the model.
    pub output_tokens: u64,
    /// Millionths of a US dollar.
    pub cost_microusd: u64,
}

impl Usage {
    /// The sum of both.
    pub fn plus(self, other: Self) -> Self {
        Self {
            input_tokens: self.input_tokens.saturating_add(other.input_tokens),
            output_tokens: self.output_tokens.saturating_add(other.output_tokens),
            cost_microusd: self.cost_microusd.saturating_add(other.cost_microusd),
        }
    }

    /// Tokens of both kinds.
    pub fn tokens(self) -> u64 {
        self.input_tokens.saturating_add(self.output_tokens)
    }
}

/// One iteration as stored under `iterations/{loop}/{round}.{attempt}.{n}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct IterationRecord {
    /// Major version of the record.
    pub schema_version: u32,
    /// The attempt.
    #[serde(flatten)]
    pub no: AttemptNo,
    /// Counted from 1 in its attempt.
    pub iteration: u32,
    /// The story that it worked on.
    pub story: String,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Timestamp,
    /// What it came to.
    pub outcome: IterationOutcome,
    /// One sentence for people.
    pub message: String,
    /// How the agent ended.
    pub agent: Exit,
    /// Milliseconds that the agent ran.
    pub agent_millis: u64,
    /// What the agent was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<ArtifactRef>,
    /// What the agent printed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<ArtifactRef>,
    /// What was changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diff: Option<ArtifactRef>,
    /// What the gates found, in their order; those after the first red one did not run.
    pub gates: Vec<GateResult>,
    /// The gates; see [`crate::gate::gate_set`].
    pub gate_set: Digest,
    /// The tree after the agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tree: Option<TreeId>,
    /// The commit, if one was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<CommitId>,
    /// Files changed, lines added and lines removed.
    #[serde(default)]
    pub stat: DiffStat,
    /// Tokens and money.
    #[serde(default)]
    pub usage: Usage,
}

impl IterationRecord {
    /// Did every gate of the set run and pass?
    pub fn green(&self) -> bool {
        matches!(self.outcome, IterationOutcome::Green | IterationOutcome::Unchanged)
            && self.gates.iter().all(GateResult::green)
    }
}

/// The size of a change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DiffStat {
    /// Files.
    pub files: u64,
    /// Lines added.
    pub insertions: u64,
    /// Lines removed.
    pub deletions: u64,
}
