//! The sync job: carry custom images to other regions and wait until they are really there.
//!
//! [`ImageSync`] says how it goes, and what keeps it from making a second copy. The files: what is to be done (`job.rs`)
//! and where (`endpoint.rs`), for how long (`run.rs`), what is written down (`state.rs`, `stored.rs`), and when it is
//! resumed (`prepared.rs`); then whose turn it is (`machine.rs`), what each is at (`runs.rs`, `calls.rs`, `tasks.rs`), and
//! what comes of it: sources (`account.rs`, `source.rs`), the regions (`regions.rs`), what is there (`recall.rs`,
//! `survey.rs`, `taken.rs`), the request (`submit.rs`), the copy (`watch.rs`, `finish.rs`, `delete.rs`), and the end
//! (`ending.rs`, `report.rs`).

mod account;
mod calls;
mod check;
mod delete;
mod ending;
mod endpoint;
mod finish;
mod handle;
mod job;
mod machine;
mod prepared;
mod recall;
mod regions;
mod report;
mod run;
mod runs;
mod source;
mod state;
mod stored;
mod submit;
mod survey;
mod taken;
mod tasks;
mod traits;
mod watch;

pub use endpoint::SyncEndpoint;
pub use job::{ImageSync, OnConflict};
pub use machine::ImageSyncMachine;
pub use prepared::PreparedSync;
pub use report::{Basis, Destination, ImageFacts, Outcome, SyncProgress, SyncReport};
pub use run::{RunOption, SyncRun};
pub use state::SyncState;
