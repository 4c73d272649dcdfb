//! The harness of the end-to-end tests: real etcd, real processes, real git, and a look at everything that was written.
//!
//! A test starts a [`World`], asks its API for loops, and ends with [`World::finish`], which stops every process, sees that none
//! is left, and checks the whole history of the test's prefix in etcd against what must always hold ([`history`]).
//!
//! Under nextest, setup scripts build the binaries and start one etcd for all tests (`SMITH_TEST_BIN_DIR`, `SMITH_TEST_ETCD`).
//! Without it, the binaries are those of the last `cargo build --workspace --bins`, and each world has an etcd of its own.

// A harness is test code: what it doesn't expect fails the test.
#![allow(clippy::unwrap_used)]

pub mod agent;
pub mod bench;
pub mod binaries;
pub mod desk;
pub mod etcd;
pub mod history;
pub mod http;
pub mod picture;
pub mod process;
pub mod proxy;
pub mod repository;
pub mod secret;
pub mod servers;
pub mod tty;
pub mod wait;
pub mod watcher;
pub mod world;

pub use agent::{AliveFile, Fifo};
pub use desk::Desk;
pub use etcd::Etcd;
pub use repository::Repository;
pub use servers::Layout;
pub use watcher::Watcher;
pub use world::{Options, World};

/// Far longer than anything takes, also on a busy machine: it only turns a hang into a failure.
pub const LONG: std::time::Duration = std::time::Duration::from_secs(120);

/// Waits for `future`, and says what it was that did not come.
#[track_caller]
pub fn in_time<F: Future>(
    what: impl std::fmt::Display,
    future: F,
) -> impl Future<Output = F::Output> {
    let caller = std::panic::Location::caller();
    async move {
        match tokio::time::timeout(LONG, future).await {
            Ok(output) => output,
            Err(_) => panic!("{what} did not come within {LONG:?} (asked for at {caller})"),
        }
    }
}
