"""Lists that come in pages."""

from __future__ import annotations

from operator import index

from cvm.errors import ParameterError


class _Progress:
    """How far a list has been read."""

    def __init__(self, job, max_items):
        self.job = job
        self.place = job.place()
        # How many items of the page that came last have not been given.
        self.left = 0
        self.most = None if max_items is None else index(max_items)
        if self.most is not None and self.most < 0:
            raise ParameterError(f"max_items is {self.most}: give 0 or more", kind="parameter")

    def wants_more(self):
        return self.most is None or self.most > 0

    def take(self, goes_on, page):
        """Takes in what the job told, and whether it is a page, of which the items stay that may still be given."""
        if not goes_on:
            self.place = None
            return False
        self.place, self.left = self.job.place(), 0
        if self.most is not None:
            items = page.get(self.job.items) or []
            self.left = max(0, len(items) - self.most)
            del items[self.most :]
            self.most -= len(items)
        return True

    def each(self, page):
        """The items of a page, each of them given when it leaves here."""
        items = page.get(self.job.items) or ()
        self.left += len(items)
        for item in items:
            self.left -= 1
            yield item


class _List:
    """What both kinds of list know."""

    def __init__(self, job, max_items):
        self._progress = _Progress(job, max_items)

    @property
    def resume_token(self):
        """A text by which the rest of the list is read later, also by another process; `None` if nothing is left.

        Give it to `paginate` as `resume_token`, with the same action, parameters and region; the size of a page may be
        another one. What was given is not given again. The service has no snapshots: what is added or removed meanwhile
        shifts the place.
        """
        place = self._progress.place
        return None if place is None else place.resume_token(self._progress.left)


class Items(_List):
    """Every item of a list. A page is fetched when its first item is due."""

    def __init__(self, core, job, max_items):
        super().__init__(job, max_items)
        progress = self._progress
        self._pages = self._fetched(core, progress)
        self._items = (item for page in self._pages for item in progress.each(page))

    # Without `self`: a list that is left is let go of at once.
    @staticmethod
    def _fetched(core, progress):
        while progress.wants_more():
            goes_on, page = core.advance(progress.job)
            if not progress.take(goes_on, page):
                return
            yield page

    def __iter__(self):
        return self

    def __next__(self):
        return next(self._items)

    def pages(self):
        """The answers themselves, each with a page of items; those whose items have begun are not given again."""
        return self._pages


class AsyncItems(_List):
    """Every item of a list. A page is fetched when its first item is due."""

    def __init__(self, advance, job, max_items):
        super().__init__(job, max_items)
        self._pages = self._fetched(advance, self._progress)
        self._items = self._each(self._pages, self._progress)

    @staticmethod
    async def _fetched(advance, progress):
        while progress.wants_more():
            goes_on, page = await advance(progress.job)
            if not progress.take(goes_on, page):
                return
            yield page

    @staticmethod
    async def _each(pages, progress):
        async for page in pages:
            for item in progress.each(page):
                yield item

    def __aiter__(self):
        return self

    def __anext__(self):
        return self._items.__anext__()

    def pages(self):
        """The answers themselves, each with a page of items; those whose items have begun are not given again."""
        return self._pages

    async def aclose(self):
        """Ends the list before its end."""
        await self._items.aclose()
        await self._pages.aclose()
