//! What a terminal shows, shared by the task that feeds it and the one that draws it.
//!
//! A worker may print fifty megabytes in a second, which would drown everything else as messages. So the task that
//! hears them feeds the terminal, and says only that it did; drawing, scrolling, searching and selecting look at it.
//! The task feeds in small pieces, and gives way to whoever wants to look. Nothing of it is in a recording of the
//! workstation: a replay finds the stage empty.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use smith_term::engine::Engine;
use smith_term::mirror::Mirror;
use smith_term::playback::player::Player;

/// The shared terminal.
#[derive(Clone, Default)]
pub struct Stage(Arc<Shared>);

#[derive(Default)]
struct Shared {
    content: Mutex<Content>,
    /// How many wait to look.
    waiting: AtomicUsize,
}

/// What is on a stage.
#[derive(Default)]
pub enum Content {
    /// Nothing yet.
    #[default]
    Nothing,
    /// A copy of a worker's terminal.
    Live(Box<Mirror>),
    /// A recording.
    Played(Box<Played>),
}

/// A recording that is played, and since when its time is counted.
pub struct Played {
    /// What plays it.
    pub player: Player,
    /// The beginning of its clock.
    pub began: Instant,
}

impl Stage {
    /// Looks at the terminal, if there is one.
    pub fn look<R>(&self, look: impl FnOnce(&Engine) -> R) -> Option<R> {
        self.0.waiting.fetch_add(1, Ordering::SeqCst);
        let content = self.lock();
        self.0.waiting.fetch_sub(1, Ordering::SeqCst);
        match &*content {
            Content::Nothing => None,
            Content::Live(mirror) => mirror.engine().map(look),
            Content::Played(played) => Some(look(played.player.engine())),
        }
    }

    /// Changes what is on it. For a moment only: whoever draws waits meanwhile.
    pub fn change<R>(&self, change: impl FnOnce(&mut Content) -> R) -> R {
        change(&mut self.lock())
    }

    /// Does somebody wait to look?
    pub fn is_wanted(&self) -> bool {
        self.0.waiting.load(Ordering::SeqCst) > 0
    }

    /// Keeps nothing of it.
    pub fn clear(&self) {
        *self.lock() = Content::Nothing;
    }

    fn lock(&self) -> MutexGuard<'_, Content> {
        self.0.content.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Stage(…)")
    }
}
