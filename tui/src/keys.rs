//! Keys as people name them (`ctrl-x`, `shift-tab`, `G`), and what they are bound to.

mod chord;
mod clash;
mod defaults;
mod map;

pub use chord::{Chord, Key, keys_text};
pub use clash::Clash;
pub use map::{Binding, Context, Keymap, Resolved};
