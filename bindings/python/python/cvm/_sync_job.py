"""The sync job: copies custom images to other regions."""

from __future__ import annotations

import os

from cvm import _callbacks, _cvm
from cvm._sync_report import SyncReport

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from typing_extensions import Self, Unpack

    from cvm._sync_events import RunOptions, SyncEvent


class _Job:
    """What both kinds of sync job have: a state that can be written down and resumed."""

    #: What it is to do; `None` if that is what a journal or a state has.
    _plan: _cvm.SyncPlan | None = None
    #: The region that the images are in, as far as the plan knows it.
    _source_region: str | None = None
    #: What was asked for when it was made, job and run alike.
    _options: dict[str, Any] = {}
    #: Where it is kept.
    _journal: str | None = None
    #: The job as it was last known: what is resumed if there is no journal.
    _state: str | None = None
    #: What the last run has seen, also if that is not to be resumed, as with a dry run.
    _seen: str | None = None
    _running: Any = None
    #: The question which regions are meant, while it is asked.
    _asking: Any = None
    _is_dry = False
    _is_cancelled = False

    def __init__(self, client: Any) -> None:
        wanted = self._client_class()
        if not isinstance(client, wanted):
            raise TypeError(f"client is {_cvm.kind(client)}: give a cvm.{wanted.__name__}")
        self._client: Any = client

    @staticmethod
    def _client_class() -> type:
        """The class of the clients that run it."""
        raise NotImplementedError

    @classmethod
    def _start(
        cls,
        client: Any,
        images: str | Sequence[str],
        to: Sequence[str],
        except_: Sequence[str],
        journal: str | os.PathLike[str] | None,
        options: dict[str, Any],
    ) -> Self:
        if options.get("source_region") is None:
            options["source_region"] = client.region
        job = cls(client)
        job._plan = plan(images, to, options, except_)
        job._source_region = options["source_region"]
        job._options = {name: value for name, value in options.items() if name in RUN_OPTIONS}
        job._journal = None if journal is None else os.fspath(journal)
        return job

    @classmethod
    def load(cls, path: str | os.PathLike[str], client: Any) -> Self:
        """The job that a journal holds, to be resumed by ``client``.

        It is resumed as it is when it runs, with the file locked and kept up to date: what has ended is looked at again, and
        nothing is started there. Raises ``FileNotFoundError`` if there is no such file, and :class:`cvm.JournalError` if it is
        no journal.
        """
        job = cls(client)
        job._journal = os.fspath(path)
        job._state = _cvm.read_journal(job._journal)
        if job._state is None:
            raise FileNotFoundError(f"there is no sync job in {job._journal}")
        return job

    @classmethod
    def from_json(cls, state: str, client: Any) -> Self:
        """The job that :meth:`to_json` gave, to be resumed by ``client``, which has to be of the same endpoint.

        What has ended is looked at again, and nothing is started there. Raises ``ValueError`` if the text was changed.
        """
        _cvm.sync_facts(state)
        job = cls(client)
        job._state = state
        return job

    def to_json(self) -> str:
        """The job as JSON, for those who keep it in a place of their own. It holds no secret.

        Raises ``ValueError`` for one with patterns that has not run: which regions it is for is not known.

        Nothing locks such a place but you: of two processes that resume the same text, each takes it for its own.
        """
        if self._running is not None and not self._is_dry:
            self._state = self._running.state()
        if self._state is not None:
            return self._state
        state: str = self._client._core.sync(self._plan, {}, None, None).state()
        return state

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the job, as it stands, into a file that :meth:`load` reads; it is on the disk when this returns.

        What happens later is not in the file: ``journal`` keeps a job up to date, and locked. Raises ``ValueError`` for a job
        that has a journal.
        """
        if self._journal is not None:
            raise ValueError(f"this job is kept in {self._journal}: load it from there")
        _cvm.write_journal(os.fspath(path), self.to_json())

    def cancel(self) -> None:
        """Asks the run to stop: it sends nothing new, looks for what became of lost requests, and reports.

        Any thread or task may ask; where no run is going on, the next one stops at once. Later runs are not concerned. Copies
        that were started continue in the service.
        """
        self._is_cancelled = True
        for job in (self._asking, self._running):
            if job is not None:
                job.cancel()

    @property
    def images(self) -> list[str]:
        """The images to be copied."""
        return self._plan.images if self._plan else _cvm.sync_facts(self.to_json())[0]

    @property
    def regions(self) -> list[str]:
        """The regions that they go to; before a job with patterns runs, what was asked for."""
        return self._plan.regions if self._plan else _cvm.sync_facts(self.to_json())[1]

    @property
    def is_finished(self) -> bool:
        """Whether every destination has ended for good, so that there is nothing to resume."""
        if self._plan is not None and self._plan.has_patterns:
            return False
        return _cvm.sync_facts(self.to_json())[3]

    @property
    def report(self) -> SyncReport:
        """What is known of every destination so far."""
        if self._running is not None:
            self._seen = self._running.state()
        return SyncReport.from_dict(_cvm.sync_facts(self._seen or self.to_json())[4])

    def _ask(self) -> Any:
        """The question which regions are meant; ``None`` if they are known."""
        if self._plan is None or not self._plan.has_patterns:
            return None
        asking = self._asking = self._client._core.which(self._plan)
        if self._is_cancelled:
            asking.cancel()
        return asking

    def _know(self, regions: list[str]) -> None:
        """From now on the job is for these regions."""
        if self._plan is not None and self._plan.has_patterns:
            self._plan = self._plan.at(regions)

    def _begin(self, options: dict[str, Any]) -> Any:
        if self._running is not None:
            raise RuntimeError("this job is being run: run it once at a time")
        options = {**self._options, **{name: value for name, value in options.items() if value is not None}}
        state, journal = (self._state, None) if self._journal is None else (None, (self._journal, self._client._profile))
        running = self._client._core.sync(self._plan, options, state, journal)
        self._running, self._is_dry = running, bool(options.get("dry_run"))
        if self._is_cancelled:
            running.cancel()
        return running

    def _end(self) -> None:
        running, self._running = self._running, None
        self._is_cancelled = False
        # Whoever holds an exception holds what ran, too: the journal is let go of here.
        if running is not None and running.settle():
            self._seen = running.state()
            if not self._is_dry:
                self._state = self._seen

    def _told(self, event: Any, listeners: dict[str, Any]) -> tuple[str, Any, Any]:
        """Who is to hear of an event: his name, himself, and what he hears."""
        is_checkpoint = event["event"] == "checkpoint"
        name = "on_checkpoint" if is_checkpoint else "on_progress"
        return name, listeners[name], self if is_checkpoint else event

    def __repr__(self) -> str:
        if self._plan:
            images, regions, source = self._plan.images, self._plan.regions, self._source_region
        else:
            images, regions, source = _cvm.sync_facts(self.to_json())[:3]
        return f"<cvm.{type(self).__name__} of {', '.join(images)} from {source} to {', '.join(regions)}>"


class SyncJob(_Job):
    """A sync job of a :class:`cvm.Client`: run it, write it down, resume it after whatever ended it.

    With a journal it is locked, and on the disk, at every moment of its run: ``SyncJob.load("job.json", client).run()``
    resumes it, as does the call that began it. Killed at any moment and run again, it makes no second copy and loses none.
    """

    @staticmethod
    def _client_class() -> type:
        from cvm._client import Client

        return Client

    def run(
        self,
        *,
        on_progress: Callable[[SyncEvent], object] | None = None,
        on_checkpoint: Callable[[SyncJob], object] | None = None,
        **options: Unpack[RunOptions],
    ) -> SyncReport:
        """Runs the job to its end, from wherever it is.

        ``on_checkpoint`` is called with this job whenever its state has changed in a way that must outlive a crash: if you
        keep the job yourself, write :meth:`to_json` down there. The other options are those that belong
        to a run, see :meth:`cvm.Client.sync_job`; they hold for this run, and take precedence over those that the job was
        made with.

        Raises :class:`cvm.ConfigError` that names what differs, with both values, if the journal holds another job that has
        not ended, :class:`cvm.JournalError` if another process has it, and ``TypeError`` for a callback that is an async
        function: all before anything is sent.
        """
        listeners = {"on_progress": on_progress, "on_checkpoint": on_checkpoint}
        _callbacks.check(False, **listeners)
        options_of_run = run_options(options)
        asking = self._ask()
        if asking is not None:
            try:
                self._know(self._client._core.advance(asking)[1])
            except BaseException:
                self._is_cancelled = False
                raise
        running = self._begin(options_of_run)
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

    @staticmethod
    def _client_class() -> type:
        from cvm._async_client import AsyncClient

        return AsyncClient

    async def run(
        self,
        *,
        on_progress: Callable[[SyncEvent], object] | None = None,
        on_checkpoint: Callable[[AsyncSyncJob], object] | None = None,
        **options: Unpack[RunOptions],
    ) -> SyncReport:
        """Runs the job to its end, from wherever it is. See :meth:`cvm.SyncJob.run`.

        A callback that is an async function is awaited, before the job continues.
        """
        listeners = {"on_progress": on_progress, "on_checkpoint": on_checkpoint}
        _callbacks.check(True, **listeners)
        options_of_run = run_options(options)
        asking = self._ask()
        if asking is not None:
            try:
                self._know((await self._client._advance(asking))[1])
            except BaseException:
                self._is_cancelled = False
                raise
        running = self._begin(options_of_run)
        try:
            goes_on, told = await self._client._advance(running)
            while goes_on:
                await _callbacks.call_async(*self._told(told, listeners))
                goes_on, told = await self._client._advance(running)
        finally:
            self._end()
        return SyncReport.from_dict(told)


#: What belongs to the job, as its identity, and what to a run: the core has the list.
JOB_OPTIONS, RUN_OPTIONS = map(frozenset, _cvm.sync_options())


def plan(
    images: str | Sequence[str], to: Sequence[str], options: Mapping[str, Any], except_: Sequence[str] = ()
) -> _cvm.SyncPlan:
    """What a sync job is to do."""
    _known(options, JOB_OPTIONS | RUN_OPTIONS, "a sync job")
    if isinstance(to, str) and to == "all":
        to = ["all"]
    for name, regions in (("to", to), ("except_", except_)):
        if isinstance(regions, str):
            parts = [part.strip() for part in regions.split(",") if part.strip()]
            raise TypeError(f"`{name}` is a list of regions: write {name}={parts}")
    return _cvm.SyncPlan(images, to, except_, dict(options))


def run_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """What a run is given where the job is there already."""
    _known(options, RUN_OPTIONS - {"dry_run"}, "a run of a sync job")
    return dict(options)


def _known(options: Mapping[str, Any], known: frozenset[str], whose: str) -> None:
    unknown = options.keys() - known
    for name in sorted(unknown):
        meant = _cvm.meant(name, sorted(known))
        if meant is not None:
            raise TypeError(f"{whose} has no option {name}: did you mean {meant}?")
    if unknown:
        raise TypeError(f"{whose} has no option {', '.join(sorted(unknown))}: it has {', '.join(sorted(known))}")
