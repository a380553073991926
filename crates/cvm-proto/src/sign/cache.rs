//! What the signatures of one client have in common: the key of the day, and how the canonical requests begin.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

use super::canonical::Head;
use super::signature::{self, Signature, SigningKey};
use super::string_to_sign::{CredentialScope, Date, StringToSign};
use crate::credential::Credential;
use crate::encode::SIGNED_HEADERS;

/// The signing key of the day and the heads of recent canonical requests.
///
/// A hit costs a comparison; a miss, one derivation a day and one head per action and host.
#[derive(Default)]
pub(crate) struct KeyCache {
    day: Option<Day>,
    heads: Vec<CachedHead>,
    next: usize,
}

struct Day {
    credential: Credential,
    number: u64,
    date: Date,
    key: SigningKey,
    /// An `Authorization` header up to its signature.
    authorization: String,
}

struct CachedHead {
    action: Cow<'static, str>,
    host: String,
    head: Head,
}

/// A client uses a handful of actions in a handful of regions; more of them only cost a compression each.
const HEADS: usize = 32;

/// What signs one request, and the `Authorization` header that its signature completes.
pub(crate) struct Signer {
    unix: u64,
    date: Date,
    service: &'static str,
    key: SigningKey,
    authorization: String,
}

impl Signer {
    /// The whole header for a canonical request.
    pub(crate) fn authorization(self, canonical_hash: [u8; 32]) -> String {
        let scope = CredentialScope { date: self.date, service: self.service };
        let signature = self.key.sign(&StringToSign { timestamp: self.unix, scope, canonical_hash });
        let mut text = self.authorization;
        signature.write(&mut text);
        text
    }
}

impl KeyCache {
    /// What signs for `credential` at a time. One client has one service.
    pub(crate) fn signer(&mut self, credential: &Credential, service: &'static str, unix: u64) -> Signer {
        let number = Date::number(unix);
        let day = match &mut self.day {
            Some(day) if day.number == number && day.credential.is(credential) => day,
            day => day.insert(Day::new(credential, service, unix)),
        };
        let mut authorization = String::with_capacity(day.authorization.len() + Signature::LEN);
        authorization.push_str(&day.authorization);
        Signer { unix, date: day.date, service, key: day.key.clone(), authorization }
    }

    /// The head of the JSON requests of `action` to `host`, made by `make` if it is not known.
    pub(crate) fn head(
        &mut self,
        action: &Cow<'static, str>,
        host: &str,
        make: impl FnOnce() -> Head,
    ) -> Head {
        let known = |cached: &&CachedHead| cached.action == *action && cached.host == host;
        if let Some(cached) = self.heads.iter().find(known) {
            return cached.head.clone();
        }
        let head = make();
        let cached = CachedHead { action: action.clone(), host: host.into(), head: head.clone() };
        match self.heads.get_mut(self.next) {
            Some(oldest) => *oldest = cached,
            None => self.heads.push(cached),
        }
        self.next = (self.next + 1) % HEADS;
        head
    }
}

impl Day {
    fn new(credential: &Credential, service: &str, unix: u64) -> Self {
        let scope = CredentialScope::new(unix, service);
        Self {
            credential: credential.clone(),
            number: Date::number(unix),
            date: scope.date,
            key: SigningKey::derive(credential.secret_key(), scope),
            authorization: signature::unsigned_authorization(credential.secret_id(), scope, SIGNED_HEADERS),
        }
    }
}
