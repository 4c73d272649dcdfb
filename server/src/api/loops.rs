//! `/v1/loops`: create, list, and everything that is known of one.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::Value;
use smith_model::api::{
    ArtifactItem, BatchRequest, Cost, Created, LoopDetail, LoopItem, Page, RecordingItem, Trace,
    Why,
};
use smith_model::attempt::AttemptRecord;
use smith_model::audit::Override;
use smith_model::handoff::Handoff;
use smith_model::id::{Digest, LoopId, Revision};
use smith_model::problem::{Code, FieldError, Problem};
use smith_model::spec::LoopRequest;
use smith_model::story::{IterationRecord, StoriesRecord};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Api;
use super::error::ApiError;
use super::extract::{Name, Query, limit, raw, read, read_value};
use crate::app::{Caller, Filter, Text};

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(create, list))
        .routes(routes!(get))
        .routes(routes!(why))
        .routes(routes!(trace))
        .routes(routes!(attempts))
        .routes(routes!(stories))
        .routes(routes!(iterations))
        .routes(routes!(handoffs))
        .routes(routes!(overrides))
        .routes(routes!(artifacts))
        .routes(routes!(recordings))
        .routes(routes!(artifact))
        .routes(routes!(cost))
}

/// Which loops. All that are given must hold.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// States, separated by commas.
    state: Option<String>,
    /// The project.
    project: Option<String>,
    /// `name=value`; may be repeated.
    label: Vec<String>,
    /// Where the request came from.
    source_type: Option<String>,
    /// A piece of the id, the title or the source, in any case.
    q: Option<String>,
    /// Held, or not.
    held: Option<bool>,
    /// How many; 100 where it isn't said.
    limit: Option<usize>,
    /// Where to go on: the `cursor` of the answer before.
    cursor: Option<String>,
    /// Waits until the list is at least as new as this.
    min_revision: Option<i64>,
}

impl ListQuery {
    pub(super) fn filter(&self) -> Result<Filter, Problem> {
        let mut errors = vec![];
        let mut filter =
            Filter { q: self.q.as_deref().map(Text::from), held: self.held, ..Filter::default() };
        for word in self.state.iter().flat_map(|s| s.split(',')) {
            match word.parse() {
                Ok(state) => {
                    filter.states.insert(state);
                }
                Err(e) => errors.push(FieldError::new("state", word, format!("{e}"))),
            }
        }
        if let Some(project) = &self.project {
            match project.parse() {
                Ok(project) => filter.project = Some(project),
                Err(e) => errors.push(FieldError::new("project", project, format!("{e}"))),
            }
        }
        if let Some(kind) = &self.source_type {
            match serde_json::from_value(Value::String(kind.clone())) {
                Ok(kind) => filter.source_type = Some(kind),
                Err(_) => {
                    let rule = "prompt, prd, prd_story, github_issue or api";
                    errors.push(FieldError::new("source_type", kind, rule));
                }
            }
        }
        for label in &self.label {
            match label.split_once('=') {
                Some((name, value)) => {
                    filter.labels.insert(name.to_owned(), value.to_owned());
                }
                None => errors.push(FieldError::new("label", label, "name=value")),
            }
        }
        if errors.is_empty() { Ok(filter) } else { Err(Problem::fields(errors)) }
    }
}

/// Creates a loop, or several.
///
/// One request answers 201 when it was created and 200 when the same request made it before. A batch
/// (`{"loops": […]}`) always answers 200, with each item's own status inside.
#[utoipa::path(post, path = "/v1/loops", tag = "loops", request_body = LoopRequest,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes the same request the same loop")),
    responses((status = 201, body = Created), (status = 200, body = Created), (status = "4XX", body = Problem)))]
async fn create(
    State(api): State<Api>,
    caller: Caller,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, ApiError> {
    let bytes = raw(request, &api).await?;
    let key = idempotency_key(&headers)?;
    let body: Value = read(&bytes)?;
    if body.get("loops").is_some() {
        if key.is_some() {
            let rule = "left out for a batch: each item names its own idempotency_key";
            return Err(Problem::fields(vec![FieldError::new("Idempotency-Key", "", rule)]).into());
        }
        let BatchRequest { loops } = read(&bytes)?;
        let requests = loops.into_iter().map(read_value::<LoopRequest>).collect();
        return Ok(Json(api.app.create_batch(&caller, requests).await?).into_response());
    }
    let request: LoopRequest = read(&bytes)?;
    let created = api.app.create(&caller, request, key).await?;
    let status = if created.created { StatusCode::CREATED } else { StatusCode::OK };
    let etag = etag(created.item.revision);
    let location = format!("/v1/loops/{}", created.item.record.loop_id);
    Ok((status, [(header::ETAG, etag)], [(header::LOCATION, location)], Json(created))
        .into_response())
}

/// The idempotency key of a request.
pub(super) fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let key = value.to_str().unwrap_or_default().trim();
    if key.is_empty() || key.len() > 512 {
        let rule = "1 to 512 printable characters";
        return Err(Problem::fields(vec![FieldError::new("Idempotency-Key", key, rule)]));
    }
    Ok(Some(key.to_owned()))
}

pub(super) fn etag(revision: Revision) -> HeaderValue {
    HeaderValue::from_str(&format!("\"{revision}\"")).expect("digits in quotes")
}

/// Lists loops, newest first.
#[utoipa::path(get, path = "/v1/loops", tag = "loops", params(ListQuery),
    responses((status = 200, body = Page<LoopItem>), (status = "4XX", body = Problem)))]
async fn list(
    State(api): State<Api>,
    caller: Caller,
    Query(query): Query<ListQuery>,
) -> Result<Json<Page<LoopItem>>, ApiError> {
    let filter = query.filter()?;
    let limit = limit(query.limit, 100, 1000)?;
    if let Some(revision) = query.min_revision {
        api.app.caught_up(Revision(revision)).await?;
    }
    Ok(Json(api.app.list(&caller, &filter, query.cursor.as_deref(), limit)?))
}

/// One loop: its state, what was asked, and its newest attempt.
#[utoipa::path(get, path = "/v1/loops/{id}", tag = "loops", params(("id" = LoopId, Path)),
    responses((status = 200, body = LoopDetail), (status = "4XX", body = Problem)))]
async fn get(
    State(api): State<Api>,
    caller: Caller,
    Name(id): Name<LoopId>,
) -> Result<Response, ApiError> {
    let detail = api.app.get(&caller, &id).await?;
    Ok(([(header::ETAG, etag(detail.item.revision))], Json(detail)).into_response())
}

/// What a loop waits for, now.
#[utoipa::path(get, path = "/v1/loops/{id}/why", tag = "loops", params(("id" = LoopId, Path)),
    responses((status = 200, body = Why), (status = "4XX", body = Problem)))]
async fn why(
    State(api): State<Api>,
    caller: Caller,
    Name(id): Name<LoopId>,
) -> Result<Json<Why>, ApiError> {
    Ok(Json(api.app.why(&caller, &id, &*api.runtime).await?))
}

/// Everything that is known of a loop, and whether its journal is what was written.
#[utoipa::path(get, path = "/v1/loops/{id}/trace", tag = "loops", params(("id" = LoopId, Path)),
    responses((status = 200, body = Trace), (status = "4XX", body = Problem)))]
async fn trace(
    State(api): State<Api>,
    caller: Caller,
    Name(id): Name<LoopId>,
) -> Result<Json<Trace>, ApiError> {
    Ok(Json(api.app.trace(&caller, &id).await?))
}

fn whole<T>(items: Vec<T>) -> Json<Page<T>> {
    Json(Page { items, cursor: None, revision: Revision(0) })
}

/// The attempts, oldest first.
#[utoipa::path(get, path = "/v1/loops/{id}/attempts", tag = "loops", params(("id" = LoopId, Path)),
    responses((status = 200, body = Page<AttemptRecord>), (status = "4XX", body = Problem)))]
async fn attempts(
    State(api): State<Api>,
    caller: Caller,
    Name(id): Name<LoopId>,
) -> Result<Json<Page<AttemptRecord>>, ApiError> {
    Ok(whole(api.app.attempts(&caller, &id).await?))
}

/// The stories; null until a worker has found them.
#[utoipa::path(get, path = "/v1/loops/{id}/stories", tag = "loops", params(("id" = LoopId, Path)),
    responses((status = 200, body = Option<StoriesRecord>), (status = "4XX", body = Problem)))]
async fn stories(
    State(api): State<Api>,
    caller: Caller,
    Name(id): Name<LoopId>,
) -> Result<Json<Option<StoriesRecord>>, ApiError> {
    Ok(Json(api.app.stories(&caller, &id).await?))
}

/// The iterations, oldest first.
#[utoipa::path(get, path = "/v1/loops/{id}/iterations", tag = "loops", params(("id" = LoopId, Path)),
    responses((status = 200, body = Page<IterationRecord>), (status = "4XX", body = Problem)))]
async fn iterations(
    State(api): State<Api>,
    caller: Caller,
    Name(id): Name<LoopId>,
) -> Result<Json<Page<IterationRecord>>, ApiError> {
    Ok(whole(api.app.iterations(&caller, &id).await?))
}

/// The handoffs, oldest first.
#[utoipa::path(get, path = "/v1/loops/{id}/handoffs", tag = "loops", params(("id" = LoopId, Path)),
    responses((status = 200, body = Page<Handoff>), (status = "4XX", body = Problem)))]
async fn handoffs(
    State(api): State<Api>,
    caller: Caller,
    Name(id): Name<LoopId>,
) -> Result<Json<Page<Handoff>>, ApiError> {
    Ok(whole(api.app.handoffs(&caller, &id).await?))
}

/// What people changed, oldest first.
#[utoipa::path(get, path = "/v1/loops/{id}/overrides", tag = "loops", params(("id" = LoopId, Path)),
    responses((status = 200, body = Page<Override>), (status = "4XX", body = Problem)))]
async fn overrides(
    State(api): State<Api>,
    caller: Caller,
    Name(id): Name<LoopId>,
) -> Result<Json<Page<Override>>, ApiError> {
    Ok(whole(api.app.overrides(&caller, &id).await?))
}

/// What the loop names outside the store: prompts, outputs, diffs, recordings.
#[utoipa::path(get, path = "/v1/loops/{id}/artifacts", tag = "loops", params(("id" = LoopId, Path)),
    responses((status = 200, body = Page<ArtifactItem>), (status = "4XX", body = Problem)))]
async fn artifacts(
    State(api): State<Api>,
    caller: Caller,
    Name(id): Name<LoopId>,
) -> Result<Json<Page<ArtifactItem>>, ApiError> {
    Ok(whole(api.app.artifact_list(&caller, &id).await?))
}

#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct RecordingsQuery {
    /// Where to go on: the `cursor` of the answer before.
    cursor: Option<u64>,
}

/// The recordings of the terminals of the loop's workers, oldest first: their bytes are artifacts. A page may be empty
/// and have a cursor.
#[utoipa::path(get, path = "/v1/loops/{id}/recordings", tag = "loops",
    params(("id" = LoopId, Path), RecordingsQuery),
    responses((status = 200, body = Page<RecordingItem>), (status = "4XX", body = Problem)))]
async fn recordings(
    State(api): State<Api>,
    caller: Caller,
    Name(id): Name<LoopId>,
    Query(query): Query<RecordingsQuery>,
) -> Result<Json<Page<RecordingItem>>, ApiError> {
    let RecordingsQuery { cursor } = query;
    Ok(Json(api.app.recordings(&caller, &id, cursor.unwrap_or(0)).await?))
}

/// The bytes of an artifact. They come from outside: never show them on a terminal as they are.
#[utoipa::path(get, path = "/v1/loops/{id}/artifacts/{digest}", tag = "loops",
    params(("id" = LoopId, Path), ("digest" = Digest, Path)),
    responses((status = 200, content_type = "application/octet-stream"), (status = "4XX", body = Problem)))]
async fn artifact(
    State(api): State<Api>,
    caller: Caller,
    Path((id, digest)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let not_found = |e: smith_model::id::InvalidName| ApiError::new(Code::NotFound, e.to_string());
    let id: LoopId = id.parse().map_err(not_found)?;
    let digest: Digest = digest.parse().map_err(not_found)?;
    let bytes: Bytes = api.app.artifact(&caller, &id, &digest).await?;
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "private, immutable, max-age=31536000"),
    ];
    Ok((headers, bytes).into_response())
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct CostQuery {
    /// The loop.
    loop_id: LoopId,
}

/// What a loop cost, as its agents reported it.
#[utoipa::path(get, path = "/v1/reporting/cost", tag = "reporting", params(CostQuery),
    responses((status = 200, body = Cost), (status = "4XX", body = Problem)))]
async fn cost(
    State(api): State<Api>,
    caller: Caller,
    Query(query): Query<CostQuery>,
) -> Result<Json<Cost>, ApiError> {
    Ok(Json(api.app.cost(&caller, &query.loop_id).await?))
}
