//! Keys as people name them (`ctrl-x`, `shift-tab`, `G`), and what they are bound to.

mod chord;
mod defaults;
mod map;

pub use chord::{Chord, Key};
pub use map::{Binding, Context, Keymap, Resolved};
