//! What is told when: the inbox as its stream tells it, second by second.

use jiff::{SignedDuration, Timestamp};
use smith_model::inbox::mark::Mark;
use smith_model::inbox::{Item, Kind, Severity};

use super::{Inbox, InboxChange, Trust};
use crate::fleet::Link;
use crate::host::{Notice, Urgency};

pub(crate) fn now() -> Timestamp {
    "2026-11-24T12:00:00Z".parse().unwrap()
}

/// An item that came `minutes` ago, for the `nth` time.
pub(crate) fn item(id: &str, kind: Kind, minutes: i64, nth: u32) -> Item {
    Item {
        loop_id: id.parse().unwrap(),
        uid: uuid::Uuid::nil(),
        project: "web".parse().unwrap(),
        title: format!("The title of {id}"),
        kind,
        severity: kind.severity(),
        occurrence: format!("{kind}.00000000.{nth}").parse().unwrap(),
        since: now() - SignedDuration::from_mins(minutes),
        message: format!("what happened to {id}"),
        next: "Look at its journal, then retry it.".to_owned(),
        mark: None,
    }
}

/// The same, marked.
pub(crate) fn marked(item: Item, change: impl FnOnce(&mut Mark)) -> Item {
    let mut mark = item.mark.clone().unwrap_or_else(|| Mark::blank(item.occurrence.clone()));
    change(&mut mark);
    Item { mark: Some(mark), ..item }
}

pub(crate) fn updated(item: Item) -> InboxChange {
    InboxChange::Updated(Box::new(item))
}

/// An inbox, and what it told by the second.
struct Watch {
    inbox: Inbox,
    now: Timestamp,
}

impl Watch {
    /// One that stands so.
    fn on(items: impl IntoIterator<Item = Item>) -> Self {
        let mut watch = Self { inbox: Inbox::default(), now: now() };
        watch.whole(items);
        watch
    }

    fn whole(&mut self, items: impl IntoIterator<Item = Item>) -> Option<usize> {
        self.inbox.reset();
        self.inbox.change(self.now, items.into_iter().map(updated).collect());
        self.inbox.ready(self.now)
    }

    fn hears(&mut self, item: Item) {
        self.inbox.change(self.now, vec![updated(item)]);
    }

    /// What is told in so many seconds.
    fn wait(&mut self, seconds: i64) -> Vec<Notice> {
        let told = (0..seconds).filter_map(|_| {
            self.now += SignedDuration::from_secs(1);
            self.inbox.tick(self.now)
        });
        told.collect()
    }

    fn titles(&mut self, seconds: i64) -> Vec<String> {
        self.wait(seconds).into_iter().map(|notice| notice.title).collect()
    }
}

#[test]
fn what_stands_in_it_at_the_start_is_counted_and_not_told() {
    let mut inbox = Inbox::default();
    inbox.reset();
    let items = [item("a", Kind::Flatlined, 5, 1), item("b", Kind::Held, 5, 1)];
    inbox.change(now(), items.map(updated).into());
    assert_eq!(inbox.trust(), Trust::Unknown);
    assert_eq!(inbox.ready(now()), Some(2));
    assert_eq!(inbox.tick(now() + SignedDuration::from_secs(1)), None);
    assert_eq!(inbox.open_of(Severity::Critical), 1);
    assert_eq!(inbox.open_of(Severity::Warning), 0);
    assert_eq!(inbox.open_of(Severity::Notice), 1);
}

#[test]
fn a_new_occurrence_is_told_once_however_often_it_is_said() {
    let mut watch = Watch::on([]);
    let flatlined = item("a", Kind::Flatlined, 0, 1);
    watch.hears(flatlined.clone());
    watch.hears(flatlined.clone());
    let told = watch.wait(1);
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].title, "a flatlined");
    assert_eq!(told[0].text, "what happened to a");
    assert_eq!(told[0].urgency, Urgency::Critical);
    assert!(watch.inbox.is_new(&flatlined.loop_id, watch.now));
    watch.hears(flatlined);
    assert!(watch.wait(30).is_empty());
    watch.hears(item("a", Kind::Flatlined, 0, 2));
    assert_eq!(watch.titles(1), ["a flatlined"]);
}

#[test]
fn one_that_gets_worse_is_told_and_one_that_gets_better_again_is_not() {
    let mut watch = Watch::on([item("a", Kind::Held, 5, 1)]);
    watch.hears(item("a", Kind::Suspect, 0, 2));
    assert_eq!(watch.titles(1), ["a may be stalled"]);
    watch.hears(item("a", Kind::Held, 5, 1));
    assert!(watch.wait(30).is_empty());
}

#[test]
fn nothing_known_is_told_again_after_a_reconnect_or_a_reset() {
    let known = [item("a", Kind::Flatlined, 5, 1), item("b", Kind::Held, 5, 1)];
    let mut watch = Watch::on(known.clone());
    watch.inbox.set_link(watch.now, Link::Lost { since: watch.now, why: "gone".to_owned() });
    watch.inbox.set_link(watch.now, Link::Live);
    assert_eq!(watch.whole(known.clone()), None);
    assert!(watch.wait(30).is_empty());
    // What left it and comes back is the same.
    watch.inbox.change(watch.now, vec![InboxChange::Removed("a".parse().unwrap())]);
    watch.hears(known[0].clone());
    assert!(watch.wait(30).is_empty());
    // What came meanwhile is news.
    watch.whole(known.into_iter().chain([item("c", Kind::Flatlined, 0, 1)]));
    assert_eq!(watch.titles(1), ["c flatlined"]);
}

#[test]
fn a_whole_that_is_told_anew_hides_nothing_until_it_is_whole() {
    let mut watch = Watch::on([item("a", Kind::Flatlined, 5, 1), item("b", Kind::Flatlined, 5, 1)]);
    watch.inbox.reset();
    assert_eq!(watch.inbox.trust(), Trust::Loading);
    watch.hears(item("b", Kind::Flatlined, 5, 1));
    assert_eq!(watch.inbox.open(), 2);
    watch.inbox.ready(watch.now);
    assert_eq!(watch.inbox.open(), 1);
    assert_eq!(watch.inbox.trust(), Trust::Live);
}

#[test]
fn a_storm_is_one_notice_and_the_next_one_waits() {
    let mut watch = Watch::on([]);
    for at in 0..12 {
        watch.hears(item(&format!("loop-{at:02}"), Kind::Flatlined, 0, 1));
    }
    let told = watch.wait(1);
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].title, "12 loops flatlined");
    assert_eq!(told[0].text, "loop-00, loop-01, loop-02 and 9 more");
    watch.hears(item("later", Kind::Held, 0, 1));
    assert!(watch.wait(3).is_empty());
    watch.hears(item("latest", Kind::WorkerSilent, 0, 1));
    assert!(watch.wait(5).is_empty());
    assert_eq!(watch.titles(2), ["2 loops need you: 1 worker-silent, 1 held"]);
}

#[test]
fn what_is_over_before_it_is_told_is_not_told() {
    let mut watch = Watch::on([]);
    let flatlined = item("a", Kind::Flatlined, 0, 1);
    watch.hears(flatlined.clone());
    watch.hears(marked(flatlined, |mark| mark.acknowledged_at = Some(now())));
    watch.hears(item("b", Kind::Flatlined, 0, 1));
    watch.inbox.change(watch.now, vec![InboxChange::Removed("b".parse().unwrap())]);
    assert!(watch.wait(30).is_empty());
}

#[test]
fn nothing_is_told_while_the_source_is_lost_and_what_is_so_then_after_it() {
    for is_store in [false, true] {
        let mut watch = Watch::on([]);
        watch.hears(item("a", Kind::Flatlined, 0, 1));
        watch.hears(item("b", Kind::Flatlined, 0, 1));
        if is_store {
            watch.inbox.change(watch.now, vec![InboxChange::StoreLost(watch.now)]);
        } else {
            let lost = Link::Lost { since: watch.now, why: "gone".to_owned() };
            watch.inbox.set_link(watch.now, lost);
        }
        assert!(matches!(watch.inbox.trust(), Trust::Lost { since, .. } if since == now()));
        assert!(watch.wait(30).is_empty());
        if is_store {
            watch.inbox.change(watch.now, vec![InboxChange::StoreFound]);
        } else {
            watch.inbox.set_link(watch.now, Link::Live);
        }
        watch.inbox.change(watch.now, vec![InboxChange::Removed("b".parse().unwrap())]);
        assert_eq!(watch.titles(30), ["a flatlined"]);
    }
}

#[test]
fn what_has_slept_long_enough_is_told_again() {
    let asleep = marked(item("a", Kind::Flatlined, 5, 1), |mark| {
        mark.snoozed_until = Some(now() + SignedDuration::from_secs(20));
    });
    let mut watch = Watch::on([asleep.clone()]);
    assert_eq!(watch.inbox.open(), 0);
    assert_eq!(watch.inbox.calm_since(), Some(now()));
    assert!(watch.wait(19).is_empty());
    assert_eq!(watch.titles(1), ["a flatlined"]);
    assert_eq!((watch.inbox.open(), watch.inbox.calm_since()), (1, None));
    // Something that only time changed may be said by the server too.
    watch.hears(asleep);
    assert!(watch.wait(30).is_empty());
    // Whoever has it back before that knows of it.
    let snoozed = marked(item("b", Kind::Held, 5, 1), |mark| {
        mark.snoozed_until = Some(now() + SignedDuration::from_hours(1));
    });
    let mut watch = Watch::on([snoozed]);
    watch.hears(item("b", Kind::Held, 5, 1));
    assert!(watch.wait(30).is_empty());
    assert_eq!(watch.inbox.open(), 1);
}

#[test]
fn counts_are_those_of_the_items_whatever_happens() {
    let mut watch = Watch::on([]);
    let kinds = Kind::ALL;
    for step in 0_usize..500 {
        let id = format!("loop-{}", step * 7 % 11);
        match step % 5 {
            0 => watch.inbox.change(watch.now, vec![InboxChange::Removed(id.parse().unwrap())]),
            1 => watch.hears(marked(item(&id, kinds[step % 6], 1, 1), |mark| {
                mark.snoozed_until = Some(watch.now + SignedDuration::from_secs(3));
            })),
            _ => watch.hears(item(&id, kinds[step % 6], 1, u32::try_from(step % 3).unwrap())),
        }
        watch.wait(i64::from(step % 3 == 0));
        for severity in Severity::ALL {
            let open = watch.inbox.items().filter(|(item, openness)| {
                *openness == super::Openness::Open && item.severity == severity
            });
            assert_eq!(watch.inbox.open_of(severity), open.count(), "{step}");
        }
    }
}
