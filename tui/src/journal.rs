//! Journals of loops as a place: followed, filtered, searched, and read entry by entry.
//!
//! What is known of journals is in [`crate::world::journals`]; this is how it is seen. An entry is a line, with lines
//! below it for what it brings along (outputs, what a person did); all of them are lines of a [`crate::pager`].

mod action;
mod draw;
mod entry;
mod filter;
mod form;
mod index;
mod view;

pub use action::{Clock, JournalAction};
pub use filter::Filter;
pub use form::Form;
pub use view::View;

#[cfg(test)]
pub(crate) mod fixtures;
#[cfg(test)]
mod tests;
