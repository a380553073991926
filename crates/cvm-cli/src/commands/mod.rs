//! One file per command.

pub(crate) mod actions;
pub(crate) mod call;
pub(crate) mod describe;
pub(crate) mod local;
pub(crate) mod sign;
pub(crate) mod sync;
