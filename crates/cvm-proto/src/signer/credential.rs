//! A credential: a secret id, its secret key, and a token if it is temporary.

use alloc::string::String;
use alloc::sync::Arc;
use core::fmt;

use zeroize::Zeroizing;

use super::provider::Provider;
use crate::error::Error;
use crate::input;
use crate::sign::key_part::part;
use crate::wire::{SigningIdentity, Token};

/// An API key of Tencent Cloud, permanent or temporary.
///
/// Cheap to clone. The secret key and the token are wiped from memory when the last clone goes, and never appear in
/// `Debug`.
///
/// ```
/// use cvm_proto::Credential;
///
/// let credential = Credential::new("AKIDexample", "not-a-real-key")?.with_token("not-a-real-token")?;
/// assert_eq!(format!("{credential:?}"), r#"Credential { secret_id: "AKIDexample", secret_key: "***", token: "***" }"#);
/// # Ok::<(), cvm_proto::Error>(())
/// ```
#[derive(Clone)]
pub struct Credential(Arc<Parts>);

#[derive(Clone)]
struct Parts {
    secret_id: String,
    secret_key: Zeroizing<String>,
    token: Option<Token>,
    source: Option<Arc<dyn Provider>>,
}

impl Credential {
    /// A permanent credential. White space and line ends around the parts do not count.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if either part is empty, or has something in it that no key has:
    /// white space, or what is not printable ASCII.
    pub fn new(secret_id: impl Into<String>, secret_key: impl Into<String>) -> Result<Self, Error> {
        let (secret_id, secret_key) = (secret_id.into(), Zeroizing::new(secret_key.into()));
        let secret_id = part("secret_id", &secret_id)?.into();
        let secret_key = Zeroizing::new(part("secret_key", &secret_key)?.into());
        Ok(Self(Arc::new(Parts { secret_id, secret_key, token: None, source: None })))
    }

    /// The same credential with the token of a temporary one; an empty token means none.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn with_token(mut self, token: impl Into<String>) -> Result<Self, Error> {
        let token = Zeroizing::new(token.into());
        Arc::make_mut(&mut self.0).token = match input::trim(&token) {
            "" => None,
            token => Some(Arc::new(Zeroizing::new(part("token", token)?.into()))),
        };
        Ok(self)
    }

    /// Names where the credential was read, such as a file that somebody may write anew while the client runs: after the
    /// service has refused it, it is read there once more, and the request sent again if another one came.
    #[must_use]
    pub fn with_source(mut self, source: Arc<dyn Provider>) -> Self {
        Arc::make_mut(&mut self.0).source = Some(source);
        self
    }

    /// The place where it can be read again.
    pub(crate) fn source(&self) -> Option<&dyn Provider> {
        self.0.source.as_deref()
    }

    /// Whether both halves of the key are the same.
    pub(crate) fn is(&self, other: &Self) -> bool {
        let (own, theirs) = (&*self.0, &*other.0);
        Arc::ptr_eq(&self.0, &other.0)
            || (own.secret_key == theirs.secret_key && own.secret_id == theirs.secret_id)
    }

    /// Whether the token is the same as well.
    pub(crate) fn is_wholly(&self, other: &Self) -> bool {
        self.is(other) && self.0.token == other.0.token
    }

    /// All of it, as signing needs it.
    pub(crate) fn key(&self) -> SigningIdentity<'_> {
        SigningIdentity {
            secret_id: self.secret_id(),
            secret_key: self.secret_key(),
            token: self.0.token.as_ref(),
        }
    }

    /// The public half of the key; it appears in every request.
    pub fn secret_id(&self) -> &str {
        &self.0.secret_id
    }

    /// The secret half. It signs and is never sent: keep it out of logs.
    pub fn secret_key(&self) -> &str {
        &self.0.secret_key
    }

    /// The token of a temporary credential.
    pub fn token(&self) -> Option<&str> {
        self.0.token.as_deref().map(|token| token.as_str())
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential")
            .field("secret_id", &self.secret_id())
            .field("secret_key", &"***")
            .field("token", &self.token().map_or("none", |_| "***"))
            .finish()
    }
}
