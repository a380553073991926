//! Who can have a credential, in the order in which they are asked.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::{fmt, mem};

use cvm_proto::credential::{Chain, Errand, MfaCode, Provider, ready};
use cvm_proto::{Error, Settings};
use zeroize::Zeroizing;

use crate::credential_setting::CredentialSetting;
use crate::environment::Environment;
use crate::file::FilePath;
use crate::origin::Origin;
use crate::place::{Place, Placed};
use crate::profile::{self, Files};
use crate::setting::Setting;
use crate::source::{AssumedRole, CredentialSource, EmptySource, Network, WebRole, keys};

/// What a function of Tencent Cloud finds set: id, key and token of the role that it runs in.
const FUNCTION: [&str; 3] = ["TENCENTCLOUD_SECRETID", "TENCENTCLOUD_SECRETKEY", "TENCENTCLOUD_SESSIONTOKEN"];
/// What a cluster sets for a pod with a role: region, identity provider, the token's file, role.
const TKE: [&str; 4] = ["TKE_REGION", "TKE_PROVIDER_ID", "TKE_WEB_IDENTITY_TOKEN_FILE", "TKE_ROLE_ARN"];

/// A source of a credential.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Candidate {
    /// Which it is, such as `environment`.
    pub name: String,
    /// What is known of it.
    pub finding: Finding,
}

/// What is known of a source of a credential before anything is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Finding {
    /// It is the source that is used, in these words.
    Used(String),
    /// It has nothing: what it lacks.
    Lacks(String),
    /// One before it is used.
    NotAsked,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Used(how) => write!(f, "used: {how}"),
            Self::Lacks(what) => f.write_str(what),
            Self::NotAsked => f.write_str("not asked"),
        }
    }
}

/// What the program itself says of the credential.
#[derive(Clone, Default)]
pub(crate) struct GivenCredential {
    pub(crate) source: Option<CredentialSource>,
    pub(crate) values: Vec<(CredentialSetting, Zeroizing<String>)>,
    pub(crate) mfa_code: Option<MfaCode>,
}

impl GivenCredential {
    fn get(&self, setting: CredentialSetting) -> Option<(String, Origin)> {
        let (_, value) = self.values.iter().find(|(given, _)| *given == setting)?;
        Some((value.to_string(), Origin::Given))
    }

    /// The credential and the role that are given.
    fn read(
        &self,
        environment: &Environment,
    ) -> Result<(Option<CredentialSource>, Option<AssumedRole>), Error> {
        let mut placed = Place::new(environment, &|setting| Ok(self.get(setting))).read()?;
        let role = placed.role.take();
        match (self.source.clone(), placed.source()) {
            (Some(_), Some(_)) => Err(Error::config(
                "two credentials are given: give one of them, whether as a value, a provider, a key, a process or a web identity",
            )),
            (given, placed) => Ok((given.or(placed), role)),
        }
    }

    /// Where the codes of a device come from, and whether the program gives them.
    fn mfa_code(&self, environment: &Environment) -> Result<(MfaCode, bool), Error> {
        let given = self.get(CredentialSetting::MfaCode).map(|(code, _)| MfaCode::once(code));
        if let Some(code) = self.mfa_code.clone().or(given) {
            return Ok((code, true));
        }
        let variables = CredentialSetting::MfaCode.variables();
        let code = environment.first(variables)?.map(|(_, code)| MfaCode::once(code));
        Ok((code.unwrap_or_else(|| MfaCode::ask(no_code)), false))
    }
}

/// What is said of the device where nobody gives its code.
fn no_code() -> Errand<Result<String, Error>> {
    let variable = CredentialSetting::MfaCode.variables()[0];
    ready(Err(Error::config(format!(
        "the role is assumed with the code of an MFA device, and there is none: give {}, or set {variable}",
        CredentialSetting::MfaCode
    ))))
}

/// Who turns the role of the instance off.
fn whose(origin: &Origin) -> String {
    match origin {
        Origin::Given => format!("the program ({})", Setting::InstanceRole),
        origin => origin.to_string(),
    }
}

impl fmt::Debug for GivenCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.values.iter().map(|(setting, _)| setting.name()).collect::<Vec<_>>();
        f.debug_struct("GivenCredential")
            .field("source", &self.source.as_ref().map(CredentialSource::describe))
            .field("values", &names)
            .field("mfa_code", &self.mfa_code)
            .finish()
    }
}

/// All sources.
pub(crate) struct Sources {
    pub(crate) candidates: Vec<Candidate>,
    used: Option<CredentialSource>,
    pub(crate) mfa_code: MfaCode,
}

impl Sources {
    /// Asks one source after the other until one has something.
    ///
    /// The profile is the only one if the program itself named it: a mistake in it must not lead to another account.
    pub(crate) fn find(
        given: &GivenCredential,
        environment: &Environment,
        files: &mut Files<'_>,
        profile: &str,
        only_profile: bool,
        instance: Option<(String, Origin)>,
    ) -> Result<Self, Error> {
        let (source, role) = given.read(environment)?;
        let (mfa_code, is_given) = given.mfa_code(environment)?;
        let mut sources = Self { candidates: Vec::new(), used: None, mfa_code };
        if let Some(source) = source {
            sources.ask("given".into(), &mut || Ok(Ok(source.clone())))?;
            sources.assume(role);
        } else {
            sources.look_up(environment, files, profile, only_profile, instance, role)?;
        }
        if is_given && !sources.used.as_ref().is_some_and(CredentialSource::wants_mfa_code) {
            return Err(Error::config(format!(
                "{} is given, but no role is assumed with a device: give {} as well",
                CredentialSetting::MfaCode,
                CredentialSetting::MfaSerial
            )));
        }
        Ok(sources)
    }

    /// Asks what the program does not give.
    fn look_up(
        &mut self,
        environment: &Environment,
        files: &mut Files<'_>,
        profile: &str,
        only_profile: bool,
        instance: Option<(String, Origin)>,
        given_role: Option<AssumedRole>,
    ) -> Result<(), Error> {
        let sources = self;
        let mut variables = Placed::default();
        if !only_profile {
            let get = |setting: CredentialSetting| {
                let found = environment.first(setting.variables())?;
                Ok(found.map(|(name, value)| (value, Origin::Variable(name))))
            };
            variables = Place::new(environment, &get).read()?;
        }
        let role = given_role.or_else(|| variables.role.take());
        if !only_profile {
            sources.ask("environment".into(), &mut || {
                let unset = [CredentialSetting::SecretId, CredentialSetting::SecretKey]
                    .map(|setting| setting.variables()[0]);
                let lack = || format!("{} are not set", unset.join(" and "));
                Ok(mem::take(&mut variables).source().ok_or_else(lack))
            })?;
        }
        sources.ask(format!("profile `{profile}`"), &mut || {
            let source = files.source(profile)?;
            // What is turned off nearer to the program is off in the profile as well.
            let off = instance
                .as_ref()
                .filter(|(value, origin)| value == "off" && !matches!(origin, Origin::File { .. }));
            let source = source.and_then(|source| match off {
                Some((_, origin)) if source.is_of_instance() => {
                    Err(format!("{} turns the instance's role off", whose(origin)))
                }
                _ => Ok(source),
            });
            // A role that stands nearer to the program takes the place of the profile's.
            Ok(source.map(|source| match source {
                CredentialSource::Role { base, .. } if role.is_some() => *base,
                source => source,
            }))
        })?;
        if !only_profile {
            // It is known from them whether this is a function; elsewhere nobody misses them.
            if environment.first(&FUNCTION[..2])?.is_some() {
                sources.ask("function".into(), &mut || function(environment).map(Ok))?;
            }
            sources.ask("web identity".into(), &mut || web_identity(environment))?;
            sources.ask("instance role".into(), &mut || {
                let (value, origin) = instance.as_ref().map_or(("any", &Origin::Default), |(v, o)| (v, o));
                Ok(profile::instance(value).ok_or_else(|| format!("{} turns it off", whose(origin))))
            })?;
        }
        sources.assume(role);
        Ok(())
    }

    /// Has the source that is used assume a role.
    fn assume(&mut self, role: Option<AssumedRole>) {
        if let Some(role) = role
            && let Some(source) = self.used.take()
        {
            self.use_source(source.in_role(role));
        }
    }

    fn ask(
        &mut self,
        name: String,
        source: &mut dyn FnMut() -> Result<Result<CredentialSource, String>, Error>,
    ) -> Result<(), Error> {
        if self.used.is_some() {
            self.candidates.push(Candidate { name, finding: Finding::NotAsked });
            return Ok(());
        }
        match source()? {
            Ok(source) => {
                self.candidates.push(Candidate { name, finding: Finding::Used(String::new()) });
                self.use_source(source);
            }
            Err(lack) => self.candidates.push(Candidate { name, finding: Finding::Lacks(lack) }),
        }
        Ok(())
    }

    fn use_source(&mut self, source: CredentialSource) {
        let used = self.candidates.iter_mut().find(|candidate| matches!(candidate.finding, Finding::Used(_)));
        if let Some(candidate) = used {
            candidate.finding = Finding::Used(source.describe());
        }
        self.used = Some(source);
    }

    /// The source that is used.
    pub(crate) fn used(&self) -> Option<&CredentialSource> {
        self.used.as_ref()
    }

    /// A provider for each source up to the one that is used.
    pub(crate) fn chain(&self, network: &Network, environment: &Environment) -> Result<Chain, Error> {
        let lacking = self.candidates.iter().filter_map(|candidate| match &candidate.finding {
            Finding::Lacks(what) => {
                Some(Arc::new(EmptySource(format!("{}: {what}", candidate.name))) as Arc<dyn Provider>)
            }
            _ => None,
        });
        let used = self.used.as_ref().map(|source| source.provider(network, environment)).transpose()?;
        Ok(Chain::new(lacking.chain(used)))
    }
}

/// The key that a function of Tencent Cloud is given.
fn function(environment: &Environment) -> Result<CredentialSource, Error> {
    let [id, key, token] = FUNCTION.map(|name| {
        let value = environment.var(name);
        value.map(|value| value.map(|value| (value, Origin::Variable(name))))
    });
    match (id?, key?, token?) {
        (Some((id, id_origin)), Some((key, key_origin)), token) => {
            let token = token.as_ref().map(|(token, origin)| (&**token, origin.clone()));
            keys((&id, id_origin), (&key, key_origin), token)
        }
        (id, _, _) => {
            let (set, unset) =
                if id.is_some() { (FUNCTION[0], FUNCTION[1]) } else { (FUNCTION[1], FUNCTION[0]) };
            Err(Error::config(format!("{set} is set, but {unset} is not: set both, or neither")))
        }
    }
}

/// The identity that a cluster gives a pod.
fn web_identity(environment: &Environment) -> Result<Result<CredentialSource, String>, Error> {
    let [region, provider, token, arn] = TKE.map(|name| environment.var(name));
    match (region?, provider?, token?, arn?) {
        (Some(region), Some(provider), Some(token), Some(arn)) => {
            let checked = Setting::Region.apply(&region, &mut Settings::default(), environment);
            checked.map_err(|error| Origin::Variable(TKE[0]).blame(&error))?;
            Ok(Ok(CredentialSource::WebIdentity(WebRole {
                arn,
                session: None,
                duration: None,
                provider,
                token: FilePath::Exact(token),
                region: Some(region),
                origin: Origin::Variable(TKE[2]),
            })))
        }
        // A cluster may say where it is without giving an identity.
        (_, None, None, None) => Ok(Err(format!("{} and {} are not set", TKE[1..3].join(", "), TKE[3]))),
        (region, provider, token, arn) => {
            let unset = TKE.iter().zip([region, provider, token, arn]).find(|(_, value)| value.is_none());
            let unset = unset.map_or("", |(name, _)| *name);
            Err(Error::config(format!(
                "{unset} is not set, although others of {} are: set all, or none",
                TKE.join(", ")
            )))
        }
    }
}
