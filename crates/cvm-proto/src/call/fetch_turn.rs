//! A call's turn to fetch the credential for all calls of a client.

use alloc::format;

use crate::client::Config;
use crate::error::Error;
use crate::machine::Now;
use crate::signer::{FetchId, Found};

/// A call's turn to fetch the credential for all; passed on if the call is dropped.
pub(super) struct FetchTurn {
    config: Config,
    fetch_id: FetchId,
}

impl FetchTurn {
    pub(super) fn new(config: Config, fetch_id: FetchId) -> Self {
        Self { config, fetch_id }
    }

    pub(super) fn hand_in(&self, outcome: Result<Found, Error>, now: Now) {
        let outcome = match outcome {
            Ok(Found::Lease(lease)) => Ok(lease),
            Ok(Found::Nothing(lack)) => {
                Err(Error::config(format!("no credential found: {lack}; give one, or set one of these up")))
            }
            Err(error) => Err(error.without_credential()),
        };
        self.config.shared(|shared| {
            let unix = shared.clock.apply(now.unix);
            shared.leases.fetched(self.fetch_id, outcome, unix, now.mono);
        });
    }
}

impl Drop for FetchTurn {
    fn drop(&mut self) {
        self.config.shared(|shared| shared.leases.abandon(self.fetch_id));
    }
}
