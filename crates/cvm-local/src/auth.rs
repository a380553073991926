//! Who sent a request: the signature, the clock window, the key, and its token.

use std::collections::HashMap;

use cvm_proto::sign::verify::{self, Claims, Incoming};

use crate::refusal::{Refusal, refuse};
use crate::seed::{Key, Seed};

/// How far a request's timestamp may be from the endpoint's clock, in seconds.
const WINDOW: u64 = 300;

/// The keys of all accounts.
#[derive(Debug)]
pub(crate) struct Keys(HashMap<String, (usize, Key)>);

impl Keys {
    pub(crate) fn new(seed: &Seed) -> Result<Self, String> {
        let mut keys = HashMap::new();
        for (account, Key { secret_id, secret_key, token }) in seed
            .accounts
            .iter()
            .enumerate()
            .flat_map(|(at, account)| account.keys.iter().map(move |key| (at, key)))
        {
            if secret_id.is_empty() || secret_key.is_empty() {
                return Err(format!("a key of account `{}` has an empty half", seed.accounts[account].uin));
            }
            let key =
                Key { secret_id: secret_id.clone(), secret_key: secret_key.clone(), token: token.clone() };
            if keys.insert(secret_id.clone(), (account, key)).is_some() {
                return Err(format!("the key `{secret_id}` stands in the seed twice"));
            }
        }
        if keys.is_empty() {
            return Err("the seed has no key: give an account one, or nobody can sign".into());
        }
        Ok(Self(keys))
    }

    /// The account that a request comes from. `unix` is the endpoint's own clock.
    pub(crate) fn account(
        &self,
        incoming: &Incoming<'_>,
        claims: &Claims,
        unix: u64,
    ) -> Result<usize, Refusal> {
        if claims.timestamp.abs_diff(unix) > WINDOW {
            return refuse(
                "AuthFailure.SignatureExpire",
                format!(
                    "The timestamp {} is more than {WINDOW} seconds from the server's time {unix}.",
                    claims.timestamp
                ),
            );
        }
        let Some((account, key)) = self.0.get(&claims.secret_id) else {
            return refuse("AuthFailure.SecretIdNotFound", "The SecretId is not found.");
        };
        verify::verify(incoming, claims, &key.secret_key).map_err(|error| refusal(&error))?;
        match (key.token.as_deref(), claims.token.as_deref()) {
            (None, None) => {}
            (Some(expected), Some(given)) if expected == given => {}
            (Some(_), _) => return refuse("AuthFailure.TokenFailure", "The token is missing or wrong."),
            (None, Some(_)) => {
                return refuse("AuthFailure.TokenFailure", "A token came with a key that is not temporary.");
            }
        }
        Ok(*account)
    }
}

/// What a request says of itself and its signature.
pub(crate) fn claims(incoming: &Incoming<'_>) -> Result<Claims, Refusal> {
    verify::claims(incoming).map_err(|error| refusal(&error))
}

fn refusal(error: &verify::VerifyError) -> Refusal {
    Refusal::new(error.code().as_str().to_owned(), format!("{error}."))
}
