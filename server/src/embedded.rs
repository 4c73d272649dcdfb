//! What `smithd` needs beyond API and core: a state directory, an etcd of its own as a child, and the
//! first token with a context that `smith` and `smithctl` find by themselves.
//!
//! The order at start, each step being the condition of the next:
//!
//! ```text
//! StateDir::open        the lock: one smithd a directory
//! StateDir::root_key    the key that chains and tokens are derived from
//! StateDir::ports       kept, or chosen once
//! Etcd::start           certificates, an orphan taken over, healthy by the caller's own probe
//! (store, API, core)    the caller's; the admin token is made by its use case
//! first_token::*        the token's file and the `local` context
//! ```
//!
//! and at the end the reverse; [`etcd::Etcd::stop`] comes last, the lock goes with the process. This room
//! knows nothing of keys, loops or HTTP, and it doesn't read the environment except in [`etcd::Search`].
//! Its file system calls are few, small and at start, so they are made in place, not on a blocking pool.

pub mod certs;
pub mod etcd;
pub mod first_token;
pub mod ports;
pub mod state_dir;

mod atomic_file;

#[cfg(test)]
mod tests;
