//! Several providers in order of precedence.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::convert::Infallible;
use core::fmt;
use core::sync::atomic::{AtomicUsize, Ordering};

use crate::error::Error;
use crate::machine::{Machine, Now, Reply, Step};
use crate::signer::{Fetch, FetchContext, Found, Provider};

/// Several providers in order of precedence.
///
/// The first provider that has a credential is used, and is asked first from then on. One that is not set up is skipped; one
/// that is set up and fails ends the search with its error, so that no other identity hides the mistake. If
/// none has a credential, the error says what each of them lacks.
#[derive(Clone)]
pub struct Chain(Arc<Links>);

struct Links {
    providers: Vec<Arc<dyn Provider>>,
    /// The one that gave a credential last; their number if there is none.
    last: AtomicUsize,
}

impl Chain {
    /// A chain of these providers, the first with the highest precedence.
    pub fn new(providers: impl IntoIterator<Item = Arc<dyn Provider>>) -> Self {
        let providers: Vec<_> = providers.into_iter().collect();
        let last = AtomicUsize::new(providers.len());
        Self(Arc::new(Links { providers, last }))
    }
}

impl Provider for Chain {
    fn fetch(&self, context: &FetchContext) -> Fetch {
        let first = self.0.last.load(Ordering::Relaxed);
        Box::new(Search {
            links: Arc::clone(&self.0),
            context: context.clone(),
            first,
            asked: None,
            next: 0,
            lacking: Vec::new(),
        })
    }
}

impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Chain").field(&self.0.providers).finish()
    }
}

/// One walk along the chain.
struct Search {
    links: Arc<Links>,
    context: FetchContext,
    /// The one to ask before all others; their number if there is none.
    first: usize,
    asked: Option<(usize, Fetch)>,
    next: usize,
    lacking: Vec<String>,
}

impl Search {
    /// The next one to ask: first the one that gave a credential last, then all in their order.
    fn following(&mut self) -> Option<usize> {
        let all = self.links.providers.len();
        if self.first < all {
            return Some(core::mem::replace(&mut self.first, all));
        }
        let position = self.next;
        self.next += 1;
        (position < all).then_some(position)
    }
}

impl Machine for Search {
    type Output = Result<Found, Error>;
    type Progress = Infallible;

    fn poll(&mut self, now: Now) -> Step<Self::Output> {
        loop {
            let Some((position, fetch)) = &mut self.asked else {
                let Some(position) = self.following() else {
                    return Step::Done(Ok(Found::Nothing(self.lacking.join("; "))));
                };
                self.asked = Some((position, self.links.providers[position].fetch(&self.context)));
                continue;
            };
            match fetch.poll(now) {
                Step::Done(Ok(Found::Nothing(lack))) => {
                    // The one that was asked first has had its turn.
                    if !self.lacking.contains(&lack) {
                        self.lacking.push(lack);
                    }
                    self.asked = None;
                }
                Step::Done(found) => {
                    if found.is_ok() {
                        self.links.last.store(*position, Ordering::Relaxed);
                    }
                    return Step::Done(found);
                }
                step => return step,
            }
        }
    }

    fn reply(&mut self, now: Now, reply: Reply) {
        if let Some((_, fetch)) = &mut self.asked {
            fetch.reply(now, reply);
        }
    }
}
