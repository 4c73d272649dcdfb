//! `smithctl loop create`.

use serde_json::Value;
use smith_client::Client;
use smith_model::api::{BatchAnswer, BatchRequest, Created, MOST_BATCH};
use smith_model::duration::Span;
use smith_model::id::{LoopId, ProjectName};
use smith_model::spec::{LoopRequest, SourceType};
use smith_model::state::State;

use crate::app::{App, to_value};
use crate::commands::loops::logs;
use crate::commands::work::{Wanted, Work};
use crate::error::{Error, Exit};
use crate::follow::{self, Goal};
use crate::output::{Format, Shown, Table};
use crate::{git, input, show};

/// The arguments.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A request, or a list of requests, in JSON or YAML; `-` is standard input.
    #[arg(short, long, value_name = "FILE", conflicts_with_all = ["repo", "prompt", "prd", "gates", "no_gates", "agent", "title", "wanted"])]
    file: Option<String>,
    /// What is wanted, in words; @FILE reads a file, `-` standard input.
    #[arg(long, value_name = "TEXT")]
    prompt: Option<String>,
    /// A PRD, in JSON or Markdown; its stories are worked through one by one.
    #[arg(long, value_name = "FILE")]
    prd: Option<String>,
    /// One line for people; made of the prompt or the PRD where none is given.
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
    #[command(flatten)]
    work: Work,
    #[command(flatten)]
    wanted: Wanted,
    /// The loop's name; made of the title where none is given.
    #[arg(long, value_name = "ID", conflicts_with = "file")]
    loop_id: Option<LoopId>,
    /// The same key and request again is the same loop. Drawn anew by each call where none is given, so
    /// that the same command again is another loop.
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
    /// A loop that must be synced first; its commit is merged into the base. May be given again.
    #[arg(long, value_name = "ID", conflicts_with = "file")]
    depends_on: Vec<LoopId>,
    /// Wait until the loop is synced, at most for TIME; exit code 3 if it ends elsewhere, or not in time.
    #[arg(long, value_name = "TIME", num_args = 0..=1, require_equals = true)]
    wait: Option<Option<Span>>,
    /// Print what the loop says until it has ended.
    #[arg(long)]
    follow: bool,
}

/// Runs it.
pub(crate) async fn run(app: &App, args: Args) -> Result<Exit, Error> {
    let ends = (args.wait, args.follow);
    let request = match &args.file {
        Some(name) => from_file(app, name, args.idempotency_key.clone()).await?,
        None => Request::One(Box::new(from_line(app, args).await?)),
    };
    let client = app.client()?;
    match request {
        Request::One(request) => one(app, &client, &request, ends).await,
        Request::Batch(requests) => many(app, &client, requests, ends).await,
    }
}

enum Request {
    One(Box<LoopRequest>),
    Batch(Vec<Value>),
}

/// A key that no other call has.
fn fresh_key() -> String {
    uuid::Uuid::new_v4().to_string()
}

async fn from_line(app: &App, args: Args) -> Result<LoopRequest, Error> {
    let Args {
        file: _,
        prompt,
        prd,
        title,
        work,
        wanted,
        loop_id,
        idempotency_key,
        depends_on,
        wait: _,
        follow: _,
    } = args;
    let gates = work.gates();
    let Work { repo, reference, gates: _, no_gates: _, agent, model } = work;
    if prompt.is_none() && prd.is_none() && title.is_none() {
        return Err(Error::usage("nothing is asked for")
            .hint("say what is wanted with --prompt, --prd FILE or -f FILE")
            .hint(
                "smithctl loop create --repo . --prompt 'Add a --version flag' --gate 'make test'",
            ));
    }
    let Some(repo) = repo else {
        return Err(Error::usage("no repository is named").hint("this one: --repo ."));
    };
    let found = git::find(&repo).await?;
    for warning in &found.warnings {
        app.ui.note(&format!("warning: {warning}"));
    }
    let prompt = match prompt {
        Some(given) => Some(input::words(&given).await?),
        None => None,
    };
    let prd = match prd {
        Some(name) => Some(crate::commands::prd::read(app, &name, None).await?),
        None => None,
    };
    let named = title.clone().or_else(|| prd.as_ref().map(|prd| prd.project.clone()));
    let source = named.or_else(|| prompt.as_deref().map(str::to_owned)).unwrap_or_default();
    let source_type = if prd.is_some() { SourceType::Prd } else { SourceType::Prompt };
    Ok(LoopRequest {
        idempotency_key: Some(idempotency_key.unwrap_or_else(fresh_key)),
        project: app.project()?,
        title,
        source_type: Some(source_type),
        source_ref: source_line(&source),
        model,
        command: agent,
        repository: Some(found.repository),
        reference,
        prd: prd.as_ref().map(to_value),
        prompt,
        gates,
        policy: wanted.policy(),
        priority: wanted.priority,
        labels: wanted.labels(),
        depends_on,
        loop_id,
        ..LoopRequest::default()
    })
}

/// The first words: loops that nobody named get their id from it.
fn source_line(text: &str) -> Option<String> {
    let first = text.lines().map(str::trim).find(|line| !line.is_empty())?;
    let line: String = first.chars().filter(|c| !c.is_control()).take(80).collect();
    Some(line.trim().to_owned()).filter(|line| !line.is_empty())
}

async fn from_file(app: &App, name: &str, key: Option<String>) -> Result<Request, Error> {
    let text = input::text(name).await?;
    let document = input::document(name, &text)?;
    read_document(name, document, key, app.project()?)
}

fn read_document(
    name: &str,
    document: Value,
    key: Option<String>,
    project: Option<ProjectName>,
) -> Result<Request, Error> {
    let mut requests = match document {
        Value::Array(requests) => requests,
        Value::Object(mut object) if object.contains_key("loops") => {
            match (object.remove("loops"), object.keys().next()) {
                (Some(Value::Array(requests)), None) => requests,
                _ => {
                    return Err(Error::usage(format!("{name}: `loops` has to be a list, alone")));
                }
            }
        }
        Value::Object(object) => {
            let read = serde_json::from_value::<LoopRequest>(Value::Object(object));
            let mut request = read
                .map_err(|error| Error::usage(format!("{name} isn't a loop request: {error}")))?;
            request.project = request.project.or(project);
            request.idempotency_key = key.or_else(|| request.idempotency_key.clone());
            if request.key().is_none() {
                request.idempotency_key = Some(fresh_key());
            }
            return Ok(Request::One(Box::new(request)));
        }
        _ => {
            return Err(Error::usage(format!("{name} holds neither a request nor a list of them")));
        }
    };
    if key.is_some() {
        let error = Error::usage("--idempotency-key is for one request, not for a list");
        return Err(error.hint("write idempotency_key into each of them"));
    }
    if requests.is_empty() || requests.len() > MOST_BATCH {
        let n = requests.len();
        return Err(Error::usage(format!(
            "{name} holds {n} requests; 1 to {MOST_BATCH} go at once"
        )));
    }
    for request in &mut requests {
        // What isn't an object is refused by the server, with its place in the list.
        let Value::Object(fields) = request else {
            continue;
        };
        let keyed = ["idempotency_key", "loop_id"].iter().any(|field| fields.contains_key(*field))
            || ["source_type", "source_ref"].iter().all(|field| fields.contains_key(*field));
        if !keyed {
            fields.insert("idempotency_key".into(), fresh_key().into());
        }
        if let Some(project) = &project {
            fields.entry("project").or_insert_with(|| project.as_str().into());
        }
    }
    Ok(Request::Batch(requests))
}

type Ends = (Option<Option<Span>>, bool);

async fn one(app: &App, client: &Client, request: &LoopRequest, ends: Ends) -> Result<Exit, Error> {
    let created = client.create_loop(request, request.idempotency_key.as_deref()).await?;
    let Created { created: new, item } = &created;
    let id = item.record.loop_id.clone();
    let human_now = app.ui.format.is_human() || app.ui.format == Format::Name;
    if human_now || ends == (None, false) {
        let human = match new {
            true => format!("{id} created"),
            false => format!("{id} is there already ({})", item.record.state),
        };
        let shown = Shown { value: to_value(&created), names: vec![id.to_string()], human };
        app.ui.show(&shown)?;
    }
    if app.ui.format.is_human() {
        if let Some(key) = &request.idempotency_key {
            app.ui.note(&format!("idempotency key: {key}"));
        }
        if ends == (None, false) {
            app.ui.note(&format!("follow it: smithctl loop logs -f {id}"));
        }
    }
    finish(app, client, &id, ends).await
}

/// Waits and follows as asked.
pub(crate) async fn finish(
    app: &App,
    client: &Client,
    id: &LoopId,
    (wait, follow): Ends,
) -> Result<Exit, Error> {
    let goal = Goal::State(State::Synced);
    let detail = match (wait, follow) {
        (None, false) => return Ok(Exit::Done),
        (None, true) => {
            logs::follow_one(app, client, id, 0).await?;
            return Ok(Exit::Done);
        }
        (Some(limit), false) => follow::reach(app, client, id, goal, limit.map(Span::std)).await?,
        (Some(limit), true) => {
            // The loop's end is in its journal, so both end together; only the wait has a limit.
            let told = logs::follow_one(app, client, id, 0);
            let waited = follow::reach(app, client, id, goal, limit.map(Span::std));
            tokio::pin!(told, waited);
            tokio::select! {
                biased;
                told = &mut told => {
                    told?;
                    waited.await?
                }
                waited = &mut waited => {
                    let detail = waited?;
                    told.await?;
                    detail
                }
            }
        }
    };
    let record = &detail.item.record;
    let state = app.ui.style.state(record.state);
    let human = format!("{id} is {state}: {}", show::line(&record.message));
    if follow && !app.ui.format.is_human() {
        return Ok(Exit::Done);
    }
    let names = vec![];
    app.ui.show(&Shown { value: to_value(&detail), names, human })?;
    Ok(Exit::Done)
}

async fn many(app: &App, client: &Client, loops: Vec<Value>, ends: Ends) -> Result<Exit, Error> {
    if ends != (None, false) {
        let error = Error::usage("--wait and --follow are for one loop, not for a list");
        return Err(error.hint("smithctl loop wait ID… waits for several"));
    }
    let answer = client.create_loops(&BatchRequest { loops }).await?;
    let names = names(&answer);
    let human = batch(&answer);
    let exit = if answer.refused > 0 { Exit::Failed } else { Exit::Done };
    app.ui.show(&Shown { value: to_value(&answer), names, human })?;
    Ok(exit)
}

/// The loops of a batch.
pub(crate) fn names(answer: &BatchAnswer) -> Vec<String> {
    let made = answer.results.iter().filter_map(|item| item.result.as_ref());
    made.map(|created| created.item.record.loop_id.to_string()).collect()
}

/// A batch's answer for people.
pub(crate) fn batch(answer: &BatchAnswer) -> String {
    let mut table = Table::new(&["#", "ID", "RESULT", "TITLE OR REASON"]);
    for item in &answer.results {
        let index = item.index.to_string();
        match (&item.result, &item.problem) {
            (Some(Created { created, item }), _) => {
                let result = if *created { "created" } else { "there already" };
                let record = &item.record;
                table.row([&index, record.loop_id.as_str(), result, &record.summary.title]);
            }
            (None, problem) => {
                let why = problem.as_ref().map_or("", |problem| &problem.detail);
                table.row([&index, "", "refused", why]);
            }
        }
    }
    let BatchAnswer { results: _, created, existing, refused } = answer;
    format!("{}\n{created} created, {existing} there already, {refused} refused", table.text())
}

#[cfg(test)]
mod tests;
