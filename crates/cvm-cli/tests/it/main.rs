//! The `cvm` command as its users meet it: the built program, its output, its exit codes.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod call;
mod chaos;
mod command;
mod config;
mod endpoint;
#[cfg(unix)]
mod hanging;
mod identity;
mod images;
mod jobs;
mod local;
mod local_state;
mod mistakes;
mod resume;
mod sign;
#[cfg(unix)]
mod signals;
mod sync;
#[cfg(unix)]
mod terminal;
