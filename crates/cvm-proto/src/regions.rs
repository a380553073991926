//! Regions by name, by pattern and `all`, compared with the service's list.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::convert::Infallible;
use core::fmt;

use crate::api::DescribeRegions;
use crate::api::types::RegionInfo;
use crate::call::{CANCEL_CHECK_EVERY, Call, CancelGrace};
use crate::client::{Config, Job, is_finance};
use crate::error::{Error, ErrorCode};
use crate::input;
use crate::input::closest;
use crate::machine::{Failure, FailureKind, Machine, Now, Reply, Step};
use crate::wire::Cancel;

/// The word for every region.
const ALL: &str = "all";

/// Finds out which regions a list of names and patterns stands for: a [`Job`] for a client's `run`.
///
/// `all` stands for every region; in a pattern, `*` stands for any letters and `?` for one. Both stand for regions that are
/// available, and, where the source region is [known](Self::from), for those that an image can go to from there: on its side
/// of the border of the finance regions, and not the source region itself. A region that is written out is taken as it is,
/// whether the service lists it or not.
///
/// White space around a name does no harm, nor does an empty name, such as the one behind a trailing comma. The outcome has
/// each region once, in the order of the list; what a pattern stands for, in the service's order.
///
/// The service's list is asked for only if something depends on it. A sync job is what its regions are, so ask before it is
/// made: [`ImageSync::to`](crate::ImageSync::to) takes regions, and no patterns.
///
/// # Errors
///
/// Those of `DescribeRegions`, if something depends on the list; [`ErrorKind::Parameter`](crate::ErrorKind::Parameter) if
/// the list of names is empty, a pattern stands for nothing, an exception is none of the service's regions, or nothing is
/// left.
///
/// ```
/// use core::time::Duration;
/// use cvm_proto::{Config, Credential, Job, Machine, Now, Reply, Response, Settings, Step, WhichRegions};
///
/// let mut settings = Settings::default();
/// settings.credential = Some(Credential::new("AKIDexample", "not-a-real-key")?);
/// let config = Config::new(settings)?;
///
/// let mut asking = WhichRegions::of(["ap-*"]).except(["ap-tokyo"]).from("ap-shanghai").start(&config, 42);
/// let now = Now::new(1_551_113_065, Duration::ZERO);
/// let Step::Send(request) = asking.poll(now) else { panic!("a pattern depends on the list") };
/// assert_eq!(request.action(), "DescribeRegions");
///
/// let listed = ["ap-shanghai", "ap-beijing", "ap-tokyo", "eu-frankfurt"]
///     .map(|name| format!(r#"{{"Region":"{name}","RegionName":"","RegionState":"AVAILABLE"}}"#));
/// let body = format!(r#"{{"Response":{{"TotalCount":4,"RegionSet":[{}],"RequestId":"r-1"}}}}"#, listed.join(","));
/// asking.reply(now, Reply::Response(Response::new(200, body.into())));
/// let Step::Done(regions) = asking.poll(now) else { panic!("an answer ends it") };
/// assert_eq!(regions?, ["ap-beijing"]);
/// # Ok::<(), cvm_proto::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct WhichRegions {
    named: Vec<String>,
    except: Vec<String>,
    from: Option<String>,
    cancel: Option<Cancel>,
}

impl WhichRegions {
    /// The regions that these names and patterns stand for.
    pub fn of(names: impl IntoIterator<Item: Into<String>>) -> Self {
        Self { named: once_each(Vec::new(), names), except: Vec::new(), from: None, cancel: None }
    }

    /// Leaves these out, which may be patterns as well. Each has to be one of the service's regions, or one of the names.
    #[must_use]
    pub fn except(mut self, names: impl IntoIterator<Item: Into<String>>) -> Self {
        self.except = once_each(self.except, names);
        self
    }

    /// The region that images come from; none by default.
    #[must_use]
    pub fn from(mut self, region: impl Into<String>) -> Self {
        self.from = Some(input::trim(&region.into()).into());
        self
    }

    /// Lets the question be cancelled; it then ends with an error.
    #[must_use]
    pub fn cancel_with(mut self, cancel: &Cancel) -> Self {
        self.cancel = Some(cancel.clone());
        self
    }

    /// Whether a name stands for several regions: `all`, or a pattern.
    pub fn is_pattern(name: &str) -> bool {
        name == ALL || name.contains(['*', '?'])
    }

    /// Whether the outcome depends on the service's list. If not, the job ends without a request.
    pub fn needs_list(&self) -> bool {
        !self.except.is_empty() || self.named.iter().any(|name| Self::is_pattern(name))
    }

    /// What the names stand for, given what the service lists.
    fn choose(&self, listed: &[RegionInfo]) -> Result<Vec<String>, Error> {
        if self.named.is_empty() {
            return Err(Error::parameter(
                "the list of regions is empty: name at least one, such as ap-guangzhou, or all",
            ));
        }
        let mut chosen = Vec::new();
        for name in &self.named {
            if !Self::is_pattern(name) {
                chosen = once_each(chosen, [name]);
                continue;
            }
            let meant = listed
                .iter()
                .filter(|region| self.is_candidate(region) && matches_pattern(name, &region.region));
            let mut meant = meant.map(|region| &region.region).peekable();
            if meant.peek().is_none() {
                return Err(Error::parameter(match &self.from {
                    Some(from) => format!(
                        "`{}` stands for no region that an image can go to from {}: DescribeRegions lists the regions",
                        name.escape_debug(),
                        from.escape_debug()
                    ),
                    None => format!(
                        "`{}` stands for no available region: DescribeRegions lists the regions",
                        name.escape_debug()
                    ),
                }));
            }
            chosen = once_each(chosen, meant);
        }
        for name in &self.except {
            let known = || listed.iter().map(|region| &region.region).chain(&self.named);
            if !known().any(|region| matches_pattern(name, region)) {
                let known = known().map(String::as_str).filter(|name| !Self::is_pattern(name));
                return Err(Error::parameter(format!(
                    "`{}` is to be left out and is no region of the service: {}",
                    name.escape_debug(),
                    advice(name, known)
                )));
            }
            chosen.retain(|region| !matches_pattern(name, region));
        }
        if chosen.is_empty() {
            return Err(Error::parameter(format!(
                "no region is left of {} without {}: leave less out",
                self.named.join(", ").escape_debug(),
                self.except.join(", ").escape_debug()
            )));
        }
        Ok(chosen)
    }

    /// Whether a pattern may stand for a region.
    fn is_candidate(&self, region: &RegionInfo) -> bool {
        is_available(region)
            && self
                .from
                .as_ref()
                .is_none_or(|from| is_finance(&region.region) == is_finance(from) && region.region != *from)
    }
}

impl Job for WhichRegions {
    type Machine = WhichRegionsMachine;

    fn name(&self) -> &'static str {
        "WhichRegions"
    }

    fn start(self, config: &Config, seed: u64) -> WhichRegionsMachine {
        // A list without names is wrong whatever the service says.
        let needs_list = self.needs_list() && !self.named.is_empty();
        let config = match &self.from {
            Some(from) if needs_list => config.with_region(from),
            _ => Ok(config.clone()),
        };
        let (call, wrong) = match config {
            Ok(config) => (needs_list.then(|| Box::new(list_call(&config, seed))), None),
            Err(error) => (None, Some(error)),
        };
        let cancel_grace = CancelGrace::new(self.cancel.clone());
        WhichRegionsMachine { which: self, call, wrong, cancel_grace }
    }
}

/// The call for the service's list of regions. It needs no region, and one that does not exist could only spoil it.
pub(crate) fn list_call(config: &Config, seed: u64) -> Call<DescribeRegions> {
    Call::new(&config.without_region(), DescribeRegions::default(), seed)
}

/// The machine of [`WhichRegions`].
pub struct WhichRegionsMachine {
    which: WhichRegions,
    /// The question for the service's list, if something depends on it.
    call: Option<Box<Call<DescribeRegions>>>,
    wrong: Option<Error>,
    cancel_grace: CancelGrace,
}

impl Machine for WhichRegionsMachine {
    type Output = Result<Vec<String>, Error>;
    type Progress = Infallible;

    fn name(&self) -> &'static str {
        "WhichRegions"
    }

    fn poll(&mut self, now: Now) -> Step<Self::Output> {
        if let Some(error) = &self.wrong {
            return Step::Done(Err(error.clone()));
        }
        if self.cancel_grace.ends(now).is_some() {
            let why = "cancelled before it was known which regions are meant";
            return Step::Done(Err(Error::transport(Failure::not_sent(FailureKind::Cancelled, why))));
        }
        let Some(call) = &mut self.call else { return Step::Done(self.which.choose(&[])) };
        match call.poll(now) {
            Step::Send(request) => Step::Send(self.cancel_grace.attach(request, true, now)),
            Step::WaitUntil(until) if self.which.cancel.is_some() => {
                Step::WaitUntil(until.min(now.mono.saturating_add(CANCEL_CHECK_EVERY)))
            }
            Step::WaitUntil(until) => Step::WaitUntil(until),
            Step::Progress(never) => match never {},
            Step::Done(Ok(answer)) => Step::Done(self.which.choose(&answer.region_set)),
            Step::Done(Err(error)) => Step::Done(Err(error.with_advice("name the regions, or try again"))),
        }
    }

    fn reply(&mut self, now: Now, reply: Reply) {
        self.cancel_grace.replied(now);
        if let Some(call) = &mut self.call {
            call.reply(now, reply);
        }
    }
}

impl fmt::Debug for WhichRegionsMachine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WhichRegionsMachine").field("which", &self.which).finish_non_exhaustive()
    }
}

/// Adds names to a list that has each once: without the white space around them, and without empty ones.
pub(crate) fn once_each(mut list: Vec<String>, more: impl IntoIterator<Item: Into<String>>) -> Vec<String> {
    for name in more {
        let name = name.into();
        let name = input::trim(&name);
        if !name.is_empty() && !list.iter().any(|known| known == name) {
            list.push(name.into());
        }
    }
    list
}

fn is_available(region: &RegionInfo) -> bool {
    region.region_state == "AVAILABLE"
}

/// Whether a region is one of those that a name or a pattern stands for.
fn matches_pattern(pattern: &str, region: &str) -> bool {
    pattern == ALL || matches(pattern.as_bytes(), region.as_bytes())
}

/// Whether a text is as the pattern has it. It goes back to the last `*` alone, so that no pattern takes long.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(&letter) if letter == b'?' || letter == text[t] => {
                p += 1;
                t += 1;
            }
            _ => {
                let Some((star_at, taken)) = star else { return false };
                star = Some((star_at, taken + 1));
                p = star_at + 1;
                t = taken + 1;
            }
        }
    }
    pattern[p..].iter().all(|&letter| letter == b'*')
}

/// The region that a name probably means which is none of those that are known. A city alone is close to its region.
pub fn closest_region<'a>(name: &str, known: impl Iterator<Item = &'a str> + Clone) -> Option<&'a str> {
    let city = |region: &'a str| region.split_once('-').map_or(region, |(_, city)| city);
    closest(name, known.clone()).or_else(|| {
        let meant = closest(name, known.clone().map(city))?;
        known.clone().find(|region| city(region) == meant)
    })
}

/// What to do about a name that is none.
fn advice<'a>(name: &str, known: impl Iterator<Item = &'a str> + Clone) -> String {
    match closest_region(name, known) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => "DescribeRegions lists the regions".into(),
    }
}

/// Whether the service refuses a request for the region that it was sent to. A value that is refused without a word of
/// what it is may be another one.
pub(crate) fn is_refused(error: &Error) -> bool {
    error.code().is_some_and(|code| {
        code.group() == "InvalidRegion"
            || matches!(
                code.as_str(),
                "UnsupportedRegion" | "InvalidParameterValue" | "InvalidParameterValue.InvalidRegion"
            )
    })
}

/// The error of a call, with the region that was probably meant if the service refused the one that the request was sent to.
///
/// `list` asks `DescribeRegions`, once, and only if the error may be about the region; `None` if the list cannot be had. Any
/// other error is given back as it was.
///
/// ```
/// use cvm_proto::{Error, ErrorCode, api::types::RegionInfo, with_region_meant};
///
/// let refused = Error::service(ErrorCode::UnsupportedRegion, "no such region".into(), None, 200);
/// let refused = refused.with_call("DescribeImages", Some("ap-guangzou"), 1);
///
/// let mut listed = RegionInfo::default();
/// (listed.region, listed.region_state) = ("ap-guangzhou".into(), "AVAILABLE".into());
/// let explained = with_region_meant(refused, || Some(vec![listed]));
/// assert!(explained.to_string().contains("did you mean `ap-guangzhou`?"));
/// ```
pub fn with_region_meant(error: Error, list: impl FnOnce() -> Option<Vec<RegionInfo>>) -> Error {
    let explained = error.region().filter(|_| is_refused(&error)).and_then(|region| {
        let explained = refused("", region, &error, Some(&list()?))?;
        Some(explained.with_call(error.action().unwrap_or_default(), Some(region), error.attempts()))
    });
    explained.unwrap_or(error)
}

/// The error of a region that the service refuses, with the name that was probably meant, as far as the service's list is
/// known, after what that has led to. `None` if something else must have been refused, since the region is there.
pub(crate) fn refused(
    led_to: &str,
    region: &str,
    error: &Error,
    listed: Option<&[RegionInfo]>,
) -> Option<Error> {
    let entry = listed.and_then(|listed| listed.iter().find(|of| of.region == region));
    if error.code() == Some(&ErrorCode::InvalidParameterValue) && entry.is_some_and(is_available) {
        return None;
    }
    let others = listed.unwrap_or_default().iter();
    let others = others
        .filter(|of| is_available(of) && of.region != region && is_finance(&of.region) == is_finance(region));
    let advice = match (entry, listed) {
        (Some(_), _) => "leave it out".into(),
        (None, Some(_)) => advice(region, others.map(|of| of.region.as_str())),
        (None, None) => "check its name".into(),
    };
    let code = error.code().cloned()?;
    let is_known = entry.is_some() || code.group() == "UnsupportedRegion";
    let what = if is_known { "does not serve the region" } else { "knows no region" };
    let message = format!("{led_to}the service {what} `{region}`: {advice}");
    let request_id = error.request_id().map(Into::into);
    Some(Error::service(code, message, request_id, error.status().unwrap_or(200)))
}
