//! The Rust half of the Python package `cvm`: clients, machines, texts. The facade in `python/cvm/` is what people use.
//!
//! One file for each family, blocking and async side by side. Nothing here decides anything about a call: the machines
//! are the core's, and `client.rs` and `async_client.rs` drive them over the transports of `cvm-ureq` and `cvm-reqwest`.

mod argument;
mod async_client;
mod attempt;
mod client;
mod client_base;
mod command;
mod credential_function;
mod credentials;
mod decode;
mod encode;
mod errors;
mod finalization;
mod fork;
mod greenlets;
mod interrupt;
mod job;
mod lists;
mod local;
mod logging;
mod names;
mod proto;
mod settings;
mod sync_job;

/// The extension module `cvm._cvm`.
#[pyo3::pymodule(gil_used = false)]
mod _cvm {
    use pyo3::prelude::*;

    #[pymodule_export]
    use crate::argument::kind;
    #[pymodule_export]
    use crate::async_client::{AsyncClient, Mailbox, Ticket};
    #[pymodule_export]
    use crate::client::Client;
    #[pymodule_export]
    use crate::client_base::ClientBase;
    #[pymodule_export]
    use crate::command::command;
    #[pymodule_export]
    use crate::credential_function::Answer;
    #[pymodule_export]
    use crate::credentials::Credentials;
    #[pymodule_export]
    use crate::errors::{escaped, refuse_method};
    #[pymodule_export]
    use crate::finalization::begin_finalization;
    #[pymodule_export]
    use crate::fork::forked;
    #[pymodule_export]
    use crate::job::Job;
    #[pymodule_export]
    use crate::lists::ListPlace;
    #[pymodule_export]
    use crate::local::Local;
    #[pymodule_export]
    use crate::names::{client_arguments, meant, no_attribute};
    #[pymodule_export]
    use crate::proto::{Config, decode, encode, fail, poll, respond, sign};
    #[pymodule_export]
    use crate::sync_job::{SyncPlan, judge_outcome, read_journal, sync_facts, sync_options, write_journal};

    /// The arguments of a client, and whether some calls may have each otherwise.
    #[pyfunction]
    fn settings() -> Vec<(&'static str, bool)> {
        crate::settings::arguments()
    }

    /// The version of the package.
    #[pymodule_export]
    const VERSION: &str = env!("CARGO_PKG_VERSION");
}
