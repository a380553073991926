"""Lists that come in pages."""

from __future__ import annotations


class Items:
    """Every item of a list. A page is fetched when its first item is due."""

    def __init__(self, core, job):
        self._pages = self._fetched(core, job)
        self._items = (item for page in self._pages for item in page.get(job.items) or ())

    @staticmethod
    def _fetched(core, job):
        goes_on, page = core.advance(job)
        while goes_on:
            yield page
            goes_on, page = core.advance(job)

    def __iter__(self):
        return self

    def __next__(self):
        return next(self._items)

    def pages(self):
        """The answers themselves, each with a page of items; those whose items have begun are not given again."""
        return self._pages


class AsyncItems:
    """Every item of a list. A page is fetched when its first item is due."""

    def __init__(self, advance, job):
        self._pages = self._fetched(advance, job)
        self._items = self._of(self._pages, job)

    @staticmethod
    async def _fetched(advance, job):
        goes_on, page = await advance(job)
        while goes_on:
            yield page
            goes_on, page = await advance(job)

    @staticmethod
    async def _of(pages, job):
        async for page in pages:
            for item in page.get(job.items) or ():
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
