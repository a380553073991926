//! One line of a report.

use std::time::Duration;

use serde_json::Value;

use super::{Oracle, Run};
use crate::history::{Known, is_failed};

/// What a report says of one destination.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line<'a> {
    source: &'a str,
    region: &'a str,
    id: Option<&'a str>,
    said: &'a Value,
}

impl<'a> Line<'a> {
    pub(super) fn new(said: &'a Value) -> Self {
        let text = |member: &str| said[member].as_str();
        Self {
            source: text("source").unwrap_or_default(),
            region: text("region").unwrap_or_default(),
            id: text("image_id"),
            said,
        }
    }

    /// Whether its error or one of its notes holds this text.
    fn says(&self, text: &str) -> bool {
        let holds = |said: &Value| said.as_str().is_some_and(|said| said.contains(text));
        let mut notes = self.said["notes"].as_array().into_iter().flatten();
        holds(&self.said["error"]["message"]) || notes.any(holds)
    }

    fn error(&self) -> Option<&'a Value> {
        Some(&self.said["error"]).filter(|error| !error.is_null())
    }
}

/// What a line says that tells of an earlier run's findings.
const NOT_LOOKED: &str = "ended before it looked";

/// A copy that is said to be on its way was there during the run, or the line says that nobody has seen it: a copy that
/// was accepted shortly before may only be late.
fn there_or_not_seen(run: &Run, line: Line<'_>, copy: &Known) -> Result<(), String> {
    let not_seen = ["not been seen", "did not find it", "no look at it was answered", NOT_LOOKED];
    if not_seen.iter().any(|words| line.says(words)) || copy.was_there(run.from, run.to) {
        Ok(())
    } else {
        Err("it was gone when the run began, and the line does not say that it has not been seen".into())
    }
}

fn is_normal(state: &str) -> bool {
    state == "NORMAL"
}

impl<'a> Oracle<'a> {
    /// What is not true of a line; empty if all is.
    pub(super) fn line(&self, run: &Run, said: &'a Value) -> Vec<String> {
        let line = Line::new(said);
        let outcome = said["outcome"].as_str().unwrap_or_default();
        let verdict = match outcome {
            "copied" | "present" => self.ready(run, line),
            "skipped" => self.skipped(run, line),
            "conflict" => self.conflict(run, line),
            "failed" => self.failed(run, line),
            "gone" => self.gone(run, line),
            "started" => self.started(run, line),
            "timed_out" => self.timed_out(run, line),
            "unknown" => self.unknown(run, line),
            "cancelled" => self.cancelled(run, line),
            "planned" if run.asked.dry_run => Ok(()),
            "planned" => Err("it was no dry run".into()),
            _ => Err("there is no such outcome".into()),
        };
        let findings = [verdict, self.id(line), self.facts(line), self.request_ids(line), self.error(line)];
        let place =
            format!("{} in {}: `{outcome}` {}", line.source, line.region, line.id.unwrap_or("without an id"));
        findings.into_iter().filter_map(Result::err).map(|why| format!("{place}: {why}")).collect()
    }

    /// An id is that of an image that was in the region, and a copy of the source, or what is in its way.
    fn id(&self, line: Line<'a>) -> Result<(), String> {
        match line.id {
            Some(id) if self.image(id, line.region).is_none() => Err("no such image was ever there".into()),
            _ => Ok(()),
        }
    }

    /// The image that the line names, if it is a copy of its source.
    fn copy(&self, run: &Run, line: Line<'a>) -> Result<&'a Known, String> {
        let id = line.id.ok_or("it names no image")?;
        let image = self.image(id, line.region).ok_or("no such image was ever there")?;
        if self.is_copy(image, line.source, &run.asked) {
            return Ok(image);
        }
        Err(format!("it is no copy of {}: its name is {:?}", line.source, image.name()))
    }

    /// The copies of the source that were ever in the region.
    fn copies(&self, run: &Run, line: Line<'a>) -> impl Iterator<Item = &'a Known> {
        let images = self.history.of_region(line.region);
        images.filter(move |image| self.is_copy(image, line.source, &run.asked))
    }

    /// Whether the run saw a copy that can be used.
    fn saw_a_ready_copy(&self, run: &Run, line: Line<'a>) -> bool {
        self.copies(run, line).any(|copy| self.saw_ready(run, line.region, &copy.id))
    }

    fn ready(&self, run: &Run, line: Line<'a>) -> Result<(), String> {
        let copy = self.copy(run, line)?;
        let stays = copy.stays.iter().filter(|stay| is_normal(&stay.state));
        let Some(stay) = stays.max_by_key(|stay| stay.last) else {
            return Err(format!("it never was NORMAL: {:?}", copy.stays));
        };
        if stay.first > run.to {
            return Err("it was not NORMAL yet".into());
        }
        if stay.last < run.from {
            if !line.says(NOT_LOOKED) && !line.says("no look at it was answered") {
                return Err("it was gone when the run began, or nobody looked".into());
            }
            if run.alone && self.was_missed(run, line.region, &copy.id) {
                return Err("the run looked, and it was gone".into());
            }
        }
        self.basis(line, copy)
    }

    /// What a success rests on is what happened.
    fn basis(&self, line: Line<'a>, copy: &Known) -> Result<(), String> {
        let Some(basis) = line.said["basis"].as_str() else { return Ok(()) };
        let mut requests =
            self.exchanges.iter().filter(|exchange| exchange.asks_for_copy(line.source, line.region));
        let is_so = match basis {
            "answered" => requests.any(|exchange| exchange.received_copy(line.region) == Some(&copy.id)),
            "appeared" => self.is_uncertain(line.source, line.region),
            "found" => !line.said["image"].is_null(),
            _ => return Err(format!("there is no basis `{basis}`")),
        };
        if is_so { Ok(()) } else { Err(format!("it rests on `{basis}`, and that is not what happened")) }
    }

    fn skipped(&self, run: &Run, line: Line<'a>) -> Result<(), String> {
        if !run.asked.skips_conflicts {
            return Err("nobody asked to pass over anything".into());
        }
        let usable = |image: &&Known| image.was(is_normal, run.from) && self.has_the_name(image, run, line);
        self.history
            .of_region(line.region)
            .find(usable)
            .map(|_| ())
            .ok_or("no usable image has the name".into())
    }

    fn conflict(&self, run: &Run, line: Line<'a>) -> Result<(), String> {
        let in_the_way = |image: &&Known| {
            image.was_there(run.from, run.to)
                && self.has_the_name(image, run, line)
                && (image.has_failed() || !self.is_copy(image, line.source, &run.asked))
        };
        let mut others = self.history.of_region(line.region).filter(in_the_way);
        let found = match line.id {
            Some(id) => others.any(|image| image.id == id),
            None => others.next().is_some(),
        };
        if found { Ok(()) } else { Err("nothing that is no usable copy had the name".into()) }
    }

    /// Whether an image has the name of the copies, or one that a service might take for it.
    fn has_the_name(&self, image: &Known, run: &Run, line: Line<'a>) -> bool {
        let plain = |name: &str| name.trim().to_lowercase();
        let has = |wanted: &&str| image.names.iter().any(|name| plain(name) == plain(wanted));
        self.names(line.source, &run.asked).iter().any(has)
    }

    fn failed(&self, run: &Run, line: Line<'a>) -> Result<(), String> {
        if self.saw_a_ready_copy(run, line) {
            return Err("the run saw a copy that can be used".into());
        }
        let error = line.error().ok_or("it gives no reason")?;
        if self.copies(run, line).any(Known::has_failed) {
            return Ok(());
        }
        match error["kind"].as_str() {
            // Without a request id it is what the client makes of what it saw.
            _ if line.id.is_some() && error["code"].is_string() && error["request_id"].is_null() => {
                let is_there = line
                    .id
                    .and_then(|id| self.image(id, line.region))
                    .is_some_and(|image| image.gone.is_none());
                if is_there { Err("the copy is there, and never failed".into()) } else { Ok(()) }
            }
            _ if error["code"].is_string() => Ok(()),
            Some("network" | "timeout" | "response") => Ok(()),
            _ if self.source_is_unusable(line.source) => Ok(()),
            _ => Err("nothing of the kind happened".into()),
        }
    }

    fn source_is_unusable(&self, source: &str) -> bool {
        self.history
            .image(source)
            .is_none_or(|image| image.gone.is_some() || image.was(is_failed, Duration::ZERO))
    }

    fn gone(&self, run: &Run, line: Line<'a>) -> Result<(), String> {
        let copy = self.copy(run, line)?;
        // Whoever looked after the run saw it, if it was there.
        let seen_later = copy.stays.iter().any(|stay| stay.last > run.to);
        if copy.gone.is_some() && !seen_later { Ok(()) } else { Err("it is there".into()) }
    }

    fn started(&self, run: &Run, line: Line<'a>) -> Result<(), String> {
        if !run.asked.starts_only && !run.interrupted && line.error().is_none() {
            return Err("it was to be waited for, and the run was not interrupted".into());
        }
        if line.id.is_none() {
            let mut accepted = self.history.accepted.iter();
            let accepted = accepted
                .any(|accepted| accepted.source == line.source && accepted.copies.contains_key(line.region));
            return if accepted { Ok(()) } else { Err("no request for it was accepted".into()) };
        }
        let copy = self.copy(run, line)?;
        there_or_not_seen(run, line, copy)?;
        if !run.asked.starts_only && self.saw_ready(run, line.region, &copy.id) {
            return Err("the run saw that it is ready".into());
        }
        Ok(())
    }

    fn timed_out(&self, run: &Run, line: Line<'a>) -> Result<(), String> {
        if line.id.is_none() {
            let ready = self.saw_a_ready_copy(run, line);
            return if ready { Err("the run saw a copy that can be used".into()) } else { Ok(()) };
        }
        let copy = self.copy(run, line)?;
        if self.saw_ready(run, line.region, &copy.id) {
            return Err("the run saw that it is ready".into());
        }
        there_or_not_seen(run, line, copy)
    }

    fn unknown(&self, run: &Run, line: Line<'a>) -> Result<(), String> {
        if self.saw_a_ready_copy(run, line) {
            return Err("the run saw a copy that can be used".into());
        }
        let taken = self.during(run).any(|exchange| {
            exchange.action == "SyncImages"
                && exchange.received_code() == Some("InvalidImageName.Duplicate")
                && exchange.destinations().any(|region| region == line.region)
        });
        let unseen = |copy: &Known| copy.gone.is_some() || self.was_missed(run, line.region, &copy.id);
        if taken || self.is_uncertain(line.source, line.region) || self.copies(run, line).any(unseen) {
            return Ok(());
        }
        Err("no answer was lost, no name is taken, and no copy is out of sight".into())
    }

    fn cancelled(&self, run: &Run, line: Line<'a>) -> Result<(), String> {
        if !run.interrupted {
            return Err("the run was not interrupted".into());
        }
        let mut requests =
            self.during(run).filter(|exchange| exchange.asks_for_copy(line.source, line.region));
        // One that has failed may have been started; the line says so. Of two runs at once, the other one may have sent it.
        let has_failed = line.error().is_some() && self.copies(run, line).any(Known::has_failed);
        if run.alone
            && !has_failed
            && requests.any(|exchange| exchange.is_accepted() || exchange.is_uncertain())
        {
            return Err("the run has started a copy there".into());
        }
        Ok(())
    }

    /// What it tells of the image is what the endpoint said.
    fn facts(&self, line: Line<'a>) -> Result<(), String> {
        let said = &line.said["image"];
        let Some(image) = line.id.and_then(|id| self.image(id, line.region)).filter(|_| said.is_object())
        else {
            return Ok(());
        };
        if let Some(name) = said["name"].as_str().filter(|name| !image.names.contains(*name)) {
            return Err(format!("its name never was {name:?}"));
        }
        let pairs = [
            ("os_name", "OsName"),
            ("architecture", "Architecture"),
            ("image_size", "ImageSize"),
            ("created_time", "CreatedTime"),
        ];
        let wrong =
            pairs.iter().find(|(member, fact)| !said[member].is_null() && said[member] != image.facts[fact]);
        wrong.map_or(Ok(()), |(member, fact)| {
            Err(format!("its {member} is not {}, but {}", said[member], image.facts[fact]))
        })
    }

    /// The requests that were to start the copy are those that were answered.
    fn request_ids(&self, line: Line<'a>) -> Result<(), String> {
        let said = line.said["request_ids"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let requests = self.exchanges.iter().filter(|exchange| {
            exchange.action == "SyncImages"
                && exchange.image_ids().any(|id| id == line.source)
                && exchange.destinations().any(|region| region == line.region)
        });
        let known: Vec<&str> =
            requests.filter_map(|exchange| exchange.response()?["RequestId"].as_str()).collect();
        let stray = { said }.find(|id| !known.contains(id));
        stray.map_or(Ok(()), |id| Err(format!("no request for this copy was answered with the id {id}")))
    }

    /// An error of the service is one that a client received.
    fn error(&self, line: Line<'a>) -> Result<(), String> {
        line.error().map_or(Ok(()), |error| self.error_is_true(error))
    }
}
