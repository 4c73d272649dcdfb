//! The main job from end to end: real processes, real etcd, real git. Each file is one promise.
//!
//! Every test has an installation of its own and ends with `World::finish`, which checks everything that was written.

// Clippy sees tests only in functions that are marked as such; here all is test.
#![allow(clippy::unwrap_used)]

mod access;
mod audit;
mod bad_input;
mod cancel;
mod classes;
mod crash;
mod delete;
mod flatline;
mod hold;
mod hostile_agent;
mod idempotency;
mod inbox;
mod ingress;
mod life;
mod limits;
mod outage;
mod planted_secret;
mod recordings;
mod retry;
mod streams;
mod takeover;
mod terminals;
mod why;
mod workstation;

use smith_model::id::LoopId;

/// A loop's name.
fn id(name: &str) -> LoopId {
    name.parse().expect("a loop id")
}
