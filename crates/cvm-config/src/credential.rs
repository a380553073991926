//! Who can have a credential, in the order in which they are asked.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use cvm_proto::credential::{Chain, Provider};
use cvm_proto::{Credential, Error, Settings};

use crate::environment::Environment;
use crate::origin::Origin;
use crate::profile::{self, Files};
use crate::setting::Setting;
use crate::source::{CredentialSource, EmptySource, Network, keys, masked};

const SECRET_ID: &str = "TENCENTCLOUD_SECRET_ID";
const SECRET_KEY: &str = "TENCENTCLOUD_SECRET_KEY";
/// All names that the token goes by.
const TOKEN: [&str; 3] = ["TENCENTCLOUD_TOKEN", "TENCENTCLOUD_SESSION_TOKEN", "TENCENTCLOUD_SECURITY_TOKEN"];
const PROCESS: &str = "TENCENTCLOUD_CREDENTIAL_PROCESS";
const ROLE_ARN: &str = "TENCENTCLOUD_ROLE_ARN";
const ROLE_SESSION_NAME: &str = "TENCENTCLOUD_ROLE_SESSION_NAME";
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

impl Candidate {
    /// The credential that the program gave.
    pub(crate) fn given(credential: &Credential) -> Self {
        let finding = Finding::Used(format!("the key {}", masked(credential.secret_id())));
        Self { name: "given".into(), finding }
    }
}

/// All sources.
pub(crate) struct Sources {
    pub(crate) candidates: Vec<Candidate>,
    used: Option<CredentialSource>,
}

impl Sources {
    /// Asks one source after the other until one has something.
    ///
    /// The profile is the only one if the program itself named it: a mistake in it must not lead to another account.
    pub(crate) fn find(
        environment: &Environment,
        files: &mut Files<'_>,
        profile: &str,
        only_profile: bool,
        instance: Option<(String, Origin)>,
    ) -> Result<Self, Error> {
        let role = environment.var(ROLE_ARN)?.filter(|_| !only_profile);
        let session = environment.var(ROLE_SESSION_NAME)?;
        let mut sources = Self { candidates: Vec::new(), used: None };
        if !only_profile {
            sources.ask("environment".into(), &mut || variables(environment))?;
        }
        sources.ask(format!("profile `{profile}`"), &mut || {
            let source = files.source(profile)?;
            // What is turned off nearer to the program is off in the profile as well.
            let off = instance
                .as_ref()
                .filter(|(value, origin)| value == "off" && !matches!(origin, Origin::File { .. }));
            let source = source.and_then(|source| match off {
                Some((_, origin)) if source.is_of_instance() => {
                    Err(format!("{origin} turns the instance's role off"))
                }
                _ => Ok(source),
            });
            // A role in the environment takes the place of the profile's.
            Ok(source.map(|source| match source {
                CredentialSource::Role { base, .. } if role.is_some() => *base,
                source => source,
            }))
        })?;
        if !only_profile {
            sources.ask("web identity".into(), &mut || web_identity(environment))?;
            sources.ask("instance role".into(), &mut || {
                let (value, origin) = instance.as_ref().map_or(("any", &Origin::Default), |(v, o)| (v, o));
                Ok(profile::instance(value).ok_or_else(|| format!("{origin} turns it off")))
            })?;
        }
        if let Some(arn) = role
            && let Some(source) = sources.used.take()
        {
            sources.use_source(source.in_role(arn, session, Origin::Variable(ROLE_ARN)));
        }
        Ok(sources)
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
    pub(crate) fn chain(&self, network: &Network, environment: &Environment) -> Chain {
        let lacking = self.candidates.iter().filter_map(|candidate| match &candidate.finding {
            Finding::Lacks(what) => {
                Some(Arc::new(EmptySource(format!("{}: {what}", candidate.name))) as Arc<dyn Provider>)
            }
            _ => None,
        });
        let used = self.used.as_ref().map(|source| source.provider(network, environment));
        Chain::new(lacking.chain(used))
    }
}

/// The credential in the environment.
fn variables(environment: &Environment) -> Result<Result<CredentialSource, String>, Error> {
    match (environment.var(SECRET_ID)?, environment.var(SECRET_KEY)?) {
        (Some(id), Some(key)) => {
            let token = environment.first(&TOKEN)?;
            let token = token.as_ref().map(|(name, token)| (token.as_str(), Origin::Variable(name)));
            let (id, key) = ((&*id, Origin::Variable(SECRET_ID)), (&*key, Origin::Variable(SECRET_KEY)));
            keys(id, key, token).map(Ok)
        }
        (None, None) => match environment.var(PROCESS)? {
            Some(line) => profile::process(&line, Origin::Variable(PROCESS)).map(Ok),
            None => Ok(Err(format!("{SECRET_ID} and {SECRET_KEY} are not set"))),
        },
        (id, _) => {
            let (set, unset) = if id.is_some() { (SECRET_ID, SECRET_KEY) } else { (SECRET_KEY, SECRET_ID) };
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
            Ok(Ok(CredentialSource::WebIdentity { arn, provider, token: PathBuf::from(token), region }))
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
