//! API tokens: made, listed, revoked.

use reqwest::Method;
use smith_model::api::{Page, TokenCreated, TokenItem, TokenRequest};
use smith_model::id::TokenId;

use crate::{Client, Error};

impl Client {
    /// Makes a token. Its secret is in this answer and nowhere else.
    pub async fn create_token(&self, request: &TokenRequest) -> Result<TokenCreated, Error> {
        let call = self.act(Method::POST, ["v1", "tokens"]).body(request);
        self.json(call, "a new token").await
    }

    /// All tokens that are good, without their secrets.
    pub async fn list_tokens(&self) -> Result<Page<TokenItem>, Error> {
        self.json(self.get(["v1", "tokens"]), "a page of tokens").await
    }

    /// Ends a token, and the streams that it opened.
    pub async fn revoke_token(&self, id: &TokenId) -> Result<(), Error> {
        self.done(self.act(Method::DELETE, ["v1", "tokens", id.as_str()])).await
    }
}
