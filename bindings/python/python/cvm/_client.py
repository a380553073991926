"""The blocking client."""

from __future__ import annotations

from cvm import _callbacks, _cvm
from cvm._actions import Actions
from cvm._settings import Base, action_name, action_of, parameters_of, product_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from types import TracebackType
    from typing import Any

    from typing_extensions import Self, Unpack

    from cvm import types
    from cvm._sync_events import SyncEvent, SyncOptions
    from cvm._sync_job import SyncJob
    from cvm._sync_report import SyncReport


class Client(Actions, Base):
    """A blocking client for one region.

    Every action is a method, with the parameters of the API as keyword arguments, and gives the answer as a dictionary:
    ``client.describe_images(ImageIds=["img-o3ycss2p"])``. An argument that is ``None`` is left out. Threads may share a
    client, and a forked process may keep using it, over connections of its own. Waiting lets other threads run, and Ctrl-C
    ends it.

    An argument that is not given comes from the environment (``TENCENTCLOUD_SECRET_ID``, ...), from where the official SDK and tccli
    keep their profiles, from a cluster's identity or the instance's role, or has a default: 3 attempts, 30 s for one of
    them, 120 s for a call, 10 s for a connection. Times are in seconds. With ``profile``, no other credential is used.

    Raises :class:`cvm.ConfigError` naming the setting that is missing or wrong.
    """

    _Core = _cvm.Client

    def _send(self, action: str, parameters: dict[str, Any]) -> Any:
        return self._core.call(action, parameters, True)

    def call(
        self,
        action: str,
        parameters: Mapping[str, Any] | None = None,
        *,
        service: str | None = None,
        version: str | None = None,
    ) -> dict[str, Any]:
        """Calls any action by its name, even one that this version does not know; parameters are not checked.

        ``service`` is another product of Tencent Cloud, by the first part of its host: ``client.call("GetCallerIdentity",
        service="sts")``. ``version`` is that of its API, such as ``"2018-08-13"``; of everyday products it is known. The call
        shares all that the calls of this client share. Of another product only what reads (``Describe...``, ``Get...``)
        or carries a ``ClientToken`` is sent again where it may have arrived.

        Raises :class:`cvm.ConfigError` before anything is sent if no version of the product is known.
        """
        name, product = action_name(action), product_of(service, version)
        answer: dict[str, Any] = self._core.call(name, parameters_of(parameters), False, product)
        return answer

    # Type checkers find these two in the stub of `Actions`, where what they give depends on the action.
    if not TYPE_CHECKING:

        def paginate(
            self,
            action: str,
            *,
            max_items: int | None = None,
            resume_token: str | None = None,
            **parameters: Any,
        ) -> Items[Any, Any]:
            """Every item of a list that comes in pages; a page is fetched when its first item is needed.

            ``for image in client.paginate("describe_images", Filters=[...])``

            ``paginate(...).pages()`` gives the answers themselves, page after page. At most ``max_items`` items are given in
            all; how many come in a page is the service's ``Limit`` (``MaxResults`` of some actions), the most by default.

            A list that was left is read on with ``resume_token``, which the list has: ``items.resume_token``, ``None`` after the
            last item. Raises :class:`cvm.ParameterError` for a token of another action, region or other parameters. After an
            error, or Ctrl-C, in the place of a page the same list goes on from there.
            """
            from cvm._lists import Items

            action, core = action_of(action), self._core
            return Items(self, lambda token: core.pages(action, parameters, token), resume_token, max_items)

        def wait(
            self,
            action: str,
            until: Callable[[Any], object],
            *,
            interval: float = 5.0,
            timeout: float = 600.0,
            **parameters: Any,
        ) -> Any:
            """Calls the action again and again until ``until(answer)`` is true; returns that answer.

            The pause between two calls, ``interval`` seconds, varies by up to a quarter. A call that fails in a way that may
            pass counts as "not yet". Raises :class:`cvm.TimeoutError` after ``timeout`` seconds, and before anything is
            sent :class:`cvm.ParameterError` for an action that does not only read (``Describe...``, ``Inquiry...``), and
            ``TypeError`` if ``until`` is an async function.
            """
            _callbacks.check(False, until=until)
            job = self._core.watch(action_of(action), parameters, interval, timeout)
            while True:
                _, answer = self._core.advance(job)
                if _callbacks.call("until", until, answer):
                    return answer

    def wait_until_image_normal(
        self, ids: str | Iterable[str], *, interval: float = 5.0, timeout: float = 600.0
    ) -> types.DescribeImagesResponse:
        """Waits until all these images can be used; returns the answer that shows them.

        ``ids`` are at most 100, in the client's region; an image that is not shown yet is waited for. ``interval`` and
        ``timeout`` are seconds, as in :meth:`wait`.

        Raises :class:`cvm.StateError` naming the image as soon as one failed to be created or imported,
        :class:`cvm.TimeoutError`, and before anything is sent :class:`cvm.ParameterError`.
        """
        answer: types.DescribeImagesResponse = self._finished(self._core.wait_until_image_normal(ids, interval, timeout))
        return answer

    def wait_until_instances(
        self,
        ids: str | Iterable[str],
        state: types.InstanceState,
        *,
        interval: float = 5.0,
        timeout: float = 600.0,
    ) -> types.DescribeInstancesResponse:
        """Waits until all these instances are in ``state``, as ``"RUNNING"``; returns the answer that shows them.

        ``ids`` are at most 100, in the client's region; an instance that is not shown yet is waited for. One that is
        destroyed is shown no more: a wait for ``"TERMINATING"`` may miss it. ``interval`` and ``timeout`` are seconds, as
        in :meth:`wait`.

        Raises :class:`cvm.StateError` naming the instance as soon as one failed to be launched or is on its way to be
        destroyed (``LAUNCH_FAILED``, ``SHUTDOWN``, ``TERMINATING``) and that is not waited for,
        :class:`cvm.TimeoutError`, and before anything is sent :class:`cvm.ParameterError`, also for a state that this
        version does not know: :meth:`wait` waits for anything.
        """
        answer: types.DescribeInstancesResponse = self._finished(self._core.wait_until_instances(ids, state, interval, timeout))
        return answer

    def _finished(self, job: Any) -> Any:
        """What a job ends with."""
        goes_on = True
        while goes_on:
            goes_on, output = self._core.advance(job)
        return output

    def sync(
        self,
        images: str | Sequence[str],
        to: Sequence[str],
        *,
        except_: Sequence[str] = (),
        on_progress: Callable[[SyncEvent], object] | None = None,
        journal: str | os.PathLike[str] | None = None,
        **options: Unpack[SyncOptions],
    ) -> SyncReport:
        """Copies custom images to other regions and waits until the copies can be used.

        ``on_progress`` is called with every event. What it raises ends the job and is raised here; it cannot be an async
        function. The report says what came of every destination, and raises nothing by itself:
        ``report.raise_for_failures()`` does. The options are those of :meth:`sync_job`.
        """
        return self.sync_job(images, to, except_=except_, journal=journal, **options).run(on_progress=on_progress)

    def sync_job(
        self,
        images: str | Sequence[str],
        to: Sequence[str],
        *,
        except_: Sequence[str] = (),
        journal: str | os.PathLike[str] | None = None,
        **options: Unpack[SyncOptions],
    ) -> SyncJob:
        """A sync job that is still to be run; see :class:`cvm.SyncJob`.

        With ``journal``, a file's name, the job is kept in that file and survives a crash: the same call resumes it. The file
        is locked while the job runs. If it holds another job that has not ended, the run raises :class:`cvm.ConfigError`, which
        names what differs; if its job has ended, this one begins, and looks first at the copies that are known from before.

        ``to`` takes regions, and patterns such as ``"ap-*"``; ``"all"``, even without a list, is every region. ``except_`` leaves
        some of them out. Patterns stand for the available regions on the same side of the border of the finance regions,
        without the source region; the service is asked for them when the job runs, and a pattern that stands for nothing raises
        :class:`cvm.ParameterError`. A region that is written out is used whether the service lists it or not; the source
        region is passed over. Every region is looked at before anything is started, and one that the service does not know
        or serve ends the job with an error.

        What decides what is made is the job:

        - ``source_region``: where the images are; the client's region by default.
        - ``name``: the name of the copies, at most 60 characters; the source's by default. Only for one image.
        - ``encrypt``, ``kms_key_id``: an encrypted copy in the source region.
        - ``max_size``: the largest image to copy, in GiB.
        - ``on_conflict``: ``"fail"`` or ``"skip"`` where another image has the name.
        - ``same_attributes``: gives the copies their source's description and family.

        All else belongs to a run, and is never stored; :meth:`cvm.SyncJob.run` takes it as well:

        - ``timeout``: the longest time to wait for the copies, 3600 s by default.
        - ``destination_timeout``: the longest time to wait for one copy; none by default.
        - ``settle``: how long to search for a copy whose request got no answer before requesting it again, 45 s by default.
        - ``poll_every``: the first pause between two looks at the same copy, 2 s by default; pauses grow to ten times that.
        - ``delete_failed``: deletes copies that have failed.
        - ``own_copies``: accepts only copies that this job started: one that was merely found is a conflict.
        - ``wait``: whether to wait for the copies; on by default.
        - ``dry_run``: only finds out what would happen. It keeps nothing, so it cannot have a journal.
        """
        from cvm._sync_job import SyncJob

        return SyncJob._start(self, images, to, except_, journal, dict(options))

    def close(self) -> None:
        """Closes the connections; the client cannot be used any more."""
        self._close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()
