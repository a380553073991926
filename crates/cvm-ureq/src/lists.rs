//! Lists as iterators.

use std::fmt;
use std::ops::ControlFlow::{Break, Continue};
use std::vec;

use cvm_proto::{Error, Machine, Paged, Pages, Resumable};
use cvm_shell::warn_of;
use tracing::debug_span;

use crate::Client;

/// The pages of a list: [`Client::pages`].
pub struct PageIter<L: Paged> {
    client: Client,
    pages: Pages<L>,
    has_ended: bool,
}

impl<L: Paged> PageIter<L> {
    pub(crate) fn new(client: Client, pages: Pages<L>) -> Self {
        Self { client, pages, has_ended: false }
    }
}

impl<L: Resumable> PageIter<L> {
    /// By what [`Client::resume_pages`] reads on after the page that came last; `None` if there is no more. After an error
    /// it is the page that could not be had.
    pub fn resume_token(&self) -> Option<String> {
        self.pages.place().resume_token(0)
    }
}

impl<L: Paged> Iterator for PageIter<L> {
    type Item = Result<Vec<L::Item>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.has_ended {
            return None;
        }
        let (action, region) = (Machine::name(&self.pages), self.client.config.region());
        let _span = debug_span!("cvm.page", action, region).entered();
        match self.client.drive(&mut self.pages) {
            Continue(page) => Some(Ok(page)),
            Break(end) => {
                self.has_ended = true;
                warn_of(end).err().map(Err)
            }
        }
    }
}

impl<L: Paged> fmt::Debug for PageIter<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PageIter").field("has_ended", &self.has_ended).finish_non_exhaustive()
    }
}

/// The items of a list: [`Client::items`].
pub struct ItemIter<L: Paged> {
    pages: PageIter<L>,
    /// What is left of the page that came last.
    page: vec::IntoIter<L::Item>,
}

impl<L: Paged> ItemIter<L> {
    pub(crate) fn new(pages: PageIter<L>) -> Self {
        Self { pages, page: Vec::new().into_iter() }
    }
}

impl<L: Resumable> ItemIter<L> {
    /// By what [`Client::resume_items`] reads on after the item that came last, also in another process; `None` if there is
    /// no more. After an error it is the first item that could not be had.
    pub fn resume_token(&self) -> Option<String> {
        self.pages.pages.place().resume_token(self.page.len())
    }
}

impl<L: Paged> Iterator for ItemIter<L> {
    type Item = Result<L::Item, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(item) = self.page.next() {
                return Some(Ok(item));
            }
            match self.pages.next()? {
                Ok(page) => self.page = page.into_iter(),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

impl<L: Paged> fmt::Debug for ItemIter<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ItemIter").field("left_of_page", &self.page.len()).finish_non_exhaustive()
    }
}
