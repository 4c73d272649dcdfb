//! What people do about items: which acts there are, and how those under way do. Bounded, and pure.

use std::collections::VecDeque;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use smith_model::duration::Span;
use smith_model::id::LoopId;
use smith_model::inbox::{Item, Occurrence};

/// The most orders that are kept.
const MOST_ORDERS: usize = 100;

/// Something that a person does about items.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Act {
    /// Takes care of them; with a reason also where somebody else does.
    Claim {
        /// Why.
        reason: Option<String>,
    },
    /// Gives that up; with a reason also for somebody else.
    Unclaim {
        /// Why.
        reason: Option<String>,
    },
    /// Has seen them: they are quiet for as long as they are so.
    Acknowledge {
        /// For the others.
        note: Option<String>,
    },
    /// Wants them quiet for a while.
    Snooze {
        /// Until when.
        until: Until,
        /// For the others.
        note: Option<String>,
    },
    /// Wants them back.
    Unsnooze {
        /// For the others.
        note: Option<String>,
    },
}

/// When what is snoozed comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Until {
    /// After so long.
    For(Span),
    /// At that time.
    At(Timestamp),
    /// When a clock at the person's shows that the next time.
    Clock {
        /// The hour.
        hour: i8,
        /// The minute.
        minute: i8,
    },
}

/// An act that a person asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// What.
    pub act: Act,
    /// About which items.
    pub targets: Vec<Target>,
}

/// An item as the person saw it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// The loop.
    pub id: LoopId,
    /// Which time that it is so: the server refuses the act if it isn't so any more.
    pub occurrence: Occurrence,
}

/// What came of an act on one item; what the server said is in its words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It is so for everybody.
    Done,
    /// Somebody else takes care of it.
    Claimed(String),
    /// The server said no.
    Refused(String),
    /// The answer was lost: it may have been done.
    Unknown(String),
}

/// Orders under way.
#[derive(Debug, Default)]
pub struct Marking {
    next: u64,
    orders: VecDeque<Progress>,
}

/// How an order does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    number: u64,
    /// What is done.
    pub act: Act,
    asked: usize,
    done: Vec<LoopId>,
    failed: usize,
    /// Why the newest of them failed.
    why: Option<String>,
    /// What somebody else takes care of, and can be taken over.
    pub claimed: Vec<Target>,
    /// It was for a server that isn't spoken to any more.
    is_elsewhere: bool,
}

impl From<&Item> for Target {
    fn from(item: &Item) -> Self {
        Self { id: item.loop_id.clone(), occurrence: item.occurrence.clone() }
    }
}

impl Act {
    /// What an item is once it is done.
    fn done(&self) -> &'static str {
        match self {
            Self::Claim { .. } => "claimed",
            Self::Unclaim { .. } => "given up",
            Self::Acknowledge { .. } => "acknowledged",
            Self::Snooze { .. } => "snoozed",
            Self::Unsnooze { .. } => "awake again",
        }
    }
}

impl Until {
    /// Reads `30m`, `08:00` or `2026-01-31T12:00:00Z`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let clock = text.split_once(':').and_then(|(hour, minute)| {
            let is_clock = hour.len() <= 2 && minute.len() == 2;
            let (hour, minute) = (hour.parse().ok()?, minute.parse().ok()?);
            let is_time = (0..24).contains(&hour) && (0..60).contains(&minute);
            (is_clock && is_time).then_some(Self::Clock { hour, minute })
        });
        clock
            .or_else(|| text.parse().ok().map(Self::For))
            .or_else(|| text.parse().ok().map(Self::At))
            .ok_or_else(|| {
                format!(
                    "{text:?} says no time: 30m or 2h is how long, 08:00 the next time that a clock \
                     shows it, 2026-01-31T12:00:00Z when"
                )
            })
    }
}

impl Marking {
    /// Takes an order; answers its number.
    pub fn begin(&mut self, order: &Order) -> u64 {
        let number = self.next;
        self.next += 1;
        self.orders.push_back(Progress {
            number,
            act: order.act.clone(),
            asked: order.targets.len(),
            done: vec![],
            failed: 0,
            why: None,
            claimed: vec![],
            is_elsewhere: false,
        });
        if self.orders.len() > MOST_ORDERS {
            self.orders.pop_front();
        }
        number
    }

    /// Takes what came of one of an order's acts; answers how the order did, if that was the last one.
    pub fn land(&mut self, number: u64, target: Target, outcome: Outcome) -> Option<Progress> {
        let at = self.orders.iter().position(|order| order.number == number)?;
        let order = &mut self.orders[at];
        match outcome {
            Outcome::Done => order.done.push(target.id),
            Outcome::Claimed(why) => {
                order.fail(&target.id, why);
                if !order.is_elsewhere {
                    order.claimed.push(target);
                }
            }
            Outcome::Refused(why) => order.fail(&target.id, why),
            Outcome::Unknown(why) => {
                order.fail(&target.id, format!("not known whether it was done: {why}"));
            }
        }
        let is_over = order.done.len() + order.failed >= order.asked;
        if is_over { self.orders.remove(at) } else { None }
    }

    /// Another server is spoken to: what comes of these orders is said, and nothing is offered for it.
    pub fn move_on(&mut self) {
        for order in &mut self.orders {
            order.is_elsewhere = true;
            order.claimed.clear();
        }
    }
}

impl Progress {
    fn fail(&mut self, id: &LoopId, why: String) {
        self.failed += 1;
        let names_it = why.contains(id.as_str());
        self.why = Some(if names_it { why } else { format!("{id}: {why}") });
    }

    /// Was it done to all of them?
    pub fn is_done(&self) -> bool {
        self.failed == 0
    }

    /// Why it wasn't done to the newest of those to which it wasn't.
    pub fn why(&self) -> &str {
        self.why.as_deref().unwrap_or_default()
    }

    /// In one line.
    pub fn line(&self) -> String {
        let (done, count) = (self.act.done(), self.done.len());
        match (self.done.as_slice(), self.failed) {
            ([id], 0) => format!("{id} is {done}"),
            (_, 0) => format!("{count} items are {done}"),
            ([], 1) => format!("not {done}: {}", self.why()),
            ([], failed) => format!("none of {failed} is {done}; {}", self.why()),
            (_, failed) => {
                format!("{count} of {} are {done}, {failed} not; {}", self.asked, self.why())
            }
        }
    }
}
