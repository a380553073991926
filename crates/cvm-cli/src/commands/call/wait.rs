//! `cvm call --wait`: an action that only reads is asked until an expression holds of its answer.

use std::thread;

use cvm_proto::{AnswerText, TextRequest, Verdict, WaitUntil};
use serde_json::Value;

use crate::args::CallArgs;
use crate::connect::Connection;
use crate::failure::Failure;
use crate::query::{Misfit, Query};
use crate::{output, signals};

/// What a wait ended with.
pub(super) enum Waited {
    /// The answer of which the expression holds.
    Met(Value),
    /// The answer that the expression does not fit, and why.
    Misfit(Value, Misfit),
}

/// Waits. What may change something is refused before anything is sent.
pub(super) fn until(
    connection: &Connection,
    args: &CallArgs,
    condition: &Query,
    parameters: &Value,
) -> Result<Waited, Failure> {
    end_with_signals()?;
    let request = TextRequest::new(&*args.action, parameters.to_string())?;
    let mut misfit = None;
    let judge = |answer: &AnswerText| {
        let answer = match read(answer) {
            Ok(answer) => answer,
            Err(error) => return Verdict::Failed(error),
        };
        match condition.holds(&answer) {
            Ok(true) => Verdict::Ready,
            Ok(false) => Verdict::Pending,
            Err(why) => {
                let failed = Verdict::Failed(why.to_string());
                misfit = Some(Waited::Misfit(answer, why));
                failed
            }
        }
    };
    let job = WaitUntil::new(request, judge);
    let job = args.every.into_iter().fold(job, WaitUntil::every);
    let job = args.timeout.into_iter().fold(job, WaitUntil::at_most);
    let outcome = connection.client.run(job, |_not_yet| ());
    match (misfit, outcome) {
        (Some(misfit), _) => Ok(misfit),
        (None, Ok(answer)) => read(&answer).map(Waited::Met).map_err(Failure::other),
        (None, Err(error)) => Err(error.into()),
    }
}

fn read(answer: &AnswerText) -> Result<Value, String> {
    serde_json::from_str(answer.as_str()).map_err(|error| format!("the answer cannot be read: {error}"))
}

/// Has a signal end the program with its own code: there is nothing to be put in order.
fn end_with_signals() -> Result<(), Failure> {
    let signals = signals::listen(|| (), |lines| lines.iter().for_each(output::note), None, Vec::new)?;
    let watch = move || {
        signals.wait();
        if let Some(signal) = signals.first() {
            output::note(format_args!("cvm: {} before the condition was met", signal.participle()));
            std::process::exit(signal.exit() as i32);
        }
    };
    let started = thread::Builder::new().name("cvm-wait".into()).spawn(watch);
    started.map(drop).map_err(|error| Failure::other(format!("cannot listen for signals: {error}")))
}
