//! A worker's terminal in the operator's own: what `attach` is made of, and `recording play` in part.
//!
//! Nothing that the worker sent reaches the operator's terminal: it goes through an engine, and what that shows is drawn.

pub(crate) mod keys;
pub(crate) mod line;
pub(crate) mod status;
pub(crate) mod window;
