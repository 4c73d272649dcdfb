//! How errors leave: a [`Problem`] in the response's extensions, rendered by the outermost layer.

use axum::response::{IntoResponse, Response};
use smith_model::problem::{Code, Problem};

use crate::app;

/// Anything that isn't a success.
#[derive(Debug)]
pub struct ApiError {
    problem: Box<Problem>,
    cause: Option<String>,
}

/// What the log says and the caller doesn't see.
#[derive(Clone, Debug)]
pub(crate) struct Cause(pub(crate) String);

impl ApiError {
    pub(crate) fn new(code: Code, detail: impl Into<String>) -> Self {
        Problem::new(code, detail).into()
    }
}

impl From<Problem> for ApiError {
    fn from(problem: Problem) -> Self {
        Self { problem: Box::new(problem), cause: None }
    }
}

impl From<app::Error> for ApiError {
    fn from(error: app::Error) -> Self {
        let cause = crate::telemetry::chain(&error);
        Self { problem: Box::new(error.problem()), cause: Some(cause) }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let Self { problem, cause } = self;
        let mut response = super::render(&problem);
        response.extensions_mut().insert(problem);
        if let Some(cause) = cause {
            response.extensions_mut().insert(Cause(cause));
        }
        response
    }
}
