//! Somebody at a worker's terminal: the client's own, with a copy of what it shows.

use smith_client::terminal::{Signal, Target, Terminal};
use smith_client::{Client, Error};
use smith_model::id::LoopId;
use smith_model::terminal::{Mode, Session, Size};
use smith_term::message::{
    About, EndReason, FromViewer, FromWorker, LeaseRequest, Position, Welcome,
};
use smith_term::mirror::{Applied, Mirror};
use smith_term::screen::Screen;

use crate::in_time;

/// One attached terminal. What comes is applied to the copy as it is read.
pub struct Watcher {
    terminal: Terminal,
    mirror: Mirror,
    /// The newest welcome.
    pub welcome: Welcome,
    /// How often it was told that the connection is lost.
    pub losses: usize,
}

/// What a terminal says, and its last words.
#[derive(Debug)]
pub enum Said {
    /// A message.
    Message(FromWorker),
    /// It was lost, and is being tried again.
    Lost(Error),
    /// It is over, and can't be attached to any more.
    Over(Option<Error>),
}

/// A target on a session, without a wish for a size.
pub fn target(id: &LoopId, session: Session, mode: Mode) -> Target {
    Target { loop_id: id.clone(), session, mode, size: None }
}

impl Watcher {
    /// Attached, and welcome. The loop's agent must have begun.
    pub async fn attach(client: &Client, id: &LoopId, session: Session, mode: Mode) -> Self {
        Self::welcomed(client.terminal(target(id, session, mode))).await
    }

    /// The same with any terminal, which must not have been asked for anything yet.
    pub async fn welcomed(terminal: Terminal) -> Self {
        let attached = Self::try_welcomed(terminal).await;
        attached.unwrap_or_else(|said| panic!("it isn't attached: {said:?}"))
    }

    /// The same, where it may be turned away.
    pub async fn try_welcomed(mut terminal: Terminal) -> Result<Self, Said> {
        let welcome = in_time("a welcome", async {
            loop {
                match terminal.next().await {
                    Some(Ok(Signal::Message(FromWorker::Welcome(welcome)))) => return Ok(welcome),
                    Some(Ok(Signal::Message(message))) => return Err(Said::Message(message)),
                    Some(Ok(Signal::Attached(_) | Signal::Reconnecting { .. })) => {}
                    Some(Err(error)) => return Err(Said::Over(Some(error))),
                    None => return Err(Said::Over(None)),
                }
            }
        });
        let welcome = welcome.await?;
        Ok(Self { terminal, mirror: Mirror::new(), welcome, losses: 0 })
    }

    /// What it says next.
    pub async fn said(&mut self) -> Said {
        loop {
            match in_time("a word of the terminal", self.terminal.next()).await {
                Some(Ok(Signal::Attached(_))) => {}
                Some(Ok(Signal::Reconnecting { error, .. })) => {
                    self.losses += 1;
                    return Said::Lost(error);
                }
                Some(Ok(Signal::Message(message))) => {
                    let applied = self.mirror.apply(&message);
                    assert!(applied != Applied::Gap, "a gap before {message:?}");
                    if let FromWorker::Welcome(welcome) = &message {
                        self.welcome = welcome.clone();
                    }
                    return Said::Message(message);
                }
                Some(Err(error)) => return Said::Over(Some(error)),
                None => return Said::Over(None),
            }
        }
    }

    /// The next message. It may get lost on the way there, and come back.
    pub async fn next(&mut self) -> FromWorker {
        loop {
            match self.said().await {
                Said::Message(message) => return message,
                Said::Lost(_) => {}
                Said::Over(error) => panic!("the terminal is over: {error:?}\n{}", self.text()),
            }
        }
    }

    /// Reads until a message is as wanted.
    pub async fn until<T>(&mut self, wanted: impl Fn(&FromWorker) -> Option<T>) -> T {
        loop {
            let message = self.next().await;
            if let Some(found) = wanted(&message) {
                return found;
            }
            if let FromWorker::End { reason, text } = message {
                panic!("the terminal ends ({reason:?}: {text}):\n{}", self.text());
            }
        }
    }

    /// Reads until the screen is as wanted; answers it.
    pub async fn sees(&mut self, what: &str, wanted: impl Fn(&Screen) -> bool) -> Screen {
        let reading = async {
            loop {
                if let Some(screen) = self.screen().filter(|screen| wanted(screen)) {
                    return screen;
                }
                if let FromWorker::End { reason, text } = self.next().await {
                    panic!("no {what}: the terminal ends ({reason:?}: {text}):\n{}", self.text());
                }
            }
        };
        match tokio::time::timeout(crate::LONG / 2, reading).await {
            Ok(screen) => screen,
            Err(_) => panic!("no {what} on the screen:\n{}", self.text()),
        }
    }

    /// Reads until the screen holds a text; answers all of the screen's.
    pub async fn shows(&mut self, text: &str) -> String {
        self.sees(&format!("{text:?}"), |screen| screen.to_text().contains(text)).await.to_text()
    }

    /// Reads up to the end; answers it.
    pub async fn end(&mut self) -> (EndReason, String) {
        loop {
            if let FromWorker::End { reason, text } = self.next().await {
                return (reason, text);
            }
        }
    }

    /// What it shows, once there was a snapshot.
    pub fn screen(&self) -> Option<Screen> {
        self.mirror.engine().map(|engine| engine.screen())
    }

    /// The text of all that it has, scrollback too.
    pub fn text(&self) -> String {
        self.mirror.engine().map(|engine| engine.to_text()).unwrap_or_default()
    }

    /// Up to where it has everything.
    pub fn position(&self) -> Option<Position> {
        self.mirror.position()
    }

    /// Says something; it must be attached.
    pub async fn say(&mut self, message: FromViewer) {
        self.terminal.send(message).await.unwrap();
    }

    /// Types, whether it may or not.
    pub async fn type_(&mut self, text: &str) {
        self.say(FromViewer::Input(text.to_owned().into_bytes().into())).await;
    }

    /// Takes the lease, which nobody may have.
    pub async fn take(&mut self) {
        let you = self.welcome.you;
        self.say(FromViewer::Lease(LeaseRequest::Take)).await;
        let mine = |m: &FromWorker| match m {
            FromWorker::Lease { holder: Some(holder) } if holder.id == you => Some(()),
            FromWorker::Notice { text, .. } => panic!("no lease: {text}"),
            _ => None,
        };
        self.until(mine).await;
    }

    /// Hands the lease back.
    pub async fn release(&mut self, note: Option<&str>) {
        let note = note.map(str::to_owned);
        self.say(FromViewer::Lease(LeaseRequest::Release { note })).await;
        self.until(|m| matches!(m, FromWorker::Lease { holder: None }).then_some(())).await;
    }

    /// Gives the terminal a size; the lease must be its own.
    pub async fn resize(&mut self, size: Size) {
        self.say(FromViewer::Resize { size }).await;
        self.sees("new size", |screen| screen.size == size).await;
    }

    /// The next notice.
    pub async fn notice(&mut self) -> About {
        self.until(|m| match m {
            FromWorker::Notice { about, .. } => Some(*about),
            _ => None,
        })
        .await
    }

    /// Reads on, each of two of one session in turn, until both have the same of it.
    pub async fn meets(&mut self, other: &mut Self) {
        loop {
            let key = |watcher: &Self| watcher.position().map(|at| (at.generation, at.offset));
            match key(self).cmp(&key(other)) {
                std::cmp::Ordering::Equal if self.screen().is_some() => return,
                std::cmp::Ordering::Greater => drop(other.next().await),
                std::cmp::Ordering::Less => drop(self.next().await),
                std::cmp::Ordering::Equal => {
                    drop(self.next().await);
                    drop(other.next().await);
                }
            }
        }
    }
}
