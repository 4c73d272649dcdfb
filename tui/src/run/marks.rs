//! Acts about items of the inbox, carried out: each names the occurrence that the person saw.

use futures::StreamExt as _;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use smith_client::{Client, Error};
use smith_model::inbox::{ClaimRequest, NoteRequest, SnoozeRequest};
use smith_model::problem::Code;
use tokio::sync::mpsc;

use super::acts::words;
use super::connect::Told;
use super::sources::why;
use crate::msg::Msg;
use crate::world::inbox::{Act, Order, Outcome, Target, Until};

/// Requests of one order at a time.
const AT_ONCE: usize = 8;

/// Carries an order out; each outcome is told as it comes.
pub(super) async fn carry_out(client: Client, tx: mpsc::Sender<Told>, number: u64, order: Order) {
    let Order { act, targets } = order;
    let (client, tx, act) = (&client, &tx, &act);
    let acts = futures::stream::iter(targets).for_each_concurrent(AT_ONCE, async |target| {
        let outcome = match one(client, act, &target).await {
            Ok(()) => Outcome::Done,
            Err(error) => outcome(&error),
        };
        // Nobody hears it any more only when the program ends.
        let msg = Msg::Marked { order: number, target, outcome };
        let _ = tx.send(Told::Msg(msg)).await;
    });
    acts.await;
}

async fn one(client: &Client, act: &Act, target: &Target) -> Result<(), Error> {
    let Target { id, occurrence } = target;
    let occurrence = occurrence.clone();
    match act.clone() {
        Act::Claim { reason } => client.claim_item(id, &ClaimRequest { occurrence, reason }).await,
        Act::Unclaim { reason } => {
            client.unclaim_item(id, &ClaimRequest { occurrence, reason }).await
        }
        Act::Acknowledge { note } => {
            client.acknowledge_item(id, &NoteRequest { occurrence, note }).await
        }
        Act::Unsnooze { note } => client.unsnooze_item(id, &NoteRequest { occurrence, note }).await,
        Act::Snooze { until, note } => {
            let (until, span) = match until {
                Until::For(span) => (None, Some(span)),
                Until::At(at) => (Some(at), None),
                Until::Clock { hour, minute } => {
                    (Some(shown_next(Timestamp::now(), &TimeZone::system(), hour, minute)), None)
                }
            };
            client.snooze_item(id, &SnoozeRequest { occurrence, until, span, note }).await
        }
    }
    .map(drop)
}

fn outcome(error: &Error) -> Outcome {
    match error {
        Error::Problem { problem, .. } if problem.code == Code::ItemClaimed => {
            Outcome::Claimed(words(problem))
        }
        Error::Problem { problem, .. } if problem.status < 500 => Outcome::Refused(words(problem)),
        Error::InvalidServer { .. } | Error::InvalidToken | Error::Setup(_) => {
            Outcome::Refused(why(error))
        }
        error => Outcome::Unknown(why(error)),
    }
}

/// When a clock in a zone shows a time next. Where it is set forward over it, what it shows instead counts.
fn shown_next(now: Timestamp, zone: &TimeZone, hour: i8, minute: i8) -> Timestamp {
    let here = now.to_zoned(zone.clone());
    let on = |days: i64| {
        let date = here.date().checked_add(days.days()).ok()?;
        let at = date.at(hour, minute, 0, 0).to_zoned(zone.clone()).ok()?;
        Some(at.timestamp())
    };
    let found = (0..2).filter_map(on).find(|at| *at > now);
    found.unwrap_or(now + jiff::SignedDuration::from_hours(24))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_of_day_is_the_next_one_here() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        for (now, expect) in [
            ("2026-11-24T01:00:00Z", "2026-11-24T07:00:00Z"),
            ("2026-11-24T12:00:00Z", "2026-11-25T07:00:00Z"),
            ("2026-11-24T07:00:00Z", "2026-11-25T07:00:00Z"),
            // The clocks are set back in between.
            ("2026-10-24T12:00:00Z", "2026-10-25T07:00:00Z"),
        ] {
            let at = shown_next(now.parse().unwrap(), &zone, 8, 0);
            assert_eq!(at, expect.parse::<Timestamp>().unwrap(), "{now}");
        }
    }
}
