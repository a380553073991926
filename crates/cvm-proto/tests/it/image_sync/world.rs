//! Runs the job against the service in virtual time, and kills it on the way.

use std::time::Duration;

use cvm_proto::machine::Job;
use cvm_proto::{
    Error, ImageSync, ImageSyncMachine, Machine, Now, Outcome, Step, SyncEndpoint, SyncProgress, SyncReport,
    SyncRun, SyncState,
};

use super::service::Service;
use crate::driver::{UNIX, config};

/// A run that takes longer than this has lost its way.
const MOST_STEPS: usize = 200_000;

/// The service, the time, and the disk that outlives a process.
pub(crate) struct World {
    pub service: Service,
    /// Milliseconds since 1970.
    pub unix: u64,
    /// What the journal holds.
    pub disk: Option<Vec<u8>>,
    pub events: Vec<SyncProgress>,
    seed: u64,
}

/// Where a process is killed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kill {
    Never,
    /// Before this step of the process.
    Before(usize),
    /// While this request is out: the service has it, and its answer is not heard.
    During(usize),
}

impl World {
    pub(crate) fn new(service: Service) -> Self {
        Self { service, unix: UNIX * 1000, disk: None, events: Vec::new(), seed: 9 }
    }

    /// Runs the job to its end without any trouble on this side.
    pub(crate) fn run(&mut self, job: ImageSync) -> Result<SyncReport, Error> {
        self.process(&job, Kill::Never).expect("nobody kills it")
    }

    /// The same as a dry run, which keeps nothing.
    pub(crate) fn dry_run(&mut self, job: ImageSync) -> Result<SyncReport, Error> {
        self.unkept(&job.dry_run(true), Kill::Never).expect("nobody kills it")
    }

    /// One process: goes on with what is on the disk, or begins. `None` if it was killed.
    pub(crate) fn process(&mut self, job: &ImageSync, kill: Kill) -> Option<Result<SyncReport, Error>> {
        let stored = self.disk.as_ref().map(|bytes| SyncState::from_bytes(bytes).unwrap());
        match job.clone().begin_or_resume(stored, SyncEndpoint::of(&config()), &config()) {
            Ok(prepared) => self.drive(prepared, kill),
            Err(error) => Some(Err(error)),
        }
    }

    /// One process that resumes what is on the disk.
    pub(crate) fn resume(&mut self, run: SyncRun, kill: Kill) -> Option<Result<SyncReport, Error>> {
        let stored = SyncState::from_bytes(self.disk.as_ref().unwrap()).unwrap();
        self.drive(stored.resume(run, &SyncEndpoint::of(&config())).unwrap(), kill)
    }

    /// One process that keeps nothing.
    pub(crate) fn unkept(&mut self, job: &ImageSync, kill: Kill) -> Option<Result<SyncReport, Error>> {
        let disk = self.disk.take();
        let outcome = self.drive(job.clone(), kill);
        self.disk = disk;
        outcome
    }

    pub(crate) fn state(&self) -> SyncState {
        SyncState::from_bytes(self.disk.as_ref().unwrap()).unwrap()
    }

    fn drive(
        &mut self,
        job: impl Job<Machine = ImageSyncMachine>,
        kill: Kill,
    ) -> Option<Result<SyncReport, Error>> {
        self.seed += 1;
        let mut machine = job.start(&config(), self.seed);
        // Each process has a clock of its own that begins anywhere.
        let mut mono = Duration::from_secs(1000 * self.seed);
        let (mut steps, mut requests) = (0, 0);
        loop {
            steps += 1;
            assert!(steps < MOST_STEPS, "the job does not end");
            if matches!(kill, Kill::Before(step) if step == steps) {
                return None;
            }
            match machine.poll(Now::new(self.unix / 1000, mono)) {
                Step::Send(request) => {
                    let again = machine.poll(Now::new(self.unix / 1000, mono));
                    assert!(
                        matches!(&again, Step::Send(same) if same.body() == request.body()),
                        "{request:?}, then {again:?}"
                    );
                    requests += 1;
                    let reply = self.service.serve(&request, self.unix);
                    if matches!(kill, Kill::During(number) if number == requests) {
                        return None;
                    }
                    self.unix += 5;
                    mono += Duration::from_millis(5);
                    machine.reply(Now::new(self.unix / 1000, mono), reply);
                }
                Step::WaitUntil(until) => {
                    let passed = until.checked_sub(mono).filter(|passed| !passed.is_zero());
                    let passed = passed.expect("a machine never asks to wait for the past");
                    self.unix += u64::try_from(passed.as_millis()).unwrap() + 1;
                    mono = until + Duration::from_millis(1);
                }
                Step::Progress(SyncProgress::Checkpoint) => {
                    self.disk = Some(machine.state().to_bytes());
                }
                Step::Progress(event) => self.events.push(event),
                Step::Done(outcome) => return Some(outcome),
            }
        }
    }
}

pub(crate) fn outcomes(report: &SyncReport) -> Vec<(&str, Outcome)> {
    report.destinations.iter().map(|destination| (destination.region.as_str(), destination.outcome)).collect()
}

/// Holds a report against the truth.
pub(crate) fn check_truth(report: &SyncReport, world: &World) {
    let service = &world.service;
    for destination in &report.destinations {
        let copies = service.copies(&destination.source, &destination.region);
        let copy = copies.iter().find(|copy| Some(&copy.id) == destination.image_id.as_ref());
        let state = copy.map(|copy| copy.state(world.unix, service.copy_millis).0);
        let shown = format!("{destination:?}, really {copies:?}");
        match destination.outcome {
            Outcome::Copied => assert_eq!(state, Some("NORMAL"), "{shown}"),
            Outcome::Present => assert!(destination.image_id.is_some(), "{shown}"),
            Outcome::Started => assert!(copy.is_some(), "{shown}"),
            Outcome::TimedOut => assert_eq!(copies.len(), copy.iter().count(), "{shown}"),
            Outcome::Failed | Outcome::Conflict | Outcome::Skipped | Outcome::Cancelled => {
                assert!(destination.error.is_some() || destination.outcome == Outcome::Cancelled, "{shown}");
                assert_eq!(copies.len(), copy.iter().count(), "a copy that nobody tells of: {shown}");
            }
            Outcome::Unknown => assert!(destination.error.is_some(), "{shown}"),
            other => panic!("{other:?}: {shown}"),
        }
    }
}

/// No region has two copies of one source.
pub(crate) fn check_no_second_copy(world: &World) {
    for (region, images) in &world.service.images {
        for image in images {
            if let Some(source) = &image.source {
                let copies = world.service.copies(source, region);
                assert_eq!(copies.len(), 1, "second copy of {source} in {region}: {copies:?}");
            }
        }
    }
}
