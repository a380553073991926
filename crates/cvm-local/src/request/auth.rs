//! Who sent a request: the signature, the clock window, the key, and its token.

use std::collections::{HashMap, VecDeque};

use cvm_proto::sign::verify::{self, Claims, Incoming, VerifyError};
use cvm_proto::sign::{Date, SigningKey};
use cvm_proto::{Credential, SignMethod};
use serde::{Deserialize, Serialize};

use crate::clock::parse_iso;
use crate::ids::Stream;
use crate::request::principal::Principal;
use crate::request::refusal::{Refusal, refuse};
use crate::request::skipped_checks::{Check, SkippedChecks};
use crate::seed::{Account, Seed};
use crate::sts::mfa::{self, UsedSteps};

/// How far a request's timestamp may be from the endpoint's clock, in seconds.
const WINDOW: u64 = 300;

/// How many temporary credentials are kept; the oldest go first. It bounds an endpoint that runs for weeks.
const MAX_ISSUED: usize = 10_000;

/// The ids of roles are numbers of this size.
const FIRST_ROLE: u64 = 1 << 62;

/// The keys of all accounts: those of the seed, and those that were issued since.
#[derive(Debug)]
pub(crate) struct Keys {
    seeded: HashMap<String, KeyRecord>,
    by_id: HashMap<String, KeyRecord>,
    issued: IssuedKeys,
    /// Number and roles of each account.
    accounts: Vec<(String, Vec<String>)>,
    /// The secret of each account's device for multi-factor authentication.
    devices: Vec<Option<Vec<u8>>>,
    /// What the roles of the instance have at the moment.
    instance: HashMap<String, Temporary>,
}

/// Who a key belongs to, and what it takes to use it.
#[derive(Clone, Serialize, Deserialize)]
struct KeyRecord {
    account: usize,
    #[serde(default)]
    principal: Principal,
    secret_key: String,
    token: Option<String>,
    /// When it expires, in seconds of the signature clock; never, if there is none.
    expires: Option<u64>,
    /// What the last TC3 request was signed with: the next one most likely is as well.
    #[serde(skip)]
    day_key: Option<DayKey>,
}

/// A key as it is derived for a day and a service.
#[derive(Clone)]
struct DayKey {
    date: Date,
    service: String,
    key: SigningKey,
}

impl KeyRecord {
    fn new(
        (account, principal): (usize, Principal),
        secret_key: String,
        token: Option<String>,
        expires: Option<u64>,
    ) -> Self {
        Self { account, principal, secret_key, token, expires, day_key: None }
    }

    fn verify(&mut self, incoming: &Incoming<'_>, claims: &Claims) -> Result<(), VerifyError> {
        if claims.method != SignMethod::Tc3HmacSha256 {
            return verify::verify(incoming, claims, &self.secret_key);
        }
        let scope = claims.scope();
        let known =
            self.day_key.take().filter(|key| key.date == scope.date() && key.service == scope.service());
        let key = known.unwrap_or_else(|| DayKey {
            date: scope.date(),
            service: scope.service().to_owned(),
            key: SigningKey::derive(&self.secret_key, scope),
        });
        verify::verify_with(incoming, claims, &self.day_key.insert(key).key)
    }
}

impl std::fmt::Debug for KeyRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyRecord").field("account", &self.account).finish_non_exhaustive()
    }
}

/// The temporary credentials that were issued, oldest first.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct IssuedKeys {
    holders: VecDeque<(String, KeyRecord)>,
    ids: Stream,
    #[serde(default)]
    used_codes: UsedSteps,
}

/// How long the credentials of an instance's role last, and for how long they are at least good when they are given
/// out, in seconds.
const INSTANCE_DURATION: u64 = 7200;
const INSTANCE_MARGIN: u64 = 1800;
/// The session name for an instance's role.
const INSTANCE_SESSION: &str = "instance";

/// A temporary credential, as it is given to its client.
#[derive(Clone)]
pub(crate) struct Temporary {
    pub(crate) secret_id: String,
    pub(crate) secret_key: String,
    pub(crate) token: String,
    /// In seconds since 1970.
    pub(crate) expires: u64,
}

impl std::fmt::Debug for Temporary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Temporary").field("expires", &self.expires).finish_non_exhaustive()
    }
}

impl Keys {
    pub(crate) fn new(seed: &Seed) -> Result<Self, String> {
        let mut seeded = HashMap::new();
        for (account, key) in seed
            .accounts
            .iter()
            .enumerate()
            .flat_map(|(at, account)| account.keys.iter().map(move |key| (at, key)))
        {
            let whole = Credential::new(&*key.secret_id, &*key.secret_key)
                .and_then(|whole| whole.with_token(key.token.as_deref().unwrap_or_default()));
            let whole = whole.map_err(|error| {
                let uin = &seed.accounts[account].uin;
                format!("a key of account `{uin}` cannot be used: {}", error.message())
            })?;
            let expires = match key.expires.as_deref() {
                None => None,
                Some(text) => Some(parse_iso(text).ok_or_else(|| {
                    format!(
                        "the key `{}` has a time `expires` that cannot be read: write it as `2026-01-31T08:00:00Z`",
                        key.secret_id
                    )
                })? / 1000),
            };
            let uin = &seed.accounts[account].uin;
            let principal = match (key.user.as_str(), &key.token) {
                ("", None) => Principal::Account,
                (user, None) => Principal::User(user.to_owned()),
                ("", Some(_)) => Principal::Federated(uin.clone()),
                (user, Some(_)) => Principal::Federated(user.to_owned()),
            };
            let token = whole.token().map(str::to_owned);
            let record = KeyRecord::new((account, principal), whole.secret_key().to_owned(), token, expires);
            if seeded.insert(whole.secret_id().to_owned(), record).is_some() {
                return Err(format!("the key `{}` is in the seed twice", key.secret_id));
            }
        }
        if seeded.is_empty() {
            return Err("the seed has no key: give an account one, or nobody can sign".into());
        }
        let issued = IssuedKeys {
            holders: VecDeque::new(),
            ids: Stream::new(seed.number, 4),
            used_codes: UsedSteps::default(),
        };
        let device = |account: &Account| match account.mfa_secret.as_str() {
            "" => Ok(None),
            text => mfa::secret(text).map(Some).ok_or_else(|| {
                format!(
                    "the `mfa_secret` of account `{}` is not base32: write letters and 2 to 7",
                    account.uin
                )
            }),
        };
        let devices = seed.accounts.iter().map(device).collect::<Result<_, _>>()?;
        let accounts = seed.accounts.iter().map(|account| (account.uin.clone(), account.roles.clone()));
        Ok(Self {
            seeded,
            by_id: HashMap::new(),
            issued,
            accounts: accounts.collect(),
            devices,
            instance: HashMap::new(),
        })
    }

    /// The account that has this role.
    pub(crate) fn account_of_role(&self, uin: &str, role: &str) -> Option<usize> {
        self.accounts
            .iter()
            .position(|(known, roles)| known == uin && roles.iter().any(|known| known == role))
    }

    /// Takes a code of an account's device, unless it is wrong or has been used.
    pub(crate) fn take_code(&mut self, account: usize, code: &str, now: u64) -> bool {
        let secret = self.devices.get(account).and_then(Option::as_deref);
        secret.is_some_and(|secret| self.issued.used_codes.take(account, secret, code, now))
    }

    /// The number of an account.
    pub(crate) fn uin(&self, account: usize) -> &str {
        &self.accounts[account].0
    }

    /// The id of a role, by its place among all roles of the seed.
    pub(crate) fn role_id(&self, account: usize, role: &str) -> u64 {
        let mut roles = self
            .accounts
            .iter()
            .enumerate()
            .flat_map(|(at, (_, roles))| roles.iter().map(move |role| (at, role.as_str())));
        let place = roles.position(|known| known == (account, role)).unwrap_or_default();
        FIRST_ROLE + 1 + place as u64
    }

    /// Whose key it is; the account's own, if that is not known.
    pub(crate) fn principal(&self, secret_id: &str) -> Principal {
        let found = self.seeded.get(secret_id).or_else(|| self.by_id.get(secret_id));
        found.map(|record| record.principal.clone()).unwrap_or_default()
    }

    /// The roles of the instance whose metadata can be asked for: those of the first account.
    pub(crate) fn instance_roles(&self) -> &[String] {
        self.accounts.first().map_or(&[], |(_, roles)| roles)
    }

    /// The credential of the instance's role, and whether it is a new one; `None` if it has no such role.
    pub(crate) fn for_instance(&mut self, role: &str, now: u64) -> Option<(Temporary, bool)> {
        if !self.instance_roles().iter().any(|known| known == role) {
            return None;
        }
        let good = now + INSTANCE_MARGIN..=now + INSTANCE_DURATION;
        if let Some(known) = self.instance.get(role).filter(|known| good.contains(&known.expires)) {
            return Some((known.clone(), false));
        }
        let principal = Principal::Role {
            name: role.to_owned(),
            session: INSTANCE_SESSION.into(),
            by: self.uin(0).to_owned(),
        };
        let new = self.issue((0, principal), now + INSTANCE_DURATION, now);
        self.instance.insert(role.to_owned(), new.clone());
        Some((new, true))
    }

    /// What was issued, to be written down.
    pub(crate) fn issued(&self) -> &IssuedKeys {
        &self.issued
    }

    /// Takes back what was written down.
    pub(crate) fn restore(&mut self, issued: &str, accounts: usize) -> Result<(), String> {
        let issued: IssuedKeys = serde_json::from_str(issued)
            .map_err(|error| format!("the snapshot's credentials cannot be read: {error}"))?;
        if issued.holders.iter().any(|(_, record)| record.account >= accounts) {
            return Err("the snapshot has credentials of an account that it does not have".into());
        }
        self.by_id = issued.holders.iter().cloned().collect();
        self.issued = issued;
        Ok(())
    }

    /// Issues a temporary credential to somebody who acts for an account, that lasts until a second of the signature
    /// clock.
    pub(crate) fn issue(&mut self, whose: (usize, Principal), expires: u64, now: u64) -> Temporary {
        let IssuedKeys { holders, ids, .. } = &mut self.issued;
        let is_over = |(_, record): &(String, KeyRecord)| record.expires.is_some_and(|expires| expires < now);
        // Nearly in the order in which they expire: this keeps the list short without looking at all of it.
        while holders.len() >= MAX_ISSUED || holders.front().is_some_and(is_over) {
            let Some((id, _)) = holders.pop_front() else { break };
            self.by_id.remove(&id);
        }
        let secret_id = loop {
            let id = format!("AKID{}", ids.text(40));
            if !self.by_id.contains_key(&id) && !self.seeded.contains_key(&id) {
                break id;
            }
        };
        let (secret_key, token) = (ids.text(44), ids.text(160));
        let record = KeyRecord::new(whose, secret_key.clone(), Some(token.clone()), Some(expires));
        self.by_id.insert(secret_id.clone(), record.clone());
        holders.push_back((secret_id.clone(), record));
        Temporary { secret_id, secret_key, token, expires }
    }

    /// The account that a request comes from. `unix` is the endpoint's own clock.
    pub(crate) fn account(
        &mut self,
        incoming: &Incoming<'_>,
        claims: &Claims,
        unix: u64,
        skipped_checks: SkippedChecks,
    ) -> Result<usize, Refusal> {
        let found = self.seeded.get_mut(&claims.secret_id).or_else(|| self.by_id.get_mut(&claims.secret_id));
        if skipped_checks.has(Check::Signature) {
            return Ok(found.map_or(0, |record| record.account));
        }
        if claims.timestamp.abs_diff(unix) > WINDOW && !skipped_checks.has(Check::Clock) {
            return refuse(
                "AuthFailure.SignatureExpire",
                format!(
                    "The timestamp {} is more than {WINDOW} seconds from the server's time {unix}.",
                    claims.timestamp
                ),
            );
        }
        let Some(record) = found else {
            return if claims.secret_id.starts_with("AKID") {
                refuse("AuthFailure.SecretIdNotFound", "The SecretId is not found.")
            } else {
                refuse(
                    "AuthFailure.InvalidSecretId",
                    "The SecretId is not that of an API key: those begin with AKID.",
                )
            };
        };
        record.verify(incoming, claims).map_err(|error| refusal(&error))?;
        if !skipped_checks.has(Check::Token) {
            match (record.token.as_deref(), claims.token.as_deref()) {
                (None, None) => {}
                (Some(expected), Some(given)) if expected == given => {}
                (Some(_), _) => return refuse("AuthFailure.TokenFailure", "The token is missing or wrong."),
                (None, Some(_)) => {
                    return refuse(
                        "AuthFailure.TokenFailure",
                        "A token came with a key that is not temporary.",
                    );
                }
            }
        }
        if record.expires.is_some_and(|expires| unix >= expires) && !skipped_checks.has(Check::Clock) {
            return refuse("AuthFailure.TokenFailure", "The temporary credential has expired.");
        }
        Ok(record.account)
    }
}

/// What a request says of itself and its signature.
pub(crate) fn claims(incoming: &Incoming<'_>) -> Result<Claims, Refusal> {
    verify::claims(incoming).map_err(|error| refusal(&error))
}

fn refusal(error: &VerifyError) -> Refusal {
    Refusal::new(error.code().as_str().to_owned(), format!("{error}."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(at: usize) -> (usize, Principal) {
        (at, Principal::Account)
    }

    #[test]
    fn what_was_issued_is_bounded_and_comes_back() {
        let mut keys = Keys::new(&Seed::default()).unwrap();
        let first = keys.issue(account(0), 100, 0);
        for _ in 0..MAX_ISSUED {
            keys.issue(account(1), 100, 0);
        }
        assert_eq!(keys.by_id.len(), MAX_ISSUED);
        assert!(!keys.by_id.contains_key(&first.secret_id), "the oldest went first");
        let last = keys.issue(account(1), 500, 200);
        assert_eq!(keys.by_id.len(), 1, "what has expired goes as well");
        let written = serde_json::to_string(keys.issued()).unwrap();
        let mut read = Keys::new(&Seed::default()).unwrap();
        read.restore(&written, 2).unwrap();
        assert!(read.by_id.contains_key(&last.secret_id));
        assert_eq!(
            read.issue(account(0), 900, 0).secret_id,
            keys.issue(account(0), 900, 0).secret_id,
            "and goes on as it would"
        );
        assert!(read.restore(&written, 1).unwrap_err().contains("account"));
    }
}
