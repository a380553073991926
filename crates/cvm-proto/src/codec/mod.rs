//! How values are written for the wire and read from it.

pub(crate) mod check;
pub(crate) mod date;
pub mod envelope;
pub mod flatten;
mod lenient;
pub mod multipart;
pub mod percent;
pub(crate) mod record;

pub use date::parse_rfc3339;

/// The content type of a JSON body.
pub(crate) const JSON: &str = "application/json";
/// The content type of a form, and of a request that has no body.
pub(crate) const FORM: &str = "application/x-www-form-urlencoded";
