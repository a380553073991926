"""The async client, for asyncio and what is built like it, as uvloop."""

from __future__ import annotations

import asyncio

from cvm import _callbacks, _cvm
from cvm._actions import AsyncActions
from cvm._settings import Base, action_name, action_of, parameters_of, product_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from asyncio import AbstractEventLoop
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from types import TracebackType
    from typing import Any

    from typing_extensions import Self, Unpack

    from cvm import types
    from cvm._sync_events import SyncEvent, SyncOptions
    from cvm._sync_job import AsyncSyncJob
    from cvm._sync_report import SyncReport


class AsyncClient(AsyncActions, Base):
    """An async client for one region: :class:`cvm.Client` with ``await``.

    It works in any event loop, also in several, and needs none of its own: one thread does the network's work for all.
    Cancelling a call ends it at once, and closes its connection.
    """

    _Core = _cvm.AsyncClient

    # What was looked up last, and all that there are: replaced as a whole, as several threads may look at once.
    _last: tuple[AbstractEventLoop | None, Any] = (None, None)
    _mailboxes: Mapping[AbstractEventLoop, Any] = {}

    def _post(self) -> tuple[AbstractEventLoop, Any]:
        """The running loop, and what its answers come through."""
        try:
            # Looked up each time: what runs asyncio's programs on other loops, such as trio-asyncio, puts its own there.
            loop = asyncio.get_running_loop()
        except RuntimeError:
            raise RuntimeError(
                "cvm.AsyncClient is used where no loop of asyncio runs: use it under asyncio.run(), or give the calls of a "
                "cvm.Client to threads (trio: await trio.to_thread.run_sync(client.describe_images))"
            ) from None
        last, mailbox = self._last
        if loop is not last:
            mailbox = self._mailboxes.get(loop)
            if mailbox is None:
                open_ones = {known: box for known, box in self._mailboxes.items() if not known.is_closed()}
                mailbox = open_ones[loop] = _cvm.Mailbox(loop.call_soon_threadsafe)
                self._mailboxes = open_ones
            self._last = loop, mailbox
        return loop, mailbox

    async def _call(
        self,
        action: str,
        parameters: dict[str, Any],
        checked: bool,
        product: tuple[str | None, str | None] | None = None,
    ) -> Any:
        loop, mailbox = self._post()
        future = loop.create_future()
        ticket = self._core.call(mailbox, future, action, parameters, checked, product)
        try:
            return await future
        except BaseException:
            # Cancelled, or closed; where the call has ended by itself there is nothing to take back.
            ticket.cancel()
            raise

    def _send(self, action: str, parameters: dict[str, Any]) -> Any:
        return self._call(action, parameters, True)

    async def _advance(self, job: Any) -> tuple[bool, Any]:
        loop, mailbox = self._post()
        future = loop.create_future()
        ticket = self._core.advance(mailbox, future, job)
        try:
            news: tuple[bool, Any] = await future
        except BaseException:
            ticket.cancel()
            raise
        return news

    async def call(
        self,
        action: str,
        parameters: Mapping[str, Any] | None = None,
        *,
        service: str | None = None,
        version: str | None = None,
    ) -> dict[str, Any]:
        """Calls any action by its name, also of another product. See :meth:`cvm.Client.call`."""
        product = product_of(service, version)
        answer: dict[str, Any] = await self._call(action_name(action), parameters_of(parameters), False, product)
        return answer

    # Type checkers find these two in the stub of `AsyncActions`, where what they give depends on the action.
    if not TYPE_CHECKING:

        def paginate(
            self,
            action: str,
            *,
            max_items: int | None = None,
            resume_token: str | None = None,
            **parameters: Any,
        ) -> AsyncItems[Any, Any]:
            """Every item of a list that comes in pages; a page is fetched when its first item is needed.

            ``async for image in client.paginate("describe_images", Filters=[...])``. See :meth:`cvm.Client.paginate`.
            """
            from cvm._lists import AsyncItems

            action = action_of(action)
            return AsyncItems(
                self._advance, lambda token: self._core.pages(action, parameters, token), resume_token, max_items
            )

        async def wait(
            self,
            action: str,
            until: Callable[[Any], object],
            *,
            interval: float = 5.0,
            timeout: float = 600.0,
            **parameters: Any,
        ) -> Any:
            """Calls the action again and again until ``until(answer)`` is true; returns that answer. See :meth:`cvm.Client.wait`.

            An ``until`` that is an async function is awaited.
            """
            _callbacks.check(True, until=until)
            job = self._core.watch(action_of(action), parameters, interval, timeout)
            while True:
                _, answer = await self._advance(job)
                if await _callbacks.call_async("until", until, answer):
                    return answer

    async def wait_until_image_normal(
        self, ids: str | Iterable[str], *, interval: float = 5.0, timeout: float = 600.0
    ) -> types.DescribeImagesResponse:
        """Waits until all these images can be used. See :meth:`cvm.Client.wait_until_image_normal`."""
        answer: types.DescribeImagesResponse = await self._finished(self._core.wait_until_image_normal(ids, interval, timeout))
        return answer

    async def wait_until_instances(
        self,
        ids: str | Iterable[str],
        state: types.InstanceState,
        *,
        interval: float = 5.0,
        timeout: float = 600.0,
    ) -> types.DescribeInstancesResponse:
        """Waits until all these instances are in ``state``. See :meth:`cvm.Client.wait_until_instances`."""
        answer: types.DescribeInstancesResponse = await self._finished(self._core.wait_until_instances(ids, state, interval, timeout))
        return answer

    async def _finished(self, job: Any) -> Any:
        """What a job ends with."""
        goes_on = True
        while goes_on:
            goes_on, output = await self._advance(job)
        return output

    async def sync(
        self,
        images: str | Sequence[str],
        to: Sequence[str],
        *,
        except_: Sequence[str] = (),
        on_progress: Callable[[SyncEvent], object] | None = None,
        journal: str | os.PathLike[str] | None = None,
        **options: Unpack[SyncOptions],
    ) -> SyncReport:
        """Copies custom images to other regions and waits until the copies can be used. See :meth:`cvm.Client.sync`.

        An ``on_progress`` that is an async function is awaited, before the job continues.
        """
        return await self.sync_job(images, to, except_=except_, journal=journal, **options).run(on_progress=on_progress)

    def sync_job(
        self,
        images: str | Sequence[str],
        to: Sequence[str],
        *,
        except_: Sequence[str] = (),
        journal: str | os.PathLike[str] | None = None,
        **options: Unpack[SyncOptions],
    ) -> AsyncSyncJob:
        """A sync job that is still to be run. See :meth:`cvm.Client.sync_job` for the options."""
        from cvm._sync_job import AsyncSyncJob

        return AsyncSyncJob._start(self, images, to, except_, journal, dict(options))

    async def aclose(self) -> None:
        """Closes the connections; the client cannot be used any more."""
        self._close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()
