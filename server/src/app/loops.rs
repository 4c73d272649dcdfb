//! Loops: create, find, and everything that is known of one.

use smith_model::access::Role;
use smith_model::api::{
    BatchAnswer, BatchItem, ChainState, Cost, Created, LoopDetail, LoopItem, MOST_BATCH, Page,
    Trace,
};
use smith_model::attempt::AttemptRecord;
use smith_model::audit::Override;
use smith_model::chain;
use smith_model::handoff::Handoff;
use smith_model::id::{LoopId, Revision};
use smith_model::journal::{Draft, Payload, Phase};
use smith_model::problem::{Code, FieldError, Problem};
use smith_model::spec::{Birth, LoopRequest};
use smith_model::state::{Reason, State};
use smith_model::story::{IterationRecord, StoriesRecord, Usage};
use uuid::Uuid;

use super::{App, Caller, Error, not_found, now};
use crate::store::create::{Created as Stored, NewLoop};
use crate::store::read::LoopRecords;
use crate::store::record::Versioned;
use crate::view::{BadCursor, Filter};

/// How many journal entries a trace shows at most.
const TRACE_ENTRIES: usize = 1000;

impl App {
    /// Creates a loop, or finds the one that the same request made before.
    pub async fn create(
        &self,
        caller: &Caller,
        mut request: LoopRequest,
        header_key: Option<String>,
    ) -> Result<Created, Error> {
        caller.needs(Role::Operator)?;
        caller.needs_project(&request.project())?;
        if header_key.is_some() {
            request.idempotency_key = header_key;
        }
        let birth = Birth { uid: Uuid::new_v4(), by: caller.identity.name.clone(), now: now() };
        let accepted = request.accept(&self.settings.rules, birth).map_err(Problem::fields)?;
        self.check_dependencies(caller, &accepted.spec.depends_on).await?;
        let spec = accepted.spec;
        let message = format!("created by {} from {}", caller.identity.name, spec.source_ref);
        let payload = Payload::Transition {
            from: None,
            to: State::Unresolved,
            reason: Reason::Created,
            round: 1,
            attempt: 0,
            audit: None,
        };
        let mut act = caller.act("loop.create", None);
        act.after = serde_json::json!({ "title": spec.title, "repository": spec.repository });
        let new = NewLoop {
            spec,
            key: accepted.key,
            fingerprint: accepted.fingerprint,
            actor: caller.actor(),
            entry: Draft::info(Phase::Ingress, message).with(payload),
            act,
        };
        let problem = |code, detail: String| Err(Problem::new(code, detail).into());
        match self.store.create(&new).await? {
            Stored::New(state) => Ok(Created { created: true, item: item(*state) }),
            Stored::Existing(state) => {
                let seen = self.view.get(&state.value.loop_id);
                let item = seen.filter(|i| i.revision.0 >= state.revision);
                Ok(Created { created: false, item: item.unwrap_or_else(|| self::item(*state)) })
            }
            Stored::KeyConflict(first) => {
                let detail = format!(
                    "the idempotency key was used for another request, which made the loop {first}; \
                     use another key, or send the same request"
                );
                problem(Code::IdempotencyConflict, detail)
            }
            Stored::IdTaken(id) => problem(
                Code::LoopExists,
                format!("the loop id {id} is taken; choose another, or leave it out"),
            ),
            Stored::Deleted(id) => problem(
                Code::Gone,
                format!("loop {id} was deleted; its id and its idempotency key aren't used again"),
            ),
            Stored::NoSuchDependencies(ids) => {
                let errors = ids.iter().map(no_dependency).collect();
                Err(Problem::fields(errors).into())
            }
        }
    }

    async fn check_dependencies(&self, caller: &Caller, ids: &[LoopId]) -> Result<(), Error> {
        let mut errors = vec![];
        for id in ids {
            let state = self.store.state(id).await?;
            let visible =
                state.is_some_and(|s| caller.identity.scope.allows(&s.value.summary.project));
            if !visible {
                errors.push(no_dependency(id));
            }
        }
        if errors.is_empty() { Ok(()) } else { Err(Problem::fields(errors).into()) }
    }

    /// Creates several loops; each has an answer of its own, and they are created in their order, so that
    /// a later one can depend on an earlier one.
    pub async fn create_batch(
        &self,
        caller: &Caller,
        requests: Vec<Result<LoopRequest, Problem>>,
    ) -> Result<BatchAnswer, Error> {
        caller.needs(Role::Operator)?;
        if requests.is_empty() || requests.len() > MOST_BATCH {
            let rule = format!("1 to {MOST_BATCH} requests");
            return Err(
                Problem::fields(vec![FieldError::new("loops", requests.len(), rule)]).into()
            );
        }
        let mut answer = BatchAnswer { results: vec![], created: 0, existing: 0, refused: 0 };
        for (index, request) in requests.into_iter().enumerate() {
            let result = match request {
                Ok(request) => self.create(caller, request, None).await.map_err(|e| e.problem()),
                Err(problem) => Err(problem),
            };
            let item = match result {
                Ok(created) => {
                    let status = if created.created { 201 } else { 200 };
                    *(if created.created { &mut answer.created } else { &mut answer.existing }) +=
                        1;
                    BatchItem { index, status, result: Some(created), problem: None }
                }
                Err(problem) => {
                    answer.refused += 1;
                    BatchItem {
                        index,
                        status: problem.status,
                        result: None,
                        problem: Some(problem),
                    }
                }
            };
            answer.results.push(item);
        }
        Ok(answer)
    }

    /// A page of loops.
    pub fn list(
        &self,
        caller: &Caller,
        filter: &Filter,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<LoopItem>, Error> {
        let page = self.view.list(filter, &caller.identity.scope, cursor, limit);
        page.map_err(|BadCursor| {
            let rule = "a cursor of an earlier answer to the same request";
            let given = cursor.unwrap_or_default();
            Problem::fields(vec![FieldError::new("cursor", given, rule)]).into()
        })
    }

    /// One loop, read from etcd.
    pub async fn get(&self, caller: &Caller, id: &LoopId) -> Result<LoopDetail, Error> {
        let Some(records) = self.store.loop_records(id).await? else {
            return Err(self.visible(caller, id).await.err().unwrap_or_else(|| not_found(id)));
        };
        if !caller.identity.scope.allows(&records.spec.project) {
            return Err(not_found(id));
        }
        Ok(detail(records))
    }

    /// All attempts, oldest first.
    pub async fn attempts(
        &self,
        caller: &Caller,
        id: &LoopId,
    ) -> Result<Vec<AttemptRecord>, Error> {
        self.visible(caller, id).await?;
        Ok(self.store.attempts(id).await?)
    }

    /// The stories, once a worker has found them.
    pub async fn stories(
        &self,
        caller: &Caller,
        id: &LoopId,
    ) -> Result<Option<StoriesRecord>, Error> {
        self.visible(caller, id).await?;
        Ok(self.store.stories(id).await?)
    }

    /// All iterations, oldest first.
    pub async fn iterations(
        &self,
        caller: &Caller,
        id: &LoopId,
    ) -> Result<Vec<IterationRecord>, Error> {
        self.visible(caller, id).await?;
        Ok(self.store.iterations(id).await?)
    }

    /// All handoffs, oldest first.
    pub async fn handoffs(&self, caller: &Caller, id: &LoopId) -> Result<Vec<Handoff>, Error> {
        self.visible(caller, id).await?;
        Ok(self.store.handoffs(id).await?)
    }

    /// All overrides, oldest first.
    pub async fn overrides(&self, caller: &Caller, id: &LoopId) -> Result<Vec<Override>, Error> {
        self.visible(caller, id).await?;
        Ok(self.store.overrides(id).await?)
    }

    /// What the loop cost, as its agents reported it.
    pub async fn cost(&self, caller: &Caller, id: &LoopId) -> Result<Cost, Error> {
        let detail = self.get(caller, id).await?;
        let iterations = self.store.iterations(id).await?;
        let usage = iterations.iter().fold(Usage::default(), |sum, i| sum.plus(i.usage));
        let millis: u64 = iterations.iter().map(|i| i.agent_millis).sum();
        Ok(Cost {
            loop_id: id.clone(),
            provider_id: detail.spec.provider_id,
            model: detail.spec.model,
            iterations: iterations.len() as u64,
            reported: usage != Usage::default(),
            usage,
            agent_seconds: millis / 1000,
            last_activity_at: iterations.last().map(|i| i.ended_at),
        })
    }

    /// Everything that is known of a loop, and whether its journal is what was written.
    pub async fn trace(&self, caller: &Caller, id: &LoopId) -> Result<Trace, Error> {
        let detail = self.get(caller, id).await?;
        let uid = detail.item.record.uid;
        let (mut journal, mut audit) = (vec![], vec![]);
        let mut chain_state = ChainState { intact: true, entries: 0, problem: None };
        let (mut after, mut prev) = (0, chain::genesis(uid));
        loop {
            let page = self.store.journal(id, after, 500).await?;
            let Some(last) = page.items.last() else { break };
            let last = last.seq;
            if chain_state.intact {
                match chain::verify(self.store.chain_key(), &prev, after + 1, &page.items) {
                    Ok(hash) => prev = hash,
                    Err(broken) => {
                        chain_state.intact = false;
                        chain_state.problem = Some(broken.to_string());
                    }
                }
            }
            chain_state.entries += page.items.len() as u64;
            after = last;
            journal.extend(page.items);
            if journal.len() > TRACE_ENTRIES {
                journal.drain(..journal.len() - TRACE_ENTRIES);
            }
        }
        for entry in &journal {
            let link = match &entry.draft.payload {
                Some(Payload::Transition { audit: Some(link), .. }) => link,
                Some(Payload::Act { audit, .. }) => audit,
                _ => continue,
            };
            audit.extend(self.store.audit_record(entry.at, link.id).await?);
        }
        Ok(Trace {
            attempts: self.store.attempts(id).await?,
            stories: self.store.stories(id).await?,
            iterations: self.store.iterations(id).await?,
            handoffs: self.store.handoffs(id).await?,
            overrides: self.store.overrides(id).await?,
            chain: chain_state,
            detail,
            journal,
            audit,
        })
    }
}

fn no_dependency(missing: &LoopId) -> FieldError {
    FieldError::new("depends_on", missing, "a loop that exists (create it first)")
}

/// A loop that has no worker.
pub(super) fn item(state: Versioned<smith_model::state::StateRecord>) -> LoopItem {
    let revision = Revision(state.revision);
    LoopItem { record: state.value, revision, progress: None, claimed: false }
}

fn detail(records: LoopRecords) -> LoopDetail {
    let LoopRecords { spec, state, progress, lock, attempt, .. } = records;
    let current = attempt.filter(|a| Some(a.no) == state.value.current_attempt());
    let claimed = lock.is_some();
    let item = LoopItem { progress, claimed, ..item(state) };
    LoopDetail { item, spec, current }
}
