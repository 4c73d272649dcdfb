//! The worker of Smith: brings in a repository, runs an agent over stories, lets gates decide,
//! keeps evidence, and publishes a branch.
//!
//! The replica is the trusted side: it holds the session with the API, git, and the evidence. The
//! host (`host`) runs everything else. Decisions are pure (`stories`, `verdict`, `prompt`, `lease`,
//! `excerpt`, `handoff`); the rest carries them out.
//!
//! ```text
//! run ─> attempt ─> checkout ─> iterate ─┬─> agent ─┐
//!            │                           └─> gates ─┴─> execution ─> host
//!            ├────> publish
//!            └────> session, outbox ─> api
//! ```
//!
//! Linux only so far: ends of processes are proved by subreapers, pidfds and PID namespaces.

pub mod git;
pub mod host;
pub mod workspace;

pub mod attempt;
pub mod run;
pub mod worker;

pub mod api;
pub mod clock;
pub mod lease;
pub mod orders;
pub mod outbox;
pub mod session;

pub mod agent;
pub mod checkout;
pub mod execution;
pub mod gates;
pub mod handoff;
pub mod interventions;
pub mod iterate;
pub mod notes;
pub mod prompt;
pub mod publish;
pub mod stories;
pub mod verdict;

pub mod capture;
pub mod excerpt;
pub mod plain;
mod sink;
pub mod terminals;
