//! What is heard of journals, in whatever order, never makes a hole.

use std::collections::VecDeque;

use proptest::prelude::*;
use smith_model::state::State;

use super::*;
use crate::journal::fixtures::{chain, id, row};

/// A journal that is looked at, and the question that was asked for it.
fn attended() -> (Journals, Ask) {
    let mut journals = Journals::default();
    journals.attend(&[id("a")], &Table::default());
    let ask = journals.ask(&id("a")).unwrap();
    (journals, ask)
}

fn hear(journals: &mut Journals, ask: &Ask, said: Said) {
    let heard = Heard { loop_id: ask.loop_id.clone(), generation: ask.generation, said };
    journals.hear(Timestamp::UNIX_EPOCH, heard);
}

fn extent(journals: &Journals) -> Option<(u64, u64)> {
    let journal = journals.get(&id("a"))?;
    Some((journal.first()?, journal.last()?))
}

#[test]
fn entries_sent_again_are_taken_once_and_older_ones_come_before() {
    let all = chain(1, 20);
    let (mut journals, ask) = attended();
    hear(&mut journals, &ask, Said::Newest(all[10..15].to_vec()));
    hear(&mut journals, &ask, Said::Written(all[12..18].to_vec(), Some("u-18".to_owned())));
    assert_eq!(extent(&journals), Some((11, 18)));
    let journal = journals.get(&id("a")).unwrap();
    let (epoch, before) = (journal.epoch(), journal.older_than());
    assert_eq!((before, journal.of_level(Level::Info)), (Some(11), 8));
    hear(&mut journals, &ask, Said::Older(Ok(all[..12].to_vec())));
    let journal = journals.get(&id("a")).unwrap();
    assert_eq!((journal.first(), journal.epoch(), journal.older_than()), (Some(1), epoch, None));
    assert_eq!(journal.entry(7), Some(&all[6]));
}

#[test]
fn a_journal_that_is_looked_at_again_goes_on_where_it_was() {
    let all = chain(1, 9);
    let (mut journals, ask) = attended();
    assert_eq!(ask.from, None);
    hear(&mut journals, &ask, Said::Newest(all[..3].to_vec()));
    hear(&mut journals, &ask, Said::Written(all[3..5].to_vec(), Some("u-5".to_owned())));
    journals.attend(&[], &Table::default());
    assert_eq!(journals.ask(&id("a")), None);
    journals.attend(&[id("a")], &Table::default());
    let again = journals.ask(&id("a")).unwrap();
    assert_eq!(again.from.as_deref(), Some("u-5"));
    assert!(again.generation > ask.generation);
    assert_eq!(journals.ask(&id("a")), Some(again.clone()), "the same while it is looked at");
    // What the first question still brings is of no use.
    hear(&mut journals, &ask, Said::Replaced);
    assert_eq!(extent(&journals), Some((1, 5)));
    hear(&mut journals, &again, Said::Written(all[5..].to_vec(), Some("u-9".to_owned())));
    assert_eq!(extent(&journals), Some((1, 9)));
}

#[test]
fn a_newest_page_that_goes_on_keeps_what_is_known_and_another_history_does_not() {
    let (all, other) = (chain(1, 9), chain(2, 4));
    let (mut journals, ask) = attended();
    hear(&mut journals, &ask, Said::Newest(all[..5].to_vec()));
    let epoch = journals.get(&id("a")).unwrap().epoch();
    hear(&mut journals, &ask, Said::Newest(all[4..].to_vec()));
    assert_eq!((extent(&journals), journals.get(&id("a")).unwrap().epoch()), (Some((1, 9)), epoch));
    hear(&mut journals, &ask, Said::Newest(other));
    assert_eq!(extent(&journals), Some((1, 4)));
    assert_ne!(journals.get(&id("a")).unwrap().epoch(), epoch);
    hear(&mut journals, &ask, Said::Written(all[5..].to_vec(), None));
    assert_eq!(extent(&journals), Some((6, 9)), "no hole: what doesn't follow begins anew");
    hear(&mut journals, &ask, Said::Older(Ok(chain(2, 5))));
    assert_eq!(extent(&journals), Some((6, 9)), "older entries of another history");
}

#[test]
fn an_ended_loop_is_followed_again_once_it_is_retried() {
    let (mut journals, ask) = attended();
    let all = chain(1, 3);
    hear(&mut journals, &ask, Said::Newest(all.clone()));
    hear(&mut journals, &ask, Said::Ended);
    let mut fleet = Table::default();
    let mut row = row("a", State::Overwriting);
    let now = Timestamp::UNIX_EPOCH;
    // The fleet hasn't heard of the end yet.
    row.updated_at = all[1].at;
    fleet.change(now, crate::msg::FleetChange::Updated(Box::new(row.clone())));
    journals.attend(&[id("a")], &fleet);
    assert_eq!(journals.ask(&id("a")), Some(ask.clone()));
    assert!(journals.get(&id("a")).unwrap().is_ended());
    row.updated_at = all[2].at + jiff::SignedDuration::from_secs(60);
    fleet.change(now, crate::msg::FleetChange::Updated(Box::new(row)));
    journals.attend(&[id("a")], &fleet);
    assert_ne!(journals.ask(&id("a")), Some(ask));
    assert!(!journals.get(&id("a")).unwrap().is_ended());
}

#[test]
fn the_oldest_are_let_go_of_where_memory_ends_and_few_journals_stay_unseen() {
    let (mut journals, ask) = attended();
    let mut all = chain(1, 5);
    for entry in &mut all {
        entry.draft.message = "x".repeat(6 << 20);
    }
    hear(&mut journals, &ask, Said::Written(all, None));
    assert_eq!(extent(&journals), Some((4, 5)));
    let journal = journals.get(&id("a")).unwrap();
    assert_eq!(
        (journal.is_full(), journal.older_than(), journal.of_level(Level::Info)),
        (true, None, 2)
    );
    for other in ["b", "c", "d", "e", "f", "g"] {
        journals.attend(&[id(other)], &Table::default());
    }
    assert!(journals.get(&id("a")).is_none());
    assert!(journals.get(&id("c")).is_some() && journals.ask(&id("c")).is_none());
    assert!(journals.ask(&id("g")).is_some());
}

proptest! {
    #[test]
    fn whatever_is_heard_there_is_no_hole(
        steps in prop::collection::vec((0..6_u8, 1..3_u64, 0..30_usize, 0..8_usize), 0..60),
    ) {
        let histories = [chain(1, 40), chain(2, 40)];
        let (mut journals, ask) = attended();
        for (kind, history, from, count) in steps {
            let history = &histories[usize::try_from(history - 1).unwrap()];
            let some = history[from..(from + count).min(40)].to_vec();
            let said = match kind {
                0 => Said::Newest(some),
                1 | 2 => Said::Written(some, None),
                3 | 4 => Said::Older(Ok(some)),
                _ => Said::Replaced,
            };
            hear(&mut journals, &ask, said);
            let journal = journals.get(&id("a")).unwrap();
            let entries: &VecDeque<Entry> = journal.entries();
            for (one, next) in entries.iter().zip(entries.iter().skip(1)) {
                prop_assert_eq!(one.seq + 1, next.seq);
                prop_assert_eq!(&one.hash, &next.prev_hash);
            }
            prop_assert_eq!(journal.of_phase(Phase::Iteration), entries.len());
        }
    }
}
