//! Who acts for an account.

use serde::{Deserialize, Serialize};

/// Whoever a key was given to. All of them may do what their account may.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Principal {
    /// The account itself.
    #[default]
    Account,
    /// A user of the account, by its number.
    User(String),
    /// Somebody for whom this user, or the account, asked for a temporary key.
    Federated(String),
    /// Whoever has taken on a role of the account.
    Role {
        /// The role's name.
        name: String,
        session: String,
        /// The number of the account or user that asked for the key.
        by: String,
    },
}

impl Principal {
    /// The number of the account or user that the key belongs to; `uin` is that of the account.
    pub(crate) fn owner<'a>(&'a self, uin: &'a str) -> &'a str {
        match self {
            Self::Account => uin,
            Self::User(number) | Self::Federated(number) | Self::Role { by: number, .. } => number,
        }
    }
}
