//! The settings there are: their names, variables and defaults, and what each of them changes.

use std::fmt;
use std::time::Duration;

use cvm_proto::{Endpoint, Error, Language, ProxyAddress, RetryPolicy, Scheme, Settings, input};

use crate::environment::Environment;
use crate::file;

/// A setting that can be given, set in the environment, or written into a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Setting {
    /// Which profile of the files is used.
    Profile,
    /// The region that requests are sent to.
    Region,
    /// Where requests go: one address for every region.
    Endpoint,
    /// The domain below which the service's hosts are.
    RootDomain,
    /// One address for while the other cannot be reached.
    BackupEndpoint,
    /// Whether to use the hosts of the internal network of Tencent Cloud.
    Internal,
    /// `https`, or `http` for an endpoint that names no scheme.
    Scheme,
    /// A proxy for every request; `none` for no proxy.
    Proxy,
    /// A file with more certificate authorities to trust, in PEM.
    CaFile,
    /// The language of the service's messages.
    Language,
    /// A tag of the calling program for the service's logs.
    RequestClient,
    /// The longest time to establish a connection.
    ConnectTimeout,
    /// The longest time for one HTTP exchange.
    AttemptTimeout,
    /// The longest time for one call with all its attempts and pauses.
    CallTimeout,
    /// How often a request is sent at most, the first time included.
    Attempts,
    /// The role of the instance that this runs on; `any` for whichever it has, `off` to leave it alone.
    InstanceRole,
    /// Where instances learn about themselves.
    MetadataEndpoint,
    /// Where sts is, which gives out roles and says whose a credential is.
    StsEndpoint,
}

/// The root domain of the hosts that only the internal network reaches.
pub(crate) const INTERNAL_DOMAIN: &str = "internal.tencentcloudapi.com";

/// The proxy that is none.
const NO_PROXY: &str = "none";

impl Setting {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 18] = [
        Self::Profile,
        Self::Region,
        Self::Endpoint,
        Self::RootDomain,
        Self::Internal,
        Self::BackupEndpoint,
        Self::Scheme,
        Self::Proxy,
        Self::CaFile,
        Self::Language,
        Self::RequestClient,
        Self::ConnectTimeout,
        Self::AttemptTimeout,
        Self::CallTimeout,
        Self::Attempts,
        Self::InstanceRole,
        Self::MetadataEndpoint,
        Self::StsEndpoint,
    ];

    /// The name: as a key in the file of credentials, such as `root_domain`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Profile => "profile",
            Self::Region => "region",
            Self::Endpoint => "endpoint",
            Self::RootDomain => "root_domain",
            Self::Internal => "internal",
            Self::BackupEndpoint => "backup_endpoint",
            Self::Scheme => "scheme",
            Self::Proxy => "proxy",
            Self::CaFile => "ca_file",
            Self::Language => "language",
            Self::RequestClient => "request_client",
            Self::ConnectTimeout => "connect_timeout",
            Self::AttemptTimeout => "attempt_timeout",
            Self::CallTimeout => "call_timeout",
            Self::Attempts => "attempts",
            Self::InstanceRole => "instance_role",
            Self::MetadataEndpoint => "metadata_endpoint",
            Self::StsEndpoint => "sts_endpoint",
        }
    }

    /// The environment variables; the first that is set counts.
    pub const fn variables(self) -> &'static [&'static str] {
        match self {
            Self::Profile => &["TENCENTCLOUD_PROFILE", "TCCLI_PROFILE"],
            Self::Region => &["TENCENTCLOUD_REGION"],
            Self::Endpoint => &["TENCENTCLOUD_ENDPOINT"],
            Self::RootDomain => &["TENCENTCLOUD_ROOT_DOMAIN"],
            Self::Internal => &["TENCENTCLOUD_INTERNAL"],
            Self::BackupEndpoint => &["TENCENTCLOUD_BACKUP_ENDPOINT"],
            Self::Scheme => &["TENCENTCLOUD_SCHEME"],
            Self::Proxy => &["TENCENTCLOUD_PROXY"],
            Self::CaFile => &["TENCENTCLOUD_CA_FILE"],
            Self::Language => &["TENCENTCLOUD_LANGUAGE"],
            Self::RequestClient => &["TENCENTCLOUD_REQUEST_CLIENT"],
            Self::ConnectTimeout => &["TENCENTCLOUD_CONNECT_TIMEOUT"],
            Self::AttemptTimeout => &["TENCENTCLOUD_ATTEMPT_TIMEOUT"],
            Self::CallTimeout => &["TENCENTCLOUD_CALL_TIMEOUT"],
            Self::Attempts => &["TENCENTCLOUD_ATTEMPTS"],
            Self::InstanceRole => &["TENCENTCLOUD_INSTANCE_ROLE"],
            Self::MetadataEndpoint => &["TENCENTCLOUD_METADATA_ENDPOINT"],
            Self::StsEndpoint => &["TENCENTCLOUD_STS_ENDPOINT"],
        }
    }

    /// What holds where nobody sets it, as it is shown; `-` for nothing.
    pub const fn default_text(self) -> &'static str {
        match self {
            Self::Profile => "default",
            Self::RootDomain => "tencentcloudapi.com",
            Self::Internal => "false",
            Self::Scheme => "https",
            Self::ConnectTimeout => "10s",
            Self::AttemptTimeout => "30s",
            Self::CallTimeout => "2m",
            Self::Attempts => "3",
            Self::InstanceRole => "any",
            Self::MetadataEndpoint => "http://metadata.tencentyun.com",
            _ => "-",
        }
    }

    /// How a value is shown: an address may hold a password.
    pub(crate) fn shown(self, value: &str) -> String {
        match self {
            Self::Proxy if value != NO_PROXY => {
                value.parse().map_or_else(|_| "***".into(), |proxy: ProxyAddress| proxy.to_string())
            }
            _ => value.to_owned(),
        }
    }

    /// Whether a value can be one of this setting.
    pub(crate) fn check(self, value: &str, environment: &Environment) -> Result<(), Error> {
        if value.contains(char::is_control) {
            return Err(Error::config(format!("{self} has a line break or another control character in it")));
        }
        if value.is_empty() { Ok(()) } else { self.apply(value, &mut Settings::default(), environment) }
    }

    /// Changes the settings as a value of this one says, where that needs no other setting.
    ///
    /// # Errors
    ///
    /// One sentence without where the value came from.
    pub(crate) fn apply(
        self,
        value: &str,
        settings: &mut Settings,
        environment: &Environment,
    ) -> Result<(), Error> {
        match self {
            Self::Region => settings.region = Some(value.into()),
            // Whether they are well-formed is checked here; which of them counts, where all are known.
            Self::Endpoint | Self::BackupEndpoint | Self::StsEndpoint | Self::MetadataEndpoint => {
                Endpoint::explicit(value)?;
            }
            Self::RootDomain => {
                Endpoint::root_domain(value)?;
            }
            Self::Internal => {
                parse_bool(value)?;
            }
            Self::Scheme => {
                parse_scheme(value)?;
            }
            Self::Proxy => settings.proxy = Some(value.to_owned()).filter(|value| value != NO_PROXY),
            Self::CaFile => {
                let read = cvm_files::read_input(environment.path(value), file::MAX_BYTES);
                let pem = read.map_err(|error| self.wrong(value, &format!("cannot be read: {error}")))?;
                input::certificates(&pem).map_err(|error| self.wrong(value, &error.to_string()))?;
                settings.ca_pem = Some(pem);
            }
            Self::Language => settings.language = Some(parse_language(value)?),
            Self::RequestClient => settings.request_client = Some(value.into()),
            Self::ConnectTimeout => settings.connect_timeout = parse_time(self, value)?,
            Self::AttemptTimeout => settings.attempt_timeout = parse_time(self, value)?,
            Self::CallTimeout => settings.call_timeout = parse_time(self, value)?,
            Self::Attempts => {
                let attempts = value.parse::<u32>().ok().filter(|attempts| (1..=100).contains(attempts));
                let what = "is not a number from 1 to 100: write how often a request may be sent, the first time included";
                settings.retry =
                    RetryPolicy::default().attempts(attempts.ok_or_else(|| self.wrong(value, what))?);
            }
            Self::Profile | Self::InstanceRole => {}
        }
        settings.check()
    }

    /// What this setting takes the place of. Passed over in silence it would look as if it counted.
    pub(crate) const fn former(self) -> Option<Former> {
        match self {
            Self::Attempts => Some(Former { variable: "TENCENTCLOUD_RETRIES", key: "retries" }),
            _ => None,
        }
    }

    /// The error of a value that is none of this setting; `what` goes on from it.
    #[cold]
    fn wrong(self, value: &str, what: &str) -> Error {
        Error::config(format!("{self} `{}` {what}", input::excerpt(value)))
    }
}

/// A setting that counted one less: the requests after the first.
#[derive(Clone, Copy)]
pub(crate) struct Former {
    pub(crate) variable: &'static str,
    pub(crate) key: &'static str,
}

impl Former {
    /// The error of whoever still sets it; `name` is what to set instead, and `is` stands between it and the value.
    #[cold]
    pub(crate) fn refused(self, value: &str, name: &str, is: &str) -> Error {
        let key = self.key;
        let attempts = value.parse::<u32>().ok().filter(|&retries| retries < 100).map(|retries| retries + 1);
        let (instead, count) = match attempts {
            Some(attempts) => (format!("`{name}{is}{attempts}`"), "the first request counts as well"),
            None => (format!("{name} from 1 to 100"), "one more, as the first request counts as well"),
        };
        Error::config(format!("{key} is no longer a setting: set {instead} instead ({count})"))
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

pub(crate) fn parse_bool(value: &str) -> Result<bool, Error> {
    match value.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Ok(true),
        "false" | "no" | "off" | "0" => Ok(false),
        _ => Err(Setting::Internal.wrong(value, "is not true or false")),
    }
}

pub(crate) fn parse_scheme(value: &str) -> Result<Scheme, Error> {
    match value.to_ascii_lowercase().as_str() {
        "http" => Ok(Scheme::Http),
        "https" => Ok(Scheme::Https),
        _ => Err(Setting::Scheme.wrong(value, "is not https or http")),
    }
}

fn parse_language(value: &str) -> Result<Language, Error> {
    let known = [Language::Chinese, Language::English];
    known
        .into_iter()
        .find(|language| language.as_str().eq_ignore_ascii_case(value))
        .ok_or_else(|| Setting::Language.wrong(value, "is not zh-CN or en-US"))
}

/// A time: `30` seconds, `500ms`, `10s`, `2m`.
fn parse_time(setting: Setting, value: &str) -> Result<Duration, Error> {
    let seconds = value.parse::<u32>().ok().map(|seconds| Duration::from_secs(seconds.into()));
    let time = seconds.or_else(|| humantime::parse_duration(value).ok());
    time.filter(|time| !time.is_zero())
        .ok_or_else(|| setting.wrong(value, "is not a time: write one such as `30s`, `500ms` or `2m`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_shown_as_they_are() {
        let (mut shown, fresh) = (Settings::default(), Settings::default());
        let environment = Environment::of::<&str, &str>([]);
        for setting in Setting::ALL.into_iter().filter(|setting| setting.default_text() != "-") {
            setting.apply(setting.default_text(), &mut shown, &environment).unwrap();
        }
        assert_eq!(format!("{shown:?}"), format!("{fresh:?}"));
        let times =
            |settings: &Settings| (settings.connect_timeout, settings.attempt_timeout, settings.call_timeout);
        assert_eq!(times(&shown), times(&fresh));
    }

    #[test]
    fn a_proxys_password_is_not_shown() {
        for (value, shown) in [
            ("http://proxy:3128", "http://proxy:3128"),
            ("http://me:hid@den@proxy:3128", "http://***@proxy:3128"),
            ("socks5h://me:hidden@proxy", "socks5h://***@proxy:1080"),
            ("me:hidden@proxy:3128", "***"),
            ("none", "none"),
        ] {
            assert_eq!(Setting::Proxy.shown(value), shown);
        }
    }
}
