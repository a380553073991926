//! Runs the job against the service in virtual time, and kills it on the way.

use std::collections::BTreeMap;
use std::time::Duration;

use cvm_proto::machine::Job;
use cvm_proto::{
    Cancel, Config, Credential, Error, ImageSync, ImageSyncMachine, Machine, Now, Outcome, Reply, Request,
    Step, SyncEndpoint, SyncProgress, SyncReport, SyncRun, SyncState,
};

use super::service::Service;
use super::truth::{Witness, untruth};
pub(crate) use super::truth::{check_no_second_copy, check_truth};
use crate::driver::{UNIX, settings};

/// A run that takes longer than this has lost its way.
const MOST_STEPS: usize = 200_000;

pub(crate) type Ended = Result<SyncReport, Error>;

/// The service, the time, and the disk that outlives a process.
pub(crate) struct World {
    pub service: Service,
    /// Milliseconds since 1970.
    pub unix: u64,
    /// What the journal holds.
    pub disk: Option<Vec<u8>>,
    pub events: Vec<SyncProgress>,
    /// When each of them was told.
    pub times: Vec<u64>,
    /// What was said and is not so.
    pub untruths: Vec<String>,
    /// The ids that stood in answers that arrived.
    pub heard: Vec<String>,
    /// Which job what was kept belongs to: one that is begun anew is another.
    lineages: BTreeMap<Vec<u8>, u64>,
    /// When the next process is cancelled, by its steps.
    pub cancels: Option<(Cancel, usize)>,
    /// Whose key the next process has.
    pub key: &'static str,
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
    /// While this request is out; the service gets it so many milliseconds later.
    Holding(usize, u64),
}

/// A process that runs a job: a step at a time, so that others can run beside it.
pub(crate) struct Process {
    machine: ImageSyncMachine,
    lineage: u64,
    began: u64,
    /// What its own clock said when it began.
    base: Duration,
    out: Option<Out>,
    /// When it has something to do.
    pub wake: u64,
    /// How long a request and its answer are on their way.
    pub latency: (u64, u64),
    cancels: Option<(Cancel, usize)>,
    steps: usize,
    requests: usize,
    pub disk: Option<Vec<u8>>,
    heard: Vec<String>,
    /// How much of it is on the disk.
    kept: usize,
}

/// What is on its way between a process and the service.
enum Out {
    Request(Request),
    Reply(Reply),
}

/// How a step of a process ended.
pub(crate) enum Went {
    On,
    Killed,
    Ended(Ended),
}

impl World {
    pub(crate) fn new(service: Service) -> Self {
        Self {
            service,
            unix: UNIX * 1000,
            disk: None,
            events: Vec::new(),
            times: Vec::new(),
            untruths: Vec::new(),
            heard: Vec::new(),
            lineages: BTreeMap::new(),
            cancels: None,
            key: "AKIDexample",
            seed: 9,
        }
    }

    /// The settings of the next process.
    pub(crate) fn config(&self) -> Config {
        let mut settings = settings();
        settings.credential = Some(Credential::new(self.key, "not-a-real-key").unwrap());
        Config::new(settings).unwrap()
    }

    /// Runs the job to its end without any trouble on this side.
    pub(crate) fn run(&mut self, job: ImageSync) -> Ended {
        self.process(&job, Kill::Never).expect("nobody kills it")
    }

    /// The same as a dry run, which keeps nothing.
    pub(crate) fn dry_run(&mut self, job: ImageSync) -> Ended {
        self.unkept(&job.dry_run(true), Kill::Never).expect("nobody kills it")
    }

    /// One process: resumes what is on the disk, or begins. `None` if it was killed.
    pub(crate) fn process(&mut self, job: &ImageSync, kill: Kill) -> Option<Ended> {
        let disk = self.disk.take();
        match self.start(job, disk.clone()) {
            Ok(process) => self.drive(process, kill),
            Err(error) => {
                self.disk = disk;
                Some(Err(error))
            }
        }
    }

    /// One process that resumes what is on the disk.
    pub(crate) fn resume(&mut self, run: SyncRun, kill: Kill) -> Option<Ended> {
        let disk = self.disk.take();
        let stored = SyncState::from_bytes(disk.as_ref().unwrap()).unwrap();
        let prepared = stored.resume(run, &SyncEndpoint::of(&self.config())).unwrap();
        let process = self.begin(prepared, disk);
        self.drive(process, kill)
    }

    /// One process that keeps nothing.
    pub(crate) fn unkept(&mut self, job: &ImageSync, kill: Kill) -> Option<Ended> {
        let disk = self.disk.take();
        let process = self.begin(job.clone(), None);
        let outcome = self.drive(process, kill);
        self.disk = disk;
        outcome
    }

    pub(crate) fn state(&self) -> SyncState {
        SyncState::from_bytes(self.disk.as_ref().unwrap()).unwrap()
    }

    /// Starts a process by the rule of whoever keeps a journal.
    pub(crate) fn start(&mut self, job: &ImageSync, disk: Option<Vec<u8>>) -> Result<Process, Error> {
        let stored = disk.as_ref().map(|bytes| SyncState::from_bytes(bytes).unwrap());
        let config = self.config();
        let prepared = job.clone().begin_or_resume(stored, SyncEndpoint::of(&config), &config)?;
        let is_begun = !prepared.is_resumed();
        let mut process = self.begin(prepared, disk);
        if is_begun {
            process.lineage = self.seed;
        }
        Ok(process)
    }

    /// Starts a process.
    pub(crate) fn begin(
        &mut self,
        job: impl Job<Machine = ImageSyncMachine>,
        disk: Option<Vec<u8>>,
    ) -> Process {
        self.seed += 1;
        Process {
            machine: job.start(&self.config(), self.seed),
            lineage: disk.as_ref().and_then(|disk| self.lineages.get(disk)).copied().unwrap_or(self.seed),
            began: self.unix,
            // Each process has a clock of its own that begins anywhere.
            base: Duration::from_secs(1000 * self.seed),
            out: None,
            wake: self.unix,
            latency: (0, 5),
            cancels: self.cancels.take(),
            steps: 0,
            requests: 0,
            disk,
            heard: Vec::new(),
            kept: 0,
        }
    }

    /// Runs a process to its end; what it kept is on the disk then.
    pub(crate) fn drive(&mut self, mut process: Process, kill: Kill) -> Option<Ended> {
        let ended = loop {
            self.unix = self.unix.max(process.wake);
            match self.step(&mut process, kill) {
                Went::On => {}
                Went::Killed => break None,
                Went::Ended(outcome) => break Some(outcome),
            }
        };
        self.disk = process.disk;
        ended
    }

    /// Runs processes side by side, whoever is awake by chance before the others; gives what each came to, and what it kept.
    pub(crate) fn together(&mut self, processes: Vec<Process>, seed: u64) -> Vec<(Ended, Option<Vec<u8>>)> {
        let mut chance = seed;
        let mut draw = |below: usize| cvm_proto::splitmix64(&mut chance) as usize % below;
        let mut running: Vec<_> = processes.into_iter().map(|process| (process, None)).collect();
        loop {
            let awake: Vec<usize> = (0..running.len())
                .filter(|&at| running[at].1.is_none() && running[at].0.wake <= self.unix)
                .collect();
            if awake.is_empty() {
                let asleep = running.iter().filter(|(_, ended)| ended.is_none());
                match asleep.map(|(process, _)| process.wake).min() {
                    Some(wake) => self.unix = wake,
                    None => break,
                }
                continue;
            }
            let (process, ended) = &mut running[awake[draw(awake.len())]];
            process.latency = (draw(400) as u64, draw(400) as u64);
            if let Went::Ended(outcome) = self.step(process, Kill::Never) {
                *ended = Some(outcome);
            }
        }
        running.into_iter().map(|(process, ended)| (ended.unwrap(), process.disk)).collect()
    }

    /// Lets a process that is awake do one thing.
    pub(crate) fn step(&mut self, process: &mut Process, kill: Kill) -> Went {
        self.service.tick(self.unix);
        let mono = process.base + Duration::from_millis(self.unix - process.began);
        let now = Now::new(self.unix / 1000, mono);
        match process.out.take() {
            Some(Out::Request(request)) => {
                let copies = self.service.made;
                self.service.maker = process.lineage;
                let reply = self.service.serve(&request, self.unix);
                if matches!(kill, Kill::During(number) if number == process.requests) {
                    if self.service.made > copies {
                        self.service.unheard.push(self.unix);
                    }
                    return Went::Killed;
                }
                process.out = Some(Out::Reply(reply));
                process.wake = self.unix + process.latency.1;
            }
            Some(Out::Reply(reply)) => {
                let heard = process.heard.len();
                process.hear(&reply);
                self.heard.extend_from_slice(&process.heard[heard..]);
                process.machine.reply(now, reply);
            }
            None => return self.poll(process, now, kill),
        }
        Went::On
    }

    fn poll(&mut self, process: &mut Process, now: Now, kill: Kill) -> Went {
        process.steps += 1;
        assert!(process.steps < MOST_STEPS, "the job does not end");
        if let Some((cancel, step)) = &process.cancels
            && process.steps >= *step
        {
            cancel.cancel();
        }
        if matches!(kill, Kill::Before(step) if step == process.steps) {
            if process.kept < process.heard.len() {
                self.service.unheard.push(self.unix);
            }
            return Went::Killed;
        }
        match process.machine.poll(now) {
            Step::Send(request) => {
                let again = process.machine.poll(now);
                assert!(
                    matches!(&again, Step::Send(same) if same.body() == request.body()),
                    "{request:?}, then {again:?}"
                );
                process.requests += 1;
                if let Kill::Holding(number, millis) = kill
                    && number == process.requests
                {
                    self.service.maker = process.lineage;
                    self.service.hold(&request, self.unix + millis);
                    return Went::Killed;
                }
                process.out = Some(Out::Request(request));
                process.wake = self.unix + process.latency.0;
            }
            Step::WaitUntil(until) => {
                assert!(until > now.mono, "a machine never asks to wait for the past");
                let millis = until.checked_sub(process.base).unwrap().as_nanos().div_ceil(1_000_000);
                process.wake = process.began + u64::try_from(millis).unwrap();
            }
            Step::Progress(SyncProgress::Checkpoint) => {
                let bytes = process.machine.state().to_bytes();
                self.lineages.insert(bytes.clone(), process.lineage);
                process.disk = Some(bytes);
                process.kept = process.heard.len();
            }
            Step::Progress(event) => {
                if let SyncProgress::Ended(of) = &event {
                    let witness = Witness {
                        heard: &process.heard,
                        heard_anywhere: &self.heard,
                        lineage: Some(process.lineage),
                        is_cancelled: process
                            .cancels
                            .as_ref()
                            .is_some_and(|(cancel, _)| cancel.is_cancelled()),
                    };
                    self.untruths.extend(untruth(of, &self.service, self.unix, witness));
                }
                self.events.push(event);
                self.times.push(self.unix);
            }
            Step::Done(outcome) => return Went::Ended(outcome),
        }
        Went::On
    }
}

impl Process {
    /// Takes note of the ids in an answer that starts copies.
    fn hear(&mut self, reply: &Reply) {
        let Reply::Response(response) = reply else { return };
        let Ok(answer) = serde_json::from_slice::<serde_json::Value>(response.body()) else { return };
        let copies = answer["Response"]["ImageSet"].as_array().into_iter().flatten();
        let ids =
            copies.filter(|copy| copy["Region"].is_string()).filter_map(|copy| copy["ImageId"].as_str());
        self.heard.extend(ids.map(String::from));
    }
}

pub(crate) fn outcomes(report: &SyncReport) -> Vec<(&str, Outcome)> {
    report.destinations.iter().map(|destination| (destination.region.as_str(), destination.outcome)).collect()
}
