//! From an action to its signed requests, one for each attempt.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::sync::Arc;
use core::time::Duration;

use serde::Serialize;

use super::config::{Config, Shared};
use crate::attempt_end::{AttemptEnd, NextStep};
use crate::codec::JSON;
use crate::error::Error;
use crate::sign::SignMethod;
use crate::sign::canonical::Head;
use crate::signer::{Credential, DailySigner};
use crate::wire::{Attempt, Encoded, Request, SignatureParts, Timestamp};

/// What stands in the place of a signature if an action needs none.
const SKIP_SIGNATURE: &str = "SKIP";

/// An action with its parameters encoded, ready to be signed for each attempt.
pub(crate) struct Prepared {
    config: Config,
    encoded: Arc<Encoded>,
}

/// What signs an attempt.
pub(crate) struct AttemptSigner {
    day: Arc<DailySigner>,
    /// How the canonical request begins, if others begin so as well.
    head: Option<Arc<Head>>,
}

impl Prepared {
    /// Encodes the parameters in the notation of `config`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Parameter`](crate::ErrorKind::Parameter) if they are not an object, or take more bytes than the
    /// service reads.
    pub(crate) fn new<T: Serialize + ?Sized>(
        config: &Config,
        action: impl Into<Cow<'static, str>>,
        version: impl Into<Cow<'static, str>>,
        parameters: &T,
    ) -> Result<Self, Error> {
        let key = config.credential().map(Credential::key);
        let encoded = Encoded::new(config.common(), key, action, version, parameters)?;
        Ok(Self { config: config.clone(), encoded: Arc::new(encoded) })
    }

    /// A GET that is not an action and is not signed; `what` is for logs.
    pub(crate) fn plain(config: &Config, what: &'static str, path: String) -> Self {
        Self { config: config.clone(), encoded: Arc::new(Encoded::plain(config.common(), what, path)) }
    }

    /// The settings that it is sent with.
    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    /// The action.
    pub(crate) fn action(&self) -> &str {
        &self.encoded.action
    }

    /// An attempt's end, without what only the attempt knows.
    pub(crate) fn attempt_end(&self, to_backup: bool) -> AttemptEnd<'_> {
        let common = &*self.encoded.common;
        AttemptEnd {
            service: &common.service,
            action: &self.encoded.action,
            region: common.region.as_deref(),
            host: common.target(to_backup).origin.host(),
            attempt: 0,
            resend_count: 0,
            elapsed: Duration::ZERO,
            request_id: None,
            error: None,
            next: NextStep::Done,
        }
    }

    /// Builds one attempt, signed by the client's own credential, if that is given once and for all.
    pub(crate) fn request(&self, attempt: Attempt) -> Request {
        self.request_by(None, attempt)
    }

    /// Builds one attempt and signs it; `fetched` takes the place of a credential that is given once and for all.
    pub(crate) fn request_by(&self, fetched: Option<&Credential>, attempt: Attempt) -> Request {
        let keys = self.config.shared(|shared| self.keys(shared, fetched, &attempt));
        self.request_with(fetched, attempt, keys)
    }

    /// Who signs; nobody, if the client has no credential at all.
    fn credential<'a>(&'a self, fetched: Option<&'a Credential>) -> Option<&'a Credential> {
        fetched.or_else(|| self.config.credential())
    }

    /// What the client's calls share that signs an attempt with TC3.
    pub(crate) fn keys(
        &self,
        shared: &mut Shared,
        fetched: Option<&Credential>,
        attempt: &Attempt,
    ) -> Option<AttemptSigner> {
        let encoded = &*self.encoded;
        let credential = self.credential(fetched)?;
        if encoded.common.sign_method != SignMethod::Tc3HmacSha256 {
            return None;
        }
        let day = shared.keys.daily_signer(credential, &encoded.common.service, attempt.unix);
        let host = encoded.origin(attempt).host();
        // Only JSON requests of one action begin alike; queries and boundaries differ.
        let head = matches!(encoded.content_type, Cow::Borrowed(JSON))
            .then(|| shared.keys.head(&encoded.action, host, || encoded.head(host)));
        Some(AttemptSigner { day, head })
    }

    /// Builds and signs one attempt with its keys.
    pub(crate) fn request_with(
        &self,
        fetched: Option<&Credential>,
        attempt: Attempt,
        keys: Option<AttemptSigner>,
    ) -> Request {
        let encoded = &self.encoded;
        let key = self.credential(fetched).map(Credential::key);
        let signed = match encoded.common.sign_method {
            _ if encoded.version.is_empty() => SignatureParts::Plain,
            SignMethod::Tc3HmacSha256 => {
                let authorization = match keys {
                    None => SKIP_SIGNATURE.into(),
                    Some(AttemptSigner { day, head }) => {
                        let canonical_hash = match head {
                            Some(head) => head.hash(&encoded.payload_hash),
                            None => encoded.head(encoded.origin(&attempt).host()).hash(&encoded.payload_hash),
                        };
                        day.authorization(attempt.unix, canonical_hash)
                    }
                };
                let timestamp = Timestamp::new(attempt.unix);
                SignatureParts::Tc3 {
                    timestamp,
                    authorization,
                    token: key.and_then(|key| key.token).cloned(),
                }
            }
            SignMethod::HmacSha256 | SignMethod::HmacSha1 => {
                SignatureParts::V1 { text: encoded.v1_text(&attempt, key) }
            }
        };
        Request::new(Arc::clone(encoded), signed, attempt)
    }
}
