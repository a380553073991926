//! From everything that is set somewhere to the settings of a client.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use cvm_proto::credential::{Lease, MfaCode, Provider};
use cvm_proto::{Error, Settings, input};
use zeroize::Zeroizing;

use crate::credential::{Candidate, GivenCredential, Sources};
use crate::credential_setting::CredentialSetting;
use crate::environment::Environment;
use crate::network;
use crate::origin::Origin;
use crate::profile::Files;
use crate::setting::Setting;
use crate::source::{CredentialSource, Network};

/// Looks settings and credentials up: what is given to it, then the environment, then the profile, then the defaults.
///
/// ```no_run
/// use cvm_config::Loader;
///
/// let loaded = Loader::new().profile("prod").region("ap-beijing").load()?;
/// for value in &loaded.values {
///     println!("{} = {} ({})", value.setting, value.shown, value.origin);
/// }
/// # Ok::<(), cvm_proto::Error>(())
/// ```
#[derive(Clone, Debug)]
#[cfg_attr(feature = "std", derive(Default))]
#[must_use]
pub struct Loader {
    environment: Environment,
    given: Vec<(Setting, String)>,
    at_default: Vec<Setting>,
    credential: GivenCredential,
}

/// What was found.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Loaded {
    /// What a client is made from.
    pub settings: Settings,
    /// Every setting, and where it came from; no secret is in it.
    pub values: Vec<Value>,
    /// The sources of a credential in the order in which they are asked, and what is known of each; no secret is in it.
    pub candidates: Vec<Candidate>,
    /// What a user should know: files with secrets that others can read.
    pub warnings: Vec<String>,
}

/// A setting as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Value {
    /// Which it is.
    pub setting: Setting,
    /// What it is, to be shown.
    pub shown: String,
    /// Where it came from.
    pub origin: Origin,
}

impl Loader {
    /// Looks into this process's environment and the user's files.
    #[cfg(feature = "std")]
    pub fn new() -> Self {
        Self::default()
    }

    /// Looks into this environment.
    pub fn of(environment: Environment) -> Self {
        Self {
            environment,
            given: Vec::new(),
            at_default: Vec::new(),
            credential: GivenCredential::default(),
        }
    }

    /// Looks into another environment.
    pub fn environment(mut self, environment: Environment) -> Self {
        self.environment = environment;
        self
    }

    /// Gives a setting, which goes before all else. White space around the value does not count, and an empty one counts
    /// as none.
    pub fn set(mut self, setting: Setting, value: impl Into<String>) -> Self {
        self.given.retain(|(given, _)| *given != setting);
        let value: String = value.into();
        self.given.push((setting, input::trim(&value).to_owned()));
        self.given.retain(|(_, value)| !value.is_empty());
        self.at_default.retain(|other| *other != setting);
        self
    }

    /// Leaves a setting at its default, whatever is set elsewhere. What is given later takes precedence.
    pub fn at_default(mut self, setting: Setting) -> Self {
        self.given.retain(|(given, _)| *given != setting);
        self.at_default.push(setting);
        self
    }

    /// Gives the profile. A credential then comes from this profile, and from nowhere else.
    pub fn profile(self, profile: impl Into<String>) -> Self {
        self.set(Setting::Profile, profile)
    }

    /// Gives the region.
    pub fn region(self, region: impl Into<String>) -> Self {
        self.set(Setting::Region, region)
    }

    /// Gives the endpoint.
    pub fn endpoint(self, endpoint: impl Into<String>) -> Self {
        self.set(Setting::Endpoint, endpoint)
    }

    /// Gives the credential; none is looked for then. With the end of a [`Lease`] it is used until then.
    pub fn credential(mut self, credential: impl Into<Lease>) -> Self {
        self.credential.source = Some(match credential.into() {
            Lease { credential, expires: None } => {
                CredentialSource::Keys { credential, origin: Origin::Given }
            }
            lease => CredentialSource::Given(Arc::new(lease)),
        });
        self
    }

    /// Gives a provider of credentials; none is looked for then.
    pub fn provider(mut self, provider: impl Provider + 'static) -> Self {
        self.credential.source = Some(CredentialSource::Given(Arc::new(provider)));
        self
    }

    /// Gives a part of what says which credential is used. White space around the value does not count, and an empty one
    /// counts as none.
    ///
    /// A role that is given is assumed with the credential that is given or found, in place of the profile's own role.
    ///
    /// ```
    /// use cvm_config::{CredentialSetting, Environment, Loader};
    ///
    /// let environment = Environment::of([("TENCENTCLOUD_SECRET_ID", "AKIDexample"), ("TENCENTCLOUD_SECRET_KEY", "key")]);
    /// let loaded = Loader::new()
    ///     .environment(environment)
    ///     .set_credential(CredentialSetting::RoleArn, "qcs::cam::uin/100000000001:roleName/images")
    ///     .set_credential(CredentialSetting::RoleDuration, "1h")
    ///     .load()?;
    /// assert_eq!(
    ///     loaded.candidates[0].finding.to_string(),
    ///     "used: the role `qcs::cam::uin/100000000001:roleName/images`, assumed with the key *** in TENCENTCLOUD_SECRET_ID"
    /// );
    /// # Ok::<(), cvm_proto::Error>(())
    /// ```
    pub fn set_credential(mut self, setting: CredentialSetting, value: impl Into<String>) -> Self {
        let value = Zeroizing::new(value.into());
        let values = &mut self.credential.values;
        values.retain(|(given, _)| *given != setting);
        match input::trim(&value) {
            "" => {}
            value => values.push((setting, Zeroizing::new(value.to_owned()))),
        }
        self
    }

    /// Gives the codes of the device that a role is assumed with.
    pub fn mfa_code(mut self, code: MfaCode) -> Self {
        self.credential.mfa_code = Some(code);
        self
    }

    /// The names of all profiles in the user's files, in order.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](cvm_proto::ErrorKind::Config) naming the file that cannot be read.
    pub fn profiles(&self) -> Result<Vec<String>, Error> {
        Ok(Files::read(&self.environment)?.names())
    }

    /// The path of a file that [`load`](Self::load) needs and an environment [in memory](Environment::in_memory) does not
    /// have: the next one to [give](Environment::file), or to call [not there](Environment::no_file). `~/` at its
    /// beginning is the user's home folder.
    ///
    /// What is wanted depends on what the files before say, so a program asks again until there is nothing more. `load`
    /// then gives the settings or the mistake, as it does where it reads the same files itself.
    ///
    /// ```
    /// use cvm_config::{Environment, Loader};
    ///
    /// # let read = |path: &str| (path == "~/.tencentcloud/credentials").then(|| b"[default]\nsecret_id = AKIDexample\nsecret_key = not-a-real-key".to_vec());
    /// let mut environment = Environment::in_memory([("TENCENTCLOUD_REGION", "ap-beijing")]);
    /// while let Some(path) = Loader::of(environment.clone()).wanted() {
    ///     environment = match read(&path) {
    ///         Some(content) => environment.file(path, content),
    ///         None => environment.no_file(path),
    ///     };
    /// }
    /// let loaded = Loader::of(environment).load()?;
    /// assert_eq!(loaded.settings.credential.unwrap().secret_id(), "AKIDexample");
    /// # Ok::<(), cvm_proto::Error>(())
    /// ```
    pub fn wanted(&self) -> Option<String> {
        let asked = self.clone();
        let _ = asked.look_up();
        asked.environment.wanted()
    }

    /// Looks everything up. Files are read, nothing is sent, and no command is run.
    ///
    /// That there is no credential is an error of the first call: it says what each source lacked.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](cvm_proto::ErrorKind::Config) naming the variable, or the file and the line, that is wrong.
    pub fn load(self) -> Result<Loaded, Error> {
        self.look_up()
    }

    fn look_up(&self) -> Result<Loaded, Error> {
        let environment = &self.environment;
        let mut files = Files::read(environment)?;
        let (profile, origin) = self
            .lookup(Setting::Profile, &[])?
            .unwrap_or_else(|| (Setting::Profile.default_text().to_owned(), Origin::Default));
        if origin != Origin::Default && !files.has(&profile)? {
            return Err(files.missing(&profile, &origin));
        }
        refuse_former(environment)?;
        let in_profile = files.settings(&profile)?;
        let is_given = origin == Origin::Given;
        let mut values = vec![Value { setting: Setting::Profile, shown: profile.clone(), origin }];
        let mut settings = Settings::default();
        let mut found = SetValues::default();
        for setting in Setting::ALL.into_iter().filter(|setting| *setting != Setting::Profile) {
            let (shown, origin) = match self.lookup(setting, &in_profile)? {
                None if self.at_default.contains(&setting) => {
                    (setting.default_text().to_owned(), Origin::Given)
                }
                Some((value, origin)) => {
                    setting
                        .apply(&value, &mut settings, environment)
                        .map_err(|error| origin.blame(&error))?;
                    let shown = setting.shown(&value);
                    found.0.push((setting, value, origin.clone()));
                    (shown, origin)
                }
                None => (setting.default_text().to_owned(), Origin::Default),
            };
            values.push(Value { setting, shown, origin });
        }
        settings.endpoint = network::endpoint(&found)?;
        settings.sts_endpoint = network::identity(&found)?;
        settings.failover = network::failover(&found)?;
        network::standard_proxy(environment, &mut settings, &mut values)?;
        let instance =
            found.get(Setting::InstanceRole).map(|(value, origin)| (value.to_owned(), origin.clone()));
        let sources = Sources::find(&self.credential, environment, &mut files, &profile, is_given, instance)?;
        if let Some(CredentialSource::Keys { credential, .. }) = sources.used() {
            settings.credential = Some(credential.clone());
        } else {
            let network = Network {
                region: settings.region.clone(),
                sts: network::sts(&found)?,
                metadata: network::metadata(&found)?,
                mfa_code: sources.mfa_code.clone(),
            };
            settings.provider = Some(Arc::new(sources.chain(&network, environment)?));
        }
        let candidates = sources.candidates;
        Ok(Loaded { settings, values, candidates, warnings: files.warnings })
    }

    /// The value of a setting that goes before the others.
    fn lookup(
        &self,
        setting: Setting,
        in_profile: &[(Setting, String, Origin)],
    ) -> Result<Option<(String, Origin)>, Error> {
        if let Some((_, value)) = self.given.iter().find(|(given, _)| *given == setting) {
            return Ok(Some((value.clone(), Origin::Given)));
        }
        if self.at_default.contains(&setting) {
            return Ok(None);
        }
        if let Some((name, value)) = self.environment.first(setting.variables())? {
            return Ok(Some((value, Origin::Variable(name))));
        }
        let in_profile = in_profile.iter().find(|(found, _, _)| *found == setting);
        Ok(in_profile.map(|(_, value, origin)| (value.clone(), origin.clone())))
    }
}

/// Refuses a variable whose setting is another one now, unless that is set as well.
fn refuse_former(environment: &Environment) -> Result<(), Error> {
    for setting in Setting::ALL {
        let Some(former) = setting.former() else { continue };
        let Some(value) = environment.var(former.variable)? else { continue };
        if environment.first(setting.variables())?.is_none() {
            let refused = former.refused(&value, setting.variables()[0], "=");
            return Err(Origin::Variable(former.variable).blame(&refused));
        }
    }
    Ok(())
}

/// The settings that somebody set.
#[derive(Default)]
pub(crate) struct SetValues(Vec<(Setting, String, Origin)>);

impl SetValues {
    pub(crate) fn get(&self, setting: Setting) -> Option<(&str, &Origin)> {
        let found = self.0.iter().find(|(found, _, _)| *found == setting)?;
        Some((&found.1, &found.2))
    }
}
