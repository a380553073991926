//! The sync job, in virtual time, against a small service.

mod account;
mod again;
mod cancelled;
mod crashes;
mod crowd;
mod deletes;
mod faults;
mod gone;
mod journals;
mod look;
mod names;
mod options;
mod pairs;
mod properties;
mod regions;
mod service;
mod starters;
mod truth;
mod version1;
mod waiting;
mod world;
