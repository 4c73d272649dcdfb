//! The journal of a loop: in pages, and as it is written.

use smith_model::api::Page;
use smith_model::id::LoopId;
use smith_model::journal::Entry;

use crate::stream::{self, EventId, Parsed, Signals};
use crate::{Client, Error};

/// Which entries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JournalPage {
    /// Behind this one.
    pub after: Option<u64>,
    /// At most so many.
    pub limit: Option<u32>,
    /// The newest so many, oldest first.
    pub tail: Option<u32>,
}

/// What a followed journal says.
#[derive(Clone, Debug, PartialEq)]
pub enum JournalEvent {
    /// An entry.
    Entry(Box<Entry>),
    /// The loop has ended, and every entry before was sent. The stream ends with it.
    Ended,
    /// History is gone: what follows begins at the first entry again.
    Reset,
}

impl Client {
    /// A page of a loop's journal.
    pub async fn journal(&self, id: &LoopId, page: JournalPage) -> Result<Page<Entry>, Error> {
        let JournalPage { after, limit, tail } = page;
        let call = self.of(id, ["journal"]).query([
            ("after", after.map(|n| n.to_string())),
            ("limit", limit.map(|n| n.to_string())),
            ("tail", tail.map(|n| n.to_string())),
        ]);
        self.json(call, "a page of a journal").await
    }

    /// Every entry behind `after` (0: all), then each as it is written, until the loop has ended.
    ///
    /// Given the id of the last event seen, it goes on behind that one instead.
    pub fn journal_stream(
        &self,
        id: &LoopId,
        after: u64,
        from: Option<EventId>,
    ) -> Signals<JournalEvent> {
        let call = self.of(id, ["journal", "stream"]);
        let call = call.query([("after", Some(after.to_string()))]);
        stream::open(self, call, from, |name, data| {
            Ok(match name {
                "entry" => {
                    let entry = serde_json::from_str(data)?;
                    Parsed::Event(Some(JournalEvent::Entry(entry)))
                }
                "reset" => Parsed::Event(Some(JournalEvent::Reset)),
                "ended" => Parsed::Last(JournalEvent::Ended),
                _ => Parsed::Event(None),
            })
        })
    }
}
