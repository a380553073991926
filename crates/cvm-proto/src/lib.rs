//! Tencent Cloud CVM (API version 2017-03-12) without I/O.
//!
//! This crate encodes, signs and decodes requests to the CVM API, and holds every policy of a client: retries, rate
//! limits, clock skew, deadlines, paging, waiting, and the copy of an image to other regions. It does so as state
//! machines: bytes in, bytes out. It never reads a clock, the environment, entropy, a file or a socket, starts no thread
//! and never sleeps; time and seeds are parameters.
//!
//! Most programs want a client around it: `cvm-reqwest` (async) or `cvm-ureq` (blocking). Use this crate directly to
//! bring a transport of your own, or to sign, encode or decode alone:
//!
//! | to | use |
//! |---|---|
//! | call an action | [`Call`] with a type of [`api`], or [`AnyCall`] by its name |
//! | read a list that comes in pages | [`Pages`] of an action, or of [`AnyList`] by the action's name |
//! | call with texts, for values that are not Rust's | [`TextCall`], [`TextList`] |
//! | wait for a state | [`images_normal`], [`instances_in_state`], [`WaitUntil`] |
//! | ask whose the credential is | [`WhoAmI`] |
//! | copy an image to other regions | [`ImageSync`] |
//! | find out which regions `all` or `ap-*` stands for | [`WhichRegions`] |
//! | drive any of them | [`machine`] |
//! | sign a request, see each stage, or verify one | [`sign`](mod@sign) |
//! | write parameters or read answers | [`codec`] |
//! | take text in from files and other programs | [`input`] |
//! | show what others wrote, at a terminal or in a log | [`output`] |
//!
//! # A whole call
//!
//! ```
//! use core::time::Duration;
//! use cvm_proto::api::SyncImages;
//! use cvm_proto::{Call, Config, Credential, Machine, Now, Reply, Request, Response, Settings, Step};
//!
//! // What a transport of your own does: one HTTP exchange.
//! fn exchange(request: &Request) -> Response {
//!     assert_eq!(request.url(), "https://cvm.tencentcloudapi.com/");
//!     assert!(request.headers().any(|(name, value)| (name, value) == ("x-tc-action", "SyncImages")));
//!     let body = r#"{"Response":{"ImageSet":[{"ImageId":"img-b9avy0x2","Region":"ap-guangzhou"}],"RequestId":"r-1"}}"#;
//!     Response::new(200, body.into())
//! }
//!
//! let mut settings = Settings::default();
//! settings.credential = Some(Credential::new("AKIDexample", "not-a-real-key")?);
//! settings.region = Some("ap-shanghai".into());
//! let config = Config::new(settings)?;
//!
//! let action = SyncImages::new(["img-o3ycss2p"], ["ap-guangzhou"]).image_set_required(true);
//! let mut call = Call::new(&config, action, 42);
//! let mut now = Now::new(1_551_113_065, Duration::ZERO);
//! let answer = loop {
//!     match call.poll(now) {
//!         Step::Send(request) => call.reply(now, Reply::Response(exchange(&request))),
//!         Step::WaitUntil(mono) => now.mono = mono,
//!         Step::Progress(never) => match never {},
//!         Step::Done(outcome) => break outcome?,
//!     }
//! };
//! assert_eq!(answer.image_set[0].region, "ap-guangzhou");
//! # Ok::<(), cvm_proto::Error>(())
//! ```
//!
//! # Features
//!
//! `std`, on by default, puts what calls share behind a lock of the system. Without it the crate is `no_std` and needs
//! `alloc`, and the lock spins. It changes no type.
//!
//! `http` adds `Request::to_http`, `Request::header_map` and `Response::from`: requests and responses as the types of the
//! crate [`http`](https://docs.rs/http), which hyper, reqwest and ureq speak. `rustls` adds `Cause::of_handshake`: what a
//! failed handshake of [`rustls`](https://docs.rs/rustls) means. `tracing` makes each [`AttemptEnd`] an event of the crate
//! [`tracing`](https://docs.rs/tracing).

#![no_std]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

// The rooms, from the bottom up: each uses those above it in this list alone. `cargo xtask tidy` holds the order.

// Text on its way in and out.
pub mod input;
pub mod output;

// The names of the service: generated.
mod service;

// Sets of values that the service may add to.
mod open_enum;
pub use open_enum::OtherValue;

// What went wrong.
mod error;
pub use error::{Error, ErrorCode, ErrorKind};

// Parameters, answers and signatures, as bytes.
pub mod codec;
pub mod sign;
pub use sign::SignMethod;

// What goes out and what comes in.
mod wire;
pub use wire::{
    Cancel, ExtraHeaders, Language, Method, NoProxy, Notation, Origin, ProxyAddress, ProxyScheme, Request,
    Response, only_reads,
};

// The contract between core and shells.
pub mod machine;
pub use machine::{Machine, Now, Reply, Step};

// What came of each attempt.
mod attempt_end;
pub use attempt_end::{AttemptEnd, AttemptHook, FailReason, NextStep, RetryReason};

// Who signs.
mod signer;
#[doc(inline)]
pub use signer::Credential;

// What can be set on a client, and the state that its calls share.
mod client;
pub use client::{
    ClientBuilder, Config, Endpoint, Failover, FromSettings, Job, RetryPolicy, Scheme, Settings, is_finance,
    splitmix64,
};

// An action with all its attempts, and what is made of several.
mod call;
pub use call::{
    Action, AnswerText, AnyCall, AnyList, Ask, Call, CallWithText, ListPlace, Page, Paged, Pages, Resumable,
    TextAnswer, TextCall, TextList, TextRequest, Verdict, WaitMachine, WaitUntil, WithText, parameters,
};

// The actions: generated.
pub mod api;

// Where credentials come from.
pub mod credential;
#[doc(inline)]
pub use credential::{CallerIdentity, IdentityCall, WhoAmI};

// Waits that many need.
mod waiters;
pub use waiters::{images_normal, instances_in_state};

// Which regions are meant.
mod regions;
pub use regions::{WhichRegions, WhichRegionsMachine, closest_region, with_region_meant};

// The sync job.
mod image_sync;
pub use image_sync::{
    Basis, Destination, ImageFacts, ImageSync, ImageSyncMachine, OnConflict, Outcome, PreparedSync,
    RunOption, SyncEndpoint, SyncProgress, SyncReport, SyncRun, SyncState,
};
