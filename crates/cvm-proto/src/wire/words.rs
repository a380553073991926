//! The words of the protocol: methods, notations, languages.

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

/// Whether an action only reads, judged by its name: sent any number of times, it changes nothing.
///
/// It does if its name begins with one of the words `Describe`, `Inquiry`, `Inquire`, `Get`, `List` and `Query`, whether
/// this build knows it or not. Any other counts as one that may change something.
pub fn only_reads(action: &str) -> bool {
    const VERBS: [&str; 6] = ["Describe", "Inquiry", "Inquire", "Get", "List", "Query"];
    // Whole words: `ListenOn...` lists nothing.
    let is_word = |rest: &str| !rest.starts_with(|next: char| next.is_ascii_lowercase());
    VERBS.iter().any(|verb| action.strip_prefix(verb).is_some_and(is_word))
}
