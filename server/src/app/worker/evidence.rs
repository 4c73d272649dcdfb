//! Evidence: an ordered outbox, taken once, one transaction a batch.

use smith_failpoint as failpoint;
use smith_model::attempt::AttemptRecord;
use smith_model::id::LoopId;
use smith_model::journal::{Draft, Level, MOST_EXCERPT_BYTES_LOOP, Payload, Phase};
use smith_model::problem::{Code, FieldError, Problem};
use smith_model::story::{DoneAs, IterationRecord, PrdSource, StoriesRecord, StoryStatus};
use smith_model::worker::{
    Bearer, EvidenceAnswer, EvidenceItem, EvidenceRequest, MOST_EVIDENCE_ITEMS,
};

use super::super::room::Excerpts;
use super::super::{App, Error, now};
use super::{actor, holds};
use crate::store::change::{Change, Decision, LockStep, Snapshot};

impl App {
    /// Takes a batch of evidence. Items that were taken before are skipped.
    pub async fn evidence(
        &self,
        bearer: &Bearer,
        request: &EvidenceRequest,
    ) -> Result<EvidenceAnswer, Error> {
        let n = request.items.len();
        if n > MOST_EVIDENCE_ITEMS || request.first == 0 {
            let rule = format!("at most {MOST_EVIDENCE_ITEMS} items, counted from 1");
            return Err(Problem::fields(vec![FieldError::new("items", n, rule)]).into());
        }
        let excerpts = match request.items.iter().any(is_output) {
            true => self.room.excerpts().await,
            false => Excerpts::Kept,
        };
        let _ = failpoint::hit!("app.evidence.before");
        let committed = self
            .store
            .change(&bearer.loop_id, now(), |snapshot| decide(snapshot, bearer, request, excerpts))
            .await?;
        let _ = failpoint::hit!("app.evidence.after");
        Ok(EvidenceAnswer { accepted: committed.answer })
    }
}

fn is_output(item: &EvidenceItem) -> bool {
    matches!(item, EvidenceItem::Journal(Draft { payload: Some(Payload::Output { .. }), .. }))
}

fn decide(
    snapshot: &Snapshot,
    bearer: &Bearer,
    request: &EvidenceRequest,
    excerpts: Excerpts,
) -> Result<Decision<u64>, Problem> {
    let attempt = holds(snapshot, bearer)?;
    let head = &snapshot.head.value;
    let accepted = if head.attempt == Some(bearer.no) { head.accepted } else { 0 };
    if request.first > accepted + 1 {
        let rule = format!("at most {}: nothing above {accepted} was taken yet", accepted + 1);
        return Err(Problem::fields(vec![FieldError::new("first", request.first, rule)]));
    }
    let last = request.first + request.items.len() as u64 - 1;
    if last <= accepted {
        return Ok(Decision::Done(accepted));
    }
    let skip = usize::try_from(accepted + 1 - request.first).unwrap_or(usize::MAX);
    let running = snapshot.state.value.is_running(bearer.no);
    let mut change =
        Change { lock: LockStep::Hold, accepted: Some((bearer.no, last)), ..Change::default() };
    let mut record: Option<AttemptRecord> = None;
    for item in request.items.iter().skip(skip) {
        match item {
            EvidenceItem::Journal(draft) if is_output(item) && excerpts == Excerpts::LeftOut => {
                // Taken, and not kept: the numbers of the journal are given to what is.
                if !change.without_excerpts.unwrap_or(head.without_excerpts) {
                    change.without_excerpts = Some(true);
                    let message = "etcd is nearly full: from here on output isn't shown in the \
                                   journal; all of it is in the artifacts";
                    let entry = Draft::info(draft.phase, message).at(Level::Warn);
                    change.entries.push((actor(bearer), Some(bearer.no), entry));
                }
            }
            EvidenceItem::Journal(draft) => {
                if is_output(item) && head.without_excerpts && change.without_excerpts.is_none() {
                    change.without_excerpts = Some(false);
                    let message = "there is room in etcd again: output is shown from here on";
                    let entry = Draft::info(draft.phase, message);
                    change.entries.push((actor(bearer), Some(bearer.no), entry));
                }
                let room = MOST_EXCERPT_BYTES_LOOP
                    .saturating_sub(head.excerpt_bytes + change.excerpt_bytes);
                let draft = fit(draft.clone(), room, &mut change.excerpt_bytes);
                check(&draft)?;
                change.artifact_bytes += of_terminals(&draft);
                change.entries.push((actor(bearer), Some(bearer.no), draft));
            }
            // What the loop is now belongs to whoever ended it; the outbox goes on behind it.
            _ if !running => {}
            EvidenceItem::Iteration(iteration) => {
                if iteration.no != bearer.no {
                    let rule = format!("of this worker's attempt, {}", bearer.no);
                    return Err(Problem::fields(vec![FieldError::new(
                        "iteration",
                        iteration.no,
                        rule,
                    )]));
                }
                let gates = iteration.gates.iter().filter_map(|g| g.output.as_ref());
                let refs = [&iteration.prompt, &iteration.output, &iteration.diff];
                let refs = refs.into_iter().flatten().chain(gates);
                change.artifact_bytes += refs.map(|r| r.size).sum::<u64>();
                change.iterations.push(iteration.clone());
            }
            EvidenceItem::Stories(stories) => {
                let before = change.stories.as_ref();
                let before = before.or(snapshot.stories.as_ref().map(|s| &s.value));
                certify(&bearer.loop_id, before, stories, &change.iterations)?;
                let mut stories = stories.clone();
                stories.round = bearer.no.round;
                change.stories = Some(stories);
            }
            EvidenceItem::Base { commit } => {
                let record = record.get_or_insert_with(|| attempt.clone());
                let message = format!("starts from {:.12}", commit.as_str());
                let payload = Payload::Base { commit: commit.clone() };
                let entry = Draft::info(Phase::Checkout, message).with(payload);
                change.entries.push((actor(bearer), Some(bearer.no), entry));
                record.base = Some(commit.clone());
            }
            EvidenceItem::Checkpoint(checkpoint) => {
                let record = record.get_or_insert_with(|| attempt.clone());
                record.checkpoint = Some(checkpoint.clone());
            }
        }
    }
    change.attempt = record;
    Ok(Decision::Write(Box::new(change), last))
}

/// Cuts an excerpt to the room that the loop's journal has left for output.
fn fit(mut draft: Draft, room: u64, taken: &mut u64) -> Draft {
    if let Some(Payload::Output { text, omitted, .. }) = &mut draft.payload {
        let room = usize::try_from(room).unwrap_or(usize::MAX);
        if text.len() > room {
            let cut = text.floor_char_boundary(room);
            *omitted += (text.len() - cut) as u64;
            text.truncate(cut);
        }
        *taken += text.len() as u64;
    }
    draft
}

/// Bytes of artifacts that an entry alone names. Those of outputs are named by their iteration.
fn of_terminals(draft: &Draft) -> u64 {
    match &draft.payload {
        Some(Payload::Recording(recording)) => recording.artifact.size,
        Some(Payload::Intervention(intervention)) => {
            intervention.diff.as_ref().map_or(0, |diff| diff.size)
        }
        _ => 0,
    }
}

/// A worker's entries say what it found; what people and the core do is theirs to say.
fn check(draft: &Draft) -> Result<(), Problem> {
    let foreign = matches!(
        draft.payload,
        Some(
            Payload::Transition { .. }
                | Payload::Act { .. }
                | Payload::Claimed { .. }
                | Payload::WorkerEnded { .. }
                | Payload::Prepared { .. }
                | Payload::Pushed { .. }
                | Payload::Handoff
                | Payload::ProcessesGone
        )
    );
    let foreign_phase = matches!(draft.phase, Phase::Ingress | Phase::Core | Phase::Operator);
    if foreign || foreign_phase {
        let rule = "one that a worker may write";
        return Err(Problem::fields(vec![FieldError::new("payload", &draft.message, rule)]));
    }
    if draft.message.len() > 2000 {
        let rule = "at most 2000 bytes";
        return Err(Problem::fields(vec![FieldError::new("message", draft.message.len(), rule)]));
    }
    Ok(())
}

/// A story is newly done only with its green iteration in the same batch.
fn certify(
    loop_id: &LoopId,
    before: Option<&StoriesRecord>,
    after: &StoriesRecord,
    iterations: &[IterationRecord],
) -> Result<(), Problem> {
    for story in after.stories.iter().filter(|s| s.status == StoryStatus::Done) {
        let known = before.and_then(|b| b.stories.iter().find(|s| s.id == story.id));
        let same = known.is_some_and(|k| {
            k.status == StoryStatus::Done
                && k.done_as == story.done_as
                && k.certificate == story.certificate
        });
        let found = match (story.done_as, &story.certificate) {
            (Some(DoneAs::Assumed), None) => after.source == PrdSource::Repository,
            (Some(DoneAs::Certified | DoneAs::Unchanged), Some(certificate)) => {
                iterations.iter().any(|i| {
                    i.story == story.id
                        && i.green()
                        && i.no == certificate.no
                        && i.iteration == certificate.iteration
                        && i.tree.as_ref() == Some(&certificate.tree)
                        && i.gate_set == certificate.gate_set
                })
            }
            _ => false,
        };
        if !same && !found {
            let detail = format!(
                "story {} of loop {loop_id} can't be done: no green iteration for its tree is in this batch",
                story.id
            );
            return Err(Problem::new(Code::EvidenceMissing, detail));
        }
    }
    Ok(())
}
