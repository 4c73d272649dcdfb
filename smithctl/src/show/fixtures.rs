//! Records for tests of what is shown.

use jiff::Timestamp;
use smith_model::api::LoopItem;
use smith_model::attempt::ArtifactRef;
use smith_model::id::{Digest, Revision};
use smith_model::inbox::{Item, Kind};
use smith_model::policy::Policy;
use smith_model::spec::SourceType;
use smith_model::state::{State, StateRecord, Summary};
use smith_model::story::DiffStat;
use smith_model::terminal::{Intervention, Session};
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

/// An item of the inbox.
pub(crate) fn inbox_item(id: &str, kind: Kind) -> Item {
    Item {
        loop_id: id.parse().unwrap(),
        uid: Uuid::nil(),
        project: "web".parse().unwrap(),
        title: "Add search\u{1b}[2J".into(),
        kind,
        severity: kind.severity(),
        occurrence: format!("{kind}.00000000.t1").parse().unwrap(),
        since: at(),
        message: "what happened\u{1b}[2J".into(),
        next: "What to do.".into(),
        mark: None,
    }
}

/// What somebody did who means harm.
pub(crate) fn intervention() -> Intervention {
    let diff = ArtifactRef { digest: Digest::of(b"x"), size: 7, omitted: 0 };
    Intervention {
        by: "maria".into(),
        session: Session::Shell,
        from: at(),
        until: at() + jiff::SignedDuration::from_secs(90),
        typed: vec!["git status".into(), "echo \u{1b}]52;c;x\u{7}".into()],
        hidden: true,
        note: Some("look\u{202e} again".into()),
        stat: DiffStat { files: 1, insertions: 2, deletions: 3 },
        diff: Some(diff),
    }
}
