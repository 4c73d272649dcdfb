//! Loops: asked for, listed, read, acted on.

use std::collections::BTreeMap;

use bytes::Bytes;
use reqwest::Method;
use smith_model::api::{
    ArtifactItem, BatchAnswer, BatchRequest, Cost, Created, LoopDetail, LoopEvent, LoopItem,
    OverrideRequest, Page, ReasonRequest, RecordingItem, RetryRequest, Trace, Why,
};
use smith_model::attempt::AttemptRecord;
use smith_model::audit::Override;
use smith_model::handoff::Handoff;
use smith_model::id::{Digest, LoopId, ProjectName, Revision};
use smith_model::spec::{LoopRequest, SourceType};
use smith_model::state::State;
use smith_model::story::{IterationRecord, StoriesRecord};

use crate::stream::{self, EventId, Signals};
use crate::{Client, Error};

/// Which loops; everything that is given has to hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoopFilter {
    /// In one of these states; none named: in any.
    pub states: Vec<State>,
    /// In this project.
    pub project: Option<ProjectName>,
    /// With these labels.
    pub labels: BTreeMap<String, String>,
    /// From such a source.
    pub source_type: Option<SourceType>,
    /// With this text in id or title.
    pub text: Option<String>,
    /// Held, or not held.
    pub held: Option<bool>,
}

/// Which page of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListPage {
    /// At most so many items.
    pub limit: Option<u32>,
    /// Where an earlier page ended.
    pub cursor: Option<String>,
    /// Not older than this revision.
    pub min_revision: Option<Revision>,
}

impl LoopFilter {
    fn query(&self) -> Vec<(&'static str, Option<String>)> {
        let Self { states, project, labels, source_type, text, held } = self;
        let names: Vec<_> = states.iter().map(|state| state.as_str()).collect();
        let source = source_type.and_then(|source| serde_json::to_value(source).ok());
        let mut query = vec![
            ("state", (!names.is_empty()).then(|| names.join(","))),
            ("project", project.as_ref().map(ToString::to_string)),
            ("source_type", source.and_then(|name| Some(name.as_str()?.to_owned()))),
            ("q", text.clone()),
            ("held", held.map(|held| held.to_string())),
        ];
        query.extend(labels.iter().map(|(name, value)| ("label", Some(format!("{name}={value}")))));
        query
    }
}

impl Client {
    /// Asks for a loop. The same key and request again gets the same loop.
    ///
    /// `key` wins over the key in the request. A request without any is refused by the server, so this
    /// is always safe to repeat.
    pub async fn create_loop(
        &self,
        request: &LoopRequest,
        key: Option<&str>,
    ) -> Result<Created, Error> {
        let call = self.act(Method::POST, ["v1", "loops"]).body(request).repeatable();
        let call = match key {
            Some(key) => call.header("idempotency-key", key),
            None => call,
        };
        self.json(call, "an answer to a create").await
    }

    /// Asks for several loops at once; each gets an answer of its own.
    pub async fn create_loops(&self, request: &BatchRequest) -> Result<BatchAnswer, Error> {
        let call = self.act(Method::POST, ["v1", "loops"]).body(request).repeatable();
        self.json(call, "an answer to a batch").await
    }

    /// A page of loops.
    pub async fn list_loops(
        &self,
        filter: &LoopFilter,
        page: &ListPage,
    ) -> Result<Page<LoopItem>, Error> {
        let ListPage { limit, cursor, min_revision } = page;
        let call = self.get(["v1", "loops"]).query(filter.query()).query([
            ("limit", limit.map(|n| n.to_string())),
            ("cursor", cursor.clone()),
            ("min_revision", min_revision.map(|r| r.to_string())),
        ]);
        self.json(call, "a page of loops").await
    }

    /// The loops that match, then every change of them, for as long as it is polled.
    ///
    /// Without `from` it begins with `reset`, the whole list and `ready`. Given the id of the last event
    /// seen, it goes on behind it, on whichever process answers.
    pub fn loops_stream(&self, filter: &LoopFilter, from: Option<EventId>) -> Signals<LoopEvent> {
        let call = self.get(["v1", "loops", "stream"]).query(filter.query());
        stream::open(self, call, from, |name, data| match name {
            "updated" | "removed" | "reset" | "ready" => {
                serde_json::from_str(data).map(|event| stream::Parsed::Event(Some(event)))
            }
            _ => Ok(stream::Parsed::Event(None)),
        })
    }

    /// One loop.
    pub async fn get_loop(&self, id: &LoopId) -> Result<LoopDetail, Error> {
        self.json(self.of(id, []), "a loop").await
    }

    /// Forgets a loop that has ended. Its id is never used again.
    pub async fn delete_loop(
        &self,
        id: &LoopId,
        reason: &str,
        expect: Option<Revision>,
    ) -> Result<(), Error> {
        let call = self.act(Method::DELETE, ["v1", "loops", id.as_str()]);
        let call = call.query([("reason", Some(reason.to_owned()))]).if_match(expect);
        self.done(call).await
    }

    /// Puts a stop sign beside the state.
    pub async fn hold_loop(
        &self,
        id: &LoopId,
        request: &ReasonRequest,
        expect: Option<Revision>,
    ) -> Result<LoopItem, Error> {
        let call = self.act(Method::POST, ["v1", "loops", id.as_str(), "hold"]);
        self.json(call.body(request).if_match(expect), "a loop").await
    }

    /// Takes the stop sign away.
    pub async fn release_loop(
        &self,
        id: &LoopId,
        request: &ReasonRequest,
        expect: Option<Revision>,
    ) -> Result<LoopItem, Error> {
        let call = self.act(Method::POST, ["v1", "loops", id.as_str(), "release"]);
        self.json(call.body(request).if_match(expect), "a loop").await
    }

    /// Begins another round of a loop that has ended.
    pub async fn retry_loop(
        &self,
        id: &LoopId,
        request: &RetryRequest,
        expect: Option<Revision>,
    ) -> Result<LoopItem, Error> {
        let call = self.act(Method::POST, ["v1", "loops", id.as_str(), "retry"]);
        self.json(call.body(request).if_match(expect), "a loop").await
    }

    /// Changes a loop's state by a person's word.
    pub async fn override_loop(
        &self,
        request: &OverrideRequest,
        expect: Option<Revision>,
    ) -> Result<LoopItem, Error> {
        let call = self.act(Method::POST, ["v1", "control", "override"]);
        self.json(call.body(request).if_match(expect), "a loop").await
    }

    /// What a loop that isn't running waits for.
    pub async fn why(&self, id: &LoopId) -> Result<Why, Error> {
        self.json(self.of(id, ["why"]), "a reason").await
    }

    /// Everything that is known of a loop.
    pub async fn trace(&self, id: &LoopId) -> Result<Trace, Error> {
        self.json(self.of(id, ["trace"]).transfer(self), "a trace").await
    }

    /// A loop's attempts.
    pub async fn attempts(&self, id: &LoopId) -> Result<Page<AttemptRecord>, Error> {
        self.json(self.of(id, ["attempts"]), "a page of attempts").await
    }

    /// A loop's handoffs.
    pub async fn handoffs(&self, id: &LoopId) -> Result<Page<Handoff>, Error> {
        self.json(self.of(id, ["handoffs"]), "a page of handoffs").await
    }

    /// What people changed of a loop.
    pub async fn overrides(&self, id: &LoopId) -> Result<Page<Override>, Error> {
        self.json(self.of(id, ["overrides"]), "a page of overrides").await
    }

    /// A loop's stories; there are none before its first worker wrote them.
    pub async fn stories(&self, id: &LoopId) -> Result<Option<StoriesRecord>, Error> {
        self.json(self.of(id, ["stories"]), "stories or nothing").await
    }

    /// A loop's iterations.
    pub async fn iterations(&self, id: &LoopId) -> Result<Page<IterationRecord>, Error> {
        self.json(self.of(id, ["iterations"]), "a page of iterations").await
    }

    /// The artifacts that a loop names.
    pub async fn artifacts(&self, id: &LoopId) -> Result<Page<ArtifactItem>, Error> {
        self.json(self.of(id, ["artifacts"]), "a page of artifacts").await
    }

    /// A page of the recordings of a loop's terminals; it may be empty and have a cursor. `after`: the cursor of the page
    /// before.
    pub async fn recordings(
        &self,
        id: &LoopId,
        after: Option<&str>,
    ) -> Result<Page<RecordingItem>, Error> {
        let call = self.of(id, ["recordings"]).query([("cursor", after.map(str::to_owned))]);
        self.json(call, "a page of recordings").await
    }

    /// An artifact's bytes, checked against its digest.
    pub async fn artifact(&self, id: &LoopId, digest: &Digest) -> Result<Bytes, Error> {
        let call = self.of(id, ["artifacts", digest.as_str()]).transfer(self);
        let bytes = self.bytes(call).await?;
        let found = Digest::of(&bytes);
        if found == *digest {
            return Ok(bytes);
        }
        Err(self.malformed("the artifact", format!("its digest is {found}, not {digest}")))
    }

    /// What a loop has cost, as far as agents reported it.
    pub async fn cost(&self, id: &LoopId) -> Result<Cost, Error> {
        let call = self.get(["v1", "reporting", "cost"]);
        self.json(call.query([("loop_id", Some(id.to_string()))]), "a cost").await
    }

    pub(crate) fn of<'a>(
        &self,
        id: &'a LoopId,
        rest: impl IntoIterator<Item = &'a str>,
    ) -> crate::transport::Call {
        self.get(["v1", "loops", id.as_str()].into_iter().chain(rest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_asked_as_the_api_reads_it() {
        let filter = LoopFilter {
            states: vec![State::Synced, State::Flatline],
            labels: BTreeMap::from([("a".into(), "1".into()), ("b".into(), "".into())]),
            source_type: Some(SourceType::GithubIssue),
            held: Some(true),
            ..LoopFilter::default()
        };
        let given: Vec<_> =
            filter.query().into_iter().filter_map(|(k, v)| Some(format!("{k} {}", v?))).collect();
        assert_eq!(
            given,
            [
                "state synced,flatline",
                "source_type github_issue",
                "held true",
                "label a=1",
                "label b="
            ]
        );
        assert!(LoopFilter::default().query().iter().all(|(_, value)| value.is_none()));
    }
}
