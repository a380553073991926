//! A request on its way to an action: who signed it, what it asks for, and why it may be refused before that.

pub(crate) mod auth;
pub(crate) mod call;
pub(crate) mod params;
pub(crate) mod principal;
pub(crate) mod rate;
pub(crate) mod refusal;
pub(crate) mod skipped_checks;
