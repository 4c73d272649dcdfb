//! The operator's workstation: what it shows, what it does, and how it is driven.
//!
//! One task owns the [`state::State`]. Everything that happens comes to it as a [`msg::Msg`]; the pure
//! [`update::update`] changes the state and answers with [`effect::Effect`]s, which [`run`] carries out.
//! Everything a person can do is an [`action::Action`], whether a key, a command, the palette or the mouse
//! asks for it. [`draw`] turns a state into a frame and says where the mouse can do what.
//!
//! - What is known of the fleet: [`world`], [`fleet`].
//! - What a tab shows: [`place`], a file each.
//! - What lies over it: [`layers`].

pub mod action;
pub mod acts;
pub mod args;
pub mod command;
pub mod config;
pub mod connect;
pub mod create;
pub mod draw;
pub mod effect;
pub mod fetch;
pub mod fleet;
pub mod hints;
pub mod host;
pub mod journal;
pub mod keys;
pub mod layers;
pub mod look;
pub mod msg;
pub mod pager;
pub mod panes;
pub mod paper;
pub mod place;
pub mod replay;
pub mod run;
pub mod settings;
pub mod state;
pub mod tabs;
#[cfg(test)]
mod testing;
pub mod text;
pub mod update;
pub mod world;
