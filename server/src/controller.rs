//! The scheduler: level-triggered, one task a loop at a time.
//!
//! Events and timers only put a loop's name into the [`queue`]. Whoever takes it out looks at everything
//! anew, lets [`plan`] decide, which is pure, and does what it says. [`fleet`] knows who is next in line
//! and what there is room for. One core leads; the others stand by ([`leader`]).

pub mod execute;
pub mod fleet;
pub mod leader;
pub mod plan;
pub mod queue;
pub mod reign;

use std::sync::Arc;
use std::time::Duration;

use smith_model::chain::Key;

use crate::runtime::Runtime;
use crate::store::Store;
use crate::store::lease::Candidate;
use crate::view::View;

/// What a core is told.
#[derive(Clone, Debug)]
pub struct Config {
    /// This process, in the leader record: host and pid, and what no other process can have meanwhile.
    pub candidate: Candidate,
    /// The time to live of the leader's lease.
    pub leader_ttl: Duration,
    /// How long the core waits for what.
    pub settings: plan::Settings,
    /// Where admission stops.
    pub limits: fleet::Limits,
    /// The API's address for workers.
    pub api_url: String,
    /// Environment for agents and gates, beyond the allow-listed few.
    pub agent_env: Vec<(String, String)>,
    /// Values that must not appear in any output.
    pub secrets: Vec<String>,
    /// Makes claim tokens.
    pub worker_key: Key,
    /// Attempts' keys for tickets to their terminals are made with it; the API's own.
    pub terminal_key: Key,
}

/// Everything that a core works with.
#[derive(Clone)]
pub struct Core {
    config: Arc<Config>,
    store: Store,
    view: View,
    runtime: Arc<dyn Runtime>,
}

impl Core {
    /// Puts the parts together.
    pub fn new(config: Config, store: Store, view: View, runtime: Arc<dyn Runtime>) -> Self {
        Self { config: Arc::new(config), store, view, runtime }
    }
}
