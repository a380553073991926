#![doc = include_str!("../README.md")]
// What only writing needs stands with what it belongs to, and is not used without the feature.
#![cfg_attr(not(feature = "write"), allow(dead_code))]
#![no_std]

extern crate alloc;
#[cfg(any(feature = "std", test))]
extern crate std;

mod credential;
mod credential_setting;
#[cfg_attr(not(feature = "std"), path = "no_disk.rs")]
mod disk;
mod environment;
mod file;
mod ini;
mod json;
mod loader;
mod memory_token;
mod network;
mod origin;
mod place;
#[cfg(feature = "std")]
mod process;
mod profile;
mod reading;
#[cfg(feature = "std")]
mod seed;
mod setting;
mod source;
mod tccli;
mod time;
#[cfg(feature = "write")]
mod write;

pub use credential::{Candidate, Finding};
pub use credential_setting::CredentialSetting;
pub use environment::Environment;
pub use loader::{Loaded, Loader, Value};
pub use origin::Origin;
#[cfg(feature = "std")]
pub use seed::seed;
pub use setting::{Setting, SettingKind};
pub use source::masked;
#[cfg(feature = "write")]
pub use write::{NewProfile, Written};

#[cfg(feature = "std")]
use cvm_proto::{Error, Settings, output::escaped};

/// The settings of this process's environment and the user's files: [`Loader::load`] with nothing given. Its warnings
/// are logged.
///
/// # Errors
///
/// As [`Loader::load`].
#[cfg(feature = "std")]
pub fn from_env() -> Result<Settings, Error> {
    let loaded = Loader::new().load()?;
    for warning in &loaded.warnings {
        tracing::warn!("{}", escaped(warning));
    }
    Ok(loaded.settings)
}
