//! Recordings of terminals: which there are, one made whole of its parts, and playing it. Pure; the commands fetch,
//! draw and wait.

pub(crate) mod catalog;
pub(crate) mod clock;
pub(crate) mod keys;
pub(crate) mod player;
pub(crate) mod reel;
