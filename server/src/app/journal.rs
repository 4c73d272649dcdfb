//! Reading a journal: pages, the newest entries, and following it.

use smith_model::api::Page;
use smith_model::id::{LoopId, Revision};
use smith_model::journal::Entry;
use uuid::Uuid;

use super::{App, Caller, Error};
use crate::view::journals::Follower;

/// Which entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    /// Those with numbers above this one.
    After(u64),
    /// The newest so many.
    Tail(u64),
}

impl App {
    /// A page of a journal, oldest first. Its cursor is the number to go on after.
    pub async fn journal(
        &self,
        caller: &Caller,
        id: &LoopId,
        from: From,
        limit: usize,
    ) -> Result<Page<Entry>, Error> {
        self.visible(caller, id).await?;
        let after = match from {
            From::After(after) => after,
            From::Tail(n) => {
                let next = self.store.head(id).await?.map_or(1, |head| head.next);
                (next - 1).saturating_sub(n)
            }
        };
        let slice = self.store.journal(id, after, limit).await?;
        let last = slice.items.last().map(|entry| entry.seq);
        let cursor = slice.next.and(last).map(|seq| seq.to_string());
        Ok(Page { items: slice.items, cursor, revision: Revision(slice.revision) })
    }

    /// The loop's uid, if the caller may see it.
    pub async fn loop_uid(&self, caller: &Caller, id: &LoopId) -> Result<Uuid, Error> {
        Ok(self.visible(caller, id).await?.uid)
    }

    /// Every entry with a number above `after`, as they come, without a gap. For those who may see the loop.
    pub fn follow(&self, id: &LoopId, after: u64) -> Follower {
        self.journals.follow(id.clone(), after)
    }
}
