//! Terminals of workers: what a worker and a viewer say to each other, and what a person sees.
//!
//! The worker feeds an [`engine`] with its program's output, keeps the newest of it in a [`backlog`], and
//! sends those who come a [`snapshot`] and then bytes. A viewer holds a [`mirror`]. Both speak in
//! [`message`]s, which stand in [`frame`]s.
//!
//! Nothing here is async, reads a clock, an environment or a file: bytes and times come in as arguments.

pub mod backlog;
#[cfg(any(test, feature = "testing"))]
pub mod corpus;
pub mod draw;
pub mod engine;
pub mod frame;
pub mod input;
pub mod message;
pub mod mirror;
pub mod playback;
pub mod recording;
pub mod screen;
pub use smith_model::terminal::size;
pub mod snapshot;
pub mod style;
mod utf8;
pub mod view;
#[cfg(any(test, feature = "widget"))]
pub mod widget;
