//! One run of the program: what every command works with, and how it ends.

use std::process::ExitCode;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;
use smith_client::{
    Client, Config, Error as ClientError, ListPage, LoopFilter, Proxy, Retries, Secret,
};
use smith_model::context::Contexts;
use smith_model::id::{LoopId, ProjectName};
use smith_model::problem::Code;

use crate::args::{Cli, Flags};
use crate::commands;
use crate::contexts;
use crate::error::{Error, Exit, Kind};
use crate::output::{self, Shown};
use crate::settings::{self, Env, Target, TokenSource};
use crate::suggest;
use crate::ui::Ui;

/// What every command works with.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) ui: Ui,
    pub(crate) flags: Flags,
    pub(crate) env: Env,
}

/// Runs a command to its end, or until Ctrl-C.
pub(crate) async fn run(cli: Cli, env: Env) -> ExitCode {
    let Cli { flags, command } = cli;
    let ui = Ui::new(flags.output.clone(), env.plain);
    let app = App { ui, flags, env };
    let ended = tokio::select! {
        ended = commands::run(&app, command) => ended,
        interrupted = tokio::signal::ctrl_c() => match interrupted {
            Ok(()) => return ExitCode::from(130),
            Err(error) => Err(Error::failed(format!("can't listen for Ctrl-C: {error}"))),
        },
    };
    match ended {
        Ok(exit) => ExitCode::from(exit.code()),
        Err(error) => {
            app.ui.error(&error);
            ExitCode::from(error.exit_code())
        }
    }
}

impl App {
    /// The contexts as they are on disk.
    pub(crate) fn contexts(&self) -> Result<Contexts, Error> {
        match &self.env.config_file {
            Some(path) => Ok(contexts::load(path)?),
            None => Ok(Contexts::default()),
        }
    }

    /// Whom to speak to.
    pub(crate) fn target(&self) -> Result<Target, Error> {
        settings::resolve(&self.flags, &self.env, &self.contexts()?)
    }

    /// A client for it.
    pub(crate) fn client(&self) -> Result<Client, Error> {
        let Target { server, token, project: _ } = self.target()?;
        let token = match token {
            TokenSource::Given(token) => Some(token),
            TokenSource::File(path) => {
                let text = std::fs::read_to_string(&path).map_err(|error| {
                    Error::usage(format!("can't read the token file {}: {error}", path.display()))
                })?;
                Some(Secret::new(text))
            }
            TokenSource::None => None,
        };
        let Some(token) = token.filter(|token| !token.is_empty()) else {
            return Err(Error::usage(format!("no token for {server}"))
                .hint("give --token-file FILE, or set SMITH_OPERATOR_TOKEN")
                .hint(
                    "or keep it: smithctl config set-context NAME --server URL --token-file FILE",
                ));
        };
        if let Some(path) = &self.env.config_file
            && contexts::is_open_to_others(path)
        {
            self.ui.note(&format!("warning: others can read {}; chmod 600 it", path.display()));
        }
        let agent = concat!("smithctl/", env!("CARGO_PKG_VERSION"));
        let mut config = Config::new(server, agent).with_token(token);
        config.proxy = Proxy::System;
        // A person waits: a server that is restarting is worth a second, not more.
        config.retries = Retries { most: 3, longest: Duration::from_secs(2), ..config.retries };
        Ok(Client::new(config)?)
    }

    /// The project of a new loop, or of a list.
    pub(crate) fn project(&self) -> Result<Option<ProjectName>, Error> {
        Ok(self.target()?.project)
    }

    /// Does the same to each, and goes on behind a failure.
    ///
    /// One id: its object, and its error is the command's. Several: `{"items": […]}` of those that
    /// worked, each error told as it comes.
    pub(crate) async fn each<T: Serialize>(
        &self,
        ids: &[LoopId],
        act: impl AsyncFn(&LoopId) -> Result<T, Error>,
        human: impl Fn(&[T]) -> String,
    ) -> Result<Exit, Error> {
        let mut exit = Exit::Done;
        let (mut names, mut done) = (vec![], vec![]);
        for id in ids {
            match act(id).await {
                Ok(answer) => {
                    names.push(id.to_string());
                    done.push(answer);
                }
                Err(error) if ids.len() == 1 || error.kind == Kind::BrokenPipe => {
                    return Err(error);
                }
                Err(error) => {
                    self.ui.error(&error);
                    exit = exit.and(match error.kind {
                        Kind::NotReached => Exit::NotReached,
                        Kind::Failed | Kind::Usage | Kind::BrokenPipe => Exit::Failed,
                    });
                }
            }
        }
        let human = human(&done);
        let mut values = vec![];
        for answer in &done {
            values.push(to_value(answer));
        }
        let value = match ids.len() {
            1 => values.pop().unwrap_or_default(),
            _ => output::items(values),
        };
        self.ui.show(&Shown { value, names, human })?;
        Ok(exit)
    }

    /// A call about a loop, with an error that helps.
    pub(crate) async fn ask<T>(
        &self,
        client: &Client,
        id: &LoopId,
        call: impl Future<Output = Result<T, ClientError>>,
    ) -> Result<T, Error> {
        match call.await {
            Ok(answer) => Ok(answer),
            Err(error) => Err(self.about(client, id, error).await),
        }
    }

    /// An error about a loop: named, and with the ids that are close if there is no such loop.
    pub(crate) async fn about(&self, client: &Client, id: &LoopId, error: ClientError) -> Error {
        let code = error.code();
        let mut error = Error::from(error);
        if !error.message.contains(id.as_str()) {
            error.message = format!("{id}: {}", error.message);
        }
        if code != Some(Code::NotFound) {
            return error;
        }
        let page = ListPage { limit: Some(500), ..ListPage::default() };
        // Help is worth one more call, but not another error.
        let Ok(page) = client.list_loops(&LoopFilter::default(), &page).await else {
            return error;
        };
        let ids = page.items.iter().map(|item| item.record.loop_id.as_str());
        match suggest::close(id.as_str(), ids).as_slice() {
            [] => error.hint("smithctl loop list shows the loops that this token sees"),
            close => error.hint(format!("did you mean {}?", close.join(" or "))),
        }
    }
}

/// A wire type as JSON.
pub(crate) fn to_value(value: &impl Serialize) -> Value {
    serde_json::to_value(value).expect("wire types serialize")
}
