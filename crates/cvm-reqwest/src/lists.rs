//! Lists as streams.

use std::fmt;
use std::ops::ControlFlow::{Break, Continue};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::vec;

use cvm_proto::{Error, ListPlace, Machine, Paged, Pages, Resumable};
use cvm_shell::warn_of;
use futures_core::Stream;
use futures_util::{StreamExt, stream};
use tracing::{Instrument, debug_span};

use crate::Client;

/// The pages of a list: [`Client::pages`].
///
/// It is a [`Stream`]; [`next`](Self::next) is there for programs that have no crate for streams. Waiting for a page can be
/// given up and taken up again; nothing runs in the background.
pub struct PageStream<L: Paged> {
    pages: PlacedPages<L>,
    /// Where the list is; `None` after its last page.
    place: Option<ListPlace<L>>,
    has_failed: bool,
}

/// Pages, each with the place after it.
type PlacedPages<L> = Pin<Box<dyn Stream<Item = Result<Placed<L>, Error>> + Send>>;

type Placed<L> = (Vec<<L as Paged>::Item>, ListPlace<L>);

impl<L> PageStream<L>
where
    L: Paged<Item: Send, Call: Send> + Send + 'static,
{
    pub(crate) fn new(client: Client, pages: Pages<L>) -> Self {
        let place = Some(pages.place().clone());
        let pages = stream::try_unfold((client, pages), |(client, mut pages)| async move {
            let span =
                debug_span!("cvm.page", action = Machine::name(&pages), region = client.config.region());
            match client.drive(&mut pages).instrument(span.clone()).await {
                Continue(page) => Ok(Some(((page, pages.place().clone()), (client, pages)))),
                Break(end) => span.in_scope(|| warn_of(end)).map(|()| None),
            }
        });
        Self { pages: Box::pin(pages), place, has_failed: false }
    }
}

impl<L: Resumable> PageStream<L> {
    /// By what [`Client::resume_pages`] reads on after the page that came last; `None` if there is no more. After an error
    /// it is the page that could not be had.
    pub fn resume_token(&self) -> Option<String> {
        self.left(0)
    }

    fn left(&self, left: usize) -> Option<String> {
        self.place.as_ref()?.resume_token(left)
    }
}

impl<L: Paged> PageStream<L> {
    /// The next page; `None` after the last one, and after an error.
    ///
    /// # Errors
    ///
    /// As [`Client::send`].
    pub async fn next(&mut self) -> Option<Result<Vec<L::Item>, Error>> {
        StreamExt::next(self).await
    }
}

/// Nothing in it is pinned where it is.
impl<L: Paged> Unpin for PageStream<L> {}

impl<L: Paged> Stream for PageStream<L> {
    type Item = Result<Vec<L::Item>, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(match ready!(self.pages.as_mut().poll_next(cx)) {
            Some(Ok((page, place))) => {
                self.place = Some(place);
                Some(Ok(page))
            }
            Some(Err(error)) => {
                self.has_failed = true;
                Some(Err(error))
            }
            None => {
                if !self.has_failed {
                    self.place = None;
                }
                None
            }
        })
    }
}

impl<L: Paged> fmt::Debug for PageStream<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PageStream").finish_non_exhaustive()
    }
}

/// The items of a list: [`Client::items`].
///
/// It is a [`Stream`]; [`next`](Self::next) is there for programs that have no crate for streams. Waiting for an item can be
/// given up and taken up again; nothing runs in the background.
pub struct ItemStream<L: Paged> {
    pages: PageStream<L>,
    /// What is left of the page that came last.
    page: vec::IntoIter<L::Item>,
}

impl<L: Paged> ItemStream<L> {
    pub(crate) fn new(pages: PageStream<L>) -> Self {
        Self { pages, page: Vec::new().into_iter() }
    }

    /// The next item; `None` after the last one, and after an error.
    ///
    /// # Errors
    ///
    /// As [`Client::send`].
    pub async fn next(&mut self) -> Option<Result<L::Item, Error>> {
        StreamExt::next(self).await
    }
}

impl<L: Resumable> ItemStream<L> {
    /// By what [`Client::resume_items`] reads on after the item that came last, also in another process; `None` if there is
    /// no more. After an error it is the first item that could not be had.
    pub fn resume_token(&self) -> Option<String> {
        self.pages.left(self.page.len())
    }
}

/// Nothing in it is pinned where it is.
impl<L: Paged> Unpin for ItemStream<L> {}

impl<L: Paged> Stream for ItemStream<L> {
    type Item = Result<L::Item, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(item) = self.page.next() {
                return Poll::Ready(Some(Ok(item)));
            }
            match ready!(self.pages.poll_next_unpin(cx)) {
                Some(Ok(page)) => self.page = page.into_iter(),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
    }
}

impl<L: Paged> fmt::Debug for ItemStream<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ItemStream").field("left_of_page", &self.page.len()).finish_non_exhaustive()
    }
}
