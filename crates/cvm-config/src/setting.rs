//! The settings there are: one table, which everything that knows them goes by.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::{String, ToString};
use core::fmt;

use cvm_proto::{Endpoint, Error, ProxyAddress, Settings, input};

use crate::environment::Environment;
use crate::reading::{Given, NO_PROXY};

/// The root domain of the hosts that only the internal network reaches.
pub(crate) const INTERNAL_DOMAIN: &str = "internal.tencentcloudapi.com";

/// Makes [`Setting`] of the table: each row is what it says to people, its name in Rust, and what is known of it.
macro_rules! settings {
    ($($(#[$doc:meta])+ $setting:ident = $row:expr;)+) => {
        /// A setting that can be given, set in the environment, or written into a profile.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Setting {
            $($(#[$doc])+ $setting,)+
        }

        impl Setting {
            /// All of them, in the order in which they are shown.
            pub const ALL: [Self; [$(Self::$setting),+].len()] = [$(Self::$setting),+];

            const fn row(self) -> &'static Row {
                match self {
                    $(Self::$setting => const { &$row },)+
                }
            }
        }
    };
}

// A new setting is a row here, and what acts on it: the core's `Settings` by the function in the row, or `network.rs`
// where several decide together. Tests name what else has to know it: the page of settings, Python's signature, and the
// command if it is an option.
settings! {
    /// Which profile of the files is used.
    Profile = text("profile", &["TENCENTCLOUD_PROFILE", "TCCLI_PROFILE"], applied_elsewhere)
        .default("default").option();
    /// The region that requests are sent to.
    Region = text("region", &["TENCENTCLOUD_REGION"], |settings, value| settings.region = Some(value))
        .option().in_tccli("region").for_calls();
    /// Where requests go: one address for every region.
    Endpoint = address("endpoint", &["TENCENTCLOUD_ENDPOINT"]).option();
    /// The domain below which the service's hosts are.
    RootDomain = row("root_domain", &["TENCENTCLOUD_ROOT_DOMAIN"], SettingKind::Text,
        |given, _, _| Endpoint::root_domain(given.value).map(drop)).default("tencentcloudapi.com").routes_requests();
    /// Whether to use the hosts of the internal network of Tencent Cloud.
    Internal = row("internal", &["TENCENTCLOUD_INTERNAL"], SettingKind::Switch,
        |given, _, _| given.switch().map(drop)).default("false").routes_requests();
    /// One address for while the other cannot be reached.
    BackupEndpoint = address("backup_endpoint", &["TENCENTCLOUD_BACKUP_ENDPOINT"]);
    /// `https`, or `http` for an endpoint that names no scheme.
    Scheme = row("scheme", &["TENCENTCLOUD_SCHEME"], SettingKind::Text, |given, _, _| given.scheme().map(drop))
        .default("https").routes_requests();
    /// A proxy for every request; `none` for no proxy.
    Proxy = text("proxy", &["TENCENTCLOUD_PROXY"],
        |settings, value| settings.proxy = Some(value).filter(|value| value != NO_PROXY))
        .option().routes_requests().may_hold_a_password();
    /// A file with more certificate authorities to trust, in PEM.
    CaFile = row("ca_file", &["TENCENTCLOUD_CA_FILE"], SettingKind::File,
        |given, settings, environment| given.certificates(environment).map(|pem| settings.ca_pem = Some(pem)))
        .option().routes_requests();
    /// The language of the service's messages.
    Language = row("language", &["TENCENTCLOUD_LANGUAGE"], SettingKind::Text,
        |given, settings, _| given.language().map(|language| settings.language = Some(language)))
        .option().in_tccli("language").for_calls();
    /// A tag of the calling program for the service's logs.
    RequestClient = text("request_client", &["TENCENTCLOUD_REQUEST_CLIENT"],
        |settings, value| settings.request_client = Some(value)).in_tccli("request-client")
        .for_calls();
    /// The longest time to establish a connection.
    ConnectTimeout = row("connect_timeout", &["TENCENTCLOUD_CONNECT_TIMEOUT"], SettingKind::Time,
        |given, settings, _| given.time().map(|time| settings.connect_timeout = time)).default("10s");
    /// The longest time for one HTTP exchange.
    AttemptTimeout = row("attempt_timeout", &["TENCENTCLOUD_ATTEMPT_TIMEOUT"], SettingKind::Time,
        |given, settings, _| given.time().map(|time| settings.attempt_timeout = time)).default("30s").for_calls();
    /// The longest time for one call with all its attempts and pauses.
    CallTimeout = row("call_timeout", &["TENCENTCLOUD_CALL_TIMEOUT"], SettingKind::Time,
        |given, settings, _| given.time().map(|time| settings.call_timeout = time)).default("2m").for_calls();
    /// How often a request is sent at most, the first time included.
    Attempts = row("attempts", &["TENCENTCLOUD_ATTEMPTS"], SettingKind::Count,
        |given, settings, _| given.attempts().map(|attempts| settings.retry.attempts = attempts))
        .default("3").for_calls().instead_of(Former { variable: "TENCENTCLOUD_RETRIES", key: "retries" });
    /// The role of the instance that this runs on; `any` for whichever it has, `off` to leave it alone.
    InstanceRole = text("instance_role", &["TENCENTCLOUD_INSTANCE_ROLE"], applied_elsewhere).default("any");
    /// The metadata service of instances.
    MetadataEndpoint = address("metadata_endpoint", &["TENCENTCLOUD_METADATA_ENDPOINT"])
        .default("http://metadata.tencentyun.com");
    /// Where sts is, which gives out roles and says whose a credential is.
    StsEndpoint = address("sts_endpoint", &["TENCENTCLOUD_STS_ENDPOINT"]);
}

/// What values of a setting are: how a program that has values of its own writes one as the text that is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SettingKind {
    /// Any text.
    Text,
    /// The path of a file; `~/` is the home folder.
    File,
    /// `true` or `false`.
    Switch,
    /// A number, such as `3`.
    Count,
    /// A time with its unit, such as `500ms`, or in seconds.
    Time,
}

/// What is known of a setting.
struct Row {
    name: &'static str,
    variables: &'static [&'static str],
    kind: SettingKind,
    apply: fn(&Given<'_>, &mut Settings, &Environment) -> Result<(), Error>,
    /// Of a text that is taken as it is.
    take: fn(&mut Settings, String),
    default: &'static str,
    in_tccli: Option<&'static str>,
    is_option: bool,
    is_for_calls: bool,
    routes_requests: bool,
    may_hold_a_password: bool,
    former: Option<Former>,
}

const fn row(
    name: &'static str,
    variables: &'static [&'static str],
    kind: SettingKind,
    apply: fn(&Given<'_>, &mut Settings, &Environment) -> Result<(), Error>,
) -> Row {
    Row {
        name,
        variables,
        kind,
        apply,
        take: applied_elsewhere,
        default: "-",
        in_tccli: None,
        is_option: false,
        is_for_calls: false,
        routes_requests: false,
        may_hold_a_password: false,
        former: None,
    }
}

/// A text that the settings take as it is, and check.
const fn text(
    name: &'static str,
    variables: &'static [&'static str],
    take: fn(&mut Settings, String),
) -> Row {
    Row { take, ..row(name, variables, SettingKind::Text, |_, _, _| Ok(())) }
}

/// An address: whether it is well-formed is known at once, and which of them counts, where all are known.
const fn address(name: &'static str, variables: &'static [&'static str]) -> Row {
    row(name, variables, SettingKind::Text, |given, _, _| Endpoint::explicit(given.value).map(drop))
        .routes_requests()
}

/// What acts on the value looks it up by itself.
fn applied_elsewhere(_: &mut Settings, _: String) {}

impl Row {
    /// What holds where nobody sets it.
    const fn default(self, default: &'static str) -> Self {
        Self { default, ..self }
    }

    /// The member of `_sys_param` in tccli's files that says the same.
    const fn in_tccli(self, name: &'static str) -> Self {
        Self { in_tccli: Some(name), ..self }
    }

    const fn option(self) -> Self {
        Self { is_option: true, ..self }
    }

    /// Calls of one client may differ in it.
    const fn for_calls(self) -> Self {
        Self { is_for_calls: true, ..self }
    }

    const fn routes_requests(self) -> Self {
        Self { routes_requests: true, ..self }
    }

    const fn may_hold_a_password(self) -> Self {
        Self { may_hold_a_password: true, ..self }
    }

    const fn instead_of(self, former: Former) -> Self {
        Self { former: Some(former), ..self }
    }
}

impl Setting {
    /// The name: as a key in the file of credentials, such as `root_domain`.
    pub const fn name(self) -> &'static str {
        self.row().name
    }

    /// The environment variables; the first that is set counts.
    pub const fn variables(self) -> &'static [&'static str] {
        self.row().variables
    }

    /// What holds where nobody sets it, as it is shown; `-` for nothing.
    pub const fn default_text(self) -> &'static str {
        self.row().default
    }

    /// What its values are.
    pub const fn kind(self) -> SettingKind {
        self.row().kind
    }

    /// Whether every command of `cvm` has an option of this name.
    pub const fn is_option(self) -> bool {
        self.row().is_option
    }

    /// Whether some calls of a client may have it otherwise; what is not so belongs to what all of them share.
    pub const fn is_for_calls(self) -> bool {
        self.row().is_for_calls
    }

    /// Changes the settings of a client for some of its calls: what [`Config::with`](cvm_proto::Config::with) is given. White
    /// space around the value does not count, and an empty one changes nothing.
    ///
    /// ```
    /// use cvm_config::Setting;
    /// use cvm_proto::Settings;
    ///
    /// let mut settings = Settings::default();
    /// Setting::CallTimeout.set_for_calls("2s", &mut settings)?;
    /// assert_eq!(settings.call_timeout.as_secs(), 2);
    /// assert!(Setting::Proxy.set_for_calls("none", &mut settings).is_err());
    /// # Ok::<(), cvm_proto::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](cvm_proto::ErrorKind::Config) if the value is wrong, or all calls of a client share the setting.
    pub fn set_for_calls(self, value: &str, settings: &mut Settings) -> Result<(), Error> {
        if !self.is_for_calls() {
            return Err(Settings::shared_by_calls(self.name()));
        }
        match input::trim(value) {
            "" => Ok(()),
            value => self.apply(value, settings, &Environment::in_memory::<&str, &str>([])),
        }
    }

    /// Whether it leads requests somewhere: to an address, by a proxy, or to whom they trust. What brings an endpoint of
    /// its own leaves all of these at their defaults.
    pub const fn routes_requests(self) -> bool {
        self.row().routes_requests
    }

    /// The member of `_sys_param` in a profile of tccli's that says the same.
    pub const fn in_tccli(self) -> Option<&'static str> {
        self.row().in_tccli
    }

    /// What this setting takes the place of. Passed over in silence it would look as if it counted.
    pub(crate) const fn former(self) -> Option<Former> {
        self.row().former
    }

    /// How a value is shown: an address may hold a password.
    pub(crate) fn shown(self, value: &str) -> String {
        if !self.row().may_hold_a_password || value == NO_PROXY {
            return value.to_owned();
        }
        value.parse().map_or_else(|_| "***".into(), |address: ProxyAddress| address.to_string())
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
        let row = self.row();
        (row.apply)(&Given { setting: self, value }, settings, environment)?;
        (row.take)(settings, value.to_owned());
        settings.check()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_shown_as_they_are() {
        let (mut shown, fresh) = (Settings::default(), Settings::default());
        let environment = Environment::in_memory::<&str, &str>([]);
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
