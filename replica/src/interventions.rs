//! What came of the worker's terminals since it was last asked for, as evidence: recordings, and what people did.

use smith_model::journal::{Draft, Payload, Phase};
use smith_model::story::DiffStat;
use smith_model::terminal::{Intervention, Recording};

use crate::capture::Capture;
use crate::git::Repo;
use crate::terminals::Concluded;
use crate::worker::{Stop, Worker};

/// The most bytes of what changed while a person typed that are kept.
const MOST_DIFF: usize = 1024 * 1024;

/// Stores what is new; answers what people did.
pub async fn evidence(worker: &Worker, repo: &Repo) -> Result<Vec<Intervention>, Stop> {
    for recording in worker.terminals.recordings() {
        let crate::terminals::Recording {
            session,
            iteration,
            generation,
            segment,
            started_at,
            duration,
            captured,
        } = recording;
        // Where the loop's room is used up it isn't kept, and the log says so.
        let Some(artifact) = worker.keep(captured).await? else { continue };
        let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        let words = format!("recorded the {session}'s terminal, {:.1} s", millis as f64 / 1000.0);
        let recording =
            Recording { session, iteration, generation, segment, started_at, millis, artifact };
        worker.say(Draft::info(Phase::Iteration, words).with(Payload::Recording(recording)))?;
    }
    let mut all = vec![];
    for (n, Concluded { intervention, trees }) in
        worker.terminals.interventions().await.into_iter().enumerate()
    {
        let mut intervention = without_secrets(worker, intervention);
        if let Some((before, after)) = trees
            && before != after
        {
            let stat = repo.diff_stat(&before, &after).await.map_err(|e| Stop::environment(&e))?;
            intervention.stat = DiffStat {
                files: stat.files,
                insertions: stat.insertions,
                deletions: stat.deletions,
            };
            let diff = repo.diff(&before, &after, MOST_DIFF).await;
            let diff = diff.map_err(|e| Stop::environment(&e))?;
            let name = format!("intervention-{}-{n}", intervention.until.as_millisecond());
            let path = worker.places.captures.join(name);
            let captured = Capture::whole(&path, &worker.secrets, &diff.bytes);
            let captured = captured.map_err(|e| Stop::environment(&e))?;
            intervention.diff = worker.keep(captured).await?;
        }
        let words = format!(
            "{} had the {}'s terminal: {} lines typed, {} files changed meanwhile",
            intervention.by,
            intervention.session,
            intervention.typed.len(),
            intervention.stat.files
        );
        let entry = Draft::info(Phase::Iteration, words);
        worker.say(entry.with(Payload::Intervention(intervention.clone())))?;
        all.push(intervention);
    }
    Ok(all)
}

fn without_secrets(worker: &Worker, intervention: Intervention) -> Intervention {
    let clean = |text: String| worker.secrets.redact_text(&text);
    Intervention {
        typed: intervention.typed.into_iter().map(clean).collect(),
        note: intervention.note.map(clean),
        ..intervention
    }
}
