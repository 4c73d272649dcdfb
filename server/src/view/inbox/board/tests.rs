//! What the log says to those who come from elsewhere.

use smith_model::duration::Span;
use smith_model::id::AttemptNo;
use smith_model::inbox::Kind;
use smith_model::policy::Policy;
use smith_model::spec::SourceType;
use smith_model::state::{Hold, StateRecord, Step, Summary};
use smith_model::story::Usage;
use smith_model::worker::{Progress, WorkerPhase};
use uuid::Uuid;

use super::*;

const TIMES: Hysteresis =
    Hysteresis { appears_after: Span::seconds(10), goes_after: Span::seconds(30) };

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + seconds).unwrap()
}

fn id() -> LoopId {
    "a".parse().unwrap()
}

/// A running loop whose agent is suspect since then, or isn't.
fn running(suspect: Option<Timestamp>) -> Observed {
    let summary = Summary {
        project: "web".parse().unwrap(),
        title: "t".into(),
        source_type: SourceType::Prompt,
        source_ref: "r".into(),
        provider_id: "command".into(),
        repository: "file:///r".into(),
        priority: 0,
        depends_on: vec![],
        labels: Default::default(),
        policy: Policy::default(),
    };
    let record = StateRecord::created(id(), Uuid::nil(), summary, at(0));
    let record = record.step(&Step::Admit, at(0)).unwrap();
    let mut progress = Progress {
        no: AttemptNo { round: 1, attempt: 1 },
        phase: WorkerPhase::Iterating,
        iteration: 1,
        story: None,
        stories_done: 0,
        stories_total: 1,
        usage: Usage::default(),
        suspect: false,
        suspect_since: None,
    };
    progress.suspect(suspect);
    let progress = Some(progress);
    let item = Arc::new(LoopItem { record, revision: Revision(1), progress, claimed: true });
    Observed { item, dependencies: vec![], mark: None }
}

fn held(mut observed: Observed, hold: Option<Hold>) -> Observed {
    let mut item = LoopItem::clone(&observed.item);
    item.record.hold = hold;
    observed.item = Arc::new(item);
    observed
}

fn board() -> Board {
    Board::new(TIMES, Revision(1), at(0))
}

impl Board {
    fn see(&mut self, observed: Observed, revision: i64, seconds: i64) {
        self.observe(&id(), Some(observed), Revision(revision), at(seconds));
        self.settle();
    }

    /// What who has everything up to a revision is told: the kind shown now, why, and whether it has an id.
    fn told(&self, revision: i64) -> Option<Vec<(Option<Kind>, Cause, Resumable)>> {
        let (moved, next) = self.after(self.position(Revision(revision))?, usize::MAX)?;
        assert_eq!(next, self.end());
        let told = |m: Moved| (m.after.map(|item| item.kind), m.cause, m.resumable);
        Some(moved.into_iter().map(told).collect())
    }
}

#[test]
fn what_only_time_changed_is_told_to_who_comes_back_at_its_revision() {
    let mut board = board();
    board.see(running(Some(at(100))), 5, 101);
    assert_eq!((board.told(5), board.due(at(101))), (Some(vec![]), Some(at(110))));
    board.advance(Revision(5), at(110));
    let shown = (Some(Kind::Suspect), Cause::Time, Resumable::Yes);
    assert_eq!(board.told(5), Some(vec![shown]));
    board.see(held(running(Some(at(100))), None), 6, 111);
    assert_eq!(board.told(5), Some(vec![shown]), "nothing of it changed");
}

#[test]
fn there_is_no_id_while_something_lingers() {
    let mut board = board();
    board.see(running(Some(at(100))), 5, 110);
    board.see(running(None), 6, 120);
    assert!(board.lingers());
    let hold = Hold { by: "t".into(), reason: "r".into(), since: at(121) };
    board.see(held(running(None), Some(hold)), 7, 121);
    // Still shown as suspect, which is worse; and then as held.
    board.advance(Revision(7), at(150));
    assert!(!board.lingers());
    assert_eq!(board.told(6), Some(vec![(Some(Kind::Held), Cause::Time, Resumable::Yes)]));
    let first = (Some(Kind::Suspect), Cause::Written, Resumable::No);
    assert_eq!(board.told(4).unwrap()[0], first, "an id then would have hidden what lingered");
}

#[test]
fn what_was_never_shown_here_is_taken_back_for_those_from_elsewhere() {
    let mut board = board();
    board.see(running(Some(at(100))), 5, 101);
    board.see(running(None), 6, 105);
    assert_eq!(board.told(5), Some(vec![(None, Cause::Unshown, Resumable::Yes)]));
    assert!(board.items(|_| true).is_empty());
}

#[test]
fn a_revision_that_is_not_remembered_has_no_position() {
    let mut board = board();
    assert_eq!((board.told(0), board.told(1)), (None, Some(vec![])));
    for revision in 2..(MOST_MOVED as i64 + 10) {
        let hold = Hold { by: "t".into(), reason: revision.to_string(), since: at(revision) };
        board.see(held(running(None), Some(hold)), revision, revision);
    }
    let oldest = board.log.front().unwrap().revision;
    assert_eq!((board.told(oldest.0 - 2), board.told(oldest.0 - 1)), (None, None));
    assert_eq!(board.told(oldest.0).map(|told| told.len()), Some(MOST_MOVED - 1));
    assert_eq!(board.after(0, 1).map(|(moved, _)| moved.len()), None, "a reader that was too slow");
}
