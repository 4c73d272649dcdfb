//! What the server speaks to besides etcd.

pub mod artifacts;
