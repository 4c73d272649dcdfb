//! `smithctl audit`.

use jiff::Timestamp;
use smith_client::{AuditEvent, AuditFilter, AuditWatch, Client};
use smith_model::audit::AuditRecord;
use smith_model::id::LoopId;

use crate::app::{App, to_value};
use crate::error::{Error, Exit};
use crate::follow;
use crate::output::{self, Format, Shown, Table};
use crate::show;

/// The arguments.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only what was done to this loop.
    #[arg(long = "loop", value_name = "ID")]
    loop_id: Option<LoopId>,
    /// Only what this identity did.
    #[arg(long, value_name = "NAME")]
    actor: Option<String>,
    /// Only this kind of act, such as loop.create.
    #[arg(long, value_name = "ACTION")]
    action: Option<String>,
    /// Only what was done later, as 2026-01-31T12:00:00Z.
    #[arg(long, value_name = "TIME", conflicts_with = "watch")]
    after: Option<Timestamp>,
    /// At most so many.
    #[arg(long, value_name = "N", default_value_t = 100, conflicts_with = "watch")]
    limit: u32,
    /// Print each act when it is recorded, from now on.
    #[arg(short, long)]
    watch: bool,
}

/// The most records of one page.
const PAGE: u32 = 500;

/// Runs it.
pub(crate) async fn run(app: &App, args: Args) -> Result<Exit, Error> {
    let Args { loop_id, actor, action, after, limit, watch: watching } = args;
    let client = app.client()?;
    if watching {
        return watch(app, &client, &AuditWatch { loop_id, actor, action }).await;
    }
    let mut filter = AuditFilter { loop_id, actor, action, after, ..AuditFilter::default() };
    let mut records: Vec<AuditRecord> = vec![];
    loop {
        let left = limit.saturating_sub(u32::try_from(records.len()).unwrap_or(u32::MAX));
        if left == 0 {
            break;
        }
        filter.limit = Some(left.min(PAGE));
        let page = client.audit(&filter).await?;
        records.extend(page.items);
        filter.cursor = page.cursor;
        if filter.cursor.is_none() {
            break;
        }
    }
    let names = records.iter().map(|record| record.id.to_string()).collect();
    let value = output::items(records.iter().map(to_value).collect());
    let human = table(&records, &app.ui.format);
    app.ui.show(&Shown { value, names, human })?;
    Ok(Exit::Done)
}

/// Each act from now on; ends with Ctrl-C only.
async fn watch(app: &App, client: &Client, watch: &AuditWatch) -> Result<Exit, Error> {
    let mut events = client.audit_stream(watch, None);
    let mut table = Table::new(&headers(&app.ui.format));
    let mut first = true;
    while let Some(event) = follow::next(app, &mut events).await {
        match event? {
            AuditEvent::Ready => {}
            AuditEvent::Reset => {
                app.ui.note("(history was replaced: what was done meanwhile is in smithctl audit)");
            }
            AuditEvent::Record(record) if app.ui.format == Format::Name => {
                app.ui.print(&record.id.to_string())?;
            }
            AuditEvent::Record(record) => {
                table.row(row(&record, &app.ui.format));
                let line = if first { table.text() } else { table.more() };
                first = false;
                app.ui.event(&to_value(&record), &line)?;
            }
        }
    }
    Err(Error::failed("the server ended the stream"))
}

fn table(records: &[AuditRecord], format: &Format) -> String {
    let mut table = Table::new(&headers(format));
    for record in records {
        table.row(row(record, format));
    }
    table.text()
}

fn headers(format: &Format) -> Vec<&'static str> {
    let mut headers = vec!["TIME", "ACTOR", "ACTION", "LOOP"];
    if *format == Format::Wide {
        headers.extend(["PROJECT", "ID", "SCOPE", "SEQ", "REQUEST"]);
    }
    headers.push("REASON");
    headers
}

fn row(record: &AuditRecord, format: &Format) -> Vec<String> {
    let text = |value: Option<String>| value.unwrap_or_default();
    let mut cells = vec![
        show::time(record.at),
        record.actor.clone(),
        record.action.clone(),
        text(record.loop_id.as_ref().map(ToString::to_string)),
    ];
    if *format == Format::Wide {
        cells.extend([
            text(record.project.as_ref().map(ToString::to_string)),
            record.id.to_string(),
            record.scope.clone(),
            record.seq.to_string(),
            text(record.request_id.clone()),
        ]);
    }
    cells.push(text(record.reason.clone()));
    cells
}
