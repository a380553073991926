//! How values are written for the wire and read from it.

pub(crate) mod check;
pub(crate) mod date;
pub mod envelope;
pub mod flatten;
pub(crate) mod json;
mod lenient;
pub mod multipart;
pub mod percent;
pub(crate) mod record;
