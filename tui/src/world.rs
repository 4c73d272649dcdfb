//! What is known, whatever tab looks at it.

pub mod inbox;
pub mod journals;
mod loops;
pub mod terminals;

use jiff::Timestamp;
use smith_model::access::{Identity, Role};
use smith_model::id::ProjectName;

use crate::acts::Book;
use crate::connect::Refusal;
use crate::fleet::{SavedViews, Table};
use crate::look::Look;
use crate::world::inbox::{Inbox, Marking, Viewer};
use crate::world::journals::Journals;
pub use loops::{Known, Loops, Moment, Papers, Slot, What};

/// What is known.
#[derive(Debug)]
pub struct World {
    /// The time of the newest message.
    pub now: Timestamp,
    /// Whom we speak to, and as whom.
    pub session: Session,
    /// The loops.
    pub fleet: Table,
    /// The views of it that were kept.
    pub views: SavedViews,
    /// The filters that were used lately, the newest last.
    pub filters: Vec<String>,
    /// What was done from here.
    pub acts: Book,
    /// The journals that are looked at.
    pub journals: Journals,
    /// More of the loops that are looked at.
    pub loops: Loops,
    /// The loops that wait for a person.
    pub inbox: Inbox,
    /// What is being done about them from here.
    pub marking: Marking,
    /// The terminals that tabs look at.
    pub terminals: terminals::Terminals,
    /// How things look.
    pub look: Look,
}

/// Whom we speak to, and as whom.
#[derive(Clone, Debug, Default)]
pub struct Session {
    /// The context in use; nothing, where the server was named.
    pub context: Option<String>,
    /// The server's address.
    pub server: String,
    /// The project of what names none.
    pub project: Option<ProjectName>,
    /// Who we are, once the server said it.
    pub identity: Option<Identity>,
    /// Why the server won't say who we are.
    pub refused: Option<Refusal>,
    /// Nothing may be changed from here.
    pub read_only: bool,
}

impl World {
    /// At the start: nothing is known yet.
    pub fn new(now: Timestamp, session: Session, look: Look) -> Self {
        Self {
            now,
            session,
            fleet: Table::default(),
            views: SavedViews::default(),
            filters: vec![],
            acts: Book::default(),
            journals: Journals::default(),
            loops: Loops::default(),
            inbox: Inbox::default(),
            marking: Marking::default(),
            terminals: terminals::Terminals::default(),
            look,
        }
    }

    /// Forgets everything that is true of one server only: from here on it is another one.
    pub fn forget(&mut self, session: Session) {
        let fresh = Self::new(self.now, session, self.look);
        let before = std::mem::replace(self, fresh);
        // What is a person's own, and what was asked for, stays.
        let Self {
            now: _,
            session: _,
            fleet: _,
            journals: _,
            loops: _,
            inbox: _,
            terminals: _,
            look: _,
            views,
            filters,
            acts,
            marking,
        } = before;
        (self.views, self.filters, self.acts) = (views, filters, acts);
        self.marking = marking;
        self.marking.move_on();
    }
}

impl Session {
    /// Who looks at the inbox.
    pub fn viewer(&self) -> Viewer<'_> {
        Viewer { name: self.identity.as_ref().map(|identity| identity.name.as_str()) }
    }

    /// May anything be changed from here? Else why not, and the way out.
    pub fn may_act(&self) -> Result<(), String> {
        match &self.identity {
            _ if self.read_only => {
                Err("nothing can be changed here: it was started with --read-only".to_owned())
            }
            Some(Identity { name, role: Role::Viewer, .. }) => Err(format!(
                "the token of {name} only reads (role viewer): use a context with an operator's"
            )),
            Some(_) | None => Ok(()),
        }
    }
}
