//! A role by a token whose file was read once: a new token is of use only after the program has given it.

use alloc::boxed::Box;
use alloc::format;
use core::convert::Infallible;

use cvm_proto::credential::{Fetch, FetchContext, Found, Provider, WebIdentity};
use cvm_proto::{Error, Machine, Now, Reply, Step};

use crate::file::FilePath;

/// A web identity whose refusals say which token was sent.
#[derive(Debug)]
pub(crate) struct MemoryToken {
    pub(crate) provider: WebIdentity,
    pub(crate) path: FilePath,
}

impl Provider for MemoryToken {
    fn fetch(&self, context: &FetchContext) -> Fetch {
        Box::new(MemoryTokenFetch { fetch: self.provider.fetch(context), path: self.path.clone() })
    }
}

struct MemoryTokenFetch {
    fetch: Fetch,
    path: FilePath,
}

impl Machine for MemoryTokenFetch {
    type Output = Result<Found, Error>;
    type Progress = Infallible;

    fn poll(&mut self, now: Now) -> Step<Self::Output> {
        match self.fetch.poll(now) {
            Step::Done(Err(error)) if error.code().is_some() => Step::Done(Err(error.with_advice(&format!(
                "the token is what {} held when the client was made: if it has expired, make the client anew",
                self.path
            )))),
            step => step,
        }
    }

    fn reply(&mut self, now: Now, reply: Reply) {
        self.fetch.reply(now, reply);
    }
}
