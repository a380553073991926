//! How a request is written: its method, the notation of its parameters, the language of its messages.

/// The methods that the API knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// `GET`: everything in the query.
    Get,
    /// `POST`: parameters in the body.
    Post,
}

impl Method {
    /// The method as it stands on the wire and in what is signed.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }
}

/// How an action's parameters are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Notation {
    /// A JSON body; POST, TC3 only. At most 10 MiB.
    Json,
    /// Flattened parameters (`ImageIds.0=...`) in the query; GET. At most 32 KiB.
    Query,
    /// Flattened parameters in an `application/x-www-form-urlencoded` body; POST, v1 signatures only. At most 1 MiB.
    Form,
    /// A `multipart/form-data` body; POST, TC3 only, and only for the actions that take one. At most 10 MiB.
    Multipart,
}

/// The language of the service's error messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Language {
    /// `zh-CN`
    Chinese,
    /// `en-US`
    English,
}

impl Language {
    /// The language as the API names it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Chinese => "zh-CN",
            Self::English => "en-US",
        }
    }
}
