//! Tencent Cloud CVM (API version 2017-03-12) without I/O.

#![no_std]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

pub mod api;
pub mod codec;
pub mod machine;
pub mod sign;

mod action;
mod call;
mod clock;
mod config;
mod credential;
mod encode;
mod endpoint;
mod error;
mod error_code;
mod exchange;
mod image_sync;
mod limit;
mod page;
mod random;
mod request;
mod response;
mod retry;
mod settings;
mod sync;
mod wait;

pub use action::Action;
pub use call::{AnyCall, Call};
pub use config::Config;
pub use credential::Credential;
pub use endpoint::{Endpoint, Origin};
pub use error::{Error, ErrorKind};
pub use error_code::ErrorCode;
pub use image_sync::{Destination, ImageSync, ImageSyncMachine, Outcome, SyncProgress, SyncReport};
pub use machine::{Job, Machine, Now, Reply, Step};
pub use page::{Paged, Pages, PagesMachine};
pub use request::{Language, Method, Notation, Request};
pub use response::Response;
pub use retry::RetryPolicy;
pub use settings::{ClientBuilder, FromSettings, Settings};
pub use sign::SignMethod;
pub use wait::{Verdict, WaitMachine, WaitUntil};
