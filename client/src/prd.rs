//! PRD ingress.

use reqwest::Method;
use smith_model::api::{PrdAnswer, PrdRequest};

use crate::{Client, Error};

impl Client {
    /// Makes one loop of a PRD, or one a story. Its keys are made of the source, so it can be repeated
    /// where that is given.
    pub async fn submit_prd(&self, request: &PrdRequest) -> Result<PrdAnswer, Error> {
        let call = self.act(Method::POST, ["v1", "ingress", "prd"]).body(request);
        let keyed = request.source_ref.is_some() || request.loop_id.is_some();
        let call = if keyed { call.repeatable() } else { call };
        self.json(call, "an answer to a PRD").await
    }
}
