//! Recordings of terminals: which there are, one made whole of its parts, its time, and playing it. Whoever
//! does that fetches, draws and waits.

pub mod catalog;
pub mod clock;
mod frames;
pub mod player;
pub mod reel;
#[cfg(any(test, feature = "testing"))]
pub mod samples;
