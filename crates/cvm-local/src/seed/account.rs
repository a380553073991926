//! Accounts: who owns images, instances and snapshots, and what they may do.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{SeedDiskSnapshot, SeedImage, SeedInstance};

/// An account: who owns images. Accounts see nothing of each other, except images that are shared with them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Account {
    /// The account's number (UIN), as text; if left out, the first of `100000000001`, `100000000002` and so on that no
    /// other account has.
    pub uin: String,
    /// Its other number, as text. Actions refuse an account whose app id is not a number.
    pub app_id: String,
    /// The API keys that sign for it.
    pub keys: Vec<Key>,
    /// Its quota of custom images in a region, where it differs from [`Seed::image_quota`](crate::Seed::image_quota).
    pub image_quotas: BTreeMap<String, u32>,
    /// Whether it belongs to a root account, so that images cannot be shared with it.
    pub collaborator: bool,
    /// Whether it is out of funds, so that nothing that costs money can be made.
    pub insufficient_balance: bool,
    /// Whether it is one of the service's own, which may not import images.
    pub internal: bool,
    /// The actions that its policy denies, those of sts included.
    pub denied_actions: Vec<String>,
    /// The names of the roles that `AssumeRole` and the instance metadata give temporary credentials for.
    pub roles: Vec<String>,
    /// The secret of its device for multi-factor authentication, `qcs::cam:uin/UIN::mfa/softToken`, in base32 as such
    /// programs take it; it has none if this is empty.
    pub mfa_secret: String,
    /// The CAM roles with which the service may write to its buckets.
    pub cos_roles: Vec<String>,
    /// Its COS buckets.
    pub buckets: Vec<Bucket>,
    /// Its custom images.
    pub images: Vec<SeedImage>,
    /// Its instances.
    pub instances: Vec<SeedInstance>,
    /// Its snapshots that belong to no image.
    pub snapshots: Vec<SeedDiskSnapshot>,
}

impl Default for Account {
    fn default() -> Self {
        Self {
            uin: String::new(),
            app_id: "1250000000".into(),
            keys: Vec::new(),
            image_quotas: BTreeMap::new(),
            collaborator: false,
            insufficient_balance: false,
            internal: false,
            denied_actions: Vec::new(),
            roles: Vec::new(),
            mfa_secret: String::new(),
            cos_roles: vec!["CVM_QcsRole".into()],
            buckets: Vec::new(),
            images: Vec::new(),
            instances: Vec::new(),
            snapshots: Vec::new(),
        }
    }
}

/// A COS bucket that images can be exported to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Bucket {
    /// The bucket's name, such as `exports-1250000000`.
    pub name: String,
    /// The region it is in.
    pub region: String,
    /// Whether it cannot be written to.
    pub read_only: bool,
    /// The dedicated clusters from which it can be reached.
    pub dedicated_clusters: Vec<String>,
}

/// An API key of an account; for use against this endpoint only.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Key {
    /// The half that is sent.
    pub secret_id: String,
    /// The half that signs.
    pub secret_key: String,
    /// The number (UIN) of the account's user whose key it is; the account's own, if left out. Users may do what their
    /// account may: `GetCallerIdentity` distinguishes them.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub user: String,
    /// The token that each request must carry, if the key is temporary: one that the account or its user requested on
    /// behalf of somebody else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// When it expires by the signature clock: `2026-01-31T08:00:00Z`; never, if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
}

impl fmt::Debug for Key {
    /// Shows no secret: a test may well put a real key into a seed by mistake.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("secret_id", &self.secret_id).finish_non_exhaustive()
    }
}
