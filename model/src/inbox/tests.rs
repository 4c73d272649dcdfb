//! What stands in the inbox, for how long, and what marks do to it.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::failure::FailureClass;
use crate::id::AttemptNo;
use crate::policy::Policy;
use crate::spec::SourceType;
use crate::state::{By, Failure, Hold, RetryFrom, StateRecord, Step, Summary};
use crate::story::Usage;
use crate::worker::{Progress, WorkerPhase};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + seconds).unwrap()
}

fn record(id: &str, depends_on: &[&str]) -> StateRecord {
    let summary = Summary {
        project: "web".parse().unwrap(),
        title: "Add search".into(),
        source_type: SourceType::Prompt,
        source_ref: "r".into(),
        provider_id: "command".into(),
        repository: "file:///r".into(),
        priority: 0,
        depends_on: depends_on.iter().map(|id| id.parse().unwrap()).collect(),
        labels: BTreeMap::new(),
        policy: Policy::default(),
    };
    StateRecord::created(id.parse().unwrap(), Uuid::from_u128(7), summary, at(0))
}

fn steps(record: &StateRecord, steps: &[Step]) -> StateRecord {
    let step = |record: StateRecord, (i, step): (usize, &Step)| {
        record.step(step, at(i as i64 + 1)).unwrap()
    };
    steps.iter().enumerate().fold(record.clone(), step)
}

fn fails(class: FailureClass) -> Step {
    Step::Fail { by: By::Finish, failure: Failure { class, message: "red".into() } }
}

fn flatline() -> [Step; 2] {
    [Step::Admit, fails(FailureClass::Oscillating)]
}

fn retry() -> Step {
    Step::Retry { reason: "again".into(), from: RetryFrom::Checkpoint }
}

fn progress(no: AttemptNo, iteration: u32) -> Progress {
    Progress {
        no,
        phase: WorkerPhase::Iterating,
        iteration,
        story: Some("US-1".into()),
        stories_done: 0,
        stories_total: 1,
        usage: Usage::default(),
        suspect: false,
        suspect_since: None,
    }
}

fn item(record: StateRecord) -> LoopItem {
    LoopItem { record, revision: Revision(1), progress: None, claimed: false }
}

/// A loop whose worker has reported, holds its lock or not, and is suspect since then or not.
fn running(claimed: bool, suspect: Option<Timestamp>, iteration: u32) -> LoopItem {
    let record = steps(&record("a", &[]), &[Step::Admit]);
    let mut progress = progress(record.current_attempt().unwrap(), iteration);
    progress.suspect(suspect);
    LoopItem { record, revision: Revision(1), progress: Some(progress), claimed }
}

fn kinds(item: &LoopItem, dependencies: &[Dependency<'_>]) -> Vec<Kind> {
    conditions(item, dependencies).iter().map(|condition| condition.kind).collect()
}

#[test]
fn names_are_those_of_the_wire_and_lead_back() {
    for kind in Kind::ALL {
        assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        assert_eq!(kind.as_str().parse(), Ok(kind));
    }
    for severity in Severity::ALL {
        assert_eq!(serde_json::to_value(severity).unwrap(), severity.as_str());
        assert_eq!(severity.as_str().parse(), Ok(severity));
    }
    let error = "worst".parse::<Severity>().unwrap_err().to_string();
    assert!(error.contains("critical, warning, notice"), "{error}");
    assert!(Kind::ALL.is_sorted() && Kind::ALL.is_sorted_by_key(|kind| kind.severity()));
}

#[test]
fn a_loop_that_goes_its_way_stands_nowhere() {
    let new = record("a", &[]);
    assert_eq!(kinds(&item(new.clone()), &[]), []);
    assert_eq!(kinds(&item(steps(&new, &[Step::Admit])), &[]), [], "a worker is being started");
    assert_eq!(kinds(&running(true, None, 1), &[]), []);
    let once = steps(&new, &[Step::Admit, fails(FailureClass::GatesFailed)]);
    assert_eq!(kinds(&item(once), &[]), [], "one failure is no more than bad luck");
    let cancelled = steps(&new, &[Step::Cancel { reason: "r".into() }]);
    assert_eq!(kinds(&item(cancelled), &[]), []);
}

#[test]
fn what_smith_gave_up_waits_and_what_a_person_gave_up_does_not() {
    let new = record("a", &[]);
    let given_up = steps(&new, &flatline());
    let found = conditions(&item(given_up), &[]);
    insta::assert_json_snapshot!(found.iter().map(|c| (c.kind, &c.message, &c.next)).collect::<Vec<_>>(), @r#"
    [
      [
        "flatlined",
        "given up (oscillating): red; a failure of this kind isn't tried again",
        "Retry it from its checkpoint or fresh, accept it as done, or delete it."
      ]
    ]
    "#);
    let by_person = steps(&new, &[Step::Flatline { reason: "no".into() }]);
    assert_eq!(kinds(&item(by_person), &[]), []);
}

#[test]
fn a_loop_that_flatlines_again_is_another_occurrence() {
    let first = steps(&record("a", &[]), &flatline());
    let again = steps(&first, &[&[retry()][..], &flatline()].concat());
    let occurrence = |record| conditions(&item(record), &[]).remove(0).occurrence;
    let (first, again) = (occurrence(first), occurrence(again));
    assert_ne!(first, again);
    assert_eq!(first.to_string().parse(), Ok(first));
}

#[test]
fn a_dependency_that_ended_is_named_with_the_way_out() {
    let waiting = item(record("b", &["a"]));
    let dependency = |of: &StateRecord| {
        let loop_id = of.loop_id.clone();
        let dependencies = [Dependency { loop_id: &loop_id, record: Some(of) }];
        conditions(&waiting, &dependencies)
    };
    let new = record("a", &[]);
    assert_eq!(dependency(&new), []);
    let flat = steps(&new, &flatline());
    let found = dependency(&flat);
    let [one] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((one.kind, one.since), (Kind::DependencyEnded, Some(flat.updated_at)));
    assert_eq!(one.message, "a, which it depends on, is flatline");
    assert_eq!(one.next, "Retry or accept a, or cancel this one.");
    let synced = steps(&flat, &[Step::Accept { reason: "r".into() }]);
    assert_eq!(dependency(&synced), []);
    let again = steps(&flat, &[&[retry()][..], &flatline()].concat());
    assert_ne!(dependency(&again)[0].occurrence, one.occurrence);
    let cancelled = steps(&new, &[Step::Cancel { reason: "r".into() }]);
    assert_eq!(dependency(&cancelled)[0].next, "Retry a, or cancel this one.");
}

#[test]
fn failures_hold_and_silence_are_told_and_the_worst_counts() {
    let failing = fails(FailureClass::GatesFailed);
    let twice = [Step::Admit, failing.clone(), Step::Admit, failing];
    let mut failed = steps(&record("a", &[]), &twice);
    assert_eq!(kinds(&item(failed.clone()), &[]), [Kind::Retrying]);
    let hold = Hold { by: "maria".into(), reason: "wait".into(), since: at(9) };
    failed.hold = Some(hold);
    assert_eq!(kinds(&item(failed.clone()), &[]), [Kind::Retrying, Kind::Held]);
    let third = steps(&failed, &[Step::Admit]);
    assert_eq!(kinds(&item(third), &[]), [Kind::Retrying, Kind::Held]);
    assert_eq!(kinds(&running(false, Some(at(3)), 2), &[]), [Kind::WorkerSilent, Kind::Suspect]);
}

#[test]
fn progress_of_an_earlier_attempt_says_nothing() {
    let mut late = running(false, Some(at(3)), 2);
    let backoff = Failure { class: FailureClass::WorkerLost, message: "m".into() };
    let lost = Step::Fail { by: By::Core, failure: backoff };
    late.record = steps(&late.record, &[lost, Step::Admit]);
    assert_eq!(kinds(&late, &[]), []);
}

const TIMES: Hysteresis =
    Hysteresis { appears_after: Span::seconds(10), goes_after: Span::seconds(30) };

fn observe(standing: &mut Standing, item: &LoopItem, seconds: i64) {
    let no = item.record.current_attempt().filter(|no| item.record.is_running(*no));
    standing.observe(no, conditions(item, &[]), at(seconds), TIMES);
}

fn shown(standing: &Standing) -> Option<Kind> {
    standing.worst().map(|(condition, _)| condition.kind)
}

#[test]
fn silence_has_to_last_and_to_be_over_for_a_while() {
    let mut standing = Standing::default();
    observe(&mut standing, &running(true, Some(at(100)), 1), 101);
    assert_eq!((shown(&standing), standing.due(TIMES)), (None, Some(at(110))));
    standing.advance(at(110), TIMES);
    assert_eq!(standing.worst().unwrap().1, Some(at(100)), "since the worker's word");
    // A line of output, and silence again: nothing was told.
    observe(&mut standing, &running(true, None, 1), 120);
    assert_eq!((shown(&standing), standing.lingers()), (Some(Kind::Suspect), true));
    observe(&mut standing, &running(true, Some(at(125)), 1), 125);
    assert_eq!((shown(&standing), standing.lingers()), (Some(Kind::Suspect), false));
    observe(&mut standing, &running(true, None, 1), 130);
    assert_eq!(standing.due(TIMES), Some(at(160)));
    standing.advance(at(159), TIMES);
    assert_eq!(shown(&standing), Some(Kind::Suspect));
    standing.advance(at(160), TIMES);
    assert!(standing.is_empty());
}

#[test]
fn a_short_silence_is_never_told() {
    let mut standing = Standing::default();
    for second in 0..100 {
        let suspect = (second % 2 == 0).then_some(at(second));
        observe(&mut standing, &running(true, suspect, 1), second);
        assert_eq!(shown(&standing), None);
    }
    assert!(standing.is_empty());
}

#[test]
fn steps_of_the_state_count_at_once() {
    let mut standing = Standing::default();
    let silent = running(false, None, 1);
    observe(&mut standing, &silent, 0);
    observe(&mut standing, &silent, 10);
    assert_eq!(shown(&standing), Some(Kind::WorkerSilent));
    let oscillating = Failure { class: FailureClass::Oscillating, message: "m".into() };
    let mut over = silent;
    over.record = steps(&over.record, &[Step::Fail { by: By::Core, failure: oscillating }]);
    observe(&mut standing, &over, 11);
    assert_eq!((shown(&standing), standing.lingers()), (Some(Kind::Flatlined), false));
    over.record = steps(&over.record, &[retry()]);
    observe(&mut standing, &over, 12);
    assert!(standing.is_empty());
}

#[test]
fn a_clock_that_is_ahead_keeps_nothing_away() {
    let mut standing = Standing::default();
    observe(&mut standing, &running(true, Some(at(5000)), 1), 0);
    standing.advance(at(10), TIMES);
    assert_eq!(standing.worst().unwrap().1, Some(at(0)));
}

#[test]
fn who_is_asked_about_what_is_still_coming_knows_it() {
    let mut standing = Standing::default();
    let suspect = running(true, Some(at(0)), 1);
    observe(&mut standing, &suspect, 0);
    let occurrence = conditions(&suspect, &[]).remove(0).occurrence;
    assert!(shown(&standing).is_none() && standing.find(&occurrence).is_some());
    let next = conditions(&running(true, Some(at(0)), 2), &[]).remove(0).occurrence;
    assert!(standing.find(&next).is_none());
}

fn occurrence(text: &str) -> Occurrence {
    text.parse().unwrap()
}

fn after(mark: Option<&Mark>, act: Act, by: &str, seconds: i64) -> Result<Option<Mark>, Refused> {
    Mark::after(mark, &occurrence("held.1.t1"), &act, by, at(seconds))
}

#[test]
fn a_claim_is_taken_from_somebody_only_with_a_reason() {
    let claim = |reason: Option<&str>| Act::Claim { reason: reason.map(Into::into) };
    let first = after(None, claim(None), "maria", 1).unwrap().unwrap();
    assert_eq!((first.claimed_by.as_deref(), first.claimed_at), (Some("maria"), Some(at(1))));
    assert_eq!(after(Some(&first), claim(None), "maria", 2), Ok(None));
    let refused = after(Some(&first), claim(None), "joe", 2).unwrap_err();
    assert_eq!(refused, Refused { by: "maria".into(), since: at(1) });
    let taken = after(Some(&first), claim(Some("she is away")), "joe", 3).unwrap().unwrap();
    assert_eq!(
        (taken.claimed_by.as_deref(), taken.note.as_deref()),
        (Some("joe"), Some("she is away"))
    );
    let unclaim = |reason: Option<&str>| Act::Unclaim { reason: reason.map(Into::into) };
    assert!(after(Some(&taken), unclaim(None), "maria", 4).is_err());
    let free = after(Some(&taken), unclaim(None), "joe", 4).unwrap().unwrap();
    assert_eq!((free.claimed_by.clone(), free.claimed_at), (None, None));
    assert_eq!(after(Some(&free), unclaim(None), "maria", 5), Ok(None));
}

#[test]
fn a_mark_is_good_for_its_occurrence_only() {
    let loop_item = item(steps(&record("a", &[]), &flatline()));
    let condition = conditions(&loop_item, &[]).remove(0);
    let acknowledge = Act::Acknowledge { note: Some("known".into()) };
    let seen = Mark::after(None, &condition.occurrence, &acknowledge, "maria", at(5));
    let seen = seen.unwrap().unwrap();
    let marked = Item::new(&loop_item, &condition, at(2), Some(&seen));
    assert!(marked.mark.is_some() && !marked.is_open(at(6)));
    let older = Mark { occurrence: occurrence("flatlined.x.r9"), ..seen.clone() };
    let unmarked = Item::new(&loop_item, &condition, at(2), Some(&older));
    assert!(unmarked.mark.is_none() && unmarked.is_open(at(6)));
    // Whoever acts on the new one starts from nothing.
    let claim = Act::Claim { reason: None };
    let fresh = Mark::after(Some(&older), &condition.occurrence, &claim, "joe", at(7));
    assert_eq!(fresh.unwrap().unwrap().acknowledged_at, None);
}

#[test]
fn what_is_snoozed_comes_back_by_itself() {
    let snooze = Act::Snooze { until: at(60), note: None };
    let mark = after(None, snooze.clone(), "maria", 1).unwrap().unwrap();
    assert!(mark.snoozes(at(59)) && !mark.snoozes(at(60)));
    assert_eq!(after(Some(&mark), snooze, "joe", 2), Ok(None));
    let back = after(Some(&mark), Act::Unsnooze { note: None }, "joe", 3).unwrap().unwrap();
    assert!(!back.snoozes(at(4)));
}

#[test]
fn the_shapes_on_the_wire() {
    let loop_item = item(steps(&record("a", &[]), &flatline()));
    let condition = conditions(&loop_item, &[]).remove(0);
    let claim = Act::Claim { reason: None };
    let mark = Mark::after(None, &condition.occurrence, &claim, "maria", at(5)).unwrap();
    let item = Item::new(&loop_item, &condition, at(2), mark.as_ref());
    insta::assert_json_snapshot!(Event::Updated(Box::new(item)), @r#"
    {
      "event": "updated",
      "loop_id": "a",
      "uid": "00000000-0000-0000-0000-000000000007",
      "project": "web",
      "title": "Add search",
      "kind": "flatlined",
      "severity": "critical",
      "occurrence": "flatlined.00000000.r1",
      "since": "2023-11-14T22:13:22Z",
      "message": "given up (oscillating): red; a failure of this kind isn't tried again",
      "next": "Retry it from its checkpoint or fresh, accept it as done, or delete it.",
      "mark": {
        "schema_version": 1,
        "occurrence": "flatlined.00000000.r1",
        "claimed_by": "maria",
        "claimed_at": "2023-11-14T22:13:25Z"
      }
    }
    "#);
    let snooze = json!({ "occurrence": "held.1.t1", "for": "2h" });
    let request: SnoozeRequest = serde_json::from_value(snooze).unwrap();
    assert_eq!((request.span, request.until), (Some(Span::seconds(7200)), None));
    let lost = json!({ "event": "source-lost", "since": at(0) });
    assert_eq!(serde_json::from_value::<Event>(lost).unwrap(), Event::SourceLost { since: at(0) });
}

proptest! {
    /// However it flaps: what is shown was so within `goes_after`, and what was so without a break for
    /// `appears_after` is shown.
    #[test]
    fn hysteresis_keeps_its_bounds(looks in prop::collection::vec((1i64..20, any::<bool>()), 1..60)) {
        let mut standing = Standing::default();
        let (mut now, mut so_since, mut last_so) = (0i64, None::<i64>, None::<i64>);
        for (step, so) in looks {
            // Time passes by single seconds, as a timer that is never late would have it.
            for _ in 0..step {
                now += 1;
                standing.advance(at(now), TIMES);
                if so_since.is_some() { last_so = Some(now); }
            }
            let suspect = so.then(|| at(so_since.unwrap_or(now)));
            observe(&mut standing, &running(true, suspect, 1), now);
            match so {
                true => { so_since = so_since.or(Some(now)); last_so = Some(now); }
                false => so_since = None,
            }
            let shows = shown(&standing).is_some();
            if shows { prop_assert!(last_so.is_some_and(|last| now - last < 30)); }
            if so_since.is_some_and(|since| now - since >= 10) { prop_assert!(shows); }
            prop_assert!(standing.due(TIMES).is_none_or(|due| due > at(now)));
        }
    }

    #[test]
    fn any_text_is_an_occurrence_or_is_not(text in ".{0,120}") {
        if let Ok(occurrence) = text.parse::<Occurrence>() {
            prop_assert_eq!(occurrence.as_str(), text);
        }
    }

    /// A loop stands at the same place whatever else is in the list.
    #[test]
    fn the_worst_come_first_then_the_oldest(items in prop::collection::vec((0usize..6, 0i64..5, "[a-c]"), 0..12)) {
        let place = |(kind, since, id): &(usize, i64, String)| Place {
            severity: Kind::ALL[*kind].severity(), since: at(*since), loop_id: id.parse().unwrap(),
        };
        let mut places: Vec<_> = items.iter().map(place).collect();
        places.sort();
        for pair in places.windows(2) {
            prop_assert!(pair[0].severity <= pair[1].severity);
            prop_assert!(pair[0].severity < pair[1].severity || pair[0].since <= pair[1].since);
        }
    }
}
