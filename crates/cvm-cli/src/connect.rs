//! From the command line, the environment and the user's files to a client.

use cvm_config::{Loaded, Loader, Origin, Setting, Value};
use cvm_proto::input;
use cvm_ureq::{Client, Credential, FromSettings};

use crate::args::Global;
use crate::commands::local;
use crate::failure::Failure;
use crate::output;

/// A client, and the embedded endpoint behind it if there is one.
pub(crate) struct Link {
    pub(crate) client: Client,
    /// The profile that somebody named.
    pub(crate) profile: Option<String>,
    /// Kept for as long as the client is used.
    _local: Option<cvm_local::CvmLocal>,
}

/// Makes the client that the options ask for. Nothing is sent yet.
pub(crate) fn open(global: &Global) -> Result<Link, Failure> {
    let mut loader = loader(global)?;
    let mut embedded = None;
    if global.local {
        let local = local::embedded()?;
        // It is in this very process, where no proxy and no other authority leads.
        loader = loader.credential(local.credential()).endpoint(local.endpoint()).set(Setting::Proxy, "none");
        embedded = Some(local);
    }
    let Loaded { mut settings, warnings, values, .. } = loader.load()?;
    for warning in warnings.iter().filter(|_| !global.quiet) {
        output::note(format_args!("cvm: {warning}"));
    }
    let own = concat!("cvm-cli-", env!("CARGO_PKG_VERSION"));
    let tag = settings.request_client.take();
    // The service's logs take 128 characters; the user's own tag goes before ours.
    settings.request_client = Some(match tag {
        Some(tag) if own.len() + 1 + tag.len() <= 128 => format!("{own};{tag}"),
        tag => tag.unwrap_or_else(|| own.into()),
    });
    let is_named = |value: &Value| value.setting == Setting::Profile && value.origin != Origin::Default;
    let profile = values.into_iter().find(is_named).map(|value| value.shown);
    Ok(Link { client: Client::from_settings(settings)?, profile, _local: embedded })
}

/// What the options, the environment and the files say.
pub(crate) fn load(global: &Global) -> Result<Loaded, Failure> {
    load_with(global, None)
}

/// The same with a credential that goes before all others.
pub(crate) fn load_with(global: &Global, credential: Option<Credential>) -> Result<Loaded, Failure> {
    let loader = loader(global)?;
    Ok(if let Some(credential) = credential { loader.credential(credential) } else { loader }.load()?)
}

fn loader(global: &Global) -> Result<Loader, Failure> {
    let given = given(global)?;
    Ok(given.into_iter().fold(Loader::new(), |loader, (setting, value)| loader.set(setting, value)))
}

/// The settings that are options.
pub(crate) fn given(global: &Global) -> Result<Vec<(Setting, String)>, Failure> {
    let ca_file = match &global.ca_file {
        None => None,
        Some(path) => Some(path.to_str().map(str::to_owned).ok_or_else(|| {
            Failure::usage(format!("--ca-file {} is not UTF-8: give the file another name", path.display()))
        })?),
    };
    let given = [
        (Setting::Profile, global.profile.clone()),
        (Setting::Region, global.region.clone()),
        (Setting::Endpoint, global.endpoint.clone()),
        (Setting::Proxy, global.proxy.clone()),
        (Setting::CaFile, ca_file),
        (Setting::Language, global.language.clone()),
    ];
    Ok(given.into_iter().filter_map(|(setting, value)| Some((setting, value?))).collect())
}

/// The region that the options, the environment or the profile names.
pub(crate) fn region(global: &Global) -> Result<Option<String>, Failure> {
    Ok(load(global)?.settings.region)
}

/// An environment variable without what surrounds its value; an empty one counts as unset.
pub(crate) fn var(name: &str) -> Option<String> {
    let value = std::env::var(name).ok()?;
    Some(input::trim(&value).to_owned()).filter(|value| !value.is_empty())
}
