//! From the command line, the environment and the user's files to a client.

use cvm_config::{Candidate, Finding, Loaded, Loader, Origin, Setting, Value};
use cvm_proto::input;
use cvm_ureq::{Client, Credential, FromSettings};

use crate::args::Global;
use crate::commands::local;
use crate::failure::Failure;
use crate::output;

/// A client, and the embedded endpoint behind it if there is one.
pub(crate) struct Connection {
    pub(crate) client: Client,
    /// The profile that somebody named.
    pub(crate) profile: Option<String>,
    /// Kept for as long as the client is used.
    _local: Option<cvm_local::CvmLocal>,
}

/// What the options, the environment and the files say, and the embedded endpoint that `--local` puts in their place.
pub(crate) struct Setup {
    pub(crate) loaded: Loaded,
    local: Option<cvm_local::CvmLocal>,
}

impl Setup {
    /// The client of these settings. Nothing is sent yet.
    pub(crate) fn connect(self) -> Result<Connection, Failure> {
        let Loaded { mut settings, values, .. } = self.loaded;
        let own = concat!("cvm-cli-", env!("CARGO_PKG_VERSION"));
        let tag = settings.request_client.take();
        // The service's logs take 128 characters; the user's own tag takes precedence over ours.
        settings.request_client = Some(match tag {
            Some(tag) if own.len() + 1 + tag.len() <= 128 => format!("{own};{tag}"),
            tag => tag.unwrap_or_else(|| own.into()),
        });
        let is_named = |value: &Value| value.setting == Setting::Profile && value.origin != Origin::Default;
        let profile = values.into_iter().find(is_named).map(|value| value.shown);
        Ok(Connection { client: Client::from_settings(settings)?, profile, _local: self.local })
    }
}

/// Makes the client that the options ask for. Nothing is sent yet.
pub(crate) fn open(global: &Global) -> Result<Connection, Failure> {
    let setup = set_up(global)?;
    warn(global, &setup);
    setup.connect()
}

/// The same for a request that is shown and not sent: no credential is fetched for it, and what stands in for one is
/// part of what is hidden.
pub(crate) fn open_to_show(global: &Global) -> Result<Connection, Failure> {
    let mut setup = set_up(global)?;
    warn(global, &setup);
    let settings = &mut setup.loaded.settings;
    if settings.credential.is_none() {
        settings.provider = None;
        settings.credential = Some(Credential::new("none", "none")?);
        let used = setup.loaded.candidates.iter().find_map(|candidate| match &candidate.finding {
            Finding::Used(how) => Some(format!("{}: {how}", candidate.name)),
            _ => None,
        });
        let said = match used {
            Some(source) => format!("cvm: to send it, a credential would be fetched first ({source})"),
            None => "cvm: there is no credential to send it with".into(),
        };
        if !global.quiet {
            output::note(output::escaped(&said));
        }
    }
    setup.connect()
}

fn warn(global: &Global, setup: &Setup) {
    for warning in setup.loaded.warnings.iter().filter(|_| !global.quiet) {
        output::note(format_args!("cvm: {warning}"));
    }
}

/// Looks up what is set.
pub(crate) fn set_up(global: &Global) -> Result<Setup, Failure> {
    set_up_with(global, None)
}

/// The same with a credential that takes precedence over all others.
pub(crate) fn set_up_with(global: &Global, credential: Option<Credential>) -> Result<Setup, Failure> {
    let given = given(global)?.into_iter();
    let mut found = given.fold(Loader::new(), |found, (setting, value)| found.set(setting, value));
    let local = if global.local { Some(local::embedded()?) } else { None };
    if let Some(local) = &local {
        // Nothing leads past the embedded endpoint, which is in this very process, whatever is set elsewhere. Region,
        // language and time limits are the user's.
        found = Setting::ALL
            .into_iter()
            .filter(|setting| setting.routes_requests())
            .fold(found, Loader::at_default);
        found = found.endpoint(local.endpoint()).credential(local.credential());
    }
    let loaded = credential.into_iter().fold(found, Loader::credential).load()?;
    for value in loaded.values.iter().filter(|value| value.origin != Origin::Default) {
        tracing::trace!(setting = %value.setting, value = value.shown, from = from(global, value));
    }
    for candidate in &loaded.candidates {
        tracing::trace!(credential = source(global, candidate), "{}", candidate.finding);
    }
    Ok(Setup { loaded, local })
}

/// Where a value comes from; an option by its name.
pub(crate) fn from(global: &Global, value: &Value) -> String {
    match (&value.origin, value.setting) {
        (Origin::Given, setting) if global.local && setting.routes_requests() => "--local".into(),
        (Origin::Given, setting) => option(setting),
        (origin, _) => origin.to_string(),
    }
}

/// The option that gives a setting.
pub(crate) fn option(setting: Setting) -> String {
    format!("--{}", setting.name().replace('_', "-"))
}

/// A source of a credential; an option by its name.
pub(crate) fn source<'a>(global: &Global, candidate: &'a Candidate) -> &'a str {
    // Nothing else gives a credential to a command that connects.
    if global.local { "--local" } else { &candidate.name }
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

/// An environment variable without what surrounds its value; an empty one counts as unset.
pub(crate) fn var(name: &str) -> Option<String> {
    let value = std::env::var(name).ok()?;
    Some(input::trim(&value).to_owned()).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::*;
    use crate::args::{self, Cli};

    #[test]
    fn every_setting_that_is_an_option_is_one_and_no_other() {
        let command = Cli::command();
        let names: Vec<_> = command.get_arguments().filter_map(clap::Arg::get_long).collect();
        for setting in Setting::ALL {
            let option = option(setting);
            assert_eq!(names.contains(&&option[2..]), setting.is_option(), "{option}");
            if !setting.is_option() {
                continue;
            }
            let line = ["cvm", &option, "some-value", "regions"];
            let given = given(&Cli::try_parse_from(line).unwrap().global).unwrap();
            assert_eq!(given, [(setting, "some-value".to_owned())], "what it says is used");
            let beside = ["cvm", &option, "some-value", "regions", "--local"];
            let Cli { global, command } = Cli::try_parse_from(beside).unwrap();
            assert_eq!(command.check(&global).is_err(), setting.routes_requests(), "{option} beside --local");
            let variable = setting.variables()[0].strip_prefix("TENCENTCLOUD").unwrap();
            assert!(args::AFTER.contains(variable), "{variable} is in the list of variables");
        }
    }
}
