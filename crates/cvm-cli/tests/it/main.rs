//! The `cvm` command as its users meet it: the built program, its output, its exit codes.

#![allow(clippy::unwrap_used, clippy::expect_used)]

#[cfg(unix)]
mod again;
mod answering;
mod call;
#[cfg(unix)]
mod chaos;
mod command;
#[cfg(unix)]
mod completion;
mod config;
mod endpoint;
mod escaping;
#[cfg(unix)]
mod examples;
mod exit_codes;
#[cfg(unix)]
mod flight;
mod hanging;
mod help;
mod identity;
mod images;
mod input;
mod jobs;
mod local;
mod local_option;
mod local_state;
mod mistakes;
mod network;
mod output;
mod query;
mod regions;
mod resume;
#[cfg(unix)]
mod rust_program;
mod schemas;
mod sign;
#[cfg(unix)]
mod signals;
#[cfg(unix)]
mod stage;
#[cfg(unix)]
mod starter;
mod sync;
#[cfg(unix)]
mod terminal;
mod wait;
