//! What happens to a job: every choice is drawn from a seed, so that the same seed makes the same choices again.

use std::fmt::Debug;
use std::path::PathBuf;
use std::time::Duration;

use cvm_local::{Fault, SeedImage};
use cvm_meddler::oracle::Asked;
use cvm_meddler::{Hide, Rule};
use fastrand::Rng;

use crate::flight::{Blow, Flight, Moment};
use crate::stage::{REGIONS, SOURCES};
use crate::starter::{JobFile, Start, Starter};

/// Which starters take part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mix {
    /// Only the command as it was, and `--resume`, with the journal that the job began with.
    Same,
    /// All of them.
    All,
}

/// A job and the weather that it runs in.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) asked: Asked,
    /// A region that only some of the starts name.
    extra: String,
    /// Where the job is kept.
    pub(super) file: JobFile,
    settle: Duration,
    /// What stands in a destination from the start.
    pub(super) standing: Vec<SeedImage>,
    /// The source and the region of a standing image that is no copy and never goes.
    pub(super) foreign: Option<(String, String)>,
    pub(super) faults: Vec<Fault>,
    pub(super) rules: Vec<Rule>,
    pub(super) hidden: Vec<Hide>,
    /// Whether somebody else may delete a copy.
    pub(super) outsider: bool,
    /// In how many milliseconds most blows fall: some jobs get no further than their first looks for long.
    pace: u64,
    mix: Mix,
    random: Rng,
    other_files: usize,
    folder: PathBuf,
}

const TIMEOUT: Duration = Duration::from_secs(12);

impl Plan {
    pub(super) fn new(seed: u64, mix: Mix, folder: PathBuf) -> Self {
        let mut random = Rng::with_seed(seed);
        let mut images = SOURCES.map(|(id, _)| id.to_owned()).to_vec();
        let mut regions = REGIONS.map(str::to_owned).to_vec();
        random.shuffle(&mut images);
        random.shuffle(&mut regions);
        images.truncate(random.usize(1..=3));
        let extra = regions.pop().unwrap();
        regions.truncate(random.usize(2..=4));

        let mut plan = Self {
            asked: Asked { images, regions, deletes_failed: random.u8(0..3) == 0, ..Asked::default() },
            extra,
            file: JobFile::Journal(folder.join("job.json")),
            settle: Duration::from_millis(if mix == Mix::All && random.bool() { 1000 } else { 6000 }),
            standing: Vec::new(),
            foreign: None,
            faults: Vec::new(),
            rules: weather(&mut random),
            hidden: Vec::new(),
            outsider: mix == Mix::All && random.u8(0..6) == 0,
            pace: [150, 600, 2500][random.usize(..3)],
            mix,
            random,
            other_files: 0,
            folder,
        };
        if plan.random.u8(0..3) == 0 {
            plan.file = JobFile::Default(plan.folder.join("state"));
        }
        plan.furnish();
        plan
    }

    /// Puts things into the job's way.
    fn furnish(&mut self) {
        let Self { asked, random, .. } = self;
        let image = random.choice(&asked.images).unwrap().clone();
        let region = random.choice(&asked.regions).unwrap().clone();
        let name = SOURCES.iter().find(|(id, _)| *id == image).unwrap().1;
        let mut standing = SeedImage::new("img-standing", &region, name);
        match random.u8(0..8) {
            0 | 1 => {
                standing.state = "CREATEFAILED".into();
                self.standing.push(standing);
            }
            2 => {
                standing.os_name = "Another System 1.0".into();
                self.standing.push(standing);
                self.foreign = Some((image, region));
            }
            3 => {
                // A copy of its own that another day has left.
                self.standing.push(standing);
            }
            _ => {}
        }
        if random.u8(0..3) == 0 {
            let region = random.choice(&asked.regions).unwrap();
            let times = random.u64(1..=2);
            self.faults.push(Fault::copy_fails().on("SyncImages").in_region(region).times(times));
        }
        for region in &asked.regions {
            if random.u8(0..3) == 0 {
                let time = Duration::from_millis(random.u64(200..4000));
                self.hidden.push(Hide::new_in(region).for_time(time));
            }
        }
    }

    /// The next runs: one, or two at once.
    pub(super) fn round(&mut self) -> Vec<Flight> {
        let twice = self.mix == Mix::All && self.random.u8(0..6) == 0;
        let mut flights: Vec<Flight> = (0..=u8::from(twice)).map(|_| self.flight()).collect();
        if let [first, second] = &mut flights[..]
            && first.start.file == second.start.file
        {
            first.start.asked.may_be_locked = true;
            second.start.asked.may_be_locked = true;
        }
        flights
    }

    fn flight(&mut self) -> Flight {
        let start = self.start();
        let blow = self.blow(start.asked.deletes_failed);
        Flight { start, blow: (self.random.u8(0..10) > 0).then_some(blow) }
    }

    fn start(&mut self) -> Start {
        let mut start = self.calm();
        let random = &mut self.random;
        start.starter = match random.u8(0..10) {
            0..5 => Starter::Command,
            5 => Starter::Resume,
            6 => Starter::Rust,
            7 => Starter::Python,
            _ => Starter::AsyncPython,
        };
        let variation = random.u8(0..10);
        let choice = random.u8(0..10);
        let key = usize::from(random.u8(0..4) == 0);
        if self.mix == Mix::Same || start.starter == Starter::Resume {
            if start.starter != Starter::Resume {
                start.starter = Starter::Command;
            }
            // There may be nothing yet to be resumed.
            start.asked.may_be_refused = start.starter == Starter::Resume;
            return start;
        }
        start.key = key;
        if variation < 3 {
            random.shuffle(&mut start.asked.images);
            random.shuffle(&mut start.asked.regions);
        }
        if choice < 4 || variation == 9 {
            self.other_files += 1;
            let elsewhere = format!("other-{}", self.other_files);
            start.file = if choice.is_multiple_of(2) {
                JobFile::Journal(self.folder.join(elsewhere + ".json"))
            } else {
                JobFile::Default(self.folder.join(elsewhere))
            };
        }
        if variation == 9 {
            start.asked.regions.push(self.extra.clone());
        }
        start
    }

    /// The job as it began.
    pub(super) fn calm(&self) -> Start {
        Start {
            starter: Starter::Command,
            asked: self.asked.clone(),
            file: self.file.clone(),
            key: 0,
            settle: self.settle,
            timeout: TIMEOUT,
        }
    }

    /// Where a machine keeps its jobs that knows nothing of this one.
    pub(super) fn elsewhere(&self) -> JobFile {
        JobFile::Default(self.folder.join("elsewhere"))
    }

    fn blow(&mut self, deletes: bool) -> (Blow, Moment) {
        let random = &mut self.random;
        let blow = match random.u8(0..12) {
            0..5 => Blow::Kill,
            5 => Blow::Stop(Duration::from_millis(random.u64(20..3000))),
            6..8 => Blow::Terminate,
            8..10 => Blow::Interrupt,
            _ => Blow::Endpoint,
        };
        let action = if deletes && random.bool() { "DeleteImages" } else { "SyncImages" };
        let moment = match random.u8(0..20) {
            0..11 => Moment::After(Duration::from_millis(random.u64(0..self.pace))),
            11..13 => Moment::After(Duration::from_millis(random.u64(0..4000))),
            13..16 => Moment::Arrival(action),
            _ => Moment::CarriedOut(action),
        };
        (blow, moment)
    }

    /// A number below another, for whatever else is to be chosen.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        self.random.usize(0..bound)
    }

    /// A standing image that is no copy makes its destination a conflict for good.
    pub(super) fn is_foreign(&self, source: &str, region: &str) -> bool {
        self.foreign.as_ref().is_some_and(|(image, place)| image == source && place == region)
    }

    /// For the log.
    pub(super) fn shown(&self) -> String {
        let Self { asked, file, settle, standing, faults, rules, hidden, .. } = self;
        let lists = [
            list(
                "standing",
                standing.iter().map(|image| (&image.region, &image.name, &image.state, &image.os_name)),
            ),
            list("fault", faults),
            list("rule", rules),
            list("hidden", hidden),
        ];
        format!("{asked:?}\n{file:?}, settle {settle:?}\n{}", lists.concat())
    }
}

fn list<T: Debug>(what: &str, items: impl IntoIterator<Item = T>) -> String {
    items.into_iter().map(|item| format!("{what} {item:?}\n")).collect()
}

/// Everything that can happen to a request, each with a probability of its own.
fn weather(random: &mut Rng) -> Vec<Rule> {
    let mut millis = |range: std::ops::Range<u64>| Duration::from_millis(random.u64(range));
    let (late, delay, longer) = (millis(50..2500), millis(20..120), millis(500..3000));
    let on_copies = [
        Rule::lose(),
        Rule::cut(),
        Rule::halve(),
        Rule::omit_ids(),
        Rule::hang(),
        Rule::bad_gateway(),
        Rule::refuse("InternalError"),
        Rule::drop_before(),
        Rule::late(late),
        Rule::delay(longer),
        Rule::bad_gateway().withheld(),
        Rule::refuse("RequestLimitExceeded").withheld(),
        Rule::refuse("InternalError").withheld(),
    ];
    let on_all = [
        Rule::lose(),
        Rule::cut(),
        Rule::halve(),
        Rule::bad_gateway(),
        Rule::drop_before(),
        Rule::hang(),
        Rule::refuse("RequestLimitExceeded").withheld(),
        Rule::refuse("InternalError").withheld(),
    ];
    let mut rules = Vec::new();
    for action in ["SyncImages", "DeleteImages"] {
        // A few at a time: with all of them at once nothing would ever get through.
        for _ in 0..3 {
            let rule = on_copies[random.usize(..on_copies.len())].clone();
            rules.push(rule.on(action).probability(random.f64() * 0.25));
        }
    }
    for _ in 0..3 {
        let rule = on_all[random.usize(..on_all.len())].clone();
        rules.push(rule.probability(random.f64() * 0.04));
    }
    rules.push(Rule::delay(delay).probability(0.2));
    rules
}
