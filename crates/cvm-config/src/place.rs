//! What one place says of the credential: the program, the environment, or a section of a profile. One reader for all.

use alloc::format;
use alloc::string::String;
use core::time::Duration;

use cvm_proto::credential::Role;
use cvm_proto::{Error, input};

use crate::credential_setting::CredentialSetting;
use crate::environment::Environment;
use crate::origin::Origin;
use crate::reading;
use crate::source::{AssumedRole, CredentialSource, WebRole, keys};

/// The name of a session that nobody gave one.
pub(crate) const SESSION: &str = "cvm";
/// The longest that a credential of a role lasts.
const MAX_ROLE_DURATION: Duration = Duration::from_secs(12 * 3600);

/// A value with where it stands.
type Found = (String, Origin);

/// A place, by what finds a value there.
pub(crate) struct Place<'a> {
    environment: &'a Environment,
    get: &'a dyn Fn(CredentialSetting) -> Result<Option<Found>, Error>,
}

/// What is there.
#[derive(Default)]
pub(crate) struct Placed {
    pub(crate) keys: Option<CredentialSource>,
    /// Asked where there is no key.
    pub(crate) process: Option<CredentialSource>,
    pub(crate) web_identity: Option<CredentialSource>,
    /// The role that any credential is to assume.
    pub(crate) role: Option<AssumedRole>,
}

impl Placed {
    /// The credential that is there.
    pub(crate) fn source(self) -> Option<CredentialSource> {
        self.keys.or(self.process).or(self.web_identity)
    }
}

impl<'a> Place<'a> {
    pub(crate) fn new(
        environment: &'a Environment,
        get: &'a dyn Fn(CredentialSetting) -> Result<Option<Found>, Error>,
    ) -> Self {
        Self { environment, get }
    }

    /// Reads all that is there.
    pub(crate) fn read(&self) -> Result<Placed, Error> {
        use CredentialSetting::{CredentialProcess, SecretId, SecretKey, Token, WebIdentityTokenFile};
        let keys = match self.both(SecretId, SecretKey)? {
            None => match self.get(Token)? {
                // Elsewhere it may be left from a key that stood there.
                Some((_, Origin::Given)) => {
                    return Err(lonely(Token, SecretId, &Origin::Given, "give the key that it is for"));
                }
                _ => None,
            },
            Some((id, key)) => {
                let token = self.get(Token)?;
                Some(keys(part(&id), part(&key), token.as_ref().map(part))?)
            }
        };
        let process =
            self.get(CredentialProcess)?.map(|(line, origin)| process(&line, origin)).transpose()?;
        let web_identity = self.web_identity()?;
        // A program that gives two is mistaken about one of them; elsewhere the key goes before, as it always has.
        match (&keys, &process, &web_identity) {
            (Some(_), _, Some((_, origin))) | (_, Some(_), Some((_, origin))) => {
                return Err(one_too_many(WebIdentityTokenFile, origin));
            }
            (Some(_), Some(CredentialSource::Process { origin: Origin::Given, .. }), _) => {
                return Err(one_too_many(CredentialProcess, &Origin::Given));
            }
            _ => {}
        }
        let role = if web_identity.is_some() { None } else { self.role()? };
        Ok(Placed { keys, process, web_identity: web_identity.map(|(source, _)| source), role })
    }

    fn get(&self, setting: CredentialSetting) -> Result<Option<Found>, Error> {
        (self.get)(setting)
    }

    /// Two that belong together.
    fn both(
        &self,
        first: CredentialSetting,
        second: CredentialSetting,
    ) -> Result<Option<(Found, Found)>, Error> {
        let (set, unset, origin) = match (self.get(first)?, self.get(second)?) {
            (Some(first), Some(second)) => return Ok(Some((first, second))),
            (None, None) => return Ok(None),
            (Some((_, origin)), None) => (first, second, origin),
            (None, Some((_, origin))) => (second, first, origin),
        };
        Err(lonely(set, unset, &origin, "set both, or neither"))
    }

    /// The role that is there.
    fn role(&self) -> Result<Option<AssumedRole>, Error> {
        use CredentialSetting::{ExternalId, MfaSerial, RoleArn, RoleDuration, RolePolicy, RoleSessionName};
        let Some((arn, origin)) = self.get(RoleArn)? else {
            for detail in [RoleSessionName, RoleDuration, RolePolicy, ExternalId, MfaSerial] {
                if let Some((_, origin)) = self.get(detail)? {
                    return Err(lonely(detail, RoleArn, &origin, "set the role that it is about"));
                }
            }
            return Ok(None);
        };
        let session = self.get(RoleSessionName)?;
        let mut role = Role::new(arn, session.as_ref().map_or(SESSION, |(session, _)| session));
        if let Some(seconds) = self.duration()? {
            role = role.duration(seconds);
        }
        if let Some((policy, origin)) = self.get(RolePolicy)? {
            role = role.policy(&policy).map_err(|error| origin.blame(&error))?;
        }
        if let Some((id, _)) = self.get(ExternalId)? {
            role = role.external_id(id);
        }
        let mfa_serial = self.get(MfaSerial)?.map(|(serial, _)| serial);
        Ok(Some(AssumedRole { role, mfa_serial, origin }))
    }

    /// How long a role's credential is to last, in seconds.
    fn duration(&self) -> Result<Option<u32>, Error> {
        let Some((value, origin)) = self.get(CredentialSetting::RoleDuration)? else { return Ok(None) };
        let time = reading::time(&value).filter(|time| *time <= MAX_ROLE_DURATION && time.as_secs() > 0);
        let seconds = time.and_then(|time| u32::try_from(time.as_secs()).ok());
        seconds.map(Some).ok_or_else(|| {
            let value = input::excerpt(&value);
            let what =
                format!("`{value}` is not a time from 1 second to 12 hours: give seconds, such as `3600`");
            about(CredentialSetting::RoleDuration, &origin, &what)
        })
    }

    /// The role that a token grants, and where its file is named.
    fn web_identity(&self) -> Result<Option<(CredentialSource, Origin)>, Error> {
        use CredentialSetting::{
            ExternalId, MfaSerial, RoleArn, RolePolicy, RoleSessionName, WebIdentityProviderId,
            WebIdentityTokenFile,
        };
        let Some(((provider, _), (token, origin))) =
            self.both(WebIdentityProviderId, WebIdentityTokenFile)?
        else {
            return Ok(None);
        };
        let Some((arn, _)) = self.get(RoleArn)? else {
            return Err(lonely(WebIdentityTokenFile, RoleArn, &origin, "set the role that the token grants"));
        };
        for detail in [RolePolicy, ExternalId, MfaSerial] {
            if let Some((_, origin)) = self.get(detail)? {
                let what = "is for a role that a key assumes, and this one is granted to a web identity: leave it out";
                return Err(about(detail, &origin, what));
            }
        }
        let source = CredentialSource::WebIdentity(WebRole {
            arn,
            session: self.get(RoleSessionName)?.map(|(session, _)| session),
            duration: self.duration()?,
            provider,
            token: self.environment.path(&token),
            region: None,
            origin: origin.clone(),
        });
        Ok(Some((source, origin)))
    }
}

fn part((value, origin): &Found) -> (&str, Origin) {
    (value, origin.clone())
}

/// The error of a credential beside another one.
#[cold]
fn one_too_many(setting: CredentialSetting, origin: &Origin) -> Error {
    about(setting, origin, "is set beside another credential: set one of them")
}

/// An error about a setting: `what` goes on from its name, which a variable has already said.
#[cold]
fn about(setting: CredentialSetting, origin: &Origin, what: &str) -> Error {
    match origin {
        Origin::Variable(name) => Error::config(format!("{name} {what}")),
        _ => origin.error(&format!("{setting} {what}")),
    }
}

/// The source that a command line is. No shell runs it: quotes hold words together, and nothing else has a meaning.
fn process(line: &str, origin: Origin) -> Result<CredentialSource, Error> {
    match shlex::split(line) {
        Some(command) if !command.is_empty() => Ok(CredentialSource::Process { command, origin }),
        _ => Err(origin.error("the credential process is not a command line: close its quotes")),
    }
}

/// The error of a setting without the one that it belongs to.
#[cold]
fn lonely(set: CredentialSetting, unset: CredentialSetting, origin: &Origin, advice: &str) -> Error {
    let unset = match origin {
        Origin::Variable(_) => unset.variables()[0],
        _ => unset.name(),
    };
    about(set, origin, &format!("is set, but {unset} is not: {advice}"))
}
