//! `smithctl loop list`.

use jiff::Timestamp;
use smith_client::{Client, ListPage, LoopFilter};
use smith_model::api::{LoopEvent, LoopItem};
use smith_model::spec::SourceType;
use smith_model::state::State;

use crate::app::{App, to_value};
use crate::error::{Error, Exit};
use crate::follow;
use crate::output::{self, Format, Shown, Table};
use crate::seen::{Seen, Told};
use crate::show;

/// The arguments.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only loops in these states, such as unresolved,overwriting; may be given again.
    #[arg(long = "state", value_name = "STATE", value_delimiter = ',')]
    states: Vec<State>,
    /// Only loops with this label; may be given again.
    #[arg(short = 'l', long = "label", value_name = "NAME=VALUE", value_parser = label)]
    labels: Vec<(String, String)>,
    /// Only loops from such a source: prompt, prd, prd_story, github_issue or api.
    #[arg(long, value_name = "TYPE", value_parser = source)]
    source_type: Option<SourceType>,
    /// Only loops with this text in id or title.
    #[arg(short, long, value_name = "TEXT")]
    query: Option<String>,
    /// Only loops that are held.
    #[arg(long)]
    held: bool,
    /// At most so many; all where none is given.
    #[arg(long, value_name = "N", conflicts_with = "watch")]
    limit: Option<u32>,
    /// Go on, and print each loop again when it changes.
    #[arg(short, long)]
    watch: bool,
}

/// `name=value`.
pub(crate) fn label(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write it as NAME=VALUE".into()),
    }
}

fn source(text: &str) -> Result<SourceType, String> {
    serde_json::from_value(text.into()).map_err(|error| error.to_string())
}

/// The most loops of one page.
const PAGE: u32 = 500;

/// Runs it.
pub(crate) async fn run(app: &App, args: Args) -> Result<Exit, Error> {
    let Args { states, labels, source_type, query, held, limit, watch: watching } = args;
    let filter = LoopFilter {
        states,
        project: app.project()?,
        labels: labels.into_iter().collect(),
        source_type,
        text: query,
        held: held.then_some(true),
    };
    let client = app.client()?;
    if watching {
        return watch(app, &client, &filter).await;
    }
    let items = all(&client, &filter, limit).await?;
    let human = show::table(&items, &app.ui.format, app.ui.style, Timestamp::now());
    if items.is_empty() && app.ui.format.is_human() {
        app.ui.note("no loops");
    }
    let names = items.iter().map(|item| item.record.loop_id.to_string()).collect();
    let value = output::items(items.iter().map(to_value).collect());
    app.ui.show(&Shown { value, names, human })?;
    Ok(Exit::Done)
}

/// Page by page, so that a list of any length comes whole.
async fn all(
    client: &Client,
    filter: &LoopFilter,
    limit: Option<u32>,
) -> Result<Vec<LoopItem>, Error> {
    let most = limit.map_or(usize::MAX, |n| n as usize);
    let mut items: Vec<LoopItem> = vec![];
    let mut cursor = None;
    loop {
        let wanted = u32::try_from(most - items.len()).unwrap_or(u32::MAX).min(PAGE);
        if wanted == 0 {
            return Ok(items);
        }
        let page = ListPage { limit: Some(wanted), cursor, min_revision: None };
        let page = client.list_loops(filter, &page).await?;
        items.extend(page.items);
        cursor = page.cursor;
        if cursor.is_none() {
            items.truncate(most);
            return Ok(items);
        }
    }
}

/// The list, then each change; ends with Ctrl-C only.
async fn watch(app: &App, client: &Client, filter: &LoopFilter) -> Result<Exit, Error> {
    let mut events = client.loops_stream(filter, None);
    let mut seen = Seen::new();
    let mut table = Table::new(&show::headers(&app.ui.format));
    while let Some(event) = follow::next(app, &mut events).await {
        let event = event?;
        if !app.ui.format.is_human() {
            if let (Format::Name, LoopEvent::Updated(item)) = (&app.ui.format, &event) {
                app.ui.print(item.record.loop_id.as_str())?;
            } else if app.ui.format != Format::Name {
                app.ui.event(&to_value(&event), "")?;
            }
            continue;
        }
        let changed = seen.take(told(event));
        let row = |item: &LoopItem| show::row(item, &app.ui.format, Timestamp::now());
        let paint = |line: &str, item: &LoopItem| show::paint(line, item, app.ui.style);
        let mut out = table.changes(&changed, row, paint);
        out.extend(changed.removed.iter().map(|id| format!("{id} left the list")));
        app.ui.print(&out.join("\n"))?;
    }
    Err(Error::failed("the server ended the stream"))
}

fn told(event: LoopEvent) -> Told<LoopItem> {
    match event {
        LoopEvent::Updated(item) => Told::Updated(item.record.loop_id.clone(), *item),
        LoopEvent::Removed { loop_id } => Told::Removed(loop_id),
        LoopEvent::Reset => Told::Reset,
        LoopEvent::Ready => Told::Ready,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_pairs() {
        assert_eq!(label("a=b=c"), Ok(("a".into(), "b=c".into())));
        assert_eq!(label("a="), Ok(("a".into(), String::new())));
        assert!(label("a").is_err() && label("=b").is_err());
    }
}
