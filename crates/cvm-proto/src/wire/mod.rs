//! What goes out and what comes in: requests, responses, and what is said where no response came.

mod cancel;
mod connection_path;
mod encode;
mod extra_headers;
mod fault;
#[cfg(feature = "http")]
mod http;
mod origin;
mod proxy;
mod read_only;
mod request;
mod request_defaults;
mod request_format;
mod response;
mod time_limit;

pub use cancel::Cancel;
pub(crate) use connection_path::ConnectionPath;
pub(crate) use encode::{Attempt, Encoded};
pub use extra_headers::ExtraHeaders;
pub use fault::{Cause, CertificateFlaw, Fault};
pub use origin::Origin;
pub use proxy::{NoProxy, ProxyAddress, ProxyScheme};
pub use read_only::only_reads;
pub use request::Request;
pub(crate) use request::{SignatureParts, Timestamp};
pub(crate) use request_defaults::{RequestDefaults, RequestTarget, SigningIdentity, Token};
pub use request_format::{Language, Method, Notation};
pub use response::Response;
pub(crate) use time_limit::Limit;
