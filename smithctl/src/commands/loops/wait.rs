//! `smithctl loop wait`.

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use smith_model::duration::Span;
use smith_model::id::LoopId;

use crate::app::{App, to_value};
use crate::error::{Error, Exit, Kind};
use crate::follow::{self, Goal};
use crate::output::{self, Shown};
use crate::show;

/// The arguments.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The loops.
    #[arg(required = true, value_name = "ID")]
    ids: Vec<LoopId>,
    /// What to wait for: synced, flatline, cancelled, overwriting, unresolved, or ended (any end).
    #[arg(long = "for", value_name = "STATE", default_value = "synced")]
    goal: Goal,
    /// The longest to wait, such as 90s or 1h; for ever where none is given.
    #[arg(long, value_name = "TIME")]
    timeout: Option<Span>,
}

/// Runs it.
pub(crate) async fn run(app: &App, args: Args) -> Result<Exit, Error> {
    let Args { ids, goal, timeout } = args;
    let client = app.client()?;
    let timeout = timeout.map(Span::std);
    let (app, client) = (app, &client);
    let waits = ids
        .iter()
        .map(|id| async move { (id, follow::reach(app, client, id, goal, timeout).await) });
    // All of them at once: the time is one for all.
    let mut waits: FuturesUnordered<_> = waits.collect();
    let (mut exit, mut values, mut names) = (Exit::Done, vec![], vec![]);
    while let Some((id, ended)) = waits.next().await {
        match ended {
            Ok(detail) => {
                let record = &detail.item.record;
                if app.ui.format.is_human() {
                    let state = app.ui.style.state(record.state);
                    app.ui.print(&format!("{id} is {state}: {}", show::line(&record.message)))?;
                }
                names.push(id.to_string());
                values.push(to_value(&detail));
            }
            Err(error) if ids.len() == 1 => return Err(error),
            Err(error) => {
                app.ui.error(&error);
                exit = exit.and(match error.kind {
                    Kind::NotReached => Exit::NotReached,
                    Kind::Failed | Kind::Usage | Kind::BrokenPipe => Exit::Failed,
                });
            }
        }
    }
    let value = match ids.len() {
        1 => values.pop().unwrap_or_default(),
        _ => output::items(values),
    };
    app.ui.show(&Shown { value, names, human: String::new() })?;
    Ok(exit)
}
