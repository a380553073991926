//! Where a credential comes from: what is known before anything is asked, and the provider that asks.

use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use cvm_proto::credential::{
    AssumeRole, Chain, Fetch, FetchContext, Found, InstanceRole, Lease, MfaCode, Provider, Role, WebIdentity,
    part, ready,
};
use cvm_proto::{Credential, Endpoint, Error, input};

use crate::environment::Environment;
use crate::file::FilePath;
use crate::memory_token::MemoryToken;
use crate::origin::Origin;
use crate::place::SESSION;
#[cfg(feature = "std")]
use crate::process::Process;
use crate::profile::Files;
use crate::tccli::TccliKey;

/// The most that is read of a web identity's token, in bytes.
const MAX_TOKEN_BYTES: u64 = 1 << 20;

/// Where a credential comes from. It has no `Debug`: it may hold a secret.
#[derive(Clone)]
pub(crate) enum CredentialSource {
    /// What the program gave, which is asked each time.
    Given(Arc<dyn Provider>),
    /// A key that is written down.
    Keys { credential: Credential, origin: Origin },
    /// A temporary key that `tccli` renews in its file.
    Tccli { path: FilePath, origin: Origin },
    /// A command that prints one.
    #[cfg_attr(not(feature = "std"), allow(dead_code))]
    Process { command: Vec<String>, origin: Origin },
    /// The role of the instance; any that it has, without a name.
    InstanceRole { role: Option<String> },
    /// A role that is taken on with another credential.
    Role { role: AssumedRole, base: Box<CredentialSource> },
    /// A role that is taken on with a token.
    WebIdentity(WebRole),
}

/// A role that a credential takes on.
#[derive(Clone)]
pub(crate) struct AssumedRole {
    pub(crate) role: Role,
    pub(crate) mfa_serial: Option<String>,
    pub(crate) origin: Origin,
}

/// A role that an identity provider's token grants.
#[derive(Clone)]
pub(crate) struct WebRole {
    pub(crate) arn: String,
    pub(crate) session: Option<String>,
    /// In seconds.
    pub(crate) duration: Option<u32>,
    pub(crate) provider: String,
    /// The file that somebody keeps the token in.
    pub(crate) token: FilePath,
    /// Where the cluster is, if it said so.
    pub(crate) region: Option<String>,
    /// Where the file is named.
    pub(crate) origin: Origin,
}

/// What the providers that ask over the network have to know.
pub(crate) struct Network {
    pub(crate) region: Option<String>,
    pub(crate) sts: Endpoint,
    pub(crate) metadata: Option<Endpoint>,
    /// Where the codes of a device come from.
    pub(crate) mfa_code: MfaCode,
}

impl CredentialSource {
    /// The source in words.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Given(_) => "what the program gave as the source of credentials".into(),
            Self::Keys { credential, origin } => {
                let temporary = if credential.token().is_some() { "temporary key" } else { "key" };
                let place = if *origin == Origin::Given { String::new() } else { format!(" in {origin}") };
                format!("the {temporary} {}{place}", masked(credential.secret_id()))
            }
            Self::Tccli { origin, .. } => format!("the temporary key that tccli keeps in {origin}"),
            Self::Process { origin: Origin::Given, .. } => "the process that the program gave".into(),
            Self::Process { origin, .. } => format!("the process that {origin} names"),
            Self::InstanceRole { role: Some(role) } => format!("the role `{role}` of the instance"),
            Self::InstanceRole { role: None } => "the role of the instance, if it has one".into(),
            Self::Role { role: AssumedRole { role, origin, .. }, base } => {
                let place =
                    if *origin == Origin::Given { String::new() } else { format!(" which {origin} names,") };
                format!("the role `{}`,{place} assumed with {}", role.arn(), base.describe())
            }
            Self::WebIdentity(WebRole { arn, token, .. }) => {
                format!("the role `{arn}`, assumed with the token in {token}")
            }
        }
    }

    /// Whether it begins with the role of the instance.
    pub(crate) fn is_of_instance(&self) -> bool {
        match self {
            Self::InstanceRole { .. } => true,
            Self::Role { base, .. } => base.is_of_instance(),
            _ => false,
        }
    }

    /// A key that stands in a profile: it is read there once more if the service refuses it.
    pub(crate) fn written_in(self, environment: &Environment, profile: &str) -> Self {
        let Self::Keys { credential, origin } = self else { return self };
        let (environment, profile) = (environment.clone(), profile.to_owned());
        let source = ProfileKey { environment, profile, origin: origin.clone() };
        Self::Keys { credential: credential.with_source(Arc::new(source)), origin }
    }

    /// The credential that a role is taken on with, or the same if there is none.
    pub(crate) fn without_role(self) -> Self {
        match self {
            Self::Role { base, .. } => base.without_role(),
            source => source,
        }
    }

    /// The same credential in another role.
    pub(crate) fn in_role(self, role: AssumedRole) -> Self {
        Self::Role { role, base: Box::new(self) }
    }

    /// Whether a code of a device is wanted on the way.
    pub(crate) fn wants_mfa_code(&self) -> bool {
        match self {
            Self::Role { role, base } => role.mfa_serial.is_some() || base.wants_mfa_code(),
            _ => false,
        }
    }

    /// The provider that asks this source.
    ///
    /// # Errors
    ///
    /// If nobody can be asked in this environment.
    pub(crate) fn provider(
        &self,
        network: &Network,
        environment: &Environment,
    ) -> Result<Arc<dyn Provider>, Error> {
        Ok(match self {
            Self::Given(provider) => Arc::clone(provider),
            Self::Keys { credential, .. } => Arc::new(credential.clone()),
            Self::Tccli { path, origin } => {
                Arc::new(TccliKey::new(environment.clone(), path.clone(), origin.clone()))
            }
            #[cfg(feature = "std")]
            Self::Process { command, origin } if !environment.is_in_memory() => {
                Arc::new(Process::new(command.clone(), origin.clone()))
            }
            Self::Process { origin, .. } => {
                return Err(origin.error(
                    "a credential process cannot be started here: give the credential in the program, \
                     or write secret_id and secret_key instead",
                ));
            }
            Self::InstanceRole { role } => {
                let mut provider = InstanceRole::new();
                if let Some(endpoint) = &network.metadata {
                    provider = provider.endpoint(endpoint.clone());
                }
                if let Some(role) = role {
                    provider = provider.role(role);
                }
                Arc::new(provider)
            }
            Self::Role { role: AssumedRole { role, mfa_serial, .. }, base } => {
                let base = Chain::new([base.provider(network, environment)?]);
                let role = match mfa_serial {
                    Some(serial) => role.clone().mfa(serial, network.mfa_code.clone()),
                    None => role.clone(),
                };
                let mut provider = AssumeRole::new(base, role).endpoint(network.sts.clone());
                if let Some(region) = &network.region {
                    provider = provider.region(region);
                }
                Arc::new(provider)
            }
            Self::WebIdentity(web) => {
                environment.will_read(&web.token)?;
                let (token, origin) = (web.token.clone(), web.origin.clone());
                let session = web.session.as_deref().unwrap_or(SESSION);
                let files = environment.clone();
                let read = move || read_token(&files, &token, &origin);
                let mut provider = WebIdentity::new(&web.arn, session, &web.provider, read);
                if let Some(region) = web.region.as_ref().or(network.region.as_ref()) {
                    provider = provider.region(region);
                }
                if let Some(seconds) = web.duration {
                    provider = provider.duration(seconds);
                }
                let provider = provider.endpoint(network.sts.clone());
                if environment.is_in_memory() {
                    Arc::new(MemoryToken { provider, path: web.token.clone() })
                } else {
                    Arc::new(provider)
                }
            }
        })
    }
}

/// The token of the web identity; a new one is put into the file now and then.
fn read_token(environment: &Environment, path: &FilePath, origin: &Origin) -> Result<String, Error> {
    let named = match origin {
        Origin::Given => "the file of the web identity's token".to_owned(),
        origin => format!("which {origin} names"),
    };
    let wrong = |why: &dyn fmt::Display| Error::credential(format!("{path}, {named}, {why}"));
    // A pipe would be waited for, under no limit.
    if environment.is_stream(path) {
        return Err(wrong(&"is no regular file"));
    }
    let bytes = environment
        .read(path, MAX_TOKEN_BYTES)
        .map_err(|error| wrong(&format_args!("cannot be read: {error}")))?;
    let token = input::trim(input::text(&bytes).map_err(|error| wrong(&error))?);
    if token.is_empty() {
        return Err(wrong(&"is empty: no token has been put into it yet"));
    }
    let token = part("the token in it", token);
    Ok(token.map_err(|error| wrong(&format_args!("is wrong: {}", error.message())))?.into())
}

/// A secret id with its middle hidden.
pub fn masked(secret_id: &str) -> String {
    let ends = secret_id.get(..4).zip(secret_id.get(secret_id.len().saturating_sub(4)..));
    match ends.filter(|_| secret_id.len() > 12) {
        Some((begin, end)) => format!("{begin}***{end}"),
        None => "***".into(),
    }
}

/// A source that has nothing, for the error that says what each lacked.
#[derive(Debug)]
pub(crate) struct EmptySource(pub(crate) String);

impl Provider for EmptySource {
    fn fetch(&self, _: &FetchContext) -> Fetch {
        ready(Ok(Found::Nothing(self.0.clone())))
    }
}

/// A key from its parts; the origins say which part is wrong.
pub(crate) fn keys(
    id: (&str, Origin),
    key: (&str, Origin),
    token: Option<(&str, Origin)>,
) -> Result<CredentialSource, Error> {
    let parts = [("secret_id", Some(&id)), ("secret_key", Some(&key)), ("token", token.as_ref())];
    for (name, found) in parts {
        if let Some((value, origin)) = found {
            part(name, value).map_err(|error| origin.blame(&error))?;
        }
    }
    let credential = Credential::new(id.0, key.0)?.with_token(token.map_or("", |(token, _)| token))?;
    Ok(CredentialSource::Keys { credential, origin: id.1 })
}

/// A key that stands in a profile, read there once more: whoever renews keys writes the file anew while clients run.
#[derive(Debug)]
struct ProfileKey {
    environment: Environment,
    profile: String,
    origin: Origin,
}

impl Provider for ProfileKey {
    fn fetch(&self, _: &FetchContext) -> Fetch {
        let source = Files::read(&self.environment).and_then(|mut files| files.source(&self.profile));
        ready(source.and_then(|source| match source.map(CredentialSource::without_role) {
            Ok(CredentialSource::Keys { credential, .. }) => Ok(Found::Lease(Lease::permanent(credential))),
            _ => Err(self.origin.error("the key is not there any more: write one, or make the client anew")),
        }))
    }
}
