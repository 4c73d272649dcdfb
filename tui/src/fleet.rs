//! The fleet as it is known here: rows, which of them a view shows, and in which order. Pure.

mod action;
mod filter;
mod order;
mod row;
mod table;

pub use action::FleetAction;
pub use filter::Filter;
pub use order::{Column, Grouping, Look, OrderJob, Ordered, Sort, ViewId};
pub use row::Row;
pub use table::{Delta, Link, Slot, Table, Touched};
