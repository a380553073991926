//! A small image service on virtual time, for the sync job to run against.

mod actions;
mod image;

use std::collections::BTreeMap;

use cvm_proto::{Reply, Request};
use serde_json::{Value, json};

pub(crate) use self::image::{Fate, Image};
use crate::driver::{answer, lost, not_sent, ok, refused};

pub(crate) const HOME: &str = "ap-shanghai";

/// Whose everything is, unless it is said to be another's.
pub(crate) const ACCOUNT: &str = "1000";

/// When the sources were made: long before the tests' time.
const OLD: &str = "2018-12-01T00:00:00Z";

/// What goes wrong with one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Error(&'static str),
    BadGateway,
    /// The connection is not even made.
    NotSent,
    /// The connection breaks, and no work was done.
    DropBefore,
    /// The work is done, and no answer comes.
    DropAfter,
    /// The work is done, and half of the answer comes.
    Truncated,
    /// The work is done, and another answer comes: an error with this code, or with none a page of HTML.
    Replaced(&'static str),
    /// The work is done, and the answer names no image: no copy that was started, none that is there.
    IdsLeftOut,
    /// No answer comes, and the work is done this many milliseconds later, whatever has become of the client.
    Held(u64),
}

impl Fault {
    /// Whether the client cannot tell whether the work was done.
    fn leaves_doubt(self) -> bool {
        match self {
            Self::Error(code) => ["InternalError", "ServiceUnavailable"].contains(&code),
            Self::NotSent => false,
            _ => true,
        }
    }
}

/// When a name counts as taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Guard {
    /// As soon as an image has it, whether it is to be seen or not.
    #[default]
    On,
    /// This many milliseconds after an image was made.
    Late(u64),
    Off,
}

pub(crate) type FaultOf = Box<dyn FnMut(&str, &str) -> Option<Fault>>;

/// What somebody else does at a time.
pub(crate) type Deed = Box<dyn FnOnce(&mut Service)>;

/// A request that was held back.
pub(crate) struct Held {
    due: u64,
    account: &'static str,
    action: String,
    region: String,
    body: Value,
    maker: u64,
}

/// The service. Times are in milliseconds since 1970.
pub(crate) struct Service {
    pub images: BTreeMap<String, Vec<Image>>,
    /// Regions that are listed, if as available, and that take no request.
    pub unserved: BTreeMap<&'static str, bool>,
    pub quotas: BTreeMap<&'static str, i64>,
    pub fates: BTreeMap<&'static str, Fate>,
    /// The accounts of secret ids that are not of the usual one.
    pub accounts: BTreeMap<&'static str, &'static str>,
    /// How long a copy takes.
    pub copy_millis: u64,
    /// How long a new copy is not to be seen, and where it differs.
    pub hidden_millis: u64,
    pub hidden_in: BTreeMap<&'static str, u64>,
    /// How long a new copy has no type.
    pub typeless_millis: u64,
    pub guard: Guard,
    /// Whether names that differ in case and blanks alone count as the same.
    pub guard_folds: bool,
    /// Whether names of images that are not the account's own count as well.
    pub guard_minds_others: bool,
    /// Copies to this region are refused with this code, also when others are asked for too.
    pub refuse_copies_to: Option<(&'static str, &'static str)>,
    /// A request for several regions is refused.
    pub takes_one_region: bool,
    /// Requests are accepted without the ids of the copies.
    pub hides_ids: bool,
    /// What goes wrong with a request, by action and region.
    pub fault: FaultOf,
    /// The actions and regions of the requests that came.
    pub log: Vec<(String, String)>,
    /// The regions of each `SyncImages` that was accepted.
    pub accepted: Vec<Vec<String>>,
    /// When answers to `SyncImages` were lost, or did not say what was done.
    pub unheard: Vec<u64>,
    /// When a request went wrong last.
    pub faulted: Option<u64>,
    /// The ids that `DeleteImages` deleted.
    pub deleted: Vec<String>,
    pub made: u32,
    /// Which job the next request is of.
    pub maker: u64,
    /// When somebody did something.
    pub meddled: Vec<u64>,
    /// What somebody is about to do.
    pub deeds: Vec<(u64, Deed)>,
    pub held: Vec<Held>,
}

impl Default for Service {
    fn default() -> Self {
        let regions = ["ap-guangzhou", "ap-beijing", "ap-chengdu", "ap-nanjing", "ap-hongkong", "ap-tokyo"];
        let mut images: BTreeMap<_, _> =
            regions.iter().map(|region| ((*region).to_owned(), Vec::new())).collect();
        let sources = [("img-source01", "base"), ("img-source02", "web"), ("img-source03", "base-gpu")];
        images.insert(HOME.into(), sources.iter().map(|(id, name)| Image::new(id, name)).collect());
        Self {
            images,
            unserved: BTreeMap::new(),
            quotas: BTreeMap::new(),
            fates: BTreeMap::new(),
            accounts: BTreeMap::new(),
            copy_millis: 60_000,
            hidden_millis: 0,
            hidden_in: BTreeMap::new(),
            typeless_millis: 0,
            guard: Guard::On,
            guard_folds: false,
            guard_minds_others: false,
            refuse_copies_to: None,
            takes_one_region: false,
            hides_ids: false,
            fault: Box::new(|_, _| None),
            log: Vec::new(),
            accepted: Vec::new(),
            unheard: Vec::new(),
            faulted: None,
            deleted: Vec::new(),
            made: 0,
            maker: 0,
            meddled: Vec::new(),
            deeds: Vec::new(),
            held: Vec::new(),
        }
    }
}

impl Service {
    /// The same fault for these requests, so many times.
    pub(crate) fn faulty(
        mut self,
        fault: Fault,
        action: &'static str,
        region: &'static str,
        times: u32,
    ) -> Self {
        let mut left = times;
        self.fault = Box::new(move |of, at| {
            let hit = left > 0 && of == action && (region.is_empty() || at == region);
            left -= u32::from(hit);
            hit.then_some(fault)
        });
        self
    }

    pub(crate) fn add(mut self, region: &str, image: Image) -> Self {
        self.images.get_mut(region).unwrap().push(image);
        self
    }

    /// Somebody does this at that time.
    pub(crate) fn somebody(&mut self, at: u64, deed: impl FnOnce(&mut Self) + 'static) {
        self.deeds.push((at, Box::new(deed)));
    }

    /// Takes an image away.
    pub(crate) fn remove(&mut self, region: &str, id: &str) {
        self.images.get_mut(region).unwrap().retain(|image| image.id != id);
    }

    pub(crate) fn source(&mut self) -> &mut Image {
        &mut self.images.get_mut(HOME).unwrap()[0]
    }

    /// All copies of a source in a region, whatever their state.
    pub(crate) fn copies(&self, source: &str, region: &str) -> Vec<&Image> {
        let images = self.images.get(region).into_iter().flatten();
        images.filter(|image| image.source.as_deref() == Some(source)).collect()
    }

    pub(crate) fn count(&self, action: &str) -> usize {
        self.log.iter().filter(|(known, _)| known == action).count()
    }

    /// Does what has become due since it was asked last.
    pub(crate) fn tick(&mut self, now: u64) {
        loop {
            let held = self.held.iter().enumerate().map(|(at, held)| (held.due, 0, at));
            let deeds = self.deeds.iter().enumerate().map(|(at, (due, _))| (*due, 1, at));
            let Some((due, kind, at)) = held.chain(deeds).min().filter(|(due, ..)| *due <= now) else {
                return;
            };
            if kind == 0 {
                let Held { account, action, region, body, maker, .. } = self.held.remove(at);
                let asking = std::mem::replace(&mut self.maker, maker);
                let _ = self.act((&action, &region, account), &body, due);
                self.maker = asking;
            } else {
                let (_, deed) = self.deeds.remove(at);
                deed(self);
                self.meddled.push(due);
            }
        }
    }

    /// Holds a request back until this time; whoever sent it is not there any more to hear of it.
    pub(crate) fn hold(&mut self, request: &Request, due: u64) {
        let body: Value = serde_json::from_slice(request.body()).unwrap();
        let (action, region) = (request.action().to_owned(), request.region().unwrap_or_default().to_owned());
        if action == "SyncImages" {
            self.unheard.push(due);
        }
        let (account, maker) = (self.account_of(request), self.maker);
        self.held.push(Held { due, account, action, region, body, maker });
    }

    /// Whether a request is held back that will do its work yet.
    pub(crate) fn holds_something(&self) -> bool {
        !self.held.is_empty()
    }

    pub(crate) fn serve(&mut self, request: &Request, now: u64) -> Reply {
        self.tick(now);
        let body: Value = serde_json::from_slice(request.body()).unwrap();
        let (action, region) = (request.action().to_owned(), request.region().unwrap_or_default().to_owned());
        self.log.push((action.clone(), region.clone()));
        let account = self.account_of(request);
        let fault = (self.fault)(&action, &region);
        self.faulted = fault.map(|_| now).or(self.faulted);
        let is_copying = action == "SyncImages" && body["DryRun"] != json!(true);
        if is_copying && fault.is_some_and(Fault::leaves_doubt) {
            self.unheard.push(now);
        }
        match fault {
            Some(Fault::Error(code)) => return refused(code),
            Some(Fault::BadGateway) => return answer(502, "<html>Bad Gateway</html>"),
            Some(Fault::NotSent) => return not_sent(),
            Some(Fault::DropBefore) => return lost(),
            Some(Fault::Held(millis)) => {
                let maker = self.maker;
                self.held.push(Held { due: now + millis, account, action, region, body, maker });
                return lost();
            }
            _ => {}
        }
        let done = self.act((&action, &region, account), &body, now);
        match (fault, done) {
            (Some(Fault::DropAfter), _) => lost(),
            (Some(Fault::Truncated), Ok(_)) => answer(200, r#"{"Response":{"ImageSet":[{"Ima"#),
            (Some(Fault::Replaced("")), _) => answer(200, "<html>Please log in</html>"),
            (Some(Fault::Replaced(code)), _) => refused(code),
            (Some(Fault::IdsLeftOut), Ok(_)) => ok(r#""ImageSet":[],"TotalCount":0,"#),
            (_, Err(code)) => refused(code),
            (_, Ok(members)) => {
                let text = members.to_string();
                let inner = &text[1..text.len() - 1];
                ok(&if inner.is_empty() { String::new() } else { format!("{inner},") })
            }
        }
    }

    /// The account of whoever signed a request.
    fn account_of(&self, request: &Request) -> &'static str {
        let (_, value) = request
            .headers()
            .find(|(name, _)| name.eq_ignore_ascii_case("authorization"))
            .expect("every request is signed");
        let known = |id: &str| value.contains(&format!("Credential={id}/"));
        self.accounts.iter().find(|(id, _)| known(id)).map_or(ACCOUNT, |(_, account)| *account)
    }
}

/// A name without what some do not tell apart: case and blanks.
pub(crate) fn plain(name: &str) -> String {
    name.chars().filter(|c| !c.is_whitespace()).flat_map(char::to_lowercase).collect()
}

pub(crate) fn texts(list: &Value) -> Vec<&str> {
    list.as_array().map(|list| list.iter().filter_map(Value::as_str).collect()).unwrap_or_default()
}
