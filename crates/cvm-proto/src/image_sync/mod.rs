//! The sync job: carry custom images to other regions and wait until they are really there.
//!
//! [`ImageSync`] says how it goes, and what keeps it from making a second copy. The files: what is to be done (`job.rs`)
//! and where (`endpoint.rs`), for how long (`run.rs`), what is written down (`state.rs`, `stored.rs`), and when it is
//! resumed (`prepared.rs`); then whose turn it is (`machine.rs`), what each is at (`run_state.rs`, `calls.rs`,
//! `tasks.rs`), and what comes of it: sources (`account.rs`, `source.rs`), the regions (`regions.rs`), what is there
//! (`known_copy.rs`, `survey.rs`, `name_conflict.rs`), the request (`submit.rs`), the copy (`watch.rs`, `align.rs`,
//! `delete.rs`), and the end (`ending.rs`, `report.rs`).

mod account;
mod align;
mod calls;
mod check;
mod delete;
mod ending;
mod endpoint;
mod ids;
mod image_traits;
mod job;
mod known_copy;
mod machine;
mod name_conflict;
mod prepared;
mod regions;
mod report;
mod run;
mod run_state;
mod source;
mod state;
mod stored;
mod submit;
mod survey;
mod tasks;
mod watch;

pub use endpoint::SyncEndpoint;
pub use job::{ImageSync, OnConflict};
pub use machine::ImageSyncMachine;
pub use prepared::PreparedSync;
pub use report::{Basis, Destination, ImageFacts, Outcome, SyncProgress, SyncReport};
pub use run::{RunOption, SyncRun};
pub use state::SyncState;
