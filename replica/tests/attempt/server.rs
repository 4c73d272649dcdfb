//! The server's side of the worker protocol, as a script in the test's own process: it keeps what it
//! is told across attempts, and can be told to answer otherwise.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};

use futures::StreamExt;
use futures::stream::{self, BoxStream};
use smith_model::attempt::{Checkpoint, Prepared};
use smith_model::handoff::Handoff;
use smith_model::id::{AttemptNo, CommitId, Digest};
use smith_model::journal::{Draft, Payload};
use smith_model::problem::{Code, Problem};
use smith_model::spec::Spec;
use smith_model::state::{Reason, State};
use smith_model::story::{IterationRecord, StoriesRecord, StoryStatus};
use smith_model::worker::{
    ClaimAnswer, Directive, EvidenceAnswer, EvidenceItem, EvidenceRequest, FinishAnswer,
    FinishRequest, HeartbeatAnswer, HeartbeatRequest, Outcome, Progress, PublishRequest, Want,
};
use smith_replica::api::{Answer, Api, Error};
use tokio::sync::watch;

/// What the server holds of the loop.
#[derive(Default)]
pub struct Held {
    pub base: Option<CommitId>,
    pub checkpoint: Option<Checkpoint>,
    pub prepared: Option<Prepared>,
    pub published: Option<CommitId>,
    pub stories: Option<StoriesRecord>,
    pub iterations: Vec<IterationRecord>,
    pub journal: Vec<Draft>,
    pub artifacts: Vec<(Digest, Vec<u8>)>,
    pub handoff: Option<Handoff>,
    pub finished: Vec<FinishRequest>,
    pub progress: Option<Progress>,
    pub accepted: u64,
    /// The next publish step is answered so, once.
    pub fence_at: Option<&'static str>,
    /// Heartbeats and evidence aren't answered.
    pub away: bool,
}

pub struct Server {
    pub spec: Spec,
    pub no: AttemptNo,
    pub ttl_millis: u64,
    held: Arc<Mutex<Held>>,
    directive: watch::Sender<Directive>,
    news: watch::Sender<u64>,
}

fn refused(why: &str) -> Error {
    Error::Refused(Box::new(Problem::new(Code::EvidenceMissing, why)))
}

impl Server {
    /// The server of one attempt; what `held` has is of the attempts before.
    pub fn new(spec: Spec, no: AttemptNo, held: Arc<Mutex<Held>>) -> Arc<Self> {
        held.lock().expect("no panic").accepted = 0;
        let run = Directive { want: Want::Run, why: String::new() };
        Arc::new(Self {
            spec,
            no,
            ttl_millis: 2_000,
            held,
            directive: watch::Sender::new(run),
            news: watch::Sender::new(0),
        })
    }

    pub fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().expect("no panic")
    }

    pub fn direct(&self, want: Want) {
        self.directive.send_replace(Directive { want, why: "a person said so".into() });
    }

    /// Waits until what is held is as wanted.
    pub async fn until(&self, wanted: impl Fn(&Held) -> bool) {
        let mut news = self.news.subscribe();
        let found = async {
            while !wanted(&self.held()) {
                news.changed().await.expect("the server lives");
            }
        };
        let in_time = tokio::time::timeout(std::time::Duration::from_secs(60), found).await;
        if in_time.is_err() {
            let held = self.held();
            let last: Vec<_> = held.journal.iter().rev().take(10).map(|d| &d.message).collect();
            panic!("it did not come to that; the last entries: {last:#?}");
        }
    }

    fn changed(&self) {
        self.news.send_modify(|n| *n += 1);
    }

    fn take(&self, request: EvidenceRequest) -> Result<EvidenceAnswer, Error> {
        let mut held = self.held();
        if held.away {
            return Err(Error::Unreachable("away".into()));
        }
        let skip = (held.accepted + 1).checked_sub(request.first).expect("no gap") as usize;
        let batch: Vec<_> = request.items.into_iter().skip(skip).collect();
        for item in &batch {
            if let EvidenceItem::Stories(stories) = item {
                certified(&held, stories, &batch)?;
            }
        }
        held.accepted += batch.len() as u64;
        for item in batch {
            match item {
                EvidenceItem::Journal(draft) => {
                    let size = serde_json::to_vec(&draft).expect("encodes").len();
                    assert!(size < 7_800 && draft.message.len() <= 2000, "{size}: {draft:?}");
                    held.journal.push(draft);
                }
                EvidenceItem::Stories(stories) => held.stories = Some(stories),
                EvidenceItem::Iteration(iteration) => held.iterations.push(iteration),
                EvidenceItem::Base { commit } => held.base = Some(commit),
                EvidenceItem::Checkpoint(checkpoint) => held.checkpoint = Some(checkpoint),
            }
        }
        let accepted = held.accepted;
        drop(held);
        self.changed();
        Ok(EvidenceAnswer { accepted })
    }

    fn step(&self, request: PublishRequest) -> Result<(), Error> {
        let mut held = self.held();
        let name = match &request {
            PublishRequest::Prepare(_) => "prepare",
            PublishRequest::Pushed { .. } => "pushed",
            PublishRequest::Abandoned { .. } => "abandoned",
        };
        if held.fence_at == Some(name) {
            held.fence_at = None;
            if let PublishRequest::Prepare(prepared) = request {
                held.prepared = Some(prepared);
            }
            return Err(Error::Fenced("a later attempt".into()));
        }
        match request {
            PublishRequest::Prepare(prepared) => {
                let stories = held.stories.as_ref().expect("stories");
                if stories.stories.iter().any(|s| s.status != StoryStatus::Done) {
                    return Err(refused("a story is open"));
                }
                let trees = stories.stories.iter().filter_map(|s| s.certificate.as_ref());
                if !trees.into_iter().any(|c| c.tree == prepared.tree) {
                    return Err(refused("no evidence for the tree"));
                }
                held.prepared = Some(prepared);
            }
            PublishRequest::Pushed { new } => {
                held.prepared = None;
                held.published = Some(new);
            }
            PublishRequest::Abandoned { .. } => held.prepared = None,
        }
        Ok(())
    }
}

/// As the real one: a story is newly done only with its green iteration in the same batch.
fn certified(held: &Held, after: &StoriesRecord, batch: &[EvidenceItem]) -> Result<(), Error> {
    for story in after.stories.iter().filter(|s| s.status == StoryStatus::Done) {
        let before = held.stories.as_ref();
        let known =
            before.is_some_and(|b| b.stories.iter().any(|k| k.certificate == story.certificate));
        let certificate = story.certificate.as_ref().expect("evidence");
        let found = batch.iter().any(|item| match item {
            EvidenceItem::Iteration(i) => {
                i.green() && i.tree.as_ref() == Some(&certificate.tree) && i.story == story.id
            }
            _ => false,
        });
        if !known && !found {
            return Err(refused("no green iteration in the batch"));
        }
    }
    Ok(())
}

impl Api for Server {
    fn claim(&self) -> Answer<'_, ClaimAnswer> {
        let held = self.held();
        let answer = ClaimAnswer {
            protocol: 1,
            spec: self.spec.clone(),
            no: self.no,
            epoch: 1,
            ttl_millis: self.ttl_millis,
            base: held.base.clone(),
            dependencies: vec![],
            checkpoint: held.checkpoint.clone(),
            prepared: held.prepared.clone(),
            published: held.published.clone(),
            stories: held.stories.clone(),
            handoff: held.handoff.clone(),
            last_end: None,
            accepted: held.accepted,
            iterations: 0,
            directive: self.directive.borrow().clone(),
        };
        Box::pin(async { Ok(answer) })
    }

    fn heartbeat(&self, request: HeartbeatRequest) -> Answer<'_, HeartbeatAnswer> {
        let mut held = self.held();
        let away = held.away;
        if !away && request.progress.is_some() {
            held.progress = request.progress;
        }
        drop(held);
        self.changed();
        let directive = self.directive.borrow().clone();
        Box::pin(async move {
            match away {
                true => Err(Error::Unreachable("away".into())),
                false => Ok(HeartbeatAnswer { directive }),
            }
        })
    }

    fn directives(&self) -> Answer<'_, BoxStream<'static, Directive>> {
        let receiver = self.directive.subscribe();
        let stream = stream::unfold(receiver, async |mut receiver| {
            receiver.changed().await.ok()?;
            let directive = receiver.borrow_and_update().clone();
            Some((directive, receiver))
        });
        Box::pin(async { Ok(stream.boxed()) })
    }

    fn evidence(&self, request: EvidenceRequest) -> Answer<'_, EvidenceAnswer> {
        let answer = self.take(request);
        Box::pin(async { answer })
    }

    fn put_artifact(&self, digest: Digest, file: PathBuf) -> Answer<'_, ()> {
        let bytes = std::fs::read(file).expect("an artifact's file");
        assert_eq!(Digest::of(&bytes), digest);
        self.held().artifacts.push((digest, bytes));
        Box::pin(async { Ok(()) })
    }

    fn publish(&self, request: PublishRequest) -> Answer<'_, ()> {
        let answer = self.step(request);
        Box::pin(async { answer })
    }

    fn finish(&self, request: FinishRequest) -> Answer<'_, FinishAnswer> {
        let state = match &request.outcome {
            Outcome::Done => State::Synced,
            Outcome::Failed(_) => State::Unresolved,
            Outcome::Stopped => State::Cancelled,
        };
        let answer = FinishAnswer { state, reason: Reason::Completed, message: String::new() };
        let mut held = self.held();
        held.handoff = Some(Handoff {
            schema_version: 1,
            seq: 1,
            at: jiff::Timestamp::now(),
            no: self.no,
            class: None,
            draft: request.handoff.clone(),
        });
        held.finished.push(request);
        drop(held);
        self.changed();
        Box::pin(async { Ok(answer) })
    }
}

impl Held {
    /// Everything that was kept, as one text, for a search.
    pub fn all(&self) -> String {
        let mut text = serde_json::to_string(&self.journal).expect("encodes");
        text += &serde_json::to_string(&self.iterations).expect("encodes");
        text += &serde_json::to_string(&self.handoff).expect("encodes");
        for (_, bytes) in &self.artifacts {
            text += &String::from_utf8_lossy(bytes);
        }
        text
    }

    /// The agent's output as the journal shows it.
    pub fn output(&self) -> String {
        let texts = self.journal.iter().filter_map(|d| match &d.payload {
            Some(Payload::Output { gate: None, text, .. }) => Some(text.as_str()),
            _ => None,
        });
        texts.collect()
    }
}
