//! What the requests of one client to one region have in common.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::sync::Arc;

use zeroize::Zeroizing;

use super::extra_headers::ExtraHeaders;
use super::origin::Origin;
use super::request_format::{Language, Notation};
use crate::sign::SignMethod;

/// What the requests of one client to one region have in common.
pub(crate) struct RequestDefaults {
    pub(crate) region: Option<String>,
    /// The usual endpoint.
    pub(crate) usual: RequestTarget,
    pub(crate) backup: Option<RequestTarget>,
    /// The first label of the hosts, and part of every credential scope.
    pub(crate) service: Cow<'static, str>,
    pub(crate) sign_method: SignMethod,
    pub(crate) notation: Notation,
    pub(crate) unsigned_payload: bool,
    pub(crate) language: Option<Language>,
    pub(crate) request_client: Option<String>,
    /// What a user adds to the headers.
    pub(crate) headers: ExtraHeaders,
    pub(crate) max_response_bytes: usize,
}

/// Where requests go.
pub(crate) struct RequestTarget {
    pub(crate) origin: Origin,
    /// Whether it is reached past the proxy.
    pub(crate) past_proxy: bool,
}

impl RequestDefaults {
    /// Where a request goes: to the backup only if there is one.
    pub(crate) fn target(&self, to_backup: bool) -> &RequestTarget {
        self.backup.as_ref().filter(|_| to_backup).unwrap_or(&self.usual)
    }
}

/// The token of a temporary credential, shared with the requests that carry it.
pub(crate) type Token = Arc<Zeroizing<String>>;

/// What signs a request.
#[derive(Clone, Copy)]
pub(crate) struct SigningIdentity<'a> {
    pub(crate) secret_id: &'a str,
    pub(crate) secret_key: &'a str,
    pub(crate) token: Option<&'a Token>,
}
