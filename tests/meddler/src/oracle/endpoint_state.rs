//! What became of the endpoint's images: nothing doubled, nothing lost, nothing deleted that should have stayed.

use std::time::Duration;

use super::{Asked, Oracle};
use crate::history::Known;

impl Oracle<'_> {
    /// What should never have happened; empty if nothing has.
    pub fn judge_state(&self) -> Vec<String> {
        let mut findings = Vec::new();
        self.doubled(&mut findings);
        self.deleted(&mut findings);
        self.unnamed(&mut findings);
        findings
    }

    /// Two images that were there at the same time, and are copies of one source or have one name.
    fn doubled(&self, findings: &mut Vec<String>) {
        for region in self.history.regions() {
            let mut images: Vec<&Known> =
                self.history.of_region(region).filter(|image| image.is_private()).collect();
            images.sort_by_key(|image| (image.first, image.id.clone()));
            for (at, first) in images.iter().enumerate() {
                for second in &images[at + 1..] {
                    let both = first.gone.is_none_or(|gone| second.first < gone.at);
                    // Two that were there before everything are nobody's doing.
                    if both && second.first > Duration::ZERO && self.are_one(first, second) {
                        findings.push(format!(
                            "doubled in {region}: {} and {}, both of them {:?}, {:?}",
                            first.id,
                            second.id,
                            first.name(),
                            second.name()
                        ));
                    }
                }
            }
        }
    }

    fn are_one(&self, first: &Known, second: &Known) -> bool {
        let mut sources =
            self.runs.iter().flat_map(|run| run.asked.images.iter().map(move |id| (id, &run.asked)));
        !first.name().is_empty() && first.name() == second.name()
            || sources.any(|(source, asked)| {
                self.is_copy(first, source, asked) && self.is_copy(second, source, asked)
            })
    }

    /// What clients deleted had failed, and they had been told to.
    fn deleted(&self, findings: &mut Vec<String>) {
        for exchange in self.exchanges.iter().filter(|exchange| exchange.action == "DeleteImages") {
            let Some(at) = exchange.delivered else { continue };
            let mut runs =
                self.runs.iter().filter(|run| run.from <= exchange.arrived && exchange.arrived <= run.to);
            if !runs.any(|run| run.asked.deletes_failed) {
                findings
                    .push(format!("{} was deleted, and nobody asked for it", exchange.request["ImageIds"]));
            }
            for id in exchange.image_ids() {
                let had_failed = self.image(id, &exchange.region).is_some_and(|image| {
                    image.stays.iter().any(|stay| crate::history::is_failed(&stay.state) && stay.first <= at)
                });
                if !had_failed {
                    findings.push(format!("{id} was deleted, and had not failed"));
                }
            }
        }
    }

    /// Every request for copies names them: the name is what holds off a second one.
    fn unnamed(&self, findings: &mut Vec<String>) {
        let requests = self.exchanges.iter().filter(|exchange| exchange.action == "SyncImages");
        for exchange in requests.filter(|exchange| exchange.request["ImageName"].is_null()) {
            findings.push(format!(
                "a request without a name for {} in {}",
                exchange.request["ImageIds"], exchange.request["DestinationRegions"]
            ));
        }
    }

    /// What is missing once a job has ended well: every destination has one copy that can be used.
    pub fn missing(&self, asked: &Asked) -> Vec<String> {
        let mut findings = Vec::new();
        for source in &asked.images {
            for region in &asked.regions {
                let copies = self.history.of_region(region).filter(|image| {
                    let state = image.stays.last().map(|stay| &*stay.state);
                    image.gone.is_none() && state == Some("NORMAL") && self.is_copy(image, source, asked)
                });
                let copies: Vec<&str> = copies.map(|image| &*image.id).collect();
                if copies.is_empty() {
                    findings.push(format!("lost: {source} has no copy in {region}"));
                }
            }
        }
        findings
    }
}
