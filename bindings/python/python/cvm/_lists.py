"""Lists that come in pages."""

from __future__ import annotations

from operator import index

from cvm import _cvm
from cvm.errors import ParameterError


class _Progress:
    """How far a list has been read."""

    def __init__(self, begin, resume_token, max_items):
        try:
            self.most = None if max_items is None else index(max_items)
        except TypeError:
            raise TypeError(f"max_items is {_cvm.kind(max_items)}: give a whole number") from None
        if self.most is not None and self.most < 0:
            raise ParameterError(f"max_items is {self.most}: give 0 or more", kind="parameter")
        self._begin = begin
        self.job = begin(resume_token)
        self._name = self.job.items
        self.place = self.job.place()
        # The rest of the page that came last, and how many items that is.
        self.items = iter(())
        self.left = 0

    def to_advance(self):
        """The job that gets the next page; `None` if there is none."""
        if self.place is None or self.most == 0:
            return None
        if self.job is None:
            # An error, or Ctrl-C, came in the place of a page: the list goes on from there.
            token = self.place.resume_token(0)
            self.job = None if token is None else self._begin(token)
        return self.job

    def lose(self):
        """A page did not come: its job is over."""
        self.job = None

    def take(self, job, goes_on, page):
        """Takes in what the job told: the page, with the items that may still be given, or `None` at the end."""
        if not goes_on:
            self.place = None
            return None
        self.place, self.left = job.place(), 0
        if self.most is not None:
            items = page.get(self._name) or []
            self.left = max(0, len(items) - self.most)
            del items[self.most :]
            self.most -= len(items)
        return page

    def open(self, page):
        """Gives the items of a page one by one from here on."""
        items = page.get(self._name) or ()
        self.left += len(items)
        self.items = iter(items)

    def pass_over(self):
        """Leaves what is left of the open page out."""
        self.items, self.left = iter(()), 0


class _List:
    """What both kinds of list know."""

    def __init__(self, begin, resume_token, max_items):
        self._progress = _Progress(begin, resume_token, max_items)

    @property
    def resume_token(self):
        """A text by which the rest of the list is read later, also by another process; `None` if nothing is left.

        Give it to `paginate` as `resume_token`, with the same action, parameters and region; the size of a page may be
        another one. What was given is not given again. The service has no snapshots: what is added or removed meanwhile
        shifts the place.
        """
        progress = self._progress
        return None if progress.place is None else progress.place.resume_token(progress.left)

    def __repr__(self):
        progress = self._progress
        end = "" if progress.place is not None else ", read to its end"
        return f"<{type(self).__name__} of {progress.job.items}{end}>"


class Items(_List):
    """Every item of a list. A page is fetched when its first item is due; after an error it is fetched anew."""

    def __init__(self, client, begin, resume_token, max_items):
        super().__init__(begin, resume_token, max_items)
        # A list is read to its end although its client is closed meanwhile, so it has the core; and the client for what that
        # holds.
        self._client, self._core = client, client._core

    def _page(self):
        progress = self._progress
        job = progress.to_advance()
        if job is None:
            return None
        try:
            goes_on, page = self._core.advance(job)
        except RuntimeError:
            # Another thread reads this list at this moment.
            raise
        except BaseException:
            progress.lose()
            raise
        return progress.take(job, goes_on, page)

    def __iter__(self):
        return self

    def __next__(self):
        while True:
            for item in self._progress.items:
                self._progress.left -= 1
                return item
            page = self._page()
            if page is None:
                raise StopIteration
            self._progress.open(page)

    def pages(self):
        """The answers themselves, each with a page of items; what is left of a page whose items have begun is left out."""
        return _PagesOf(self)


class _PagesOf:
    """The pages of a list."""

    def __init__(self, items):
        self._items = items

    def __iter__(self):
        return self

    def __next__(self):
        self._items._progress.pass_over()
        page = self._items._page()
        if page is None:
            raise StopIteration
        return page


class AsyncItems(_List):
    """Every item of a list. A page is fetched when its first item is due; after an error it is fetched anew."""

    def __init__(self, advance, begin, resume_token, max_items):
        super().__init__(begin, resume_token, max_items)
        self._advance = advance
        self._is_closed = False

    async def _page(self):
        progress = self._progress
        job = None if self._is_closed else progress.to_advance()
        if job is None:
            return None
        try:
            goes_on, page = await self._advance(job)
        except RuntimeError:
            # Another task reads this list at this moment.
            raise
        except BaseException:
            progress.lose()
            raise
        return progress.take(job, goes_on, page)

    def __aiter__(self):
        return self

    async def __anext__(self):
        while True:
            for item in () if self._is_closed else self._progress.items:
                self._progress.left -= 1
                return item
            page = await self._page()
            if page is None:
                raise StopAsyncIteration
            self._progress.open(page)

    def pages(self):
        """The answers themselves, each with a page of items; what is left of a page whose items have begun is left out."""
        return _AsyncPagesOf(self)

    async def aclose(self):
        """Ends the list before its end."""
        self._is_closed = True


class _AsyncPagesOf:
    """The pages of a list."""

    def __init__(self, items):
        self._items = items

    def __aiter__(self):
        return self

    async def __anext__(self):
        self._items._progress.pass_over()
        page = await self._items._page()
        if page is None:
            raise StopAsyncIteration
        return page

    async def aclose(self):
        """Ends the list before its end."""
        await self._items.aclose()
