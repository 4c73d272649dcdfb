//! Recordings of terminals: which there are, one made whole of its parts, and its time. Whoever plays them fetches,
//! draws and waits.

pub mod catalog;
pub mod clock;
pub mod reel;
#[cfg(any(test, feature = "testing"))]
pub mod samples;
