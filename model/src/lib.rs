//! The nouns and rules of Smith: ids, states, transitions, policy, PRDs, evidence, wire types.
//!
//! Nothing here is async, reads a clock, an environment or a file; time and ids come in as arguments.
//! Everything else in the workspace may depend on this crate, and it depends on none of them.

pub mod access;
pub mod api;
pub mod attempt;
pub mod audit;
pub mod chain;
pub mod context;
pub mod duration;
pub mod failure;
pub mod gate;
pub mod handoff;
pub mod id;
pub mod inbox;
pub mod journal;
pub mod policy;
pub mod prd;
pub mod printable;
pub mod problem;
pub mod redact;
pub mod repository;
pub mod spec;
pub mod state;
pub mod story;
pub mod terminal;
pub mod worker;

/// The major version of every record that this code writes; a record of a later one is read-only here.
pub const SCHEMA_VERSION: u32 = 1;

/// Fields of a record that this version doesn't know, kept when the record is written again.
pub type Extra = serde_json::Map<String, serde_json::Value>;
