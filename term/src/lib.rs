//! Terminals of workers: the messages between a worker and those who watch it.
//!
//! Nothing here is async, reads a clock, an environment or a file: bytes and times come in as arguments.

pub mod frame;
pub mod message;
pub mod size;
