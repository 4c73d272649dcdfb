//! The inbox: listed, followed, marked.

use reqwest::Method;
use serde::Serialize;
use smith_model::id::{LoopId, ProjectName};
use smith_model::inbox::{
    ClaimRequest, Event, Item, Kind, NoteRequest, Page, Severity, SnoozeRequest,
};

use crate::loops::ListPage;
use crate::stream::{self, EventId, Parsed, Signals};
use crate::{Client, Error};

/// Which items; everything that is given has to hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InboxFilter {
    /// Of one of these severities; none named: of any.
    pub severities: Vec<Severity>,
    /// Of one of these kinds; none named: of any.
    pub kinds: Vec<Kind>,
    /// In this project.
    pub project: Option<ProjectName>,
    /// Also those that are quiet.
    pub also: InboxAlso,
}

/// Which items besides those that ask for somebody now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InboxAlso {
    /// None.
    #[default]
    None,
    /// Those that sleep.
    Snoozed,
    /// Those that somebody has acknowledged.
    Acknowledged,
    /// All.
    Both,
}

impl InboxFilter {
    fn query(&self) -> Vec<(&'static str, Option<String>)> {
        let Self { severities, kinds, project, also } = self;
        let severities: Vec<_> = severities.iter().map(|severity| severity.as_str()).collect();
        let kinds: Vec<_> = kinds.iter().map(|kind| kind.as_str()).collect();
        let include = match also {
            InboxAlso::None => None,
            InboxAlso::Snoozed => Some("snoozed"),
            InboxAlso::Acknowledged => Some("acknowledged"),
            InboxAlso::Both => Some("snoozed,acknowledged"),
        };
        vec![
            ("severity", (!severities.is_empty()).then(|| severities.join(","))),
            ("kind", (!kinds.is_empty()).then(|| kinds.join(","))),
            ("project", project.as_ref().map(ToString::to_string)),
            ("include", include.map(str::to_owned)),
        ]
    }
}

impl Client {
    /// A page of the inbox: the worst first, then the oldest.
    pub async fn inbox(&self, filter: &InboxFilter, page: &ListPage) -> Result<Page, Error> {
        let ListPage { limit, cursor, min_revision } = page;
        let call = self.get(["v1", "inbox"]).query(filter.query()).query([
            ("limit", limit.map(|n| n.to_string())),
            ("cursor", cursor.clone()),
            ("min_revision", min_revision.map(|r| r.to_string())),
        ]);
        self.json(call, "a page of the inbox").await
    }

    /// The items that match, then every change of them, for as long as it is polled.
    ///
    /// Without `from` it begins with `reset`, the whole inbox and `ready`. Given the id of the last event
    /// seen, it goes on behind it; a process that doesn't remember so far back begins anew with `reset`.
    pub fn inbox_stream(&self, filter: &InboxFilter, from: Option<EventId>) -> Signals<Event> {
        let call = self.get(["v1", "inbox", "stream"]).query(filter.query());
        stream::open(self, call, from, |name, data| match name {
            "updated" | "removed" | "reset" | "ready" | "source-lost" | "source-found" => {
                serde_json::from_str(data).map(|event| Parsed::Event(Some(event)))
            }
            _ => Ok(Parsed::Event(None)),
        })
    }

    /// Takes care of an item; with a reason also where somebody else does.
    pub async fn claim_item(&self, id: &LoopId, request: &ClaimRequest) -> Result<Item, Error> {
        self.mark_item(id, "claim", request).await
    }

    /// Gives that up; with a reason also for somebody else.
    pub async fn unclaim_item(&self, id: &LoopId, request: &ClaimRequest) -> Result<Item, Error> {
        self.mark_item(id, "unclaim", request).await
    }

    /// Has seen it: it is quiet for as long as this occurrence lasts.
    pub async fn acknowledge_item(
        &self,
        id: &LoopId,
        request: &NoteRequest,
    ) -> Result<Item, Error> {
        self.mark_item(id, "acknowledge", request).await
    }

    /// Wants it quiet for a while.
    pub async fn snooze_item(&self, id: &LoopId, request: &SnoozeRequest) -> Result<Item, Error> {
        self.mark_item(id, "snooze", request).await
    }

    /// Wants it back.
    pub async fn unsnooze_item(&self, id: &LoopId, request: &NoteRequest) -> Result<Item, Error> {
        self.mark_item(id, "unsnooze", request).await
    }

    async fn mark_item(
        &self,
        id: &LoopId,
        act: &str,
        request: &impl Serialize,
    ) -> Result<Item, Error> {
        let call = self.act(Method::POST, ["v1", "inbox", id.as_str(), act]);
        self.json(call.body(request), "an item of the inbox").await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_asked_as_the_api_reads_it() {
        let filter = InboxFilter {
            severities: vec![Severity::Critical, Severity::Warning],
            kinds: vec![Kind::DependencyEnded],
            project: Some("web".parse().unwrap()),
            also: InboxAlso::Both,
        };
        let given: Vec<_> =
            filter.query().into_iter().filter_map(|(k, v)| Some(format!("{k} {}", v?))).collect();
        let expected = [
            "severity critical,warning",
            "kind dependency-ended",
            "project web",
            "include snoozed,acknowledged",
        ];
        assert_eq!(given, expected);
        assert!(InboxFilter::default().query().iter().all(|(_, value)| value.is_none()));
    }
}
