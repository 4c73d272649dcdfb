//! `smithctl audit`.

use jiff::Timestamp;
use smith_client::AuditFilter;
use smith_model::audit::AuditRecord;
use smith_model::id::LoopId;

use crate::app::{App, to_value};
use crate::error::{Error, Exit};
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
    #[arg(long, value_name = "TIME")]
    after: Option<Timestamp>,
    /// At most so many.
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: u32,
}

/// The most records of one page.
const PAGE: u32 = 500;

/// Runs it.
pub(crate) async fn run(app: &App, args: Args) -> Result<Exit, Error> {
    let Args { loop_id, actor, action, after, limit } = args;
    let mut filter = AuditFilter { loop_id, actor, action, after, ..AuditFilter::default() };
    let client = app.client()?;
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

fn table(records: &[AuditRecord], format: &Format) -> String {
    let mut headers = vec!["TIME", "ACTOR", "ACTION", "LOOP"];
    if *format == Format::Wide {
        headers.extend(["PROJECT", "ID", "SCOPE", "SEQ", "REQUEST"]);
    }
    headers.push("REASON");
    let mut table = Table::new(&headers);
    for record in records {
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
        table.row(cells);
    }
    table.text()
}
