//! The host with real processes, in a PID namespace (where the kernel allows one) and without.
//!
//! That processes are gone is shown by a FIFO that they hold open: its reader sees the end of file
//! when the last holder is gone, whatever it calls itself and wherever it has gone.

#![allow(clippy::unwrap_used, reason = "in a test it is an assertion")]

#[path = "host/bench.rs"]
mod bench;

#[path = "host/ends.rs"]
mod ends;
#[path = "host/hidden.rs"]
mod hidden;
#[path = "host/losses.rs"]
mod losses;
#[path = "host/protocol.rs"]
mod protocol;
#[path = "host/starts.rs"]
mod starts;
