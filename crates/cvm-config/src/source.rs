//! Where a credential comes from: what is known before anything is asked, and the provider that asks.

use std::path::PathBuf;
use std::sync::Arc;

use cvm_proto::credential::{
    AssumeRole, Chain, Fetch, FetchContext, Found, InstanceRole, Lease, Provider, WebIdentity, part, ready,
};
use cvm_proto::{Credential, Endpoint, Error, input};

use crate::environment::Environment;
use crate::origin::Origin;
use crate::process::Process;
use crate::profile::Files;
use crate::tccli::TccliKey;

/// The most that is read of a web identity's token, in bytes.
const MAX_TOKEN_BYTES: u64 = 1 << 20;
/// The name of a session that nobody gave one.
const SESSION: &str = "cvm";

/// Where a credential comes from. It has no `Debug`: it may hold a secret.
#[derive(Clone)]
pub(crate) enum CredentialSource {
    /// A key that is written down.
    Keys { credential: Credential, origin: Origin },
    /// A temporary key that `tccli` renews in its file.
    Tccli { path: PathBuf, origin: Origin },
    /// A command that prints one.
    Process { command: Vec<String>, origin: Origin },
    /// The role of the instance; any that it has, without a name.
    InstanceRole { role: Option<String> },
    /// A role that is taken on with another credential.
    Role { arn: String, session: Option<String>, base: Box<CredentialSource>, origin: Origin },
    /// A role that is taken on with a token that the cluster puts into a file.
    WebIdentity { arn: String, provider: String, token: PathBuf, region: String },
}

/// What the providers that ask over the network have to know.
pub(crate) struct Network {
    pub(crate) region: Option<String>,
    pub(crate) sts: Endpoint,
    pub(crate) metadata: Option<Endpoint>,
}

impl CredentialSource {
    /// The source in words.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Keys { credential, origin } => {
                let temporary = if credential.token().is_some() { "temporary key" } else { "key" };
                format!("the {temporary} {} in {origin}", masked(credential.secret_id()))
            }
            Self::Tccli { origin, .. } => format!("the temporary key that tccli keeps in {origin}"),
            Self::Process { origin, .. } => format!("the process that {origin} names"),
            Self::InstanceRole { role: Some(role) } => format!("the role `{role}` of the instance"),
            Self::InstanceRole { role: None } => "the role of the instance, if it has one".into(),
            Self::Role { arn, base, origin, .. } => {
                format!("the role `{arn}`, which {origin} names, assumed with {}", base.describe())
            }
            Self::WebIdentity { arn, token, .. } => {
                format!("the role `{arn}`, assumed with the token in {}", token.display())
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
    pub(crate) fn in_role(self, arn: String, session: Option<String>, origin: Origin) -> Self {
        Self::Role { arn, session, base: Box::new(self), origin }
    }

    /// The provider that asks this source.
    pub(crate) fn provider(&self, network: &Network, environment: &Environment) -> Arc<dyn Provider> {
        match self {
            Self::Keys { credential, .. } => Arc::new(credential.clone()),
            Self::Tccli { path, origin } => {
                Arc::new(TccliKey::new(environment.clone(), path.clone(), origin.clone()))
            }
            Self::Process { command, origin } => Arc::new(Process::new(command.clone(), origin.clone())),
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
            Self::Role { arn, session, base, .. } => {
                let session = session.as_deref().unwrap_or(SESSION);
                let base = Chain::new([base.provider(network, environment)]);
                let mut provider = AssumeRole::new(base, arn, session).endpoint(network.sts.clone());
                if let Some(region) = &network.region {
                    provider = provider.region(region);
                }
                Arc::new(provider)
            }
            Self::WebIdentity { arn, provider, token, region } => {
                let token = token.clone();
                let read = move || read_token(&token);
                let provider = WebIdentity::new(arn, SESSION, provider, read);
                Arc::new(provider.region(region).endpoint(network.sts.clone()))
            }
        }
    }
}

/// The token of the web identity; the cluster puts a new one into the file now and then.
fn read_token(path: &std::path::Path) -> Result<String, Error> {
    let wrong = |why: &dyn std::fmt::Display| {
        Error::config(format!("{}, which TKE_WEB_IDENTITY_TOKEN_FILE names, {why}", path.display()))
    };
    // A pipe would be waited for, under no limit.
    if std::fs::metadata(path).is_ok_and(|found| !found.is_file()) {
        return Err(wrong(&"is no regular file"));
    }
    let bytes = cvm_files::read_input(path, MAX_TOKEN_BYTES)
        .map_err(|error| wrong(&format_args!("cannot be read: {error}")))?;
    let token = input::trim(input::text(&bytes).map_err(|error| wrong(&error))?);
    if token.is_empty() {
        return Err(wrong(&"is empty: the cluster has not put a token into it yet"));
    }
    let token = part("the token in it", token);
    Ok(token
        .map_err(|error| Error::credential(wrong(&format_args!("is wrong: {}", error.message())).message()))?
        .into())
}

/// A secret id with its middle hidden.
pub(crate) fn masked(secret_id: &str) -> String {
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
