//! `smithctl loop logs`.

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use smith_client::{Client, JournalEvent, JournalPage};
use smith_model::id::LoopId;
use smith_model::journal::{Entry, Level, Phase};

use crate::app::{App, to_value};
use crate::error::{Error, Exit};
use crate::follow;
use crate::output::{self, Shown};
use crate::show::{self, LogFilter};

/// The arguments.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The loops.
    #[arg(required = true, value_name = "ID")]
    ids: Vec<LoopId>,
    /// Go on until the loops have ended.
    #[arg(short, long)]
    follow: bool,
    /// Begin with the newest N entries.
    #[arg(long, value_name = "N", conflicts_with = "after")]
    tail: Option<u32>,
    /// Begin behind the entry with this number.
    #[arg(long, value_name = "SEQ")]
    after: Option<u64>,
    /// Only entries of this level and above: output, info, warn, error.
    #[arg(long, value_name = "LEVEL", value_parser = wire::<Level>)]
    level: Option<Level>,
    /// Only entries of this phase, such as iteration or gates; may be given again.
    #[arg(long = "phase", value_name = "PHASE", value_parser = wire::<Phase>)]
    phases: Vec<Phase>,
    /// Only the output of agents and gates, without times and phases.
    #[arg(long)]
    raw_output: bool,
}

/// A wire enum by its name.
fn wire<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_value(text.into()).map_err(|error| error.to_string())
}

/// How entries are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Look {
    Lines,
    Raw,
}

/// Runs it.
pub(crate) async fn run(app: &App, args: Args) -> Result<Exit, Error> {
    let Args { ids, follow, tail, after, level, phases, raw_output } = args;
    let client = app.client()?;
    let printer = Printer {
        app,
        filter: LogFilter { level, phases },
        look: if raw_output { Look::Raw } else { Look::Lines },
        several: ids.len() > 1,
    };
    if !follow && !app.ui.format.is_human() {
        return collected(app, &client, &ids, after, tail, &printer.filter).await;
    }
    let (client, printer) = (&client, &printer);
    if !follow {
        let mut exit = Exit::Done;
        for id in &ids {
            match there(app, client, id, after, tail, |entry| printer.print(id, &entry)).await {
                Ok(_) => {}
                Err(error) if ids.len() == 1 => return Err(error),
                Err(error) => {
                    app.ui.error(&error);
                    exit = Exit::Failed;
                }
            }
        }
        return Ok(exit);
    }
    let ends = ids.iter().map(|id| async move {
        let seen = there(app, client, id, after, tail, |entry| printer.print(id, &entry)).await?;
        printer.follow(client, id, seen).await
    });
    let mut ends: FuturesUnordered<_> = ends.collect();
    let mut exit = Exit::Done;
    while let Some(ended) = ends.next().await {
        match ended {
            Ok(()) => {}
            Err(error) if ids.len() == 1 => return Err(error),
            Err(error) => {
                app.ui.error(&error);
                exit = Exit::Failed;
            }
        }
    }
    Ok(exit)
}

/// Prints a loop's journal behind `after` until the loop has ended.
pub(crate) async fn follow_one(
    app: &App,
    client: &Client,
    id: &LoopId,
    after: u64,
) -> Result<(), Error> {
    let printer = Printer { app, filter: LogFilter::default(), look: Look::Lines, several: false };
    printer.follow(client, id, after).await
}

struct Printer<'a> {
    app: &'a App,
    filter: LogFilter,
    look: Look,
    several: bool,
}

impl Printer<'_> {
    fn print(&self, id: &LoopId, entry: &Entry) -> Result<(), Error> {
        if !self.filter.takes(entry) {
            return Ok(());
        }
        let whose = self.several.then_some(id.as_str());
        let human = match self.look {
            Look::Lines => Some(show::entry(entry, whose, self.app.ui.style)),
            Look::Raw => show::excerpt(entry),
        };
        match human {
            Some(human) => self.app.ui.event(&to_value(entry), &human),
            None => Ok(()),
        }
    }

    async fn follow(&self, client: &Client, id: &LoopId, after: u64) -> Result<(), Error> {
        let mut journal = client.journal_stream(id, after, None);
        while let Some(event) = follow::next(self.app, &mut journal).await {
            match event {
                Ok(JournalEvent::Entry(entry)) => self.print(id, &entry)?,
                Ok(JournalEvent::Reset) => {
                    self.app.ui.note(&format!("({id}: history was replaced; from the beginning)"));
                }
                Ok(JournalEvent::Ended) => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Err(Error::failed(format!("{id}: the stream ended before the loop did")))
    }
}

/// What is there now; answers the number of the last entry.
async fn there(
    app: &App,
    client: &Client,
    id: &LoopId,
    after: Option<u64>,
    tail: Option<u32>,
    mut take: impl FnMut(Entry) -> Result<(), Error>,
) -> Result<u64, Error> {
    let Some(tail) = tail else {
        return follow::pages(app, client, id, after.unwrap_or(0), take).await;
    };
    let page = JournalPage { tail: Some(tail.max(1)), ..JournalPage::default() };
    let page = app.ask(client, id, client.journal(id, page)).await?;
    let mut last = 0;
    for entry in page.items {
        last = entry.seq;
        // `--tail 0` asks for nothing but where the end is.
        if tail > 0 {
            take(entry)?;
        }
    }
    Ok(last)
}

/// For programs: all entries as one object.
async fn collected(
    app: &App,
    client: &Client,
    ids: &[LoopId],
    after: Option<u64>,
    tail: Option<u32>,
    filter: &LogFilter,
) -> Result<Exit, Error> {
    let act = async |id: &LoopId| {
        let mut entries = vec![];
        let take = |entry: Entry| {
            if filter.takes(&entry) {
                entries.push(to_value(&entry));
            }
            Ok::<_, Error>(())
        };
        there(app, client, id, after, tail, take).await?;
        Ok::<_, Error>((id.clone(), entries))
    };
    if let [id] = ids {
        let (_, entries) = act(id).await?;
        let names = vec![id.to_string()];
        app.ui.show(&Shown { value: output::items(entries), names, human: String::new() })?;
        return Ok(Exit::Done);
    }
    let act = async |id: &LoopId| {
        let (loop_id, items) = act(id).await?;
        Ok(serde_json::json!({ "loop_id": loop_id, "items": items }))
    };
    app.each(ids, act, |_| String::new()).await
}
