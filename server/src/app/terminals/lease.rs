//! What one viewer does to the lease, found out from what it asks and what its worker tells everybody. Pure.
//!
//! A lease's changes are told to all viewers, and recorded by the connection of the one who made them: so each stands
//! in the audit once, whichever processes the viewers are on.

use smith_term::message::{Holder, LeaseRequest, Steal, ViewerId};

/// What a viewer knows of the lease.
#[derive(Debug, Default)]
pub(super) struct Lease {
    /// Its own number, once welcomed.
    you: Option<ViewerId>,
    /// It has the lease.
    held: bool,
    /// It asked to hand it back, with this note.
    release: Option<Option<String>>,
}

/// A change that the viewer made or suffered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum LeaseChange {
    /// It took what nobody had.
    Take,
    /// It took it from somebody.
    Steal(Steal),
    /// It handed it back.
    Release {
        /// What it said.
        note: Option<String>,
    },
    /// It lost it against its will.
    Lost {
        /// How.
        why: String,
    },
}

impl Lease {
    pub(super) fn welcome(&mut self, you: ViewerId) {
        self.you = Some(you);
    }

    /// The viewer asks for something.
    pub(super) fn ask(&mut self, request: &LeaseRequest) {
        match request {
            LeaseRequest::Take | LeaseRequest::Steal { .. } => self.release = None,
            LeaseRequest::Release { note } => self.release = Some(note.clone()),
        }
    }

    /// The worker says who may type.
    pub(super) fn told(&mut self, holder: Option<&Holder>) -> Option<LeaseChange> {
        let mine = holder.filter(|holder| Some(holder.id) == self.you);
        match (self.held, mine, holder) {
            (false, Some(holder), _) => {
                self.held = true;
                self.release = None;
                Some(holder.stolen.clone().map_or(LeaseChange::Take, LeaseChange::Steal))
            }
            (true, None, None) => {
                self.held = false;
                Some(match self.release.take() {
                    Some(note) => LeaseChange::Release { note },
                    None => LeaseChange::Lost { why: "the worker took it back".into() },
                })
            }
            (true, None, Some(thief)) => {
                self.held = false;
                Some(match (self.release.take(), &thief.stolen) {
                    // Handed back, and taken by somebody before this was told.
                    (Some(note), None) => LeaseChange::Release { note },
                    _ => LeaseChange::Lost { why: format!("{} stole it", thief.name) },
                })
            }
            (true, Some(_), _) | (false, None, _) => None,
        }
    }

    /// The connection is over.
    pub(super) fn over(&mut self) -> Option<LeaseChange> {
        let why = "the connection of its holder ended".to_owned();
        std::mem::take(&mut self.held).then_some(LeaseChange::Lost { why })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holder(id: u32, stolen: Option<&str>) -> Holder {
        Holder {
            id: ViewerId(id),
            name: format!("v{id}"),
            since: jiff::Timestamp::UNIX_EPOCH,
            stolen: stolen.map(|reason| Steal { from: "x".into(), reason: reason.into() }),
        }
    }

    fn viewer() -> Lease {
        let mut lease = Lease::default();
        lease.welcome(ViewerId(1));
        lease
    }

    #[test]
    fn what_others_do_is_theirs_to_record() {
        let mut lease = viewer();
        for told in [None, Some(holder(2, None)), Some(holder(3, Some("r"))), None] {
            assert_eq!(lease.told(told.as_ref()), None);
        }
        assert_eq!(lease.over(), None);
    }

    #[test]
    fn taken_and_handed_back_with_a_note() {
        let mut lease = viewer();
        assert_eq!(lease.told(Some(&holder(1, None))), Some(LeaseChange::Take));
        assert_eq!(lease.told(Some(&holder(1, None))), None, "told again");
        lease.ask(&LeaseRequest::Release { note: Some("n".into()) });
        assert_eq!(lease.told(None), Some(LeaseChange::Release { note: Some("n".into()) }));
        assert_eq!(lease.told(Some(&holder(1, None))), Some(LeaseChange::Take));
        lease.ask(&LeaseRequest::Release { note: None });
        let change = lease.told(Some(&holder(2, None)));
        assert_eq!(change, Some(LeaseChange::Release { note: None }), "and taken at once");
    }

    #[test]
    fn stolen_and_lost() {
        let mut lease = viewer();
        let steal = Steal { from: "x".into(), reason: "r".into() };
        assert_eq!(lease.told(Some(&holder(1, Some("r")))), Some(LeaseChange::Steal(steal)));
        let why = "v2 stole it".into();
        assert_eq!(lease.told(Some(&holder(2, Some("s")))), Some(LeaseChange::Lost { why }));
        assert_eq!(lease.told(Some(&holder(1, None))), Some(LeaseChange::Take));
        assert!(matches!(lease.told(None), Some(LeaseChange::Lost { .. })));
        assert_eq!(lease.over(), None);
        assert_eq!(lease.told(Some(&holder(1, None))), Some(LeaseChange::Take));
        assert!(matches!(lease.over(), Some(LeaseChange::Lost { .. })));
        assert_eq!(lease.over(), None);
    }
}
