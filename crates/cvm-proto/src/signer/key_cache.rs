//! What the signatures of one client share: the key of the day, and the heads of canonical requests.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::credential::Credential;
use crate::sign::SIGNED_HEADERS;
use crate::sign::canonical::Head;
use crate::sign::signature::{self, Signature, SigningKey};
use crate::sign::string_to_sign::{CredentialScope, Date, StringToSign};

/// The signing key of the day and the heads of recent canonical requests.
///
/// A hit costs a comparison; a miss, one derivation a day and one head per action and host.
#[derive(Default)]
pub(crate) struct KeyCache {
    day: Option<Arc<DailySigner>>,
    heads: Vec<CachedHead>,
    next: usize,
}

/// Signs the requests of one UTC day.
pub(crate) struct DailySigner {
    credential: Credential,
    number: u64,
    date: Date,
    service: Cow<'static, str>,
    key: SigningKey,
    /// An `Authorization` header up to its signature.
    authorization: String,
}

struct CachedHead {
    action: Cow<'static, str>,
    host: String,
    head: Arc<Head>,
}

/// A client uses a handful of actions in a handful of regions; more of them only cost a compression each.
const MAX_HEADS: usize = 32;

impl KeyCache {
    /// What signs for `credential` at a time, in seconds since 1970.
    pub(crate) fn daily_signer(
        &mut self,
        credential: &Credential,
        service: &Cow<'static, str>,
        unix: u64,
    ) -> Arc<DailySigner> {
        let number = Date::number(unix);
        match &mut self.day {
            Some(day) if day.signs(credential, service, number) => Arc::clone(day),
            day => Arc::clone(day.insert(Arc::new(DailySigner::new(credential, service, unix)))),
        }
    }

    /// The head of the JSON requests of `action` to `host`, made by `make` if it is not known.
    pub(crate) fn head(
        &mut self,
        action: &Cow<'static, str>,
        host: &str,
        make: impl FnOnce() -> Head,
    ) -> Arc<Head> {
        let known = |cached: &&CachedHead| cached.action == *action && cached.host == host;
        if let Some(cached) = self.heads.iter().find(known) {
            return Arc::clone(&cached.head);
        }
        let head = Arc::new(make());
        let cached = CachedHead { action: action.clone(), host: host.into(), head: Arc::clone(&head) };
        match self.heads.get_mut(self.next) {
            Some(oldest) => *oldest = cached,
            None => self.heads.push(cached),
        }
        self.next = (self.next + 1) % MAX_HEADS;
        head
    }
}

impl DailySigner {
    fn new(credential: &Credential, service: &Cow<'static, str>, unix: u64) -> Self {
        let scope = CredentialScope::new(unix, service);
        Self {
            credential: credential.clone(),
            number: Date::number(unix),
            date: scope.date,
            service: service.clone(),
            key: SigningKey::derive(credential.secret_key(), scope),
            authorization: signature::unsigned_authorization(credential.secret_id(), scope, SIGNED_HEADERS),
        }
    }

    fn signs(&self, credential: &Credential, service: &str, number: u64) -> bool {
        self.number == number && self.service == service && self.credential.is(credential)
    }

    /// The `Authorization` header for a canonical request.
    pub(crate) fn authorization(&self, timestamp: u64, canonical_hash: [u8; 32]) -> String {
        let scope = CredentialScope { date: self.date, service: &self.service };
        let string_to_sign = StringToSign { timestamp, scope, canonical_hash };
        // The header is longer than the string to sign, and takes its place.
        let mut text = String::with_capacity(self.authorization.len() + Signature::LEN);
        let signature = self.key.sign_with(&string_to_sign, &mut text);
        text.clear();
        text.push_str(&self.authorization);
        signature.write(&mut text);
        text
    }
}
