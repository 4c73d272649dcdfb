//! PRD ingress: a document becomes one loop that works through its stories, or one loop a story.

use serde_json::Value;
use smith_model::access::Role;
use smith_model::api::{PrdAnswer, PrdFormat, PrdMode, PrdRequest};
use smith_model::id::{Digest, LoopId};
use smith_model::prd::{Prd, Report};
use smith_model::problem::{Code, FieldError, Problem};
use smith_model::spec::{LoopRequest, SourceType};

use super::{App, Caller, Error};

impl App {
    /// Creates the loops of a PRD. A PRD with errors creates nothing.
    pub async fn ingest_prd(
        &self,
        caller: &Caller,
        request: PrdRequest,
        header_key: Option<String>,
    ) -> Result<PrdAnswer, Error> {
        caller.needs(Role::Operator)?;
        let (prd, report) = read(&request)?;
        let value = serde_json::to_value(&prd).expect("a PRD is plain data");
        let source_ref = request.source_ref.clone().unwrap_or_else(|| {
            // The same document is the same source, however it was written.
            format!("prd:{:.16}", Digest::of(prd.canonical_json().as_bytes()).as_str())
        });
        let loops = match request.mode {
            PrdMode::Loop => vec![whole(&request, &prd, value, &source_ref, header_key)?],
            PrdMode::Stories => stories(&request, &prd, &source_ref, header_key)?,
        };
        let batch = self.create_batch(caller, loops.into_iter().map(Ok).collect()).await?;
        let report = serde_json::to_value(report).expect("a report is plain data");
        Ok(PrdAnswer { batch, report })
    }
}

fn read(request: &PrdRequest) -> Result<(Prd, Report), Error> {
    let one = |field: &str, rule: &str| -> Error {
        Problem::fields(vec![FieldError::new(field, "", rule)]).into()
    };
    let parsed = match (&request.prd, &request.markdown, request.format) {
        (Some(_), Some(_), _) => return Err(one("markdown", "left out when prd is given")),
        (Some(value), None, None | Some(PrdFormat::Json)) => match value {
            Value::String(text) => Prd::from_json(text),
            value => Prd::from_value(value),
        },
        (None, Some(text), None | Some(PrdFormat::Markdown)) => Prd::from_markdown(text),
        (Some(_), None, Some(PrdFormat::Markdown)) => {
            return Err(one("markdown", "given when format is \"markdown\""));
        }
        (None, Some(_), Some(PrdFormat::Json)) => {
            return Err(one("prd", "given when format is \"json\""));
        }
        (None, None, _) => return Err(one("prd", "given, or markdown")),
    };
    parsed.map_err(|report| {
        let n = report.errors.len();
        let first = report.errors.first();
        let first = first.map(|d| format!("{}: {}", d.path, d.message)).unwrap_or_default();
        let mut problem =
            Problem::new(Code::InvalidPrd, format!("the PRD has {n} errors: {first}"));
        problem.report = serde_json::to_value(report).ok();
        problem.into()
    })
}

/// What both modes take over from the request.
fn base(request: &PrdRequest) -> LoopRequest {
    let PrdRequest {
        format: _,
        prd: _,
        markdown: _,
        mode: _,
        source_ref: _,
        loop_id: _,
        project,
        repository,
        reference,
        provider_id,
        model,
        command,
        gates,
        policy,
        priority,
        labels,
    } = request.clone();
    LoopRequest {
        project,
        repository,
        reference,
        provider_id,
        model,
        command,
        gates,
        policy,
        priority,
        labels,
        ..LoopRequest::default()
    }
}

fn loop_id(text: &str) -> Result<LoopId, Error> {
    text.parse().map_err(|e: smith_model::id::InvalidName| {
        Problem::fields(vec![FieldError::new("loop_id", text, e.rule)]).into()
    })
}

fn whole(
    request: &PrdRequest,
    prd: &Prd,
    value: Value,
    source_ref: &str,
    key: Option<String>,
) -> Result<LoopRequest, Error> {
    let loop_id = request.loop_id.as_deref().map(loop_id).transpose()?;
    Ok(LoopRequest {
        loop_id,
        idempotency_key: key,
        title: Some(prd.project.chars().take(200).collect()),
        source_type: Some(SourceType::Prd),
        source_ref: Some(source_ref.to_owned()),
        prd: Some(value),
        ..base(request)
    })
}

/// One loop a story: its PRD is the document with that story alone, renumbered; the story's
/// dependencies become the loop's.
fn stories(
    request: &PrdRequest,
    prd: &Prd,
    source_ref: &str,
    key: Option<String>,
) -> Result<Vec<LoopRequest>, Error> {
    let project = request.project.clone();
    let project = project.unwrap_or_else(smith_model::id::ProjectName::default_project);
    let name = |story: &str| -> Result<LoopId, Error> {
        let story = story.to_lowercase();
        match &request.loop_id {
            Some(prefix) => loop_id(&format!("{prefix}-{story}")),
            // Derived as the server would for a request without an id, so that dependencies can be
            // named before the loops are there.
            None => {
                let place = format!("{source_ref}#{story}");
                Ok(LoopId::derive(
                    &story,
                    &project,
                    &format!("{}:{place}", key.as_deref().unwrap_or("prd_story")),
                ))
            }
        }
    };
    let mut loops = vec![];
    for story in &prd.stories {
        let id = story.id.to_string();
        let mut alone = prd.clone();
        let mut only = story.clone();
        only.id = smith_model::prd::StoryId::at_index(0).expect("the first index has an id");
        only.depends_on = vec![];
        alone.stories = vec![only];
        let depends_on = story.depends_on.iter().map(|d| name(&d.to_string()));
        loops.push(LoopRequest {
            loop_id: Some(name(&id)?),
            idempotency_key: key.as_ref().map(|key| format!("{key}#{id}")),
            title: Some(format!("[{}] {}", prd.project, story.title).chars().take(200).collect()),
            source_type: Some(SourceType::PrdStory),
            source_ref: Some(format!("{source_ref}#{id}")),
            prd: Some(serde_json::to_value(&alone).expect("a PRD is plain data")),
            depends_on: depends_on.collect::<Result<_, _>>()?,
            ..base(request)
        });
    }
    Ok(loops)
}
