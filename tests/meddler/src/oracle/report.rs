//! A whole report, or the error in its place.

use serde_json::Value;

use super::{Oracle, Run};

impl<'a> Oracle<'a> {
    /// What is not true of a report.
    pub(super) fn report(&self, run: &Run, code: i32, report: &'a Value) -> Vec<String> {
        let lines = report["destinations"].as_array().map(Vec::as_slice).unwrap_or_default();
        let mut findings = Vec::new();
        if !run.asked.images.is_empty() {
            completeness(run, lines, &mut findings);
        }
        findings.extend(lines.iter().flat_map(|line| self.line(run, line)));
        let all =
            |fits: &dyn Fn(&str) -> bool| lines.iter().all(|line| line["outcome"].as_str().is_some_and(fits));
        let is_good = |outcome: &str| matches!(outcome, "copied" | "present" | "skipped");
        let as_asked = |outcome: &str| {
            is_good(outcome)
                || run.asked.starts_only && outcome == "started"
                || run.asked.dry_run && outcome == "planned"
        };
        let expected = if all(&as_asked) {
            0
        } else if all(&|outcome| is_good(outcome) || outcome == "timed_out") {
            4
        } else {
            3
        };
        let of_signal = run.interrupted && matches!(code, 129 | 130 | 143);
        if code != expected && !of_signal {
            findings.push(format!("the exit code is {code}, and the lines make {expected}"));
        }
        for (member, is_so) in [("complete", all(&is_good)), ("as_asked", expected == 0)] {
            if let Some(said) = report[member].as_bool()
                && said != is_so
            {
                findings.push(format!("`{member}` is {said}, and the lines say {is_so}"));
            }
        }
        findings
    }

    /// What is not true of an error that came in place of a report.
    pub(super) fn refusal(&self, run: &Run, code: i32, error: &Value) -> Option<String> {
        let shown = || format!("the run ended with {code} and {error}");
        let finding = match error["kind"].as_str() {
            // Whoever resumes names no image, and may find that there is nothing to resume.
            None if code == 0 && run.asked.images.is_empty() => Ok(()),
            _ if code == 0 => Err("that is no success".into()),
            Some("config" | "usage") if run.asked.may_be_refused => Ok(()),
            Some("journal") if run.asked.may_be_locked => Ok(()),
            Some("network" | "timeout" | "response") if !self.had_trouble(run) => {
                Err("every answer arrived".into())
            }
            Some("config" | "usage" | "journal") | None => {
                if run.interrupted {
                    Ok(())
                } else {
                    Err("there was no reason for it".into())
                }
            }
            _ => self.error_is_true(error),
        };
        finding.err().map(|why| format!("{}: {why}", shown()))
    }

    /// Whether an error says what happened: one of the service was received with its id, one without an id is what the
    /// client itself makes of something, and one of the network has a request without a whole answer.
    pub(super) fn error_is_true(&self, error: &Value) -> Result<(), String> {
        if let Some(id) = error["request_id"].as_str() {
            let code = error["code"].as_str();
            let was_received = |id: &str| {
                self.exchanges
                    .iter()
                    .filter(move |exchange| {
                        exchange.response().is_some_and(|response| response["RequestId"] == id)
                    })
                    .any(|exchange| exchange.received_code() == code)
            };
            return if was_received(id) {
                Ok(())
            } else {
                Err(format!("no client received the error {} with the request id {id}", error["code"]))
            };
        }
        let is_of_network = matches!(error["kind"].as_str(), Some("network" | "response"));
        if is_of_network && self.exchanges.iter().all(|exchange| exchange.response().is_some()) {
            return Err("every answer arrived whole".into());
        }
        Ok(())
    }
}

/// Every destination that was asked for has its line, and no other.
fn completeness(run: &Run, lines: &[Value], findings: &mut Vec<String>) {
    for source in &run.asked.images {
        for region in &run.asked.regions {
            let of = |line: &&Value| line["source"] == source.as_str() && line["region"] == region.as_str();
            let count = lines.iter().filter(of).count();
            if count != 1 {
                findings.push(format!("{source} in {region} has {count} lines"));
            }
        }
    }
    let wanted = run.asked.images.len() * run.asked.regions.len();
    if lines.len() != wanted {
        findings.push(format!("there are {} lines for {wanted} destinations", lines.len()));
    }
}
