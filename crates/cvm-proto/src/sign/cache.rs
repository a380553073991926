//! What the signatures of one client have in common: the key of the day, and how the canonical requests begin.

use alloc::borrow::Cow;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::canonical::Head;
use super::signature::SigningKey;
use super::string_to_sign::{CredentialScope, Date};
use crate::credential::Credential;
use crate::endpoint::{Origin, SERVICE};

/// The signing key of the day and the heads of recent canonical requests.
///
/// A hit costs a comparison; a miss, one derivation a day and one head per action and host.
#[derive(Default)]
pub(crate) struct KeyCache {
    key: Option<DayKey>,
    heads: Vec<CachedHead>,
    next: usize,
}

struct DayKey {
    credential: Credential,
    date: Date,
    key: Arc<SigningKey>,
}

struct CachedHead {
    action: Cow<'static, str>,
    origin: Arc<Origin>,
    head: Head,
}

/// A client uses a handful of actions in a handful of regions; more of them only cost a compression each.
const HEADS: usize = 32;

impl KeyCache {
    /// The key of `credential` for the scope of `date` and this service.
    pub(crate) fn key(&mut self, credential: &Credential, date: Date) -> Arc<SigningKey> {
        match &self.key {
            Some(day) if day.date == date && day.credential.secret_key() == credential.secret_key() => {
                Arc::clone(&day.key)
            }
            _ => {
                let scope = CredentialScope { date, service: SERVICE };
                let key = Arc::new(SigningKey::derive(credential.secret_key(), scope));
                self.key = Some(DayKey { credential: credential.clone(), date, key: Arc::clone(&key) });
                key
            }
        }
    }

    /// The head of the JSON requests of `action` to `origin`, made by `make` if it is not known.
    pub(crate) fn head(
        &mut self,
        action: &Cow<'static, str>,
        origin: &Arc<Origin>,
        make: impl FnOnce() -> Head,
    ) -> Head {
        let known = |cached: &&CachedHead| Arc::ptr_eq(&cached.origin, origin) && cached.action == *action;
        if let Some(cached) = self.heads.iter().find(known) {
            return cached.head.clone();
        }
        let head = make();
        let cached = CachedHead { action: action.clone(), origin: Arc::clone(origin), head: head.clone() };
        match self.heads.get_mut(self.next) {
            Some(oldest) => *oldest = cached,
            None => self.heads.push(cached),
        }
        self.next = (self.next + 1) % HEADS;
        head
    }
}
