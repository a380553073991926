//! A man in the middle for tests of the sync job, and the oracle that judges what its reports say.
//!
//! [`Meddler`] is a plain HTTP endpoint that passes everything on to another one, such as `cvm local`, and does to it
//! what a test asks for: it hides images from `DescribeImages` ([`Hide`]), and it holds back, loses, cuts, replaces or
//! delays requests and answers ([`Rule`]). Requests keep their `Host`, so their signatures stay good. It records
//! every [`Exchange`], and what the answers showed of images as a [`History`].
//!
//! [`oracle`] compares a report with that history. It trusts nothing that a client says, and it can fail: its own
//! tests feed it reports that are not true.
//!
//! Rust tests hold a [`Meddler`]; others start the program `meddler` and steer it over HTTP (see [`control`]).

// A tool of tests: it fails by panicking.
#![allow(clippy::unwrap_used, clippy::missing_panics_doc)]

pub mod control;
mod exchange;
mod hide;
mod history;
mod http;
mod look;
pub mod oracle;
mod proxy;
mod rule;

pub use exchange::{Exchange, Received};
pub use hide::Hide;
pub use history::{Accepted, Departure, History, Known, Stay};
pub use look::look;
pub use proxy::Meddler;
pub use rule::{OnAnswer, OnRequest, Rule};
