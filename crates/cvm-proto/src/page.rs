//! Lists that come in pages: one machine that turns them.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::mem;

use crate::action::Action;
use crate::call::Call;
use crate::config::Config;
use crate::error::Error;
use crate::machine::{Job, Machine, Now, Reply, Step};
use crate::random::Random;

/// An action whose answer is one page of a list.
pub trait Paged: Action + Clone {
    /// What the list is of.
    type Item;

    /// Asks for the largest pages, unless the caller has said how large.
    fn begin(&mut self);

    /// Takes the items out of an answer and turns to the next page; `false` if this was the last.
    fn turn(&mut self, answer: Self::Response) -> (Vec<Self::Item>, bool);
}

/// Turns to the next page of a list that is counted; `false` after the last.
///
/// A page without items is the last, whatever the count says: the list may have shrunk meanwhile.
pub(crate) fn by_offset<N>(offset: &mut Option<N>, items: usize, total: impl TryInto<u64>) -> bool
where
    N: Copy + TryInto<u64> + TryFrom<u64>,
{
    let begun = offset.and_then(|offset| offset.try_into().ok()).unwrap_or(0);
    let next = begun.saturating_add(items as u64);
    let Ok(value) = N::try_from(next) else { return false };
    *offset = Some(value);
    items > 0 && next < total.try_into().unwrap_or(0)
}

/// Turns to the next page of a list that goes on with a token; `false` after the last.
pub(crate) fn by_token(token: &mut Option<String>, next: Option<String>) -> bool {
    let next = next.filter(|next| !next.is_empty());
    // The same token twice would go round for ever.
    let more = next.is_some() && next != *token;
    *token = next;
    more
}

/// All pages of a list: a [`Job`] whose machine tells each page as its progress.
///
/// Each page is a call of its own, with its own retries and deadline. A list that changes while it is read may show an
/// item twice or leave one out, as the service has no snapshots of it.
#[derive(Clone, Debug)]
pub struct Pages<A>(A);

impl<A: Paged> Pages<A> {
    /// All pages of what `action` lists, from the page that it asks for.
    pub fn new(mut action: A) -> Self {
        action.begin();
        Self(action)
    }
}

impl<A: Paged> Job for Pages<A> {
    type Machine = PagesMachine<A>;

    fn start(self, config: &Config, seed: u64) -> PagesMachine<A> {
        let mut random = Random::new(seed);
        let call = Call::new(config, self.0.clone(), random.next());
        PagesMachine { action: self.0, config: config.clone(), random, state: State::Asking(call) }
    }
}

/// A list on its way; made from [`Pages`].
pub struct PagesMachine<A: Paged> {
    action: A,
    config: Config,
    random: Random,
    state: State<A>,
}

enum State<A: Paged> {
    Asking(Call<A>),
    /// The page is still to be told; then the next is asked for, if there is one.
    Telling { page: Vec<A::Item>, more: bool },
    Over,
    Ended,
}

impl<A: Paged> Machine for PagesMachine<A> {
    type Output = Result<(), Error>;
    type Progress = Vec<A::Item>;

    fn poll(&mut self, now: Now) -> Step<Self::Output, Self::Progress> {
        loop {
            match &mut self.state {
                State::Asking(call) => match call.poll(now) {
                    Step::Send(request) => return Step::Send(request),
                    Step::WaitUntil(mono) => return Step::WaitUntil(mono),
                    Step::Progress(never) => match never {},
                    Step::Done(Ok(answer)) => {
                        let (page, more) = self.action.turn(answer);
                        self.state = State::Telling { page, more };
                    }
                    Step::Done(Err(error)) => {
                        self.state = State::Ended;
                        return Step::Done(Err(error));
                    }
                },
                State::Telling { page, more } => {
                    let (page, more) = (mem::take(page), *more);
                    self.state = if more {
                        State::Asking(Call::new(&self.config, self.action.clone(), self.random.next()))
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

impl<A: Paged> fmt::Debug for PagesMachine<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PagesMachine").field("action", &A::NAME).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_end_with_the_list() {
        let mut offset = None::<i64>;
        assert!(by_offset(&mut offset, 100, 250_i64));
        assert!(by_offset(&mut offset, 100, 250_i64));
        assert_eq!(offset, Some(200));
        assert!(!by_offset(&mut offset, 50, 250_i64));
        assert!(!by_offset(&mut None::<u64>, 0, 250_i64), "an empty page ends a list that has shrunk");
        assert!(!by_offset(&mut None::<u64>, 10, -1_i64), "no count, no further page");
        assert!(!by_offset(&mut Some(i64::MAX), 1, u64::MAX), "beyond what the member can hold");
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
