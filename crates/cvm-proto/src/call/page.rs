//! Lists that come in pages: one machine for all of them.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::convert::Infallible;
use core::fmt;
use core::mem;

use serde::Serialize;
use serde_json::{Map, Value};

use super::action::{ActionInfo, Listing};
use super::resume::{self, ListPlace, Resumable};
use super::typed::AnyCall;
use crate::client::{Config, Random};
use crate::codec::flatten;
use crate::error::Error;
use crate::machine::{Machine, Now, Reply, Step};

/// A list that comes in pages: an action whose answer is one page of it, or [`AnyList`].
pub trait Paged: Clone {
    /// What the list is of.
    type Item: Serialize;
    /// The call of one page.
    type Call: Machine<Output = Result<Self::Answer, Error>, Progress = Infallible>;
    /// A page as it comes.
    type Answer;

    /// The call of the current page. It asks for the largest page unless the caller has set a size.
    fn call(&self, config: &Config, seed: u64) -> Self::Call;

    /// Takes the page out of an answer and moves on to the next one.
    fn turn(&mut self, answer: Self::Answer) -> Page<Self::Item>;

    /// A page without its first items, which have been read before.
    fn skip(&self, mut page: Vec<Self::Item>, items: usize) -> Vec<Self::Item> {
        page.drain(..items.min(page.len()));
        page
    }

    /// Tells pages apart: two in a row with the same fingerprint are the same page, sent twice.
    fn fingerprint(page: &[Self::Item]) -> u64 {
        // The first and the last item are enough, as lists are in order.
        let ends = page.first().into_iter().chain(page.last());
        let bytes = ends.filter_map(|item| serde_json::to_vec(item).ok()).flatten();
        fingerprint(bytes.chain(page.len().to_le_bytes()))
    }
}

/// A page of a list, as [`Paged::turn`] takes it out of an answer.
#[derive(Clone, Debug)]
pub struct Page<I> {
    items: Vec<I>,
    count: usize,
    more: bool,
    total: Option<u64>,
}

impl<I> Page<I> {
    /// A page of these items; `more` says whether another one follows.
    pub fn new(items: Vec<I>, more: bool) -> Self {
        Self { count: items.len(), items, more, total: None }
    }

    /// How many items there really are, where one stands for many.
    pub(crate) fn counted(mut self, count: usize) -> Self {
        self.count = count;
        self
    }

    /// How many items the service says that the list has.
    #[must_use]
    pub fn total(mut self, total: impl TryInto<u64>) -> Self {
        self.total = total.try_into().ok();
        self
    }
}

/// A number that differs where the bytes do (FNV-1a): no adversary gains from one that does not.
pub(crate) fn fingerprint(bytes: impl IntoIterator<Item = u8>) -> u64 {
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    bytes.into_iter().fold(0xcbf2_9ce4_8422_2325, step)
}

/// Ends a list that would never end: one that repeats its pages, or brings far more items than it announced.
#[derive(Clone, Debug, Default)]
pub(crate) struct PageGuard {
    last: Option<u64>,
    /// A page further back, of the number that is the last power of two: pages that go round come back to it.
    milestone: Option<u64>,
    pages: u64,
    first_total: Option<u64>,
    items: u64,
}

/// A list may always grow to this many items while it is read, however few it announced.
const ITEMS_ALWAYS_READ: u64 = 10_000;

/// The most items of a list that does not announce its size.
const MAX_UNCOUNTED_ITEMS: u64 = 1_000_000;

impl PageGuard {
    /// Takes in a page; gives its items, and whether another one is to be asked for.
    pub(crate) fn admit<L: Paged>(&mut self, page: Page<L::Item>) -> Result<(Vec<L::Item>, bool), Error> {
        let Page { items, count, more, total } = page;
        if !items.is_empty() {
            let fingerprint = Some(L::fingerprint(&items));
            if self.last == fingerprint || self.milestone == fingerprint {
                return Err(endless_list("a page came that repeats an earlier one"));
            }
            self.last = fingerprint;
            self.pages += 1;
            if self.pages.is_power_of_two() {
                self.milestone = fingerprint;
            }
        }
        self.items = self.items.saturating_add(count as u64);
        let total = *self.first_total.get_or_insert(total.unwrap_or(0));
        let most =
            if total > 0 { total.saturating_mul(2).max(ITEMS_ALWAYS_READ) } else { MAX_UNCOUNTED_ITEMS };
        if more && self.items > most {
            let begun = if total > 0 { format!("it began with {total} items, and ") } else { String::new() };
            return Err(endless_list(&format!("{begun}{} have come", self.items)));
        }
        Ok((items, more))
    }
}

fn endless_list(why: &str) -> Error {
    Error::response(format!("the list does not end: {why}; ask for its parts by filters"), None, 200)
}

/// Moves on to the next page of a list that announces its size; `false` after the last.
///
/// A page without items is the last, whatever the count says: the list may have shrunk meanwhile.
pub(crate) fn by_offset(offset: &mut Option<i64>, items: usize, total: i64) -> bool {
    let begun = offset.unwrap_or(0).max(0);
    let Some(next) = i64::try_from(items).ok().and_then(|items| begun.checked_add(items)) else {
        return false;
    };
    *offset = Some(next);
    items > 0 && next < total
}

/// Moves on to the next page of a list whose pages are asked for by token; `false` after the last.
pub(crate) fn by_token(token: &mut Option<String>, next: Option<String>) -> bool {
    let next = next.filter(|next| !next.is_empty());
    // The same token twice would repeat this page for ever.
    let more = next.is_some() && next != *token;
    *token = next;
    more
}

/// A list by the name of its action, with items as JSON: what [`AnyCall`] is to [`Call`](crate::Call).
#[derive(Clone, Debug)]
pub struct AnyList {
    name: String,
    parameters: Value,
    listing: Listing,
}

/// The largest page of any action of this API.
const MAX_PAGE_SIZE: u64 = 100;

impl AnyList {
    /// The list of the action `name`, from the item that the parameters ask for.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Parameter`](crate::ErrorKind::Parameter) if this build knows no such action that comes in pages, or
    /// the parameters are not an object.
    pub fn new(name: &str, parameters: Value) -> Result<Self, Error> {
        let Some(listing) = ActionInfo::find(name).and_then(|known| known.listing) else {
            return Err(Error::parameter(format!(
                "the action `{}` is not known to come in pages: call it once",
                name.escape_debug()
            )));
        };
        let mut parameters = if parameters.is_null() { Value::Object(Map::new()) } else { parameters };
        let Some(members) = parameters.as_object_mut() else { return Err(flatten::not_an_object()) };
        let size = if listing.by_token { "MaxResults" } else { "Limit" };
        members.entry(size).or_insert_with(|| MAX_PAGE_SIZE.into());
        if !listing.by_token {
            members.entry("Offset").or_insert_with(|| 0.into());
        }
        Ok(Self { name: name.into(), parameters, listing })
    }

    /// The member of the answers that holds the items.
    pub fn items(&self) -> &'static str {
        self.listing.items
    }

    /// The action, and the parameters of the page that is open.
    pub(crate) fn parts(&self) -> (&str, &Value) {
        (&self.name, &self.parameters)
    }

    /// Moves on to the page after this one; `false` if it was the last.
    pub(crate) fn turn_to(&mut self, page: &PageCursor) -> bool {
        if self.listing.by_token {
            let mut token = self.parameters.get("NextToken").and_then(Value::as_str).map(String::from);
            let more = by_token(&mut token, page.next_token.clone());
            self.parameters["NextToken"] = token.into();
            more
        } else {
            let mut offset = self.parameters.get("Offset").and_then(Value::as_i64);
            let most = self.parameters.get("Limit").and_then(Value::as_u64);
            // After a full page of a list that says nothing of its size, another one may come.
            let is_full = page.total == 0 && most.is_some_and(|most| page.items as u64 >= most.max(1));
            let more = by_offset(&mut offset, page.items, page.total) || is_full;
            self.parameters["Offset"] = offset.into();
            more
        }
    }
}

/// The members of a page that decide whether another one follows.
#[derive(Debug, Default)]
pub(crate) struct PageCursor {
    pub(crate) items: usize,
    pub(crate) total: i64,
    pub(crate) next_token: Option<String>,
}

impl Paged for AnyList {
    type Item = Value;
    type Call = AnyCall;
    type Answer = Value;

    fn call(&self, config: &Config, seed: u64) -> AnyCall {
        AnyCall::new(config, &self.name, &self.parameters, seed)
    }

    fn turn(&mut self, mut answer: Value) -> Page<Value> {
        let items = match answer.get_mut(self.listing.items).map(Value::take) {
            Some(Value::Array(items)) => items,
            _ => Vec::new(),
        };
        let page = PageCursor {
            items: items.len(),
            total: answer.get("TotalCount").and_then(Value::as_i64).unwrap_or(0),
            next_token: answer.get("NextToken").and_then(Value::as_str).map(String::from),
        };
        Page::new(items, self.turn_to(&page)).total(page.total)
    }
}

/// All pages of a list: a [`Machine`] that reports each page as its progress, and asks for the next one only when
/// it is polled again.
///
/// ```text
///   poll ──▶ Send: a page ──▶ reply ──▶ Progress: its items ──▶ poll ──▶ Send: the next page ──▶ ...
///                                                            └──▶ Done, after the last one, or with an Error
/// ```
///
/// Each page is a call of its own, with its own retries and deadline. A list that changes while it is read may show an
/// item twice or leave one out, as the service has no snapshots of it. A list that does not end is ended with an error:
/// where a page repeats an earlier one, or more than twice as many items have come as the first page counted (10,000 at
/// least; a million where it counted none).
///
/// ```
/// use core::time::Duration;
/// use cvm_proto::api::DescribeImages;
/// use cvm_proto::{Config, Credential, Machine, Now, Pages, Reply, Response, Settings, Step};
///
/// let mut settings = Settings::default();
/// settings.credential = Some(Credential::new("AKIDexample", "not-a-real-key")?);
/// settings.region = Some("ap-shanghai".into());
/// let config = Config::new(settings)?;
///
/// let mut pages = Pages::new(&config, DescribeImages::default(), 42);
/// let mut now = Now::new(1_551_113_065, Duration::ZERO);
/// let mut ids = Vec::new();
/// loop {
///     match pages.poll(now) {
///         Step::Send(_request) => {
///             let body = r#"{"Response":{"ImageSet":[{"ImageId":"img-o3ycss2p"}],"TotalCount":1,"RequestId":"r-1"}}"#;
///             pages.reply(now, Reply::Response(Response::new(200, body.into())));
///         }
///         Step::WaitUntil(mono) => now.mono = mono,
///         Step::Progress(images) => ids.extend(images.into_iter().map(|image| image.image_id)),
///         Step::Done(outcome) => break outcome?,
///     }
/// }
/// assert_eq!(ids, ["img-o3ycss2p"]);
/// # Ok::<(), cvm_proto::Error>(())
/// ```
pub struct Pages<L: Paged> {
    list: L,
    config: Config,
    random: Random,
    guard: PageGuard,
    place: ListPlace<L>,
    /// How many items still to come have been read before.
    skip: usize,
    state: State<L>,
}

enum State<L: Paged> {
    Asking(L::Call),
    /// A page has come, which is still to be reported; then the next one is asked for, if there is one.
    Telling {
        page: Vec<L::Item>,
        more: bool,
    },
    Over,
    Ended,
}

impl<L: Paged> Pages<L> {
    /// All pages of `list` from the one that it asks for, with the settings of `config`. `seed` feeds jitter and nonces:
    /// any number, a different one for each list.
    pub fn new(config: &Config, list: L, seed: u64) -> Self {
        Self::after(config, list, 0, seed)
    }

    /// All pages but the first items.
    fn after(config: &Config, list: L, skip: usize, seed: u64) -> Self {
        let mut random = Random::new(seed);
        let call = list.call(config, random.next());
        let place = ListPlace::before(&list, skip, config);
        let (config, guard, state) = (config.clone(), PageGuard::default(), State::Asking(call));
        Self { list, config, random, guard, place, skip, state }
    }

    /// Where the list is. It stays there if a page cannot be had: the list can be resumed from there.
    pub fn place(&self) -> &ListPlace<L> {
        &self.place
    }

    /// The rest of the list, from the page that is open, with the settings of another `config`: for a driver that has to
    /// leave this machine and whatever it shares alone, such as one in a forked process.
    #[must_use]
    pub fn rest(&self, config: &Config, seed: u64) -> Self {
        let mut rest = Self::after(config, self.list.clone(), self.skip, seed);
        rest.place = self.place.clone();
        match self.state {
            State::Asking(_) | State::Telling { more: true, .. } => {}
            State::Telling { more: false, .. } | State::Over => rest.state = State::Over,
            State::Ended => rest.state = State::Ended,
        }
        rest
    }
}

impl<L: Resumable> Pages<L> {
    /// The rest of a list that was left, also by another process: from where [`ListPlace::resume_token`] was asked for.
    ///
    /// `list` is given as it was when it was begun; its page size may be another one.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Parameter`](crate::ErrorKind::Parameter) if the token cannot be read, or belongs to another action,
    /// region or other parameters.
    pub fn resume(config: &Config, list: &L, token: &str, seed: u64) -> Result<Self, Error> {
        let (list, skip) = resume::resumed(config, list, token)?;
        Ok(Self::after(config, list, skip, seed))
    }
}

impl<L: Paged> Machine for Pages<L> {
    type Output = Result<(), Error>;
    type Progress = Vec<L::Item>;

    /// The list's action; of a list that has been told, only that it is one.
    fn name(&self) -> &str {
        if let State::Asking(call) = &self.state { call.name() } else { "list" }
    }

    fn poll(&mut self, now: Now) -> Step<Self::Output, Self::Progress> {
        loop {
            match &mut self.state {
                State::Asking(call) => match call.poll(now) {
                    Step::Send(request) => return Step::Send(request),
                    Step::WaitUntil(mono) => return Step::WaitUntil(mono),
                    Step::Progress(never) => match never {},
                    Step::Done(Ok(answer)) => {
                        let open = self.list.clone();
                        let page = self.list.turn(answer);
                        let count = page.count;
                        match self.guard.admit::<L>(page) {
                            Ok((page, more)) => {
                                let read_before = self.skip.min(count);
                                self.skip -= read_before;
                                let page =
                                    if read_before > 0 { self.list.skip(page, read_before) } else { page };
                                self.place.pass(open, count, more.then(|| self.list.clone()), self.skip);
                                self.state = State::Telling { page, more };
                            }
                            Err(error) => {
                                self.state = State::Ended;
                                return Step::Done(Err(error));
                            }
                        }
                    }
                    Step::Done(Err(error)) => {
                        self.state = State::Ended;
                        return Step::Done(Err(error));
                    }
                },
                State::Telling { page, more } => {
                    let (page, more) = (mem::take(page), *more);
                    self.state = if more {
                        State::Asking(self.list.call(&self.config, self.random.next()))
                    } else {
                        State::Over
                    };
                    if !page.is_empty() {
                        return Step::Progress(page);
                    }
                }
                State::Over => {
                    self.state = State::Ended;
                    return Step::Done(Ok(()));
                }
                State::Ended => unreachable!("a list was polled after its end"),
            }
        }
    }

    fn reply(&mut self, now: Now, reply: Reply) {
        if let State::Asking(call) = &mut self.state {
            call.reply(now, reply);
        }
    }
}

impl<L: Paged> fmt::Debug for Pages<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pages").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_end_with_the_list() {
        let mut offset = None;
        assert!(by_offset(&mut offset, 100, 250));
        assert!(by_offset(&mut offset, 100, 250));
        assert_eq!(offset, Some(200));
        assert!(!by_offset(&mut offset, 50, 250));
        assert!(!by_offset(&mut None, 0, 250), "an empty page ends a list that has shrunk");
        assert!(!by_offset(&mut None, 10, -1), "no count, no further page");
        assert!(!by_offset(&mut Some(i64::MAX), 1, i64::MAX), "beyond what the member can hold");
    }

    #[test]
    fn tokens_end_when_there_is_none() {
        let mut token = None;
        assert!(by_token(&mut token, Some("a".into())));
        assert!(by_token(&mut token, Some("b".into())));
        assert!(!by_token(&mut token, Some("b".into())), "no progress");
        assert!(!by_token(&mut token, Some(String::new())));
        assert!(!by_token(&mut token, None));
    }
}
