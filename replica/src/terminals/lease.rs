//! Who may type in a session: one holder at most. Pure.

use jiff::Timestamp;
use smith_model::printable::{Lines, printable};
use smith_model::terminal::{Holder, Mode, Steal, Viewer, ViewerId};

use crate::excerpt::cut;

/// The most bytes of a reason or a note.
const MOST_WORDS: usize = 1_000;

/// The lease of a session.
#[derive(Debug, Default)]
pub(super) struct Lease {
    holder: Option<Holder>,
}

/// Why a request was refused, in a sentence for whoever asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// It only watches.
    ReadOnly,
    /// Somebody has the lease.
    Taken(String),
    /// A steal needs a reason.
    NoReason,
    /// It hasn't got the lease.
    NotHeld,
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::ReadOnly => {
                f.write_str("you are attached to watch; attach with mode write to type")
            }
            Self::Taken(name) => {
                write!(
                    f,
                    "{name} has the lease; wait until it is handed back, or steal it with a reason"
                )
            }
            Self::NoReason => {
                f.write_str("a steal needs a reason, which its holder and the audit get")
            }
            Self::NotHeld => f.write_str("you don't have the lease; take it first"),
        }
    }
}

impl Lease {
    /// Who has it.
    pub(super) fn holder(&self) -> Option<&Holder> {
        self.holder.as_ref()
    }

    /// Has this viewer got it?
    pub(super) fn held_by(&self, id: ViewerId) -> Result<(), Refused> {
        if self.holder.as_ref().is_some_and(|h| h.id == id) {
            Ok(())
        } else {
            Err(Refused::NotHeld)
        }
    }

    /// Gives it to a viewer, if nobody has it. Asked again by its holder, nothing changes.
    pub(super) fn take(&mut self, viewer: &Viewer, now: Timestamp) -> Result<(), Refused> {
        may_write(viewer)?;
        match &self.holder {
            Some(holder) if holder.id == viewer.id => Ok(()),
            Some(holder) => Err(Refused::Taken(holder.name.clone())),
            None => {
                self.holder = Some(given(viewer, now, None));
                Ok(())
            }
        }
    }

    /// Gives it to a viewer, whoever has it; answers who had it.
    pub(super) fn steal(
        &mut self,
        viewer: &Viewer,
        reason: &str,
        now: Timestamp,
    ) -> Result<Option<Holder>, Refused> {
        may_write(viewer)?;
        let reason = words(reason).ok_or(Refused::NoReason)?;
        if self.holder.as_ref().is_some_and(|h| h.id == viewer.id) {
            return Ok(None);
        }
        let from = self.holder.take();
        let stolen = from.as_ref().map(|h| Steal { from: h.name.clone(), reason });
        self.holder = Some(given(viewer, now, stolen));
        Ok(from)
    }

    /// Takes it back from a viewer, who hands it back or is gone.
    pub(super) fn release(&mut self, id: ViewerId) -> Result<Holder, Refused> {
        self.held_by(id)?;
        self.holder.take().ok_or(Refused::NotHeld)
    }
}

fn given(viewer: &Viewer, since: Timestamp, stolen: Option<Steal>) -> Holder {
    Holder { id: viewer.id, name: viewer.name.clone(), since, stolen }
}

fn may_write(viewer: &Viewer) -> Result<(), Refused> {
    if viewer.mode == Mode::Write { Ok(()) } else { Err(Refused::ReadOnly) }
}

/// A reason or a note as it is kept: printable and bounded; `None`: there is nothing in it.
pub(super) fn words(text: &str) -> Option<String> {
    let text = printable(text.trim(), Lines::Many);
    let text = cut(&text, MOST_WORDS).trim();
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn viewer(id: u32, mode: Mode) -> Viewer {
        Viewer { id: ViewerId(id), name: format!("viewer-{id}"), mode }
    }

    fn now() -> Timestamp {
        Timestamp::UNIX_EPOCH
    }

    #[test]
    fn it_is_taken_once_and_stolen_with_a_reason() {
        let (ann, bob) = (viewer(1, Mode::Write), viewer(2, Mode::Write));
        let mut lease = Lease::default();
        lease.take(&ann, now()).expect("free");
        assert_eq!(lease.take(&bob, now()), Err(Refused::Taken("viewer-1".into())));
        assert_eq!(lease.steal(&bob, " \n", now()), Err(Refused::NoReason));
        let from = lease.steal(&bob, "prod is down", now()).expect("a reason").expect("a holder");
        assert_eq!(from.name, "viewer-1");
        let holder = lease.holder().expect("held");
        assert_eq!(holder.name, "viewer-2");
        let stolen = holder.stolen.as_ref().expect("it was");
        assert_eq!((stolen.from.as_str(), stolen.reason.as_str()), ("viewer-1", "prod is down"));
        assert_eq!(lease.release(ViewerId(1)), Err(Refused::NotHeld));
        lease.release(ViewerId(2)).expect("its own");
        assert_eq!(lease.holder(), None);
    }

    #[test]
    fn who_watches_never_gets_it() {
        let mut lease = Lease::default();
        let watcher = viewer(1, Mode::Read);
        assert_eq!(lease.take(&watcher, now()), Err(Refused::ReadOnly));
        assert_eq!(lease.steal(&watcher, "please", now()), Err(Refused::ReadOnly));
    }

    proptest! {
        #[test]
        fn two_who_steal_from_each_other_never_both_hold_it(steps in prop::collection::vec((0u32..3, 0u8..3), 0..40)) {
            let mut lease = Lease::default();
            let mut held: Option<u32> = None;
            for (id, step) in steps {
                let viewer = viewer(id, Mode::Write);
                match step {
                    0 => if lease.take(&viewer, now()).is_ok() { held = Some(id) },
                    1 => {
                        let from = lease.steal(&viewer, "mine", now()).unwrap();
                        prop_assert_eq!(from.map(|h| h.id.0), held.filter(|h| *h != id));
                        held = Some(id);
                    }
                    _ => if lease.release(viewer.id).is_ok() { held = None },
                }
                prop_assert_eq!(lease.holder().map(|h| h.id.0), held);
                for id in 0..3 {
                    prop_assert_eq!(lease.held_by(ViewerId(id)).is_ok(), held == Some(id));
                }
            }
        }
    }
}
