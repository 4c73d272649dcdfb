//! Journals: followed as they are written, asked for page by page, and written to files as a whole.

use std::io::{self, Write as _};
use std::time::Duration;

use futures::{FutureExt as _, StreamExt as _};
use jiff::Timestamp;
use smith_client::stream::{EventId, Signal, Signals};
use smith_client::{Client, Error, JournalEvent, JournalPage};
use smith_model::id::LoopId;
use smith_model::journal::Entry;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::save;
use super::sources::{at, why};
use crate::effect::{OlderEntries, SaveJournal};
use crate::msg::Msg;
use crate::world::journals::{Ask, Heard, PAGE, Said};

/// Entries in one message, at most.
const BATCH: usize = 512;
/// The wait between two tries to get the newest page.
const WAIT: Duration = Duration::from_secs(2);

/// Answers questions about journals.
pub(super) struct Journals {
    client: Client,
    tx: mpsc::Sender<Msg>,
    tasks: JoinSet<()>,
}

impl Journals {
    /// None asked yet; answers go there.
    pub(super) fn new(client: Client, tx: mpsc::Sender<Msg>) -> Self {
        Self { client, tx, tasks: JoinSet::new() }
    }

    /// Asks for a page of older entries.
    pub(super) fn older(&mut self, older: OlderEntries) {
        let (client, tx) = (self.client.clone(), self.tx.clone());
        self.spawn(async move {
            let OlderEntries { loop_id, generation, before } = older;
            let after = before.saturating_sub(u64::from(PAGE) + 1);
            let page = between(&client, &loop_id, after, before).await;
            let said = Said::Older(page.map_err(|error| why(&error)));
            let _ = tx.send(Msg::Journal(Heard { loop_id, generation, said })).await;
        });
    }

    /// Writes whole journals to a new file.
    pub(super) fn save(&mut self, what: SaveJournal) {
        let (client, tx) = (self.client.clone(), self.tx.clone());
        self.spawn(async move {
            let _ = tx.send(Msg::Told(write(&client, what).await)).await;
        });
    }

    fn spawn(&mut self, task: impl Future<Output = ()> + Send + 'static) {
        while self.tasks.try_join_next().is_some() {}
        self.tasks.spawn(task);
    }
}

/// Follows a journal until its loop has ended, or nobody listens.
pub(super) async fn follow(client: Client, ask: Ask, tx: mpsc::Sender<Msg>) {
    let Ask { loop_id, generation, from } = ask;
    let teller = Teller { loop_id: loop_id.clone(), generation, tx };
    let (after, from) = match from {
        Some(from) => (0, Some(EventId::new(from))),
        None => match newest(&client, &teller).await {
            Some(last) => (last, None),
            None => return,
        },
    };
    // Whoever hears of no end hears of no more entries: both ways it is over.
    let _ = pump(client.journal_stream(&loop_id, after, from), &teller).await;
}

/// Says what is heard of one journal.
struct Teller {
    loop_id: LoopId,
    generation: u64,
    tx: mpsc::Sender<Msg>,
}

/// Nobody listens any more.
#[derive(Debug)]
struct Unheard;

impl Teller {
    async fn tell(&self, said: Said) -> Result<(), Unheard> {
        let heard = Heard { loop_id: self.loop_id.clone(), generation: self.generation, said };
        self.tx.send(Msg::Journal(heard)).await.map_err(|_| Unheard)
    }
}

/// Tells the newest page; answers the number of its last entry, or nothing if it is over.
async fn newest(client: &Client, teller: &Teller) -> Option<u64> {
    let page = JournalPage { tail: Some(PAGE), ..JournalPage::default() };
    let mut is_lost = false;
    let entries = loop {
        match client.journal(&teller.loop_id, page).await {
            Ok(page) => break page.items,
            Err(error) if error.may_pass() => {
                let since = Timestamp::now();
                if !is_lost {
                    teller.tell(Said::Lost { since, why: why(&error) }).await.ok()?;
                }
                is_lost = true;
                tokio::time::sleep(WAIT).await;
            }
            Err(error) => {
                teller.tell(Said::Refused { why: why(&error) }).await.ok()?;
                return None;
            }
        }
    };
    let last = entries.last().map_or(0, |entry| entry.seq);
    teller.tell(Said::Newest(entries)).await.ok()?;
    Some(last)
}

/// Tells what a stream says, entries in batches: as many as are there already.
async fn pump(mut stream: Signals<JournalEvent>, teller: &Teller) -> Result<(), Unheard> {
    let (mut entries, mut last) = (vec![], None);
    loop {
        // With entries in hand, only what is there at once; a stream's `next` may be dropped.
        let next = if entries.is_empty() {
            Some(stream.next().await)
        } else if entries.len() < BATCH {
            stream.next().now_or_never()
        } else {
            None
        };
        let is_over = matches!(next, Some(None));
        let said = match next {
            Some(Some(Ok(Signal::Event { id, event: JournalEvent::Entry(entry) }))) => {
                entries.push(*entry);
                last = id.map(|id| id.as_str().to_owned());
                continue;
            }
            Some(Some(Ok(Signal::Event { id: _, event: JournalEvent::Ended }))) => {
                Some(Said::Ended)
            }
            Some(Some(Ok(Signal::Event { id: _, event: JournalEvent::Reset }))) => {
                Some(Said::Replaced)
            }
            Some(Some(Ok(Signal::Disconnected { since, error }))) => {
                Some(Said::Lost { since: at(since), why: why(&error) })
            }
            Some(Some(Ok(Signal::Reconnected))) => Some(Said::Back),
            Some(Some(Err(error))) => Some(Said::Refused { why: why(&error) }),
            Some(None) | None => None,
        };
        if !entries.is_empty() {
            let written = Said::Written(std::mem::take(&mut entries), last.take());
            teller.tell(written).await?;
        }
        if let Some(said) = said {
            teller.tell(said).await?;
        }
        if is_over {
            return Ok(());
        }
    }
}

/// The entries behind one number and before another.
async fn between(
    client: &Client,
    id: &LoopId,
    after: u64,
    before: u64,
) -> Result<Vec<Entry>, Error> {
    let (mut after, mut entries) = (after, vec![]);
    while after + 1 < before {
        let limit = u32::try_from(before - after - 1).unwrap_or(PAGE).min(PAGE);
        let page = JournalPage { after: Some(after), limit: Some(limit), tail: None };
        let page = client.journal(id, page).await?;
        let Some(last) = page.items.last() else { break };
        after = last.seq;
        entries.extend(page.items);
    }
    Ok(entries)
}

/// Writes whole journals, one behind the other; a page is in memory at a time.
async fn write(client: &Client, what: SaveJournal) -> Result<String, String> {
    let SaveJournal { loops, name, form } = what;
    let (path, file) = save::create(&name)?;
    let mut file = io::BufWriter::new(file);
    let mut count = 0_usize;
    for id in &loops {
        let mut after = 0;
        loop {
            let page = JournalPage { after: Some(after), limit: Some(PAGE), tail: None };
            let page = client.journal(id, page).await;
            let page = page.map_err(|error| {
                let shown = path.display();
                format!("{shown} has the first {count} entries only: {}", why(&error))
            })?;
            let Some(last) = page.items.last() else { break };
            after = last.seq;
            count += page.items.len();
            let whose = (loops.len() > 1).then_some(id);
            let text: String = page.items.iter().map(|entry| form.of(whose, entry)).collect();
            // A page is small, and the file is local: it is no longer than drawing a frame.
            file.write_all(text.as_bytes())
                .map_err(|error| format!("can't write {}: {error}", path.display()))?;
            if page.cursor.is_none() {
                break;
            }
        }
    }
    file.flush().map_err(|error| format!("can't write {}: {error}", path.display()))?;
    Ok(format!("saved {count} entries as {}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use futures::stream;

    use super::*;
    use crate::journal::fixtures::{chain, id};

    #[tokio::test]
    async fn what_a_stream_says_is_told_in_order_with_where_to_go_on() {
        let event = |id: Option<u64>, event| {
            let id = id.map(|seq| EventId::new(format!("u-{seq}")));
            Ok(Signal::Event { id, event })
        };
        let entries = chain(1, 4);
        let entry = |seq: u64| {
            let at = usize::try_from(seq - 1).unwrap();
            event(Some(seq), JournalEvent::Entry(Box::new(entries[at].clone())))
        };
        let said = [
            entry(1),
            entry(2),
            Ok(Signal::Disconnected { since: Instant::now(), error: Error::Ended }),
            Ok(Signal::Reconnected),
            entry(3),
            event(None, JournalEvent::Reset),
            entry(4),
            event(None, JournalEvent::Ended),
        ];
        let (tx, mut rx) = mpsc::channel(16);
        let teller = Teller { loop_id: id("a"), generation: 7, tx };
        assert!(pump(Box::pin(stream::iter(said)), &teller).await.is_ok());
        drop(teller);
        let mut told = vec![];
        while let Some(msg) = rx.recv().await {
            let Msg::Journal(Heard { loop_id, generation: 7, said }) = msg else {
                panic!("{msg:?}")
            };
            assert_eq!(loop_id, id("a"));
            told.push(match said {
                Said::Written(entries, at) => {
                    let seqs: Vec<u64> = entries.iter().map(|entry| entry.seq).collect();
                    format!("{seqs:?} {}", at.unwrap())
                }
                Said::Lost { .. } => "lost".to_owned(),
                said => format!("{said:?}"),
            });
        }
        assert_eq!(told, ["[1, 2] u-2", "lost", "Back", "[3] u-3", "Replaced", "[4] u-4", "Ended"]);
    }

    #[tokio::test]
    async fn nobody_is_told_once_nobody_listens() {
        let (tx, rx) = mpsc::channel(1);
        drop(rx);
        let teller = Teller { loop_id: id("a"), generation: 1, tx };
        let endless =
            stream::repeat_with(|| Ok(Signal::Event { id: None, event: JournalEvent::Reset }));
        assert!(pump(Box::pin(endless), &teller).await.is_err());
    }
}
