//! The terminals and recordings that tabs look at, as far as they are known. Pure, but for what is on their stages.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use smith_model::id::AttemptNo;
use smith_term::message::LeaseRequest;

use crate::panes::{Lease, News, Order, Over, Playing, Stage, Subject, Tape, Told};

/// How many terminals that aren't shown keep their last screens: each has up to five megabytes.
const MOST_KEPT: usize = 8;
/// How long it is news that something was said about it.
const SAID: SignedDuration = SignedDuration::from_secs(20);
/// How long a terminal counts as behind after output was skipped.
const BEHIND: SignedDuration = SignedDuration::from_secs(3);

/// All of them.
#[derive(Debug, Default)]
pub struct Terminals {
    all: BTreeMap<Subject, Terminal>,
    /// Those that were shown, the newest last.
    shown: Vec<Subject>,
    /// The newest number.
    next: u64,
    /// The window doesn't have the person's focus.
    pub is_elsewhere: bool,
}

/// A terminal or a recording.
#[derive(Debug, Default)]
pub struct Terminal {
    /// What it shows.
    pub stage: Stage,
    /// How it stands with the server.
    pub link: Link,
    /// The attempt whose worker it is.
    pub no: Option<AttemptNo>,
    /// Who may type.
    pub lease: Lease,
    /// Who is attached.
    pub viewers: Vec<String>,
    /// What was said about it last, and when.
    pub said: Option<(String, Timestamp)>,
    /// Bytes that came.
    pub printed: u64,
    /// Bytes that were skipped, and when the last ones were.
    pub skipped: Option<(u64, Timestamp)>,
    /// The recordings of a loop, once they are listed.
    pub tapes: Option<Vec<Tape>>,
    /// Parts of a recording that are there, and all.
    pub loading: Option<(usize, usize)>,
    /// Where a recording stands.
    pub playing: Option<Playing>,
    /// Another one each time that it is to be attached to anew.
    pub number: u64,
}

/// How it stands with the server.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Link {
    /// It is being attached to.
    #[default]
    Connecting,
    /// It is attached.
    Live,
    /// The connection was lost, and is being tried again.
    Lost {
        /// Since when.
        since: Timestamp,
        /// Why.
        why: String,
    },
    /// It is over.
    Over(Over),
}

/// Something to be said to the person because of news.
#[derive(Debug, PartialEq, Eq)]
pub enum Says {
    /// Good to know.
    Good(String),
    /// It matters.
    Bad(String),
}

impl Terminals {
    /// One of them.
    pub fn get(&self, subject: &Subject) -> Option<&Terminal> {
        self.all.get(subject)
    }

    /// The same, to be changed.
    pub fn get_mut(&mut self, subject: &Subject) -> Option<&mut Terminal> {
        self.all.get_mut(subject)
    }

    /// Knows those that tabs look at, and forgets others. Of those that aren't shown the last screens of a few stay.
    pub fn keep(&mut self, looked_at: BTreeSet<Subject>, shown: &BTreeSet<Subject>) {
        self.all.retain(|subject, _| looked_at.contains(subject));
        self.shown.retain(|subject| looked_at.contains(subject) && !shown.contains(subject));
        let hidden = self.shown.len();
        for subject in &self.shown[..hidden.saturating_sub(MOST_KEPT)] {
            if let Some(terminal) = self.all.get(subject).filter(|t| !t.lease.is_mine()) {
                terminal.stage.clear();
            }
        }
        self.shown.drain(..hidden.saturating_sub(MOST_KEPT));
        self.shown.extend(shown.iter().cloned());
        for subject in looked_at {
            self.all.entry(subject).or_insert_with(|| {
                self.next += 1;
                Terminal { number: self.next, ..Terminal::default() }
            });
        }
    }

    /// One is to be attached to, or fetched, anew.
    pub fn again(&mut self, subject: &Subject) {
        let Some(terminal) = self.all.get_mut(subject) else { return };
        self.next += 1;
        terminal.number = self.next;
        terminal.link = Link::Connecting;
        terminal.said = None;
        terminal.lease = Lease::default();
    }

    /// Those whose keyboards are ours: they stay attached, seen or not.
    pub fn held(&self) -> impl Iterator<Item = &Subject> {
        self.all.iter().filter(|(_, terminal)| terminal.lease.is_mine()).map(|(of, _)| of)
    }

    /// Takes news; answers what is to be said. What isn't looked at any more has none.
    pub fn take(&mut self, now: Timestamp, subject: &Subject, news: News) -> Option<Says> {
        let said = self.all.get_mut(subject)?.take(now, news)?;
        Some(match said {
            Says::Good(text) => Says::Good(format!("{subject}: {text}")),
            Says::Bad(text) => Says::Bad(format!("{subject}: {text}")),
        })
    }
}

impl Terminal {
    /// An order goes out.
    pub fn ordered(&mut self, order: &Order) {
        if matches!(order, Order::Lease(LeaseRequest::Release { .. })) {
            self.lease.hands_back();
        }
    }

    /// What was said about it a short while ago.
    pub fn said(&self, now: Timestamp) -> Option<&str> {
        let said = self.said.as_ref().filter(|(_, at)| now.duration_since(*at) < SAID);
        said.map(|(text, _)| text.as_str())
    }

    /// The bytes that were skipped just now, if any were.
    pub fn behind(&self, now: Timestamp) -> Option<u64> {
        self.skipped.filter(|(_, at)| now.duration_since(*at) < BEHIND).map(|(bytes, _)| bytes)
    }

    fn take(&mut self, now: Timestamp, news: News) -> Option<Says> {
        match news {
            News::Attached(no) => {
                self.link = Link::Live;
                if self.no.is_some_and(|before| before != no) {
                    self.said = Some((format!("attempt {no} begins"), now));
                }
                self.no = Some(no);
                None
            }
            News::Welcome { you, viewers, holder } => {
                self.viewers = viewers;
                told(self.lease.attached(you, holder))
            }
            News::Holder(holder) => told(self.lease.changed(holder)),
            News::Viewers(viewers) => {
                self.viewers = viewers;
                None
            }
            News::Lost { since, why } => {
                self.link = Link::Lost { since, why };
                self.viewers.clear();
                told(self.lease.detached())
            }
            News::Over(over) => {
                self.link = Link::Over(over);
                self.viewers.clear();
                told(self.lease.detached())
            }
            News::Said(text) | News::Began(text) | News::Exit(text) => {
                self.said = Some((text, now));
                None
            }
            News::Printed { bytes, skipped, is_echo: _ } => {
                self.printed += bytes;
                if skipped > 0 {
                    self.skipped = Some((self.skipped.map_or(0, |(all, _)| all) + skipped, now));
                }
                None
            }
            News::Unsent(bytes) => Some(Says::Bad(format!(
                "{bytes} bytes that you typed went nowhere: the terminal isn't attached, or takes nothing"
            ))),
            News::Tapes(tapes) => {
                self.link = Link::Live;
                self.tapes = Some(tapes);
                None
            }
            News::Loading(done, of) => {
                self.loading = Some((done, of));
                None
            }
            News::Playing(playing) => {
                self.link = Link::Live;
                self.loading = None;
                self.playing = Some(playing);
                None
            }
        }
    }
}

fn told(told: Told) -> Option<Says> {
    match told {
        Told::Nothing => None,
        Told::Got => Some(Says::Good("you have the keyboard: keys go to the program".to_owned())),
        Told::HandedBack => Some(Says::Good("you handed the keyboard back".to_owned())),
        Told::Lost(why) => Some(Says::Bad(why)),
    }
}

#[cfg(test)]
mod tests {
    use smith_term::mirror::Mirror;

    use super::*;
    use crate::panes::Content;

    fn subject(n: usize) -> Subject {
        Subject::Agent(format!("loop-{n}").parse().unwrap())
    }

    fn has_screen(terminals: &Terminals, n: usize) -> bool {
        let stage = &terminals.get(&subject(n)).unwrap().stage;
        stage.change(|content| matches!(content, Content::Live(_)))
    }

    #[test]
    fn of_those_that_are_not_seen_the_last_ones_keep_their_screens() {
        let mut terminals = Terminals::default();
        let all: BTreeSet<Subject> = (0..20).map(subject).collect();
        for n in 0..20 {
            terminals.keep(all.clone(), &BTreeSet::from([subject(n)]));
            let stage = &terminals.get(&subject(n)).unwrap().stage;
            stage.change(|content| *content = Content::Live(Box::<Mirror>::default()));
        }
        terminals.keep(all.clone(), &BTreeSet::from([subject(19)]));
        let kept: Vec<usize> = (0..20).filter(|n| has_screen(&terminals, *n)).collect();
        assert_eq!(kept, (19 - MOST_KEPT..20).collect::<Vec<_>>());
        terminals.keep(BTreeSet::from([subject(3)]), &BTreeSet::new());
        assert!(terminals.get(&subject(3)).is_some() && terminals.get(&subject(4)).is_none());
    }

    #[test]
    fn who_was_behind_is_for_three_seconds() {
        let mut terminals = Terminals::default();
        terminals.keep(BTreeSet::from([subject(1)]), &BTreeSet::new());
        let now = Timestamp::UNIX_EPOCH;
        for skipped in [5, 0, 7] {
            let news = News::Printed { bytes: 1, skipped, is_echo: false };
            assert_eq!(terminals.take(now, &subject(1), news), None);
        }
        let terminal = terminals.get(&subject(1)).unwrap();
        assert_eq!(terminal.behind(now), Some(12));
        assert_eq!(terminal.behind(now + SignedDuration::from_secs(3)), None);
    }
}
