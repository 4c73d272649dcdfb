//! Waiting for what a loop comes to, on the API's own streams.

use futures::StreamExt as _;
use smith_client::stream::Signal;
use smith_client::{Client, JournalEvent, JournalPage, LoopFilter};
use smith_model::api::{LoopEvent, LoopItem};
use smith_model::id::LoopId;
use smith_model::journal::{Entry, Payload};
use smith_model::state::State;

use crate::LONG;

/// The loop, as soon as it is as wanted.
pub async fn until(
    client: &Client,
    id: &LoopId,
    what: &str,
    wanted: impl Fn(&LoopItem) -> bool,
) -> LoopItem {
    let mut last = None;
    let filter = LoopFilter { text: Some(id.to_string()), ..LoopFilter::default() };
    let mut events = client.loops_stream(&filter, None);
    let found = async {
        while let Some(signal) = events.next().await {
            if let Signal::Event { event: LoopEvent::Updated(item), .. } = signal.unwrap()
                && item.record.loop_id == *id
            {
                if wanted(&item) {
                    return *item;
                }
                last = Some(item);
            }
        }
        panic!("the stream of loops ended");
    };
    if let Ok(item) = tokio::time::timeout(LONG, found).await {
        return item;
    }
    let why = client.why(id).await;
    let journal = journal(client, id).await;
    panic!("{id} isn't {what} within {LONG:?}: {last:#?}\n{why:?}\n{}", told(&journal))
}

/// The loop at its end, which must be `state`.
pub async fn ends(client: &Client, id: &LoopId, state: State) -> LoopItem {
    let item = until(client, id, "ended", |item| item.record.state.ended()).await;
    if item.record.state != state {
        let journal = journal(client, id).await;
        panic!("{id} is {}, not {state}:\n{}", item.record.state, told(&journal));
    }
    item
}

/// The first entry of the journal that is as wanted, also one to come.
pub async fn entry(
    client: &Client,
    id: &LoopId,
    what: &str,
    wanted: impl Fn(&Entry) -> bool,
) -> Entry {
    let mut seen = vec![];
    let mut events = client.journal_stream(id, 0, None);
    let found = async {
        while let Some(signal) = events.next().await {
            match signal.unwrap() {
                Signal::Event { event: JournalEvent::Entry(entry), .. } => {
                    if wanted(&entry) {
                        return Some(*entry);
                    }
                    seen.push(*entry);
                }
                Signal::Event { event: JournalEvent::Ended, .. } => return None,
                _ => {}
            }
        }
        None
    };
    let found = tokio::time::timeout(LONG, found).await.ok().flatten();
    found.unwrap_or_else(|| panic!("{id} has no entry {what}:\n{}", told(&seen)))
}

/// The whole journal.
pub async fn journal(client: &Client, id: &LoopId) -> Vec<Entry> {
    let mut entries: Vec<Entry> = vec![];
    loop {
        let after = entries.last().map(|e| e.seq);
        let page = JournalPage { after, limit: Some(1000), tail: None };
        let page = client.journal(id, page).await.unwrap();
        entries.extend(page.items);
        if page.cursor.is_none() {
            return entries;
        }
    }
}

/// A journal as text for a failed test, without output.
pub fn told(entries: &[Entry]) -> String {
    let line = |entry: &Entry| {
        let said = match &entry.draft.payload {
            Some(Payload::Output { text, .. }) => text.chars().take(200).collect(),
            _ => entry.draft.message.clone(),
        };
        format!("{:4} {} {} {:?}: {said}\n", entry.seq, entry.at, entry.actor.id, entry.draft.phase)
    };
    entries.iter().map(line).collect()
}
