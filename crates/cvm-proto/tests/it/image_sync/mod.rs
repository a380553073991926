//! The sync job, in virtual time, against a small service.

mod cancelled;
mod crashes;
mod crowd;
mod faults;
mod look;
mod options;
mod pairs;
mod properties;
mod service;
mod truth;
mod waiting;
mod world;
