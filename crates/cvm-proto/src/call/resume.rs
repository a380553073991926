//! Resume tokens: where a list was left, as a text.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::{String, ToString};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::action::{Action, ActionInfo};
use super::page::{AnyList, Paged, fingerprint};
use crate::client::Config;
use crate::error::Error;

/// A list that can be left and resumed by a token, also in another process: see [`Pages::resume`](super::Pages::resume).
pub trait Resumable: Paged {
    /// The action.
    fn action(&self) -> &str;

    /// The parameters of the page that is open: an object.
    fn parameters(&self) -> Value;

    /// The list of the same action with these parameters.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Parameter`](crate::ErrorKind::Parameter) if the action does not take them.
    fn with_parameters(&self, parameters: Value) -> Result<Self, Error>;
}

impl<A: Action + Paged + DeserializeOwned> Resumable for A {
    fn action(&self) -> &str {
        A::NAME
    }

    fn parameters(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    fn with_parameters(&self, parameters: Value) -> Result<Self, Error> {
        serde_json::from_value(parameters).map_err(|error| unreadable().with_source(error))
    }
}

impl Resumable for AnyList {
    fn action(&self) -> &str {
        self.parts().0
    }

    fn parameters(&self) -> Value {
        self.parts().1.clone()
    }

    fn with_parameters(&self, parameters: Value) -> Result<Self, Error> {
        Self::new(self.action(), parameters)
    }
}

/// Where a list is: it says by which token the list is resumed, whatever becomes of the machine that reads it.
#[derive(Clone, Debug)]
pub struct ListPlace<L> {
    region: Option<String>,
    /// The list at the page that came last.
    open: L,
    /// How many items that page had.
    count: usize,
    /// The list at the page after that one; `None` after the last.
    next: Option<L>,
    /// How many items of that page have been read before.
    skip: usize,
}

impl<L: Paged> ListPlace<L> {
    /// The place before the first page.
    pub(crate) fn before(list: &L, skip: usize, config: &Config) -> Self {
        let region = config.region().map(ToOwned::to_owned);
        Self { region, open: list.clone(), count: 0, next: Some(list.clone()), skip }
    }

    /// Moves on past a page.
    pub(crate) fn pass(&mut self, open: L, count: usize, next: Option<L>, skip: usize) {
        (self.open, self.count, self.next, self.skip) = (open, count, next, skip);
    }
}

impl<L: Resumable> ListPlace<L> {
    /// By what the list is resumed, from the last `left` items of the page that came last; `None` if nothing is left.
    ///
    /// It says nothing secret, and fits into a URL. What the service has made of the list by then is for the service to
    /// say: what has been added or removed before the place shifts it.
    pub fn resume_token(&self, left: usize) -> Option<String> {
        let (list, skip) = match left {
            0 => (self.next.as_ref()?, self.skip),
            left => (&self.open, self.count.saturating_sub(left)),
        };
        let (mut parameters, identity) = apart(list.parameters());
        let is_by_token = is_by_token(list.action());
        let offset = parameters.remove("Offset").and_then(|offset| offset.as_i64()).unwrap_or(0);
        let skipped = i64::try_from(skip).unwrap_or(i64::MAX);
        let token = ResumeToken {
            action: list.action().to_owned(),
            region: self.region.clone(),
            parameters: identity,
            offset: if is_by_token { 0 } else { offset.saturating_add(skipped) },
            next_token: parameters.get("NextToken").and_then(Value::as_str).map(ToOwned::to_owned),
            skip: if is_by_token { skip } else { 0 },
        };
        serde_json::to_vec(&token).ok().map(|json| URL_SAFE_NO_PAD.encode(json))
    }
}

/// The list as a token says where to resume it, and how many items of its first page have been read before.
pub(crate) fn resumed<L: Resumable>(config: &Config, list: &L, token: &str) -> Result<(L, usize), Error> {
    let fail = |error: Error| error.with_call(list.action(), config.region(), 0);
    let token = ResumeToken::read(token).ok_or_else(|| fail(unreadable()))?;
    let (mut parameters, identity) = apart(list.parameters());
    token.check(list.action(), config.region(), identity).map_err(fail)?;
    let place = match token.next_token {
        Some(next) if is_by_token(list.action()) => Some(("NextToken", Value::from(next))),
        _ if is_by_token(list.action()) => None,
        _ => Some(("Offset", token.offset.into())),
    };
    parameters.remove("NextToken");
    parameters.extend(place.map(|(name, value)| (name.to_owned(), value)));
    Ok((list.with_parameters(Value::Object(parameters)).map_err(fail)?, token.skip))
}

/// What a token says, as JSON in base64.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ResumeToken {
    action: String,
    region: Option<String>,
    /// Tells the parameters from others.
    parameters: u64,
    #[serde(default, skip_serializing_if = "is_default")]
    offset: i64,
    #[serde(default, skip_serializing_if = "is_default")]
    next_token: Option<String>,
    #[serde(default, skip_serializing_if = "is_default")]
    skip: usize,
}

impl ResumeToken {
    fn read(text: &str) -> Option<Self> {
        let json = URL_SAFE_NO_PAD.decode(text.trim()).ok()?;
        serde_json::from_slice(&json).ok().filter(|token: &Self| token.offset >= 0)
    }

    /// A token belongs to one list.
    fn check(&self, action: &str, region: Option<&str>, identity: u64) -> Result<(), Error> {
        let why = if self.action != action {
            format!("is of a list of {}: resume that one", self.action.escape_debug())
        } else if self.region.as_deref() != region {
            let theirs = self.region.as_deref().unwrap_or("none");
            format!("is of a list in the region {}: resume it with a client for it", theirs.escape_debug())
        } else if self.parameters != identity {
            "is of a list with other parameters: give those that the list was begun with".into()
        } else {
            return Ok(());
        };
        Err(Error::parameter(format!("the resume token {why}")))
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

fn unreadable() -> Error {
    Error::parameter("the resume token cannot be read: pass on what the list gave, unchanged")
}

/// The parameters, and what tells them from those of another list. Which page is asked for, and of which size, is no
/// matter.
fn apart(parameters: Value) -> (Map<String, Value>, u64) {
    let Value::Object(parameters) = parameters else { return (Map::new(), 0) };
    let mut identity = parameters.clone();
    identity.retain(|name, value| {
        !value.is_null() && !matches!(&**name, "Offset" | "NextToken" | "Limit" | "MaxResults")
    });
    let mut identity = Value::Object(identity);
    // Members are in any order, as the caller wrote them.
    identity.sort_all_objects();
    (parameters, fingerprint(identity.to_string().into_bytes()))
}

fn is_by_token(action: &str) -> bool {
    ActionInfo::find(action).and_then(|known| known.listing).is_some_and(|listing| listing.by_token)
}
