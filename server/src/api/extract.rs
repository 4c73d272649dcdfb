//! Bodies, queries and paths, with errors that name the field.

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use smith_model::id::Revision;
use smith_model::problem::{Code, FieldError, Problem};

use super::Api;
use super::error::ApiError;

/// A JSON body.
pub(crate) struct Body<T>(pub(crate) T);

/// Reads JSON; what doesn't fit is named by its path.
pub(crate) fn read<T: DeserializeOwned + Serialize>(bytes: &[u8]) -> Result<T, Problem> {
    // Said first, since what is wrong with the list's items would only confuse.
    if bytes.trim_ascii_start().first() == Some(&b'[') {
        return Err(Problem::new(Code::MalformedRequest, "the body is a list, not a JSON object"));
    }
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let (path, inner) = (error.path().to_string(), error.into_inner());
        if inner.is_data() {
            misfit(&path, &inner.to_string())
        } else {
            Problem::new(Code::MalformedRequest, format!("the body isn't JSON: {inner}"))
        }
    })?;
    json.end().map_err(|e| {
        Problem::new(Code::MalformedRequest, format!("there is more behind the JSON body: {e}"))
    })?;
    if bytes.contains(&b'[') {
        only_objects(bytes, &value)?;
    }
    Ok(value)
}

/// serde takes a list for the fields of a struct in their order, at any depth: an empty one would be all defaults.
///
/// No type can refuse that without a visitor of its own. But what was read as a struct is written as an object, so one
/// look at both finds every such list.
fn only_objects(sent: &[u8], read: &impl Serialize) -> Result<(), Problem> {
    let (Ok(sent), Ok(read)) = (serde_json::from_slice(sent), serde_json::to_value(read)) else {
        return Ok(());
    };
    match list_for_object(&sent, &read) {
        None => Ok(()),
        Some(path) => Err(misfit(&path, "invalid type: list, expected an object")),
    }
}

/// Where a list was sent for what is an object.
fn list_for_object(sent: &Value, read: &Value) -> Option<String> {
    match (sent, read) {
        (Value::Array(_), Value::Object(_)) => Some(String::new()),
        (Value::Array(sent), Value::Array(read)) => {
            let found = |(n, (sent, read))| Some((n, list_for_object(sent, read)?));
            let (n, rest): (usize, _) = sent.iter().zip(read).enumerate().find_map(found)?;
            Some(format!("[{n}]{rest}"))
        }
        (Value::Object(sent), Value::Object(read)) => sent.iter().find_map(|(name, sent)| {
            let rest = list_for_object(sent, read.get(name)?)?;
            let dot = if rest.is_empty() || rest.starts_with('[') { "" } else { "." };
            Some(format!("{name}{dot}{rest}"))
        }),
        _ => None,
    }
}

/// A problem for JSON of another shape than asked for. serde says it in words, with a place in the text that
/// means nothing to who sent a value; an unknown field it names only there.
fn misfit(path: &str, said: &str) -> Problem {
    let said = said.rsplit_once(" at line ").map_or(said, |(said, _)| said);
    let path = if path == "." { "" } else { path };
    let unknown = said.strip_prefix("unknown field `").and_then(|rest| rest.split_once('`'));
    let (field, rule) = match unknown {
        Some((name, rest)) => {
            let field = if path.is_empty() || path.ends_with(name) {
                if path.is_empty() { name.to_owned() } else { path.to_owned() }
            } else {
                format!("{path}.{name}")
            };
            let known = rest.trim_start_matches(", expected ").replace('`', "");
            (field, format!("a field that there is: {known}"))
        }
        None => (path.to_owned(), said.to_owned()),
    };
    let shown = if field.is_empty() { "the body" } else { &field };
    let what = if unknown.is_some() { "isn't known; it must be " } else { "" };
    let mut problem = Problem::new(Code::MalformedRequest, format!("{shown}: {what}{rule}"));
    problem.errors = vec![FieldError::new(field, "", rule)];
    problem
}

/// Reads a value that was JSON already.
pub(crate) fn read_value<T: DeserializeOwned + Serialize>(
    value: serde_json::Value,
) -> Result<T, Problem> {
    read(value.to_string().as_bytes())
}

impl<T: DeserializeOwned + Serialize> FromRequest<Api> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, api: &Api) -> Result<Self, ApiError> {
        let bytes = raw(request, api).await?;
        Ok(Self(read(&bytes)?))
    }
}

/// The bytes of a body within its limit.
pub(crate) async fn raw(request: Request, api: &Api) -> Result<Bytes, ApiError> {
    Bytes::from_request(request, api).await.map_err(|rejection| match rejection {
        BytesRejection::FailedToBufferBody(inner) if inner.status().as_u16() == 413 => {
            let detail = format!("the body is larger than {} bytes", super::MOST_BODY_BYTES);
            ApiError::new(Code::TooLarge, detail)
        }
        other => ApiError::new(Code::MalformedRequest, other.body_text()),
    })
}

/// A query string; unknown fields are refused.
pub(crate) struct Query<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequestParts<Api> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &Api) -> Result<Self, ApiError> {
        let query = axum_extra::extract::Query::try_from_uri(&parts.uri);
        let query = query.map_err(|e| ApiError::new(Code::InvalidRequest, e.body_text()))?;
        Ok(Self(query.0))
    }
}

/// The one name in a path.
pub(crate) struct Name<T>(pub(crate) T);

impl<T> FromRequestParts<Api> for Name<T>
where
    T: std::str::FromStr + Send,
    T::Err: std::fmt::Display,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, ApiError> {
        let path = axum::extract::Path::<String>::from_request_parts(parts, api).await;
        let path = path.map_err(|e| ApiError::new(Code::NotFound, e.body_text()))?;
        // A name that can't exist isn't found, but the answer says what a name looks like.
        let name = path.0.parse().map_err(|e: T::Err| ApiError::new(Code::NotFound, e.to_string()));
        name.map(Self)
    }
}

/// The revision in `If-Match`, if there is one.
pub(crate) struct IfMatch(pub(crate) Option<Revision>);

impl FromRequestParts<Api> for IfMatch {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &Api) -> Result<Self, ApiError> {
        let Some(value) = parts.headers.get(axum::http::header::IF_MATCH) else {
            return Ok(Self(None));
        };
        let text = value.to_str().unwrap_or_default();
        if text == "*" {
            return Ok(Self(None));
        }
        match text.trim_matches('"').parse() {
            Ok(revision) => Ok(Self(Some(Revision(revision)))),
            Err(_) => {
                let rule = "an ETag of this API, such as \"1234\"";
                Err(Problem::fields(vec![FieldError::new("If-Match", text, rule)]).into())
            }
        }
    }
}

/// A list's `limit` within its bounds.
pub(crate) fn limit(asked: Option<usize>, default: usize, most: usize) -> Result<usize, Problem> {
    match asked {
        None => Ok(default),
        Some(n) if (1..=most).contains(&n) => Ok(n),
        Some(n) => Err(Problem::fields(vec![FieldError::new("limit", n, format!("1 to {most}"))])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use smith_model::api::{PrdRequest, RetryRequest};
    use smith_model::spec::LoopRequest;
    use smith_model::worker::HeartbeatRequest;

    fn check<T: DeserializeOwned + Serialize + std::fmt::Debug>(
        json: &str,
        field: &str,
        rule: &str,
    ) {
        let problem = read::<T>(json.as_bytes()).expect_err("refused");
        assert_eq!(problem.code, Code::MalformedRequest);
        assert_eq!(problem.errors[0].field, field, "{json}");
        assert!(problem.errors[0].rule.contains(rule), "{}", problem.errors[0].rule);
        assert!(!problem.detail.contains("line 1"), "{}", problem.detail);
    }

    #[test]
    fn what_does_not_fit_is_named() {
        check::<LoopRequest>(r#"{"gaets": 1}"#, "gaets", "gates");
        check::<LoopRequest>(r#"{"policy": {"atempts": 1}}"#, "policy.atempts", "attempts");
        check::<LoopRequest>(r#"{"priority": "high"}"#, "priority", "expected i32");
        check::<LoopRequest>(r#"{"loop_id": "A"}"#, "loop_id", "isn't a loop id");
        check::<RetryRequest>(r#"{}"#, "", "missing field `reason`");
    }

    #[test]
    fn a_list_is_no_object_at_any_depth() {
        let object = "expected an object";
        check::<LoopRequest>(r#"{"policy": []}"#, "policy", object);
        check::<LoopRequest>(r#"{"policy": [3]}"#, "policy", object);
        check::<LoopRequest>(r#"{"gates": ["true", ["false", "1s"]]}"#, "gates[1]", object);
        check::<PrdRequest>(r#"{"policy": [3]}"#, "policy", object);
        let progress = r#"["iterating", {"round": 1, "attempt": 1}]"#;
        check::<HeartbeatRequest>(&format!(r#"{{"progress": {progress}}}"#), "progress", "");
        // What is a list stays one, also in what is kept as it was sent.
        let good = r#"{"depends_on": ["a"], "metadata": {"x": [[], [1]]}, "prd": {"stories": []}}"#;
        read::<LoopRequest>(good.as_bytes()).expect("read");
    }

    #[test]
    fn what_is_not_json_says_where() {
        for bad in ["", "{", "[]", "{} {}", "nonsense"] {
            assert!(read::<LoopRequest>(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
