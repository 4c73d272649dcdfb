//! Connecting: contexts read, servers asked who we are, smithd started. What comes of it is told to the owner.

use std::time::Duration;

use smith_client::{Client, Error};
use smith_model::access::Identity;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::connect::{ConnectNews, Connected, ContextItem, Refusal};
use crate::msg::Msg;
use crate::run::{smithd, sources};
use crate::settings::{self, Asked, Env, Target};

/// How long a server has to answer that is asked again who we are.
const AGAIN: Duration = Duration::from_secs(2);

/// What the owner is told.
pub(super) enum Told {
    /// Something happened.
    Msg(Msg),
    /// A server answers: it is to be spoken to from now on.
    Server(Box<Target>, Identity),
}

/// Attempts to connect.
pub(super) struct Connector {
    env: Env,
    tx: mpsc::Sender<Told>,
    tasks: JoinSet<()>,
}

impl Connector {
    /// None yet; they are told there.
    pub(super) fn new(env: Env, tx: mpsc::Sender<Told>) -> Self {
        Self { env, tx, tasks: JoinSet::new() }
    }

    /// Reads the contexts.
    pub(super) fn contexts(&mut self) {
        let (env, tx) = (self.env.clone(), self.tx.clone());
        self.spawn(async move {
            let read = tokio::task::spawn_blocking(move || settings::contexts(&env)).await;
            let news = match read {
                Ok(Ok(contexts)) => ConnectNews::Contexts(
                    contexts
                        .contexts
                        .into_iter()
                        .map(|(name, context)| ContextItem { name, server: context.server })
                        .collect(),
                ),
                Ok(Err(error)) => ConnectNews::Failed(sources::why(&error)),
                Err(error) => ConnectNews::Failed(sources::why(&error)),
            };
            tell(&tx, news).await;
        });
    }

    /// Connects, if the server answers and takes the token.
    pub(super) fn connect(&mut self, asked: Asked) {
        let (env, tx) = (self.env.clone(), self.tx.clone());
        self.spawn(async move {
            match reach(asked, env).await {
                Ok((target, identity)) => {
                    let _ = tx.send(Told::Server(Box::new(target), identity)).await;
                }
                Err(why) => tell(&tx, ConnectNews::Failed(why)).await,
            }
        });
    }

    /// Starts smithd, and connects to it.
    pub(super) fn start_smithd(&mut self) {
        let (env, tx) = (self.env.clone(), self.tx.clone());
        self.spawn(smithd::start(env, tx));
    }

    fn spawn(&mut self, task: impl Future<Output = ()> + Send + 'static) {
        while self.tasks.try_join_next().is_some() {}
        self.tasks.spawn(task);
    }
}

/// Tells what came of it; nobody hears it any more only when the program ends.
pub(super) async fn tell(tx: &mpsc::Sender<Told>, news: ConnectNews) {
    let _ = tx.send(Told::Msg(Msg::Connect(news))).await;
}

/// Whom is meant, and who we are there.
pub(super) async fn reach(asked: Asked, env: Env) -> Result<(Target, Identity), String> {
    let found = tokio::task::spawn_blocking(move || settings::target(&asked, &env)).await;
    let target = match found {
        Ok(Ok(target)) => target,
        Ok(Err(error)) => return Err(sources::why(&error)),
        Err(error) => return Err(sources::why(&error)),
    };
    match target.client.whoami().await {
        Ok(identity) => Ok((target, identity)),
        Err(error) => Err(sources::why(&error)),
    }
}

/// Asks who we are until the server says it.
pub(super) async fn identity(client: Client, tx: mpsc::Sender<Msg>) {
    let news = loop {
        match client.whoami().await {
            Ok(identity) => break ConnectNews::Identity(identity),
            Err(error) if error.may_pass() => tokio::time::sleep(AGAIN).await,
            Err(error) => {
                let why = sources::why(&error);
                break ConnectNews::Refused(match error {
                    Error::Problem { .. } | Error::InvalidToken => Refusal::Token(why),
                    _ => Refusal::Answer(why),
                });
            }
        }
    };
    let _ = tx.send(Msg::Connect(news)).await;
}

/// What the state has to know of a target.
pub(super) fn connected(target: &Target, identity: Identity) -> Connected {
    let Target { context, project, client } = target;
    let server = client.server().to_owned();
    Connected { context: context.clone(), server, project: project.clone(), identity }
}
