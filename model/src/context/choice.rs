//! Which server, token and project are used: a flag wins over the environment, and that over the context.
//!
//! A context's token goes only to that context's server: who names another server has to bring its token. Secrets don't
//! come here: the choice says where the token is, and who made it gets it there.

use std::path::{Path, PathBuf};

use url::Url;

use crate::context::{Context, Contexts, LOCAL};
use crate::id::ProjectName;

/// What a person said, on the line and around it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Given<'a> {
    /// The flag for the server.
    pub server: Option<&'a str>,
    /// The flag for the context.
    pub context: Option<&'a str>,
    /// The flag for the file of the token.
    pub token_file: Option<&'a Path>,
    /// The flag for the project.
    pub project: Option<&'a ProjectName>,
    /// The environment's server.
    pub env_server: Option<&'a str>,
    /// The environment's context.
    pub env_context: Option<&'a str>,
    /// The environment has a token.
    pub env_has_token: bool,
}

/// Where the token is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenFrom {
    /// In this file.
    File(PathBuf),
    /// In the environment.
    Environment,
    /// In the context of the choice itself.
    Context,
    /// Nowhere.
    Nowhere,
}

/// Whom to speak to, and as whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The context that the server is of.
    pub context: Option<String>,
    /// The server's address.
    pub server: String,
    /// Where the token is.
    pub token: TokenFrom,
    /// The project of what names none.
    pub project: Option<ProjectName>,
}

/// Why nobody was chosen.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoChoice {
    /// Nobody named a server.
    #[error("no server is known")]
    NoServer,
    /// The context isn't there.
    #[error("there is no context {0:?}")]
    UnknownContext(String),
    /// The context's project can't be one.
    #[error("the context's project {name:?}: {rule}")]
    Project {
        /// As it stands there.
        name: String,
        /// The rule that it breaks.
        rule: String,
    },
}

impl Given<'_> {
    /// The context in use, if there is one: as named, else the current one, else `local` where it exists.
    pub fn context_name<'c>(&'c self, contexts: &'c Contexts) -> Option<&'c str> {
        let named = self.context.or(self.env_context);
        named
            .or(contexts.current_context.as_deref())
            .or_else(|| contexts.contexts.contains_key(LOCAL).then_some(LOCAL))
    }

    /// Makes sense of it all.
    pub fn choose(&self, contexts: &Contexts) -> Result<Choice, NoChoice> {
        let Self { server, context: flag, token_file, project, .. } = *self;
        let name = self.context_name(contexts);
        let context = match name {
            Some(name) => match contexts.contexts.get(name) {
                Some(context) => Some(context),
                // A server that is named needs no context, unless one was asked for on this line.
                None if flag.is_none() && (server.is_some() || self.env_server.is_some()) => None,
                None => return Err(NoChoice::UnknownContext(name.to_owned())),
            },
            None => None,
        };
        // A context named on the line is a flag, so it wins over the environment.
        let chosen = context.filter(|_| flag.is_some());
        let address = server
            .or_else(|| chosen.map(|context| context.server.as_str()))
            .or(self.env_server)
            .or_else(|| context.map(|context| context.server.as_str()));
        let Some(address) = address else { return Err(NoChoice::NoServer) };
        let own = context.filter(|context| same_server(&context.server, address));
        let of_context = own.map_or(TokenFrom::Nowhere, token_of);
        let token = match token_file {
            Some(file) => TokenFrom::File(file.to_owned()),
            None if chosen.is_some() && of_context != TokenFrom::Nowhere => of_context,
            None if self.env_has_token => TokenFrom::Environment,
            None => of_context,
        };
        let project = match (project, own.and_then(|context| context.project.as_deref())) {
            (Some(project), _) => Some(project.clone()),
            (None, Some(name)) => Some(name.parse().map_err(|rule| NoChoice::Project {
                name: name.to_owned(),
                rule: format!("{rule}"),
            })?),
            (None, None) => None,
        };
        let context = own.and(name).map(str::to_owned);
        Ok(Choice { context, server: address.to_owned(), token, project })
    }
}

fn token_of(context: &Context) -> TokenFrom {
    match (&context.token_file, &context.token) {
        (Some(file), _) => TokenFrom::File(file.into()),
        (None, Some(_)) => TokenFrom::Context,
        (None, None) => TokenFrom::Nowhere,
    }
}

fn same_server(one: &str, other: &str) -> bool {
    match (Url::parse(one.trim()), Url::parse(other.trim())) {
        (Ok(one), Ok(other)) => {
            let path = |url: &Url| url.path().trim_end_matches('/').to_owned();
            one.origin() == other.origin() && path(&one) == path(&other)
        }
        _ => one == other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contexts() -> Contexts {
        serde_json::from_value(serde_json::json!({
            "current_context": "prod",
            "contexts": {
                "prod": {"server": "https://prod", "token": "prod-token", "project": "web"},
                "dev": {"server": "http://dev/", "token_file": "/run/dev-token"},
                "bare": {"server": "http://bare"},
            }
        }))
        .unwrap()
    }

    fn check(given: Given<'_>, server: &str, token: TokenFrom) {
        let choice = given.choose(&contexts()).unwrap();
        assert_eq!((choice.server.as_str(), choice.token), (server, token), "{given:?}");
    }

    fn flag_context(name: &str) -> Given<'_> {
        Given { context: Some(name), ..Given::default() }
    }

    fn flag_server(url: &str) -> Given<'_> {
        Given { server: Some(url), ..Given::default() }
    }

    #[test]
    fn a_flag_wins_over_the_environment_and_that_over_the_context() {
        let env = Given { env_server: Some("http://e"), env_has_token: true, ..Given::default() };
        check(Given::default(), "https://prod", TokenFrom::Context);
        check(env, "http://e", TokenFrom::Environment);
        check(Given { server: Some("http://f"), ..env }, "http://f", TokenFrom::Environment);
        let dev = TokenFrom::File("/run/dev-token".into());
        check(Given { context: Some("dev"), ..env }, "http://dev/", dev.clone());
        let token = Given { env_has_token: true, ..Given::default() };
        check(Given { context: Some("bare"), ..token }, "http://bare", TokenFrom::Environment);
        let file = Given { token_file: Some(Path::new("/x")), context: Some("dev"), ..token };
        check(file, "http://dev/", TokenFrom::File("/x".into()));
        check(Given { env_context: Some("dev"), ..Given::default() }, "http://dev/", dev);
    }

    #[test]
    fn a_context_s_token_goes_to_its_own_server_only() {
        check(flag_server("https://elsewhere"), "https://elsewhere", TokenFrom::Nowhere);
        check(flag_server("https://PROD/"), "https://PROD/", TokenFrom::Context);
        check(flag_server("http://prod"), "http://prod", TokenFrom::Nowhere);
        let env = Given { env_server: Some("https://prod.evil"), ..Given::default() };
        check(env, "https://prod.evil", TokenFrom::Nowhere);
    }

    #[test]
    fn the_project_and_the_name_are_those_of_the_context_whose_server_it_is() {
        let choose = |given: Given<'_>| given.choose(&contexts()).unwrap();
        let prod = choose(Given::default());
        assert_eq!(prod.context.as_deref(), Some("prod"));
        assert_eq!(prod.project.unwrap().as_str(), "web");
        let api = "api".parse().unwrap();
        let flag = choose(Given { project: Some(&api), ..Given::default() });
        assert_eq!(flag.project, Some(api.clone()));
        let elsewhere = choose(flag_server("http://f"));
        assert_eq!((elsewhere.context, elsewhere.project), (None, None));
    }

    #[test]
    fn the_local_context_is_found_by_itself() {
        let contexts = serde_json::json!({"contexts": {"local": {"server": "http://127.0.0.1:1"}}});
        let contexts: Contexts = serde_json::from_value(contexts).unwrap();
        let choice = Given::default().choose(&contexts).unwrap();
        assert_eq!(choice.server, "http://127.0.0.1:1");
    }

    #[test]
    fn without_a_server_or_with_an_unknown_context_nobody_is_chosen() {
        let none = Given::default().choose(&Contexts::default());
        assert_eq!(none, Err(NoChoice::NoServer));
        let unknown = flag_context("prdo").choose(&contexts());
        assert_eq!(unknown, Err(NoChoice::UnknownContext("prdo".into())));
        let stale =
            Given { env_context: Some("gone"), env_server: Some("http://e"), ..Given::default() };
        check(stale, "http://e", TokenFrom::Nowhere);
    }
}
