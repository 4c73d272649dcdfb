//! Playing a recording on the operator's terminal. Pure; the command draws and waits.

pub(crate) mod keys;
pub(crate) mod watching;
