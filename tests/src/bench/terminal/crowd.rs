//! Many who watch one terminal, and how far it is.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use smith_client::terminal::{Signal, Terminal};
use smith_client::{Client, Config, Secret};
use smith_model::access::{Role, Scope};
use smith_model::api::TokenRequest;
use smith_model::id::LoopId;
use smith_model::terminal::{Mode, Session};
use smith_term::message::FromWorker;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::bench::stage::Server;
use crate::watcher::target;

/// Longer than anything that is a result.
const MOST: Duration = Duration::from_secs(60);
/// Terminals of an identity at once.
const EACH: usize = 8;

/// The server's address and somebody's token.
pub(super) fn client(server: &Server, token: &str) -> Result<Client> {
    let config = Config::new(format!("http://{}", server.address), "smith-bench");
    Ok(Client::new(config.with_token(Secret::new(token)))?)
}

/// As many clients as watchers need, each of an identity that may open one more.
pub(super) async fn clients(server: &Server, watchers: usize) -> Result<Vec<Client>> {
    let admin = client(server, &server.token)?;
    let mut clients = vec![];
    for n in 0..watchers.div_ceil(EACH) {
        let name = format!("watcher-{n}");
        let request =
            TokenRequest { name, role: Role::Operator, scope: Scope::All, expires_in: None };
        let one = client(server, &admin.create_token(&request).await?.token)?;
        clients.extend(std::iter::repeat_n(one, EACH));
    }
    clients.truncate(watchers);
    Ok(clients)
}

/// Reads until the whole screen is there; answers the position.
pub(super) async fn first_screen(terminal: &mut Terminal) -> Result<u64> {
    let reading = async {
        loop {
            match terminal.next().await.context("the terminal is over")?? {
                Signal::Message(FromWorker::Snapshot(snapshot)) => return Ok(snapshot.at.offset),
                Signal::Message(FromWorker::End { text, .. }) => bail!("the terminal ends: {text}"),
                Signal::Message(_) | Signal::Attached(_) | Signal::Reconnecting { .. } => {}
            }
        }
    };
    timeout(MOST, reading).await.context("no screen in time")?
}

/// Attached, with the screen.
pub(super) async fn attach(client: &Client, id: &LoopId, mode: Mode) -> Result<(Terminal, u64)> {
    let mut terminal = client.terminal(target(id, Session::Agent, mode));
    let at = first_screen(&mut terminal).await?;
    Ok((terminal, at))
}

/// Watchers that read as fast as they can, and what they have got in all. Dropped, they leave.
pub(super) struct Crowd {
    readers: JoinSet<()>,
    /// Output of the program.
    pub(super) output: Arc<AtomicU64>,
    /// Screens that stood for what was left out.
    pub(super) screens: Arc<AtomicU64>,
}

impl Crowd {
    /// All are there when this is.
    pub(super) async fn gather(clients: &[Client], id: &LoopId) -> Result<Self> {
        let (output, screens) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let mut readers = JoinSet::new();
        for client in clients {
            let (mut terminal, _) = attach(client, id, Mode::Read).await?;
            let (output, screens) = (output.clone(), screens.clone());
            readers.spawn(async move {
                while let Some(Ok(signal)) = terminal.next().await {
                    match signal {
                        Signal::Message(FromWorker::Output(bytes)) => {
                            output.fetch_add(bytes.len() as u64, Ordering::Relaxed);
                        }
                        Signal::Message(FromWorker::Snapshot(_)) => {
                            screens.fetch_add(1, Ordering::Relaxed);
                        }
                        _ => {}
                    }
                }
            });
        }
        Ok(Self { readers, output, screens })
    }

    /// How many still watch.
    pub(super) fn watch(&self) -> usize {
        self.readers.len()
    }

    /// Everybody leaves.
    pub(super) async fn leave(mut self) {
        self.readers.shutdown().await;
    }
}
