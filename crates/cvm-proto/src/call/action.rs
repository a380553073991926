//! The trait of actions, and what is known of them without their types.

use alloc::string::String;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::api;
use crate::codec::record::Record;
use crate::error::Error;
use crate::service::{SERVICE, VERSION};

/// An action of the API: a request that knows its name, the type of its answer, and whether it may be repeated.
///
/// The types in [`api`](crate::api) implement it. Use [`AnyCall`](crate::AnyCall), a client's `call`, for an action that this build
/// does not know.
pub trait Action: Serialize {
    /// The name on the wire.
    const NAME: &'static str;
    /// The product that has the action: the first label of its hosts.
    const SERVICE: &'static str = SERVICE;
    /// The version of the API.
    const VERSION: &'static str = VERSION;
    /// The request rate that the service grants one account in one region, in requests a second, if known.
    const RATE_LIMIT: Option<u32> = None;
    /// Whether the action is sent to a region.
    const NEEDS_REGION: bool = true;
    /// The answer.
    type Response: DeserializeOwned;

    /// Whether sending this request twice has the same effect as sending it once.
    fn safe_to_repeat(&self) -> bool;

    /// The token by which the service knows a request that it has seen, for the actions that take one. A call makes one
    /// if there is none, so that the action is safe to repeat.
    fn client_token(&mut self) -> Option<&mut Option<String>> {
        None
    }

    /// Checks the documented limits, so that a request that breaks one is never sent.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Parameter`](crate::ErrorKind::Parameter) with one sentence that names the member.
    fn check(&self) -> Result<(), Error> {
        Ok(())
    }
}

/// Where an answer has its items, and how the next page is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Listing {
    pub(crate) items: &'static str,
    pub(crate) by_token: bool,
}

/// What is known of an action without its type.
pub(crate) struct ActionInfo {
    pub(crate) rate_limit: Option<u32>,
    pub(crate) needs_region: bool,
    pub(crate) listing: Option<Listing>,
    pub(crate) parameters: &'static [&'static str],
}

impl ActionInfo {
    /// The action with this name, if this build knows it.
    pub(crate) fn find(name: &str) -> Option<Self> {
        api::find(name)
    }

    pub(crate) const fn of<A: Action + Record>() -> Self {
        Self {
            rate_limit: A::RATE_LIMIT,
            needs_region: A::NEEDS_REGION,
            listing: None,
            parameters: A::MEMBERS,
        }
    }

    /// The answer is a page of a list: `items` of it, counted.
    pub(crate) const fn counted(mut self, items: &'static str) -> Self {
        self.listing = Some(Listing { items, by_token: false });
        self
    }

    /// The answer is a page of a list: `items` of it, and a token for the next page.
    pub(crate) const fn chained(mut self, items: &'static str) -> Self {
        self.listing = Some(Listing { items, by_token: true });
        self
    }
}
