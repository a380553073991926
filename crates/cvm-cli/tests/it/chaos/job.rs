//! One job from its first start to its end, whatever hits it on the way.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use cvm_meddler::oracle::{End, Run};

use super::plan::{Mix, Plan};
use crate::flight::{Flight, LONGEST, Landing, fly};
use crate::stage::Stage;
use crate::starter::Start;

/// A job that has been hit so often is left in peace.
const ENOUGH: usize = 8;
/// As often as it is started before that.
const ROUNDS: usize = 16;
/// How often a job that is left in peace may be started before it has ended.
const MOST_RUNS: usize = 8;
/// How long a run may take to end once it was asked to.
const LAST_WORDS: Duration = Duration::from_secs(10);

/// What came of a job.
#[derive(Debug, Default)]
pub(super) struct Account {
    pub(super) runs: usize,
    /// The longest time from a signal to the end.
    pub(super) last_words: Duration,
    /// What should not have been.
    pub(super) findings: Vec<String>,
    /// All of it, for whoever has to find out why.
    pub(super) log: String,
}

/// How far a job is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Unfinished,
    /// All that can be is there.
    Complete,
    /// It waits for copies that it was told of and never saw, and that somebody else has deleted: for minutes they may
    /// only be late.
    WaitsInVain,
}

struct Job<'a> {
    stage: Stage,
    plan: Plan,
    runs: Vec<Run>,
    account: Account,
    /// How often this job was hit.
    hits: usize,
    /// The same of all jobs.
    landed: &'a AtomicUsize,
}

/// Carries out the job that a seed describes.
pub(super) fn carry_out(name: &str, seed: u64, mix: Mix, landed: &AtomicUsize) -> Account {
    let folder = crate::command::Folder::new(&format!("{name}-plan"));
    let plan = Plan::new(seed, mix, folder.0.clone());
    let stage = Stage::new(name, seed, plan.standing.clone(), plan.faults.clone());
    for rule in &plan.rules {
        stage.meddler.add(rule.clone());
    }
    for hide in &plan.hidden {
        stage.meddler.hide(hide.clone());
    }
    let mut account = Account::default();
    let _ = writeln!(account.log, "{}", plan.shown());
    let mut job = Job { stage, plan, runs: Vec::new(), account, hits: 0, landed };
    job.through_the_storm();
    job.after_the_storm();
    job.judge();
    job.account
}

impl Job<'_> {
    /// Starts the job again and again, until it has ended or was hit often enough.
    fn through_the_storm(&mut self) {
        for _ in 0..ROUNDS {
            if self.hits >= ENOUGH {
                return;
            }
            let flights = self.plan.round();
            self.fly(&flights);
            let ended =
                self.runs.iter().rev().take(flights.len()).any(|run| self.state(run) != State::Unfinished);
            if self.plan.outsider && self.plan.below(3) == 0 {
                self.somebody_deletes_a_copy();
            } else if ended {
                return;
            }
        }
    }

    /// Starts the job in good weather until it ends, and then once more from elsewhere.
    fn after_the_storm(&mut self) {
        self.stage.calm();
        self.stage.settle();
        let mut last = self.plan.calm();
        // Whatever has failed on the way is in the way no more.
        last.asked.deletes_failed = true;
        let mut state = State::Unfinished;
        for _ in 0..MOST_RUNS {
            self.fly(&[Flight { start: last.clone(), blow: None }]);
            state = self.runs.last().map_or(State::Unfinished, |run| self.state(run));
            if state != State::Unfinished {
                break;
            }
        }
        self.stage.settle();
        let accepted = self.stage.meddler.history().accepted.len();
        let elsewhere = Start { file: self.plan.elsewhere(), ..last.clone() };
        self.fly(&[Flight { start: elsewhere, blow: None }]);
        self.stage.settle();
        if self.runs.last().is_none_or(|run| self.state(run) != State::Complete) {
            self.account.findings.push("the job from elsewhere did not find that everything is there".into());
        }
        if state == State::Complete && self.stage.meddler.history().accepted.len() > accepted {
            self.account.findings.push("the job from elsewhere made copies of what was there".into());
        }
        let missing = self.stage.missing(&last.asked);
        let foreign = |finding: &String| {
            self.plan.foreign.as_ref().is_some_and(|(source, region)| {
                finding.contains(source.as_str()) && finding.contains(region.as_str())
            })
        };
        self.account.findings.extend(missing.into_iter().filter(|finding| !foreign(finding)));
    }

    fn judge(&mut self) {
        let findings = self.stage.judge(&self.runs);
        self.account.findings.extend(findings);
        if !self.account.findings.is_empty() {
            let log = &mut self.account.log;
            for exchange in self.stage.meddler.exchanges() {
                let _ = writeln!(log, "{exchange}");
            }
            let _ = writeln!(log, "{}", serde_json::to_string_pretty(&self.stage.meddler.history()).unwrap());
        }
    }

    /// How far the job is, by what a run reports.
    fn state(&self, run: &Run) -> State {
        let End::Report(_, report) = &run.end else { return State::Unfinished };
        let history = self.stage.meddler.history();
        let mut state = State::Complete;
        for line in report["destinations"].as_array().unwrap() {
            let of = |member: &str| line[member].as_str().unwrap_or_default();
            let gone = || history.image(of("image_id")).is_some_and(|image| image.gone.is_some());
            match of("outcome") {
                "copied" | "present" | "skipped" => {}
                "conflict" if self.plan.is_foreign(of("source"), of("region")) => {}
                "timed_out" if gone() => state = State::WaitsInVain,
                _ => return State::Unfinished,
            }
        }
        state
    }

    fn somebody_deletes_a_copy(&mut self) {
        let history = self.stage.meddler.history();
        let ready = |region: &str| {
            let mut copies = history.of_region(region);
            let copy = copies
                .find(|image| image.gone.is_none() && image.was(|state| state == "NORMAL", Duration::ZERO));
            copy.filter(|copy| copy.id != "img-standing" && copy.is_private()).map(|copy| copy.id.clone())
        };
        let regions = self.plan.asked.regions.clone();
        if let Some((region, id)) = regions.iter().find_map(|region| Some((region, ready(region)?))) {
            let deleted = self.stage.delete(region, &id);
            let _ = writeln!(self.account.log, "somebody deletes {id} in {region}: {deleted}");
        }
    }

    /// Carries out runs, all at once.
    fn fly(&mut self, flights: &[Flight]) {
        let landings = fly(&self.stage, flights);
        for (landing, flight) in landings.into_iter().zip(flights) {
            let Landing { run, was_hit, last_words, ran } = landing;
            let account = &mut self.account;
            account.runs += 1;
            self.hits += usize::from(was_hit);
            self.landed.fetch_add(usize::from(was_hit), Ordering::SeqCst);
            account.last_words = account.last_words.max(last_words.unwrap_or_default());
            let _ = writeln!(
                account.log,
                "== {:.3} to {:.3}, hit: {was_hit}\n{flight:?}\ncode {:?}\n{}{}",
                run.from.as_secs_f64(),
                run.to.as_secs_f64(),
                ran.code,
                ran.out,
                ran.err
            );
            if run.to > run.from + LONGEST {
                account.findings.push("a run hangs".into());
            }
            if last_words.is_some_and(|time| time > LAST_WORDS) {
                account.findings.push(format!("a run took {last_words:?} to end after a signal"));
            }
            self.runs.push(run);
        }
    }
}
