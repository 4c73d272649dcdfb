//! `smithctl inbox claim`, `unclaim`, `ack`, `snooze` and `unsnooze`: each marks what is so with the loops now.

use std::collections::BTreeMap;

use jiff::Timestamp;
use smith_client::{Client, InboxAlso, InboxFilter};
use smith_model::duration::Span;
use smith_model::id::LoopId;
use smith_model::inbox::{ClaimRequest, Item, NoteRequest, Occurrence, SnoozeRequest};

use super::list;
use crate::app::App;
use crate::error::{Error, Exit};
use crate::show::inbox;

/// Which items.
#[derive(Debug, clap::Args)]
struct Which {
    /// The loops.
    #[arg(required = true, value_name = "ID")]
    ids: Vec<LoopId>,
    /// The occurrence that is meant, as the inbox shows it with -o wide; without it, what is so now.
    #[arg(long, value_name = "OCCURRENCE")]
    occurrence: Option<Occurrence>,
}

/// The arguments of `claim` and `unclaim`.
#[derive(Debug, clap::Args)]
pub(crate) struct ClaimArgs {
    #[command(flatten)]
    which: Which,
    /// Why; without it nothing is taken from somebody else.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

/// The arguments of `ack` and `unsnooze`.
#[derive(Debug, clap::Args)]
pub(crate) struct NoteArgs {
    #[command(flatten)]
    which: Which,
    /// A note for the others.
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
}

/// The arguments of `snooze`.
#[derive(Debug, clap::Args)]
pub(crate) struct SnoozeArgs {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    end: End,
    /// A note for the others.
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
}

/// When items come back.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct End {
    /// For how long, such as 30m or 2h; at most 90 days.
    #[arg(long = "for", value_name = "DURATION")]
    span: Option<Span>,
    /// Until when, as 2026-01-31T12:00:00Z.
    #[arg(long, value_name = "TIME")]
    until: Option<Timestamp>,
}

/// `claim`.
pub(crate) async fn claim(app: &App, args: ClaimArgs) -> Result<Exit, Error> {
    let ClaimArgs { which, reason } = args;
    let client = app.client()?;
    let act = async |id: &LoopId, occurrence| {
        client.claim_item(id, &ClaimRequest { occurrence, reason: reason.clone() }).await
    };
    each(app, &client, which, act).await
}

/// `unclaim`.
pub(crate) async fn unclaim(app: &App, args: ClaimArgs) -> Result<Exit, Error> {
    let ClaimArgs { which, reason } = args;
    let client = app.client()?;
    let act = async |id: &LoopId, occurrence| {
        client.unclaim_item(id, &ClaimRequest { occurrence, reason: reason.clone() }).await
    };
    each(app, &client, which, act).await
}

/// `ack`.
pub(crate) async fn acknowledge(app: &App, args: NoteArgs) -> Result<Exit, Error> {
    let NoteArgs { which, note } = args;
    let client = app.client()?;
    let act = async |id: &LoopId, occurrence| {
        client.acknowledge_item(id, &NoteRequest { occurrence, note: note.clone() }).await
    };
    each(app, &client, which, act).await
}

/// `snooze`.
pub(crate) async fn snooze(app: &App, args: SnoozeArgs) -> Result<Exit, Error> {
    let SnoozeArgs { which, end: End { span, until }, note } = args;
    let client = app.client()?;
    let act = async |id: &LoopId, occurrence| {
        let request = SnoozeRequest { occurrence, until, span, note: note.clone() };
        client.snooze_item(id, &request).await
    };
    each(app, &client, which, act).await
}

/// `unsnooze`.
pub(crate) async fn unsnooze(app: &App, args: NoteArgs) -> Result<Exit, Error> {
    let NoteArgs { which, note } = args;
    let client = app.client()?;
    let act = async |id: &LoopId, occurrence| {
        client.unsnooze_item(id, &NoteRequest { occurrence, note: note.clone() }).await
    };
    each(app, &client, which, act).await
}

/// Does the same to each, as it stands in the inbox now.
async fn each(
    app: &App,
    client: &Client,
    which: Which,
    act: impl AsyncFn(&LoopId, Occurrence) -> Result<Item, smith_client::Error>,
) -> Result<Exit, Error> {
    let Which { ids, occurrence } = which;
    let known = match &occurrence {
        Some(_) => BTreeMap::new(),
        None => standing(app, client).await?,
    };
    let act = async |id: &LoopId| {
        let Some(occurrence) = occurrence.as_ref().or_else(|| known.get(id)) else {
            let missing = Error::failed(format!("{id} doesn't stand in the inbox"));
            return Err(missing.hint("smithctl inbox shows what does"));
        };
        app.ask(client, id, act(id, occurrence.clone())).await
    };
    app.each(&ids, act, |items| {
        let now = Timestamp::now();
        let line = |item: &Item| {
            let marked = item.mark.as_ref().map(|mark| inbox::marked(mark, now));
            let marked = marked.filter(|words| !words.is_empty());
            let marked = marked.unwrap_or_else(|| "not marked".into());
            crate::show::line(&format!("{} ({}): {marked}", item.loop_id, item.kind))
        };
        items.iter().map(line).collect::<Vec<_>>().join("\n")
    })
    .await
}

/// The occurrences that stand now, also the quiet ones.
async fn standing(app: &App, client: &Client) -> Result<BTreeMap<LoopId, Occurrence>, Error> {
    let filter = InboxFilter { also: InboxAlso::Both, ..InboxFilter::default() };
    let items = list::all(app, client, &filter, None).await?;
    Ok(items.into_iter().map(|item| (item.loop_id, item.occurrence)).collect())
}
