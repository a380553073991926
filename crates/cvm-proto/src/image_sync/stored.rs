//! The bytes that a job is kept in: this version, and the one before.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::Deserialize;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use super::image_traits::Traits;
use super::job::SyncJob;
use super::state::{KnownCopy, Source, Stage, Target, VERSION, wrong_version};
use super::{Basis, Destination, OnConflict, SyncEndpoint, SyncState};
use crate::error::Error;
use crate::input;

/// What is around a state in its bytes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sealed<'a> {
    version: u32,
    #[serde(borrow)]
    sha256: &'a str,
    #[serde(borrow)]
    state: &'a RawValue,
}

#[derive(Deserialize)]
struct AnyVersion {
    version: u32,
}

impl SyncState {
    /// The most bytes that are read: far more than the largest job has.
    pub const MAX_BYTES: usize = 16 << 20;

    /// The state as it belongs into a file: JSON with the version of its format and a checksum.
    #[allow(clippy::missing_panics_doc)] // It cannot, as it says.
    pub fn to_bytes(&self) -> Vec<u8> {
        let state =
            serde_json::to_string(self).expect("a state is made of texts and numbers, which JSON can write");
        seal(&state).into_bytes()
    }

    /// Reads what [`to_bytes`](Self::to_bytes) gave, in this build or in one that wrote version 1.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Journal`](crate::ErrorKind::Journal) if the bytes are cut off, were changed, are more than
    /// [`MAX_BYTES`](Self::MAX_BYTES), or have another version.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let unreadable = |why: String| Error::journal(format!("this is not the state of a sync job: {why}"));
        if bytes.len() > Self::MAX_BYTES {
            return Err(unreadable(format!("it has more than {} MiB", Self::MAX_BYTES >> 20)));
        }
        let text = input::text(bytes).map_err(|why| unreadable(format!("it {why}")))?;
        let broken = |error: serde_json::Error| unreadable(format!("it was cut off or changed ({error})"));
        let state = match serde_json::from_str::<AnyVersion>(text).map_err(broken)?.version {
            1 => serde_json::from_str::<StateV1>(text).map(Self::from).map_err(broken)?,
            VERSION => {
                let sealed: Sealed<'_> = serde_json::from_str(text).map_err(broken)?;
                if sealed.version != VERSION || seal(sealed.state.get()) != text {
                    let given = sealed.sha256.len();
                    return Err(unreadable(format!(
                        "its checksum of {given} digits does not fit: it was changed"
                    )));
                }
                serde_json::from_str(sealed.state.get()).map_err(broken)?
            }
            other => return Err(unreadable(wrong_version(other))),
        };
        // A checksum tells of accidents: who writes one can write any.
        Self::check(&state)?;
        Ok(state)
    }
}

fn seal(state: &str) -> String {
    let digest = Sha256::digest(state.as_bytes());
    let sum: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{{\"version\":{VERSION},\"sha256\":\"{sum}\",\"state\":{state}}}\n")
}

/// A state as version 1 had it. It was always of the service's own hosts, and held options of its run, which are read
/// over.
#[derive(Deserialize)]
struct StateV1 {
    job: JobV1,
    from: String,
    sources: Vec<SourceV1>,
}

#[derive(Deserialize)]
struct JobV1 {
    images: Vec<String>,
    to: Vec<String>,
    name: Option<String>,
    encrypt: bool,
    kms_key_id: Option<String>,
    max_size: Option<i64>,
    on_conflict: OnConflict,
    same_attributes: bool,
}

#[derive(Deserialize)]
struct SourceV1 {
    image_id: String,
    traits: Option<Traits>,
    targets: Vec<TargetV1>,
}

#[derive(Deserialize)]
struct TargetV1 {
    region: String,
    stage: StageV1,
    unanswered: u32,
    before: Vec<String>,
    request_ids: Vec<String>,
}

#[derive(Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
enum StageV1 {
    Unseen,
    Missing,
    Sent { at: u64, accepted: bool },
    Copying { image_id: String, since: u64 },
    Ended(Box<Destination>),
}

impl From<StateV1> for SyncState {
    fn from(old: StateV1) -> Self {
        let JobV1 { images, to, name, encrypt, kms_key_id, max_size, on_conflict, same_attributes } = old.job;
        let from = Some(old.from).filter(|from| !from.is_empty());
        let job =
            SyncJob { images, from, to, name, encrypt, kms_key_id, max_size, on_conflict, same_attributes };
        let mut state = Self::new(job, SyncEndpoint::service());
        let given = state.job.name.clone();
        state.sources = old.sources.into_iter().map(|source| source.into_source(given.as_deref())).collect();
        state
    }
}

impl SourceV1 {
    fn into_source(self, given: Option<&str>) -> Source {
        // A request without a name gave its copy the source's own.
        let own = self.traits.as_ref().map(|traits| traits.name.as_str());
        Source {
            copy_name: given.or(own).map(ToString::to_string),
            image_id: self.image_id,
            traits: self.traits,
            targets: self.targets.into_iter().map(Target::from).collect(),
        }
    }
}

impl From<TargetV1> for Target {
    fn from(old: TargetV1) -> Self {
        let stage = match old.stage {
            StageV1::Unseen => Stage::Unseen,
            StageV1::Missing => Stage::Missing,
            StageV1::Sent { at, accepted } => Stage::Sent { at, accepted },
            // Whether its id came from an answer was not written down; an id that was found counts as no less.
            StageV1::Copying { image_id, since } => {
                Stage::Copying { image_id, since, basis: Basis::Found, seen: None }
            }
            StageV1::Ended(destination) => Stage::Ended(destination),
        };
        Self {
            region: old.region,
            stage,
            known: None::<KnownCopy>,
            unanswered: old.unanswered,
            strangers: old.before,
            request_ids: old.request_ids,
        }
    }
}
