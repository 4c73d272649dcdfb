//! `smithctl loop trace`.

use smith_model::api::Trace;
use smith_model::id::LoopId;

use crate::app::App;
use crate::error::{Error, Exit};
use crate::show::{self, Depth, Detail, Style};

/// The arguments.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The loops.
    #[arg(required = true, value_name = "ID")]
    ids: Vec<LoopId>,
}

/// Runs it.
pub(crate) async fn run(app: &App, args: Args) -> Result<Exit, Error> {
    let Args { ids } = args;
    let client = app.client()?;
    let act = async |id: &LoopId| app.ask(&client, id, client.trace(id)).await;
    let style = app.ui.style;
    let human =
        |done: &[Trace]| done.iter().map(|t| text(t, style)).collect::<Vec<_>>().join("\n\n");
    app.each(&ids, act, human).await
}

fn text(trace: &Trace, style: Style) -> String {
    let Trace { detail, attempts, stories, iterations, journal, handoffs, overrides, audit, chain } =
        trace;
    let known = Detail {
        detail: detail.clone(),
        why: None,
        stories: stories.clone(),
        attempts: attempts.clone(),
        iterations: iterations.clone(),
        handoff: handoffs.last().cloned(),
    };
    let mut out = show::detail(&known, Depth::Long, style, jiff::Timestamp::now());
    let state = match &chain.problem {
        None if chain.intact => "intact".into(),
        None => style.bad("broken"),
        Some(problem) => style.bad(&format!("broken: {}", show::line(problem))),
    };
    out.push_str(&format!("{:<16}{state} ({} entries)\n", "Chain:", chain.entries));
    out.push_str(&format!(
        "{:<16}{} handoffs, {} overrides, {} audit records\n",
        "Evidence:",
        handoffs.len(),
        overrides.len(),
        audit.len()
    ));
    for change in overrides {
        let (actor, reason) = (show::line(&change.actor), show::line(&change.reason));
        let (action, at) = (show::line(&change.action), show::time(change.at));
        out.push_str(&format!("  {at}  {action} by {actor}: {reason}\n"));
    }
    out.push_str("\nJournal:\n");
    for entry in journal {
        out.push_str(&show::entry(entry, None, style));
        out.push('\n');
    }
    out
}
