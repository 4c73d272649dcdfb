//! Tokens: who a request comes from, and making and revoking them.
//!
//! A token is `smith_{id}_{secret}`: the id finds the record, whose hash the secret must have. The secret
//! has 256 random bits, so that a plain SHA-256 is enough, and it is compared in constant time.

use std::sync::Arc;

use data_encoding::BASE32_NOPAD;
use jiff::Timestamp;
use rand::Rng;
use sha2::{Digest as _, Sha256};
use smith_model::Extra;
use smith_model::access::{Identity, Role, Scope, TokenRecord};
use smith_model::api::{TokenCreated, TokenItem, TokenRequest};
use smith_model::id::TokenId;
use smith_model::journal::{Actor, ActorKind};
use smith_model::problem::{Code, FieldError, Problem};
use subtle::ConstantTimeEq;

use super::{App, Caller, Error, now};
use crate::store;
use crate::store::Store;
use crate::store::change::Act;
use crate::view::View;

fn hash(secret: &str) -> String {
    hex::encode(Sha256::digest(secret))
}

/// A token that was just drawn: the record, and the text that is shown once.
pub struct Drawn {
    /// What is stored.
    pub record: TokenRecord,
    /// What is borne. A secret.
    pub token: String,
}

/// Draws a token.
pub fn draw(request: &TokenRequest, by: &str, now: Timestamp) -> Drawn {
    let mut random = [0u8; 40];
    rand::rng().fill_bytes(&mut random);
    let text = BASE32_NOPAD.encode(&random).to_lowercase();
    let (id, secret) = text.split_at(12);
    let token = format!("smith_{id}_{secret}");
    let record = TokenRecord {
        schema_version: smith_model::SCHEMA_VERSION,
        id: id.parse::<TokenId>().expect("twelve base32 characters"),
        name: request.name.clone(),
        hash: hash(secret),
        role: request.role,
        scope: request.scope.clone(),
        created_by: by.to_owned(),
        created_at: now,
        expires_at: request.expires_in.and_then(|t| now.checked_add(t.signed()).ok()),
        extra: Extra::new(),
    };
    Drawn { record, token }
}

/// Draws and stores a token before anybody has one: for the first start.
pub async fn bootstrap(store: &Store, name: &str, role: Role) -> Result<String, store::Error> {
    let now = now();
    let request = TokenRequest { name: name.to_owned(), role, scope: Scope::All, expires_in: None };
    let Drawn { record, token } = draw(&request, "_bootstrap", now);
    let act = Act {
        actor: "_bootstrap".into(),
        action: "token.create".into(),
        reason: Some("the first token of an installation".into()),
        before: serde_json::Value::Null,
        after: serde_json::json!({ "id": record.id, "name": name, "role": role }),
        request_id: None,
    };
    let actor = Actor { kind: ActorKind::Api, id: "_bootstrap".into() };
    store.put_token(&record, actor, act, now).await?;
    Ok(token)
}

/// Is this a token that is good now?
pub fn is_known(view: &View, token: &str) -> bool {
    let parts = token.strip_prefix("smith_").and_then(|rest| rest.split_once('_'));
    let found = parts.and_then(|(id, secret)| Some((view.token(&id.parse().ok()?)?, secret)));
    found.is_some_and(|(record, secret)| {
        record.hash == hash(secret) && record.expires_at.is_none_or(|at| at > now())
    })
}

fn show(record: &TokenRecord) -> TokenItem {
    let TokenRecord { id, name, role, scope, created_by, created_at, expires_at, .. } =
        record.clone();
    TokenItem { id, name, role, scope, created_by, created_at, expires_at }
}

impl App {
    /// Who bears this token?
    pub async fn authenticate(&self, token: &str) -> Result<Identity, Error> {
        let refused = || {
            let detail = "the token isn't known, or was revoked, or has expired";
            Error::from(Problem::new(Code::Unauthenticated, detail))
        };
        let (id, secret) = token
            .strip_prefix("smith_")
            .and_then(|rest| rest.split_once('_'))
            .ok_or_else(refused)?;
        let id: TokenId = id.parse().map_err(|_| refused())?;
        let record = match self.view.token(&id) {
            Some(record) => record,
            // One that was made a moment ago by another process.
            None => Arc::new(self.store.token(&id).await?.ok_or_else(refused)?),
        };
        let same: bool = hash(secret).as_bytes().ct_eq(record.hash.as_bytes()).into();
        if !same || record.expires_at.is_some_and(|at| at <= now()) {
            return Err(refused());
        }
        let TokenRecord { id, name, role, scope, expires_at, .. } = Arc::unwrap_or_clone(record);
        Ok(Identity { token_id: id, name, role, scope, expires_at })
    }

    /// Is the token of this identity still good? For streams, which outlive their first check.
    pub fn still_good(&self, identity: &Identity) -> bool {
        let record = self.view.token(&identity.token_id);
        record.is_some_and(|r| {
            r.role == identity.role
                && r.scope == identity.scope
                && r.expires_at.is_none_or(|at| at > now())
        })
    }

    /// Makes a token. Nobody can give more than they have.
    pub async fn create_token(
        &self,
        caller: &Caller,
        request: &TokenRequest,
    ) -> Result<TokenCreated, Error> {
        caller.needs(Role::Admin)?;
        let name = &request.name;
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.@".contains(c);
        if !(1..=63).contains(&name.len()) || !name.chars().all(plain) || name.starts_with('_') {
            let rule = "1 to 63 characters of a-z, A-Z, 0-9, '-', '_', '.' and '@', not '_' first";
            return Err(Problem::fields(vec![FieldError::new("name", name, rule)]).into());
        }
        if let (Scope::Projects(_), Scope::All) = (&caller.identity.scope, &request.scope) {
            let detail = "a token for some projects can't make one for all";
            return Err(Problem::new(Code::Forbidden, detail).into());
        }
        if let Scope::Projects(projects) = &request.scope {
            for project in projects {
                caller.needs_project(project)?;
            }
        }
        let now = now();
        let Drawn { record, token } = draw(request, &caller.identity.name, now);
        let mut act = caller.act("token.create", None);
        act.after = serde_json::json!({ "id": record.id, "name": name, "role": record.role });
        if !self.store.put_token(&record, caller.actor(), act, now).await? {
            return Err(store::Error::Contended.into());
        }
        Ok(TokenCreated { token, item: show(&record) })
    }

    /// All tokens, without their secrets.
    pub fn tokens(&self, caller: &Caller) -> Result<Vec<TokenItem>, Error> {
        caller.needs(Role::Admin)?;
        let visible = |record: &TokenRecord| match (&caller.identity.scope, &record.scope) {
            (Scope::All, _) => true,
            (Scope::Projects(mine), Scope::Projects(theirs)) => theirs.is_subset(mine),
            (Scope::Projects(_), Scope::All) => false,
        };
        Ok(self.view.tokens().iter().filter(|r| visible(r)).map(show).collect())
    }

    /// Revokes a token; streams that it opened end.
    pub async fn revoke_token(&self, caller: &Caller, id: &TokenId) -> Result<(), Error> {
        let missing =
            || Error::from(Problem::new(Code::NotFound, format!("there is no token {id}")));
        let known = self.tokens(caller)?.into_iter().find(|t| t.id == *id).ok_or_else(missing)?;
        let mut act = caller.act("token.revoke", None);
        act.before = serde_json::json!({ "id": id, "name": known.name, "role": known.role });
        let deleted = self.store.delete_token(id, caller.actor(), act, now()).await?;
        if deleted { Ok(()) } else { Err(missing()) }
    }
}
