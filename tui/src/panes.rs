//! Terminals in panes: what a pane shows, how panes share an area, and what can be done with them. Pure, but for the
//! [`Stage`], on which a task outside puts what a terminal shows.

mod action;
mod activity;
mod keys;
mod lease;
mod news;
mod order;
mod stage;
mod subject;
mod tree;

pub use action::{Asked, Find, PaneAction, Player, TerminalAction};
pub use activity::{Toward, activity};
pub use keys::{bytes_of, mouse_of};
pub use lease::{Lease, Told};
pub use news::{News, Over, Playing, Tape};
pub use order::{Order, Seek};
pub use stage::{Content, Played, Stage};
pub use subject::Subject;
pub use tree::{Axis, Divider, Laid, PaneNo, Tree, Way};
