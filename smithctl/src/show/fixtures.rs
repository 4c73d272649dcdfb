//! Records for tests of what is shown.

use jiff::Timestamp;
use smith_model::api::LoopItem;
use smith_model::id::Revision;
use smith_model::policy::Policy;
use smith_model::spec::SourceType;
use smith_model::state::{State, StateRecord, Summary};
use uuid::Uuid;

/// The time of all of them.
pub(crate) fn at() -> Timestamp {
    "2026-01-01T12:00:00Z".parse().unwrap()
}

/// A loop in a list.
pub(crate) fn item(id: &str, state: State) -> LoopItem {
    let summary = Summary {
        project: "web".parse().unwrap(),
        title: "Add search\u{1b}[2J".into(),
        source_type: SourceType::Prompt,
        source_ref: "x".into(),
        provider_id: "command".into(),
        repository: "https://example.org/a/b".into(),
        priority: 0,
        depends_on: vec![],
        labels: Default::default(),
        policy: Policy::default(),
    };
    let record = StateRecord::created(id.parse().unwrap(), Uuid::nil(), summary, at());
    let record = StateRecord { state, ..record };
    LoopItem { record, revision: Revision(7), progress: None, claimed: false }
}
