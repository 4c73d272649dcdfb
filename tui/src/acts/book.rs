//! Acts under way and what came of them: bounded, newest last. Pure.

use std::collections::VecDeque;

use jiff::Timestamp;
use smith_model::id::LoopId;

use crate::acts::{Order, Outcome, Verb};

/// The most outcomes that are kept.
const MOST_LANDED: usize = 1000;
/// The most orders that are kept.
const MOST_ORDERS: usize = 100;

/// All of them.
#[derive(Debug, Default)]
pub struct Book {
    next: u64,
    orders: VecDeque<Progress>,
    landed: VecDeque<Landed>,
}

/// How an order does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Its number.
    pub number: u64,
    /// What is done.
    pub verb: Verb,
    /// To the loop, where it is one.
    pub one: Option<LoopId>,
    /// To how many loops.
    pub asked: usize,
    /// How many the server did.
    pub done: usize,
    /// How many it didn't, or nobody knows.
    pub failed: usize,
    /// Why the newest of them failed.
    pub why: Option<String>,
}

/// An act on one loop that is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Landed {
    /// When its answer came.
    pub at: Timestamp,
    /// What.
    pub verb: Verb,
    /// To which loop.
    pub id: LoopId,
    /// What came of it.
    pub outcome: Outcome,
}

impl Book {
    /// Takes an order; answers its number.
    pub fn begin(&mut self, order: &Order) -> u64 {
        let Order { verb, reason: _, targets } = order;
        let one = match targets.as_slice() {
            [target] => Some(target.id.clone()),
            _ => None,
        };
        let number = self.next;
        self.next += 1;
        let asked = targets.len();
        self.orders.push_back(Progress {
            number,
            verb: *verb,
            one,
            asked,
            done: 0,
            failed: 0,
            why: None,
        });
        while self.orders.len() > MOST_ORDERS {
            self.orders.pop_front();
        }
        number
    }

    /// Takes what came of one of an order's acts; answers how the order does now.
    pub fn land(
        &mut self,
        at: Timestamp,
        number: u64,
        id: LoopId,
        outcome: Outcome,
    ) -> Option<&Progress> {
        let order = self.orders.iter_mut().find(|order| order.number == number)?;
        match &outcome {
            Outcome::Done => order.done += 1,
            Outcome::Refused(why) | Outcome::Stale(why) | Outcome::Unknown(why) => {
                order.failed += 1;
                order.why = Some(match order.one {
                    Some(_) => why.clone(),
                    None => format!("{id}: {why}"),
                });
            }
        }
        self.landed.push_back(Landed { at, verb: order.verb, id, outcome });
        while self.landed.len() > MOST_LANDED {
            self.landed.pop_front();
        }
        Some(order)
    }

    /// Orders of which an answer is missing, oldest first.
    pub fn under_way(&self) -> impl Iterator<Item = &Progress> {
        self.orders.iter().filter(|order| !order.is_over())
    }

    /// What is over, newest first.
    pub fn landed(&self) -> impl ExactSizeIterator<Item = &Landed> {
        self.landed.iter().rev()
    }
}

impl Progress {
    /// Has every answer come?
    pub fn is_over(&self) -> bool {
        self.missing() == 0
    }

    /// How many answers are missing.
    pub fn missing(&self) -> usize {
        self.asked.saturating_sub(self.done + self.failed)
    }

    /// In one line.
    pub fn line(&self) -> String {
        let Self { verb, one, asked, done, failed, why, .. } = self;
        let why = why.as_deref().unwrap_or_default();
        match (one, *done, *failed) {
            (Some(id), 1.., _) => format!("{id} is {}", verb.done()),
            (Some(id), _, 1..) => format!("{id} isn't {}: {why}", verb.done()),
            (Some(id), 0, 0) => format!("{} {id}: asked the server", verb.name()),
            (None, done, 0) if done == *asked => format!("{done} loops are {}", verb.done()),
            (None, done, 0) => format!("{done} of {asked} are {}", verb.done()),
            (None, done, failed) => {
                format!("{done} of {asked} are {}, {failed} aren't: {why}", verb.done())
            }
        }
    }
}

impl Outcome {
    /// What it is in a list of acts.
    pub fn line(&self, verb: Verb) -> String {
        match self {
            Self::Done => verb.done().to_owned(),
            Self::Refused(why) => format!("refused: {why}"),
            Self::Stale(why) => format!("not done, it changed meanwhile: {why}"),
            Self::Unknown(why) => format!("not known whether it was done: {why}"),
        }
    }
}
