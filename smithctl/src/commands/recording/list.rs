//! `smithctl recording list`.

use smith_model::id::LoopId;
use smith_term::playback::catalog::Catalog;

use super::catalog;
use crate::app::{App, to_value};
use crate::error::{Error, Exit};
use crate::output::{self, Shown, Table};
use crate::show;

/// The arguments.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The loop.
    #[arg(value_name = "ID")]
    id: LoopId,
}

/// Runs it.
pub(crate) async fn run(app: &App, args: Args) -> Result<Exit, Error> {
    let Args { id } = args;
    let client = app.client()?;
    let catalog = catalog(app, &client, &id).await?;
    if catalog.parts.is_empty() && app.ui.format.is_human() {
        app.ui.note("nothing was recorded");
    }
    let mut names: Vec<_> = catalog.parts.iter().map(|(n, _)| n.to_string()).collect();
    names.dedup();
    let human = table(&catalog);
    let value = output::items(catalog.parts.iter().map(|(_, item)| to_value(item)).collect());
    app.ui.show(&Shown { value, names, human })?;
    Ok(Exit::Done)
}

fn table(catalog: &Catalog) -> String {
    if catalog.parts.is_empty() {
        return String::new();
    }
    let mut table =
        Table::new(&["N", "ATTEMPT", "SESSION", "ITERATION", "PART", "BEGAN", "LENGTH", "BYTES"]);
    for (n, item) in &catalog.parts {
        let recording = &item.recording;
        let iteration = Some(recording.iteration).filter(|n| *n > 0);
        table.row([
            n.to_string(),
            item.no.to_string(),
            recording.session.to_string(),
            iteration.map(|n| n.to_string()).unwrap_or_default(),
            recording.segment.to_string(),
            show::time(recording.started_at),
            show::millis(recording.millis),
            recording.artifact.size.to_string(),
        ]);
    }
    table.text()
}

#[cfg(test)]
mod tests {
    use smith_model::terminal::Session;
    use smith_term::playback::samples::part;

    use super::*;

    #[test]
    fn parts_stand_under_the_number_of_their_process() {
        let mut shell = part(Session::Shell, 1, 1, 5);
        shell.recording.iteration = 0;
        let parts = vec![part(Session::Agent, 1, 1, 0), part(Session::Agent, 1, 2, 1), shell];
        insta::assert_snapshot!(table(&Catalog::new(parts)), @r"
        N   ATTEMPT   SESSION   ITERATION   PART   BEGAN                  LENGTH   BYTES
        1   r1a1      agent     1           1      2026-01-02T03:04:05Z   1.0s     0
        1   r1a1      agent     1           2      2026-01-02T03:04:06Z   1.0s     0
        2   r1a1      shell     -           1      2026-01-02T03:04:10Z   1.0s     0
        ");
        assert_eq!(table(&Catalog::default()), "");
    }
}
