//! The state directory and etcd as smithd uses them: real files, a real etcd, real kills.

mod child;
mod files;
