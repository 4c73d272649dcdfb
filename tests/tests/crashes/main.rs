//! What survives a crash: processes killed at every edge, at random, and without their etcd.
//!
//! Always the same must hold afterwards: every loop comes to its expected end, no kill uses up an attempt, no story is
//! committed twice, nothing of the agent is left, and the whole history is as `World::finish` wants it.

mod blows;
mod chaos;
mod job;
mod lost;
mod outages;
mod points;
mod survive;
