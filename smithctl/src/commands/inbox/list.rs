//! `smithctl inbox` without a command.

use jiff::Timestamp;
use smith_client::{Client, InboxAlso, InboxFilter, ListPage};
use smith_model::inbox::{Event, Item, Kind, Severity};

use crate::app::{App, to_value};
use crate::error::{Error, Exit};
use crate::follow;
use crate::output::{self, Format, Shown, Table};
use crate::seen::{Seen, Told};
use crate::show::{self, inbox};

/// The arguments. They are flattened into another type of this name, which has the group of the name.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub(crate) struct Args {
    /// Only items of these severities: critical, warning or notice; may be given again.
    #[arg(long = "severity", value_name = "SEVERITY", value_delimiter = ',')]
    severities: Vec<Severity>,
    /// Only items of these kinds, such as flatlined,held; may be given again.
    #[arg(long = "kind", value_name = "KIND", value_delimiter = ',')]
    kinds: Vec<Kind>,
    /// Also items that sleep.
    #[arg(long)]
    snoozed: bool,
    /// Also items that somebody has acknowledged.
    #[arg(long)]
    acknowledged: bool,
    /// At most so many; all where none is given.
    #[arg(long, value_name = "N", conflicts_with = "watch")]
    limit: Option<u32>,
    /// Go on, and print each item again when it changes.
    #[arg(short, long)]
    watch: bool,
}

/// The most items of one page.
const PAGE: u32 = 500;

/// Runs it.
pub(crate) async fn run(app: &App, args: Args) -> Result<Exit, Error> {
    let Args { severities, kinds, snoozed, acknowledged, limit, watch: watching } = args;
    let also = match (snoozed, acknowledged) {
        (false, false) => InboxAlso::None,
        (true, false) => InboxAlso::Snoozed,
        (false, true) => InboxAlso::Acknowledged,
        (true, true) => InboxAlso::Both,
    };
    let filter = InboxFilter { severities, kinds, project: app.project()?, also };
    let client = app.client()?;
    if watching {
        return watch(app, &client, &filter).await;
    }
    let items = all(app, &client, &filter, limit).await?;
    let human = inbox::table(&items, &app.ui.format, app.ui.style, Timestamp::now());
    if items.is_empty() && app.ui.format.is_human() {
        app.ui.note("nothing waits for you");
    }
    let names = items.iter().map(|item| item.loop_id.to_string()).collect();
    let value = output::items(items.iter().map(to_value).collect());
    app.ui.show(&Shown { value, names, human })?;
    Ok(Exit::Done)
}

/// Page by page, so that a list of any length comes whole.
pub(super) async fn all(
    app: &App,
    client: &Client,
    filter: &InboxFilter,
    limit: Option<u32>,
) -> Result<Vec<Item>, Error> {
    let most = limit.map_or(usize::MAX, |n| n as usize);
    let mut items: Vec<Item> = vec![];
    let mut cursor = None;
    loop {
        let wanted = u32::try_from(most - items.len()).unwrap_or(u32::MAX).min(PAGE);
        if wanted == 0 {
            return Ok(items);
        }
        let page = ListPage { limit: Some(wanted), cursor, min_revision: None };
        let page = client.inbox(filter, &page).await?;
        if let Some(since) = page.source_lost_since.filter(|_| items.is_empty()) {
            lost(app, since);
        }
        items.extend(page.items);
        cursor = page.cursor;
        if cursor.is_none() {
            items.truncate(most);
            return Ok(items);
        }
    }
}

fn lost(app: &App, since: Timestamp) {
    let since = show::time(since);
    app.ui.note(&format!("(the server has lost its store since {since}: this may be outdated)"));
}

/// The inbox, then each change; ends with Ctrl-C only.
async fn watch(app: &App, client: &Client, filter: &InboxFilter) -> Result<Exit, Error> {
    let mut events = client.inbox_stream(filter, None);
    let mut seen = Seen::new();
    let mut table = Table::new(&inbox::headers(&app.ui.format));
    while let Some(event) = follow::next(app, &mut events).await {
        let event = event?;
        if !app.ui.format.is_human() {
            if let (Format::Name, Event::Updated(item)) = (&app.ui.format, &event) {
                app.ui.print(item.loop_id.as_str())?;
            } else if app.ui.format != Format::Name {
                app.ui.event(&to_value(&event), "")?;
            }
            continue;
        }
        let told = match event {
            Event::Updated(item) => Told::Updated(item.loop_id.clone(), *item),
            Event::Removed { loop_id } => Told::Removed(loop_id),
            Event::Reset => Told::Reset,
            Event::Ready => Told::Ready,
            Event::SourceLost { since } => {
                lost(app, since);
                continue;
            }
            Event::SourceFound => {
                app.ui.note("(the server has found its store again)");
                continue;
            }
        };
        let changed = seen.take(told);
        let row = |item: &Item| inbox::row(item, &app.ui.format, Timestamp::now());
        let paint = |line: &str, item: &Item| inbox::paint(line, item, app.ui.style);
        let mut out = table.changes(&changed, row, paint);
        out.extend(changed.removed.iter().map(|id| format!("{id} left the inbox")));
        app.ui.print(&out.join("\n"))?;
    }
    Err(Error::failed("the server ended the stream"))
}
