//! The fleet as it is known here: rows, which of them a view shows, and in which order. Pure.

mod action;
mod column;
mod columns;
mod counts;
mod filter;
mod groups;
mod order;
mod row;
mod saved;
mod table;

#[cfg(test)]
pub(crate) mod tests;

pub use action::{FleetAction, Folding, Marking};
pub use column::{Column, Direction, Kind, Value};
pub use columns::{ColumnChange, Columns};
pub use counts::{Counts, Tally};
pub use filter::Filter;
pub(crate) use filter::Pattern;
pub(crate) use filter::words::{self, Raw};
pub use groups::{Group, GroupKey, Line, Lines};
pub use order::{Grouping, Look, OrderJob, Ordered, Scope, Shown, Sort, ViewId};
pub use row::Row;
pub use saved::{SavedView, SavedViews, ViewsJob, ViewsSaid, name};
pub use table::{Delta, Link, Slot, Table, Touched};
