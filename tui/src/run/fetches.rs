//! Questions to the server: of each kind one at a time, and then the newest that was asked; none of them too often.

use std::collections::HashMap;
use std::time::Duration;

use smith_client::{AuditFilter, Client, Error, JournalPage};
use smith_model::id::LoopId;
use smith_model::problem::Code;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::fetch::{Answer, Failure, Fetch, Fetched, More, Topic};
use crate::msg::Msg;
use crate::paper::Paper;
use crate::run::sources::why;
use crate::run::turns::Turns;
use crate::world::Moment;

/// The time between two starts of the same question.
const PACE: Duration = Duration::from_millis(250);
/// Audit records that are shown of a loop.
const AUDIT: u32 = 200;
/// Entries of a page of a journal, and pages of one answer.
const ENTRIES: u32 = 500;
const PAGES: usize = 4;

/// What is being asked.
pub(super) struct Fetches {
    client: Client,
    tx: mpsc::Sender<Msg>,
    tasks: JoinSet<()>,
    /// By kind.
    turns: Turns<Fetch, Fetch>,
    /// When each kind was asked last, for as long as that holds up the next.
    began: HashMap<Fetch, Instant>,
}

impl Fetches {
    /// Nothing yet; answers go there.
    pub(super) fn new(client: Client, tx: mpsc::Sender<Msg>) -> Self {
        Self { client, tx, tasks: JoinSet::new(), turns: Turns::new(), began: HashMap::new() }
    }

    /// Asks, or puts it in the place of the one that waits.
    pub(super) fn ask(&mut self, fetch: Fetch) {
        if let Some(fetch) = self.turns.ask(fetch.kind(), fetch) {
            self.start(fetch);
        }
    }

    /// This one was answered.
    pub(super) fn done(&mut self, fetch: &Fetch) {
        while self.tasks.try_join_next().is_some() {}
        if let Some(next) = self.turns.done(&fetch.kind()) {
            self.start(next);
        }
    }

    fn start(&mut self, fetch: Fetch) {
        let now = Instant::now();
        self.began.retain(|_, began| *began + PACE > now);
        let kind = fetch.kind();
        let at = self.began.get(&kind).map_or(now, |began| *began + PACE);
        self.began.insert(kind, at);
        let (client, tx) = (self.client.clone(), self.tx.clone());
        self.tasks.spawn(async move {
            tokio::time::sleep_until(at).await;
            let answer = answer(&client, &fetch).await;
            // Nobody is left to hear it when the owner is gone.
            let _ = tx.send(Msg::Fetched(Box::new(Fetched { fetch, answer }))).await;
        });
    }
}

async fn answer(client: &Client, fetch: &Fetch) -> Result<Answer, Failure> {
    let Fetch { loop_id, topic } = fetch;
    record(client, loop_id, topic).await.map_err(|error| failure(&error))
}

async fn record(client: &Client, id: &LoopId, topic: &Topic) -> Result<Answer, Error> {
    Ok(match topic {
        Topic::Detail => Answer::Detail(Box::new(client.get_loop(id).await?)),
        Topic::Why => Answer::Why(Box::new(client.why(id).await?)),
        Topic::Attempts => Answer::Attempts(client.attempts(id).await?.items),
        Topic::Stories => Answer::Stories(client.stories(id).await?.map(Box::new)),
        Topic::Iterations => Answer::Iterations(client.iterations(id).await?.items),
        Topic::Handoffs => Answer::Handoffs(client.handoffs(id).await?.items),
        Topic::Overrides => Answer::Overrides(client.overrides(id).await?.items),
        Topic::Audit => {
            let loop_id = Some(id.clone());
            let filter = AuditFilter { loop_id, limit: Some(AUDIT), ..AuditFilter::default() };
            let page = client.audit(&filter).await?;
            Answer::Audit(page.items, more(page.cursor.is_some()))
        }
        Topic::Cost => Answer::Cost(Box::new(client.cost(id).await?)),
        Topic::Chain => Answer::Chain(client.trace(id).await?.chain),
        Topic::Moments { after } => moments(client, id, *after).await?,
        Topic::Artifact { digest, subject } => {
            let (bytes, subject) = (client.artifact(id, digest).await?, *subject);
            // Reading a change takes a while, on a thread that has nothing else to do.
            let paper = tokio::task::spawn_blocking(move || Paper::read(subject, &bytes)).await;
            Answer::Artifact(Box::new(paper.unwrap_or_else(|_| Paper::unreadable())))
        }
    })
}

async fn moments(client: &Client, id: &LoopId, mut after: u64) -> Result<Answer, Error> {
    let mut moments = vec![];
    for _ in 0..PAGES {
        let page = JournalPage { after: Some(after), limit: Some(ENTRIES), tail: None };
        let page = client.journal(id, page).await?;
        let Some(last) = page.items.last() else { return Ok(Answer::Moments(moments, More::None)) };
        after = last.seq;
        let is_last = page.cursor.is_none();
        moments.extend(page.items.into_iter().filter_map(Moment::of));
        if is_last {
            return Ok(Answer::Moments(moments, More::None));
        }
    }
    Ok(Answer::Moments(moments, More::Some))
}

fn more(is_more: bool) -> More {
    if is_more { More::Some } else { More::None }
}

fn failure(error: &Error) -> Failure {
    Failure { why: why(error), is_absent: error.code() == Some(Code::NotFound) }
}
