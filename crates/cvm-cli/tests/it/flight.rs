//! Runs of sync jobs on a stage: started, hit, and waited for.

use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant};

use cvm_meddler::Rule;
use cvm_meddler::oracle::{Asked, Run};

use crate::command::Ran;
use crate::stage::Stage;
use crate::starter::{Start, Starter, end, python};

/// A run that takes longer hangs.
pub(crate) const LONGEST: Duration = Duration::from_secs(90);

/// One run of the job, and what hits it.
#[derive(Clone, Debug)]
pub(crate) struct Flight {
    pub(crate) start: Start,
    pub(crate) blow: Option<(Blow, Moment)>,
}

/// What hits a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Blow {
    Kill,
    /// It is stopped, and continued after so long.
    Stop(Duration),
    Terminate,
    Interrupt,
    /// The endpoint is killed, and comes back.
    Endpoint,
}

/// When it is hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// So long after its start.
    After(Duration),
    /// When a request of this action has arrived.
    Arrival(&'static str),
    /// When a request of this action has been carried out, and its answer is still on its way.
    CarriedOut(&'static str),
}

/// What a run came to.
pub(crate) struct Landing {
    pub(crate) run: Run,
    pub(crate) was_hit: bool,
    /// From a signal to the end.
    pub(crate) last_words: Option<Duration>,
    pub(crate) ran: Ran,
}

/// Carries out runs, all at once.
pub(crate) fn fly(stage: &Stage, flights: &[Flight]) -> Vec<Landing> {
    let alone = flights.len() == 1;
    thread::scope(|scope| {
        let flying: Vec<_> =
            flights.iter().map(|flight| scope.spawn(move || one(stage, flight, alone))).collect();
        flying.into_iter().map(|flight| flight.join().unwrap()).collect()
    })
}

/// Carries out one run.
fn one(stage: &Stage, flight: &Flight, alone: bool) -> Landing {
    let mut start: Start = flight.start.clone();
    if python().is_none() && matches!(start.starter, Starter::Python | Starter::AsyncPython) {
        start.starter = Starter::Command;
    }
    let from = stage.meddler.now();
    // So that the moment lasts until it is used.
    let pause = match flight.blow {
        Some((_, Moment::CarriedOut(action))) => Some(stage.meddler.add(Rule::hang().on(action).times(1))),
        _ => None,
    };
    let mut child = start.command(stage).spawn().unwrap();
    let mut hit = None;
    if let Some((blow, moment)) = flight.blow
        && comes(stage, &mut child, moment, from)
    {
        strike(stage, &mut child, blow);
        hit = Some((blow, Instant::now()));
    }
    if let Some(pause) = pause {
        stage.meddler.remove(pause);
    }
    let ran = finish(child);
    let to = stage.meddler.now();
    stage.look();
    let interrupted = matches!(hit, Some((Blow::Terminate | Blow::Interrupt, _)));
    let deaf = matches!(hit, Some((Blow::Stop(_), _)));
    let asked = if start.starter == Starter::Resume {
        // What it is to do stands in its journal.
        Asked { images: Vec::new(), regions: Vec::new(), ..start.asked }
    } else {
        start.asked
    };
    let last_words = hit.filter(|_| interrupted).map(|(_, at)| at.elapsed());
    Landing {
        run: Run { asked, from, to, interrupted, deaf, alone, end: end(&ran) },
        was_hit: hit.is_some(),
        last_words,
        ran,
    }
}

/// Waits for a moment; says whether it came before the run had ended.
fn comes(stage: &Stage, child: &mut Child, moment: Moment, from: Duration) -> bool {
    const STEP: Duration = Duration::from_millis(3);
    let begun = Instant::now();
    while begun.elapsed() < LONGEST {
        if child.try_wait().unwrap().is_some() {
            return false;
        }
        let come = match moment {
            Moment::After(time) => {
                thread::sleep(STEP.min(time.saturating_sub(begun.elapsed())));
                begun.elapsed() >= time
            }
            Moment::Arrival(action) => stage
                .meddler
                .wait_for(STEP, |exchange| exchange.action == action && exchange.arrived >= from)
                .is_some(),
            Moment::CarriedOut(action) => stage
                .meddler
                .wait_for(STEP, |exchange| {
                    exchange.action == action && exchange.arrived >= from && exchange.answered.is_some()
                })
                .is_some(),
        };
        if come {
            return child.try_wait().unwrap().is_none();
        }
    }
    false
}

fn strike(stage: &Stage, child: &mut Child, blow: Blow) {
    let signal = |name: &str| {
        // It may have ended by itself just now.
        let _ = Command::new("kill").args([name, &child.id().to_string()]).output().unwrap();
    };
    match blow {
        Blow::Kill => child.kill().unwrap(),
        Blow::Stop(time) => {
            signal("-STOP");
            thread::sleep(time);
            signal("-CONT");
        }
        Blow::Terminate => signal("-TERM"),
        Blow::Interrupt => signal("-INT"),
        Blow::Endpoint => stage.kill_endpoint(),
    }
}

/// Waits for the end of a run; one that hangs is killed.
fn finish(mut child: Child) -> Ran {
    let until = Instant::now() + LONGEST;
    while child.try_wait().unwrap().is_none() && Instant::now() < until {
        thread::sleep(Duration::from_millis(5));
    }
    let _ = child.kill();
    child.wait_with_output().unwrap().into()
}
