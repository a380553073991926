"""The sync job: carry custom images to other regions."""

from __future__ import annotations

import os

from cvm import _callbacks, _cvm
from cvm._sync_report import SyncReport

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from typing_extensions import Self

    from cvm._sync_events import SyncEvent


class _Job:
    """What both sorts of sync job have: a state that can be written down and gone on with."""

    def __init__(self, client: Any, state: str, journal: str | os.PathLike[str] | None = None) -> None:
        self._client = client
        self._state = state
        self._journal = journal
        self._running: Any = None
        self._is_cancelled = False

    @classmethod
    def _start(
        cls,
        client: Any,
        images: str | Sequence[str],
        to: Sequence[str],
        journal: str | os.PathLike[str] | None,
        options: dict[str, Any],
    ) -> Self:
        unknown = options.keys() - _OPTIONS
        if unknown:
            raise TypeError(f"a sync job has no option {', '.join(sorted(unknown))}: it has {', '.join(sorted(_OPTIONS))}")
        if isinstance(to, str):
            raise TypeError(f'`to` is a list of regions: write to=["{to}"]')
        images = [images] if isinstance(images, str) else list(images)
        if options.get("source_region") is None:
            options["source_region"] = client.region
        state = _cvm.sync_state(images, list(to), options)
        if journal is not None:
            written = _cvm.read_journal(os.fspath(journal))
            if written is not None and not _cvm.sync_facts(written)[3]:
                if _cvm.sync_facts(written)[:3] != _cvm.sync_facts(state)[:3]:
                    raise ValueError(
                        f"{os.fspath(journal)} holds another job that has not ended: "
                        "go on with it by load(), or name another file"
                    )
                state = written
        return cls(client, state, journal)

    @classmethod
    def load(cls, path: str | os.PathLike[str], client: Any) -> Self:
        """The job that a file holds, which :meth:`save` or a journal wrote, to be gone on with by ``client``."""
        state = _cvm.read_journal(os.fspath(path))
        if state is None:
            raise FileNotFoundError(f"there is no sync job in {os.fspath(path)}")
        return cls(client, state)

    @classmethod
    def from_json(cls, state: str, client: Any) -> Self:
        """The job that :meth:`to_json` gave, to be gone on with by ``client``."""
        _cvm.sync_facts(state)
        return cls(client, state)

    def to_json(self) -> str:
        """The job's state as JSON. It holds no secret: neither credential nor endpoint."""
        if self._running is not None:
            self._state = self._running.state()
        return self._state

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the job's state into a file; it is whole, and on the disk, when this returns."""
        _cvm.write_journal(os.fspath(path), self.to_json())

    def cancel(self) -> None:
        """Asks the job to stop: it sends nothing new, looks what has become of lost requests, and reports.

        Any thread or task may ask. Copies that were started go on in the service.
        """
        self._is_cancelled = True
        running = self._running
        if running is not None:
            running.cancel()

    @property
    def images(self) -> list[str]:
        """The images to be copied."""
        return _cvm.sync_facts(self._state)[0]

    @property
    def regions(self) -> list[str]:
        """The regions that they go to."""
        return _cvm.sync_facts(self._state)[1]

    @property
    def is_finished(self) -> bool:
        """Whether every destination has ended for good, so that there is nothing to go on with."""
        return _cvm.sync_facts(self.to_json())[3]

    @property
    def report(self) -> SyncReport:
        """What is known of every destination so far."""
        return SyncReport.from_dict(_cvm.sync_facts(self.to_json())[4])

    def _begin(self, timeout: float | None) -> Any:
        if self._running is not None:
            raise RuntimeError("this job is being run: run it once at a time")
        journal = None if self._journal is None else os.fspath(self._journal)
        self._running = self._client._core.sync(self._state, timeout, journal)
        if self._is_cancelled:
            self._running.cancel()
        return self._running

    def _end(self) -> None:
        running, self._running = self._running, None
        if running is not None:
            running.settle()
            self._state = running.state()

    def _told(self, event: Any, listeners: dict[str, Any]) -> tuple[str, Any, Any]:
        """Who is to hear of an event: his name, himself, and what he hears."""
        is_checkpoint = event["event"] == "checkpoint"
        name = "on_checkpoint" if is_checkpoint else "on_progress"
        return name, listeners[name], self if is_checkpoint else event

    def __repr__(self) -> str:
        images, regions, source = _cvm.sync_facts(self._state)[:3]
        return f"<cvm.{type(self).__name__} of {', '.join(images)} from {source} to {', '.join(regions)}>"


class SyncJob(_Job):
    """A sync job of a :class:`cvm.Client`: run it, write it down, go on with it after whatever ended it.

    ``SyncJob.load("job.json", client).run()`` goes on where ``job.save("job.json")`` was called. Killed at any moment
    and run again from its last state, it makes no second copy and loses none.
    """

    def run(
        self,
        *,
        on_progress: Callable[[SyncEvent], object] | None = None,
        on_checkpoint: Callable[[SyncJob], object] | None = None,
        timeout: float | None = None,
    ) -> SyncReport:
        """Runs the job to its end, from wherever it is.

        ``on_checkpoint`` is called with this job whenever its state has changed in a way that must outlive a crash: call
        :meth:`save` there, unless the job has a journal. ``timeout`` takes the place of the job's own. Raises
        ``TypeError`` for a callback that is an async function, before anything is sent.
        """
        listeners = {"on_progress": on_progress, "on_checkpoint": on_checkpoint}
        _callbacks.check(False, **listeners)
        running = self._begin(timeout)
        try:
            goes_on, told = self._client._core.advance(running)
            while goes_on:
                _callbacks.call(*self._told(told, listeners))
                goes_on, told = self._client._core.advance(running)
        finally:
            self._end()
        return SyncReport.from_dict(told)


class AsyncSyncJob(_Job):
    """A sync job of a :class:`cvm.AsyncClient`: :class:`cvm.SyncJob` with ``await``."""

    async def run(
        self,
        *,
        on_progress: Callable[[SyncEvent], object] | None = None,
        on_checkpoint: Callable[[AsyncSyncJob], object] | None = None,
        timeout: float | None = None,
    ) -> SyncReport:
        """Runs the job to its end, from wherever it is. See :meth:`cvm.SyncJob.run`.

        A callback that is an async function is awaited, before the job goes on.
        """
        listeners = {"on_progress": on_progress, "on_checkpoint": on_checkpoint}
        _callbacks.check(True, **listeners)
        running = self._begin(timeout)
        try:
            goes_on, told = await self._client._advance(running)
            while goes_on:
                await _callbacks.call_async(*self._told(told, listeners))
                goes_on, told = await self._client._advance(running)
        finally:
            self._end()
        return SyncReport.from_dict(told)


_OPTIONS = frozenset(
    (
        "delete_failed",
        "destination_timeout",
        "dry_run",
        "encrypt",
        "kms_key_id",
        "max_size",
        "name",
        "on_conflict",
        "same_attributes",
        "settle",
        "source_region",
        "timeout",
        "wait",
    )
)
