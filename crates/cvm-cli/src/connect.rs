//! From the command line and the environment to a client.

use cvm_proto::{Endpoint, Settings};
use cvm_ureq::{Client, FromSettings};

use crate::args::Global;
use crate::commands::local;
use crate::failure::Failure;
use crate::input;

/// A client, and the embedded endpoint behind it if there is one.
pub(crate) struct Link {
    pub(crate) client: Client,
    /// Kept for as long as the client is used.
    _local: Option<cvm_local::CvmLocal>,
}

/// Makes the client that the options ask for. Nothing is sent yet.
pub(crate) fn open(global: &Global) -> Result<Link, Failure> {
    let (mut settings, local) = if global.local {
        let local = local::embedded()?;
        (local::settings(&local)?, Some(local))
    } else {
        (Settings::from_vars(var)?, None)
    };
    if let Some(region) = region(global) {
        settings.region = Some(region);
    }
    if let Some(endpoint) = &global.endpoint {
        settings.endpoint = Endpoint::explicit(endpoint)?;
    }
    settings.proxy.clone_from(&global.proxy);
    settings.ca_pem = global.ca_file.as_deref().map(input::read).transpose()?;
    settings.request_client = Some(concat!("cvm-cli-", env!("CARGO_PKG_VERSION")).into());
    Ok(Link { client: Client::from_settings(settings)?, _local: local })
}

/// The region that the options or the environment name.
pub(crate) fn region(global: &Global) -> Option<String> {
    global.region.clone().or_else(|| var("TENCENTCLOUD_REGION"))
}

/// An environment variable; an empty one counts as unset.
pub(crate) fn var(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
