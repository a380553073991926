//! One file per command.

pub(crate) mod actions;
pub(crate) mod call;
pub(crate) mod config;
pub(crate) mod configure;
pub(crate) mod describe;
pub(crate) mod images;
pub(crate) mod jobs;
pub(crate) mod local;
pub(crate) mod manual;
pub(crate) mod quota;
pub(crate) mod regions;
pub(crate) mod sign;
pub(crate) mod sync;
