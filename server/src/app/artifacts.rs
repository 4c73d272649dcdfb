//! What a loop names outside the store: a list of it, the recordings of its terminals, and the bytes.

use bytes::Bytes;
use smith_model::api::{ArtifactItem, Page, RecordingItem};
use smith_model::id::{Digest, LoopId, Revision};
use smith_model::journal::{Entry, Payload};
use smith_model::problem::{Code, Problem};
use smith_model::story::IterationRecord;

use super::{App, Caller, Error};

/// How many journal entries are read at once; of a page of recordings that is all that is looked through.
const ENTRIES: usize = 500;

impl App {
    /// What the loop names outside the store: that of its iterations first, then that of its terminals.
    pub async fn artifact_list(
        &self,
        caller: &Caller,
        id: &LoopId,
    ) -> Result<Vec<ArtifactItem>, Error> {
        let iterations = self.iterations(caller, id).await?;
        let mut items = vec![];
        for record in iterations {
            let IterationRecord { no, iteration, prompt, output, diff, gates, .. } = record;
            let mut add = |name: String, artifact| {
                if let Some(artifact) = artifact {
                    items.push(ArtifactItem { name, no, iteration, artifact });
                }
            };
            add("prompt".into(), prompt);
            add("output".into(), output);
            add("diff".into(), diff);
            for (i, gate) in gates.into_iter().enumerate() {
                add(format!("gate {}", i + 1), gate.output);
            }
        }
        let mut after = 0;
        loop {
            let slice = self.store.journal(id, after, ENTRIES).await?;
            let Some(last) = slice.items.last() else { break };
            after = last.seq;
            items.extend(slice.items.into_iter().filter_map(of_terminal));
            if slice.next.is_none() {
                break;
            }
        }
        Ok(items)
    }

    /// The recordings that a piece of the loop's journal behind `after` tells of, oldest first. There may be none in a
    /// page that isn't the last; the cursor is the number of the entry to go on after.
    pub async fn recordings(
        &self,
        caller: &Caller,
        id: &LoopId,
        after: u64,
    ) -> Result<Page<RecordingItem>, Error> {
        self.visible(caller, id).await?;
        let slice = self.store.journal(id, after, ENTRIES).await?;
        let last = slice.items.last().map(|entry| entry.seq);
        let cursor = slice.next.and(last).map(|seq| seq.to_string());
        let items = slice.items.into_iter().filter_map(recording).collect();
        Ok(Page { items, cursor, revision: Revision(slice.revision) })
    }

    /// The bytes of an artifact that was stored for the loop.
    pub async fn artifact(
        &self,
        caller: &Caller,
        id: &LoopId,
        digest: &Digest,
    ) -> Result<Bytes, Error> {
        let state = self.visible(caller, id).await?;
        match self.artifacts.get(state.uid, digest).await? {
            Some(bytes) => Ok(bytes),
            None => {
                let detail = format!("loop {id} has no artifact {digest}");
                Err(Problem::new(Code::NotFound, detail).into())
            }
        }
    }
}

fn recording(entry: Entry) -> Option<RecordingItem> {
    let Some(Payload::Recording(recording)) = entry.draft.payload else { return None };
    // Workers write such entries, and theirs have an attempt.
    Some(RecordingItem { seq: entry.seq, no: entry.attempt?, recording })
}

fn of_terminal(entry: Entry) -> Option<ArtifactItem> {
    let (name, iteration, artifact) = match entry.draft.payload? {
        Payload::Recording(recording) => ("recording", recording.iteration, recording.artifact),
        Payload::Intervention(intervention) => ("intervention", 0, intervention.diff?),
        _ => return None,
    };
    Some(ArtifactItem { name: name.into(), no: entry.attempt?, iteration, artifact })
}
