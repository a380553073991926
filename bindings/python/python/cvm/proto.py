"""The protocol alone: machines that sign, judge and retry, and leave the network to you.

A machine is asked what to do next and told what came of it:

>>> from cvm import proto
>>> config = proto.Config("ap-shanghai")
>>> call = proto.Call(config, "DescribeImages", {"Limit": 1})
>>> while True:
...     step = call.poll()
...     if isinstance(step, proto.Send):
...         response = my_http(step.request)            # one exchange: no redirects, no retries
...         call.reply(response.status, response.body, response.headers)
...     elif isinstance(step, proto.WaitUntil):
...         time.sleep(max(0.0, step.at - time.monotonic()))
...     elif isinstance(step, proto.Done):
...         break
>>> step.output["ImageSet"]

What goes wrong in the end is raised by ``poll``. Time is a parameter of each step, and by default this machine's.
"""

from __future__ import annotations

import time
from typing import Union

from cvm import _cvm
from cvm._settings import Base, action_name, parameters_of, product_of
from cvm._sync_job import plan, run_options
from cvm._sync_report import SyncReport

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any, Literal, TypedDict

    from typing_extensions import Unpack

    from cvm import types
    from cvm._sync_events import SyncOptions

    class _SignOptions(TypedDict, total=False):
        """What else is signed, with the members of ``cvm sign --batch``."""

        sign_method: Literal["TC3-HMAC-SHA256", "HmacSHA256", "HmacSHA1"]
        http_method: Literal["GET", "POST"]
        service: str
        version: str
        host: str
        path: str
        region: str | None
        language: str | None
        token: str | None
        request_client: str | None
        body: str | None
        query: str | None
        headers: Mapping[str, str]
        signed_headers: str | None
        unsigned_payload: bool
        nonce: int | None

__all__ = [
    "Call",
    "Config",
    "Done",
    "Machine",
    "Now",
    "Pages",
    "Progress",
    "Request",
    "Send",
    "Step",
    "Sync",
    "WaitUntil",
    "WaitUntilImageNormal",
    "WaitUntilInstances",
    "Watch",
    "decode",
    "encode",
    "sign",
]


class Request:
    """One HTTP request, signed and ready to be sent byte for byte as it is."""

    __slots__ = ("action", "attempt", "body", "cancel_grace", "headers", "method", "timeout", "url")

    #: ``"GET"`` or ``"POST"``.
    method: str
    #: The whole URL, query included.
    url: str
    #: Every header to send, names in lower case; ``content-length`` is left to the transport.
    headers: dict[str, str]
    #: The body; empty for GET.
    body: bytes
    #: The longest time to let the exchange take, in seconds, connecting included.
    timeout: float
    #: The action that is called.
    action: str
    #: Which attempt at the call this is, from 1.
    attempt: int
    #: For how many seconds after a cancel, or after the sending if that is later, the answer is still worth waiting for.
    #: Then stop, and call ``fail("cancelled", ...)``. ``None`` if nobody can cancel.
    cancel_grace: float | None

    def __init__(self, parts: tuple[str, str, dict[str, str], bytes, float, str, int, float | None]) -> None:
        self.method, self.url, self.headers, self.body, self.timeout, self.action, self.attempt, self.cancel_grace = parts

    def __repr__(self) -> str:
        # Headers and body may hold what a log should not.
        return f"<{self.action}: {self.method} of {len(self.body)} bytes, attempt {self.attempt}>"


class Send:
    """Perform this exchange, then call ``reply`` or ``fail``."""

    __slots__ = ("request",)
    __match_args__ = ("request",)

    #: The exchange to perform.
    request: Request

    def __init__(self, request: Request) -> None:
        self.request = request


class WaitUntil:
    """Do nothing before the monotonic clock reads ``at``, then poll again."""

    __slots__ = ("at",)
    __match_args__ = ("at",)

    #: The reading of the monotonic clock to wait for.
    at: float

    def __init__(self, at: float) -> None:
        self.at = at


class Progress:
    """Something happened that a user may want to see: a page, an answer, an event. Poll again."""

    __slots__ = ("news",)
    __match_args__ = ("news",)

    #: A page, an answer, an event.
    news: Any

    def __init__(self, news: Any) -> None:
        self.news = news


class Done:
    """The machine has ended."""

    __slots__ = ("output",)
    __match_args__ = ("output",)

    #: What came of it.
    output: Any

    def __init__(self, output: Any) -> None:
        self.output = output


Step = Union[Send, WaitUntil, Progress, Done]

#: Seconds since 1970, and the reading of a clock that only moves forward.
Now = tuple[float, float]


class Config(Base):
    """The settings of a client without a transport, and the state that its calls share.

    The keyword arguments are those of :class:`cvm.Client`. Rate limits, the retry budget and the corrected clock are
    shared by all machines that are made with it.
    """

    _Core = _cvm.Config

    def __repr__(self) -> str:
        return f"<cvm.proto.Config for {self.region or 'no region'} at {self.endpoint}>"


class Machine:
    """A job that needs the network, and does nothing by itself. Not to be driven by two at once."""

    def __init__(self, core: _cvm.Job) -> None:
        self._core = core

    def poll(self, now: Now | None = None) -> Step:
        """Says what to do next. Asked again with nothing new, it says the same; after :class:`Done` it must not be polled.

        ``now`` is ``(seconds since 1970, a monotonic clock)``. Raises :class:`cvm.Error` where the job ends with one.
        """
        unix, monotonic = _now(now)
        what, value = _cvm.poll(self._core, unix, monotonic)
        if what == "send":
            return Send(Request(value))
        if what == "wait":
            return WaitUntil(value)
        if what == "progress":
            return Progress(value)
        return Done(self._output(value))

    def _output(self, value: Any) -> Any:
        return value

    def reply(
        self,
        status: int,
        body: bytes,
        headers: Mapping[str, str] | None = None,
        now: Now | None = None,
    ) -> None:
        """Hands over a whole HTTP response, whatever its status.

        Of the headers, ``date``, ``retry-after`` and ``location`` are read.
        """
        given = [(name, value) for name, value in (headers or {}).items()]
        _cvm.respond(self._core, status, body, given, *_now(now))

    def fail(self, kind: str, *, sent: bool, message: str = "", now: Now | None = None) -> None:
        """Reports that no whole response arrived.

        ``kind`` is ``"connect"``, ``"timeout"``, ``"interrupted"``, ``"too_large"`` or ``"cancelled"``; ``sent`` is
        whether the service may have received the request: only what is safe to repeat is sent again then.
        ``message`` is one sentence for the error, without secrets.
        """
        _cvm.fail(self._core, kind, sent, message, *_now(now))


def _now(now: Now | None) -> tuple[int, float]:
    if now is None:
        return int(time.time()), time.monotonic()
    return int(now[0]), now[1]


class Call(Machine):
    """One action with all its attempts; ends with the answer. ``checked`` refuses parameters that it does not know.

    ``service`` and ``version`` name another product, as in :meth:`cvm.Client.call`; of those nothing is checked.
    """

    def __init__(
        self,
        config: Config,
        action: str,
        parameters: Mapping[str, Any] | None = None,
        *,
        checked: bool = True,
        service: str | None = None,
        version: str | None = None,
    ) -> None:
        product = product_of(service, version)
        is_checked = checked and product is None
        super().__init__(config._core.call(action_name(action), parameters_of(parameters), is_checked, product))


class Pages(Machine):
    """A list that comes in pages: each is handed over as progress, and ``items`` names the member that has its items.

    With ``resume_token``, what :meth:`resume_token` gave, it is read from there.
    """

    def __init__(
        self,
        config: Config,
        action: str,
        parameters: Mapping[str, Any] | None = None,
        *,
        resume_token: str | None = None,
    ) -> None:
        super().__init__(config._core.pages(action_name(action), parameters_of(parameters), resume_token))

    def resume_token(self, left: int = 0) -> str | None:
        """By what the list is read on later, from the last ``left`` items of the page that came last.

        ``None`` if nothing is left, and once the machine has ended.
        """
        place = self._core.place()
        return None if place is None else place.resume_token(left)

    @property
    def items(self) -> str:
        """The member of each page that holds its items."""
        name = self._core.items
        assert name is not None, "every list names its items"
        return name


class Watch(Machine):
    """An action called again and again: each answer is handed over as progress, until you stop or time runs out.

    The first ``poll`` raises :class:`cvm.ParameterError` for an action that does not only read.
    """

    def __init__(
        self,
        config: Config,
        action: str,
        parameters: Mapping[str, Any] | None = None,
        *,
        interval: float = 5.0,
        timeout: float = 600.0,
    ) -> None:
        super().__init__(config._core.watch(action_name(action), parameters_of(parameters), interval, timeout))


class WaitUntilImageNormal(Machine):
    """Images asked for until all of them can be used: each answer is progress, and the last one the output.

    See :meth:`cvm.Client.wait_until_image_normal`.
    """

    def __init__(
        self, config: Config, ids: str | Iterable[str], *, interval: float = 5.0, timeout: float = 600.0
    ) -> None:
        super().__init__(config._core.wait_until_image_normal(ids, interval, timeout))


class WaitUntilInstances(Machine):
    """Instances asked for until all of them are in ``state``: each answer is progress, and the last one the output.

    See :meth:`cvm.Client.wait_until_instances`.
    """

    def __init__(
        self,
        config: Config,
        ids: str | Iterable[str],
        state: types.InstanceState,
        *,
        interval: float = 5.0,
        timeout: float = 600.0,
    ) -> None:
        super().__init__(config._core.wait_until_instances(ids, state, interval, timeout))


class Sync(Machine):
    """The sync job; ends with a :class:`cvm.SyncReport`.

    After a ``Progress`` whose news say ``{"event": "checkpoint"}``, write :meth:`state` down before the next poll, where
    nobody else writes: you hold the lock. The options are those of :meth:`cvm.Client.sync_job` but ``journal``.

    With ``state``, what was written down last, the job is resumed. If images and regions are given as well, it is compared:
    a job that has ended begins anew, and another one that has not raises :class:`cvm.ConfigError`. If they are not, it is
    resumed as it is, with the options that belong to a run.
    """

    def __init__(
        self,
        config: Config,
        images: str | Sequence[str] = (),
        to: Sequence[str] = (),
        *,
        state: str | None = None,
        **options: Unpack[SyncOptions],
    ) -> None:
        if images or to or state is None:
            super().__init__(config._core.sync(plan(images, to, options), dict(options), state, None))
        else:
            super().__init__(config._core.sync(None, run_options(options), state, None))

    def state(self) -> str:
        """The job as JSON, to be resumed after a crash."""
        return self._core.state()

    def cancel(self) -> None:
        """Asks the job to stop in order."""
        self._core.cancel()

    def _output(self, value: Any) -> Any:
        return SyncReport.from_dict(value)


def encode(action: str, parameters: Mapping[str, Any], *, checked: bool = True) -> bytes:
    """Parameters as the JSON body of a request; ``None`` leaves a member out."""
    return _cvm.encode(action_name(action), dict(parameters), checked)


def decode(body: bytes, status: int = 200) -> Any:
    """The object inside ``Response`` of an answer; its error is raised as an exception."""
    return _cvm.decode(body, status)


def sign(
    action: str,
    parameters: Mapping[str, Any] | None = None,
    *,
    secret_id: str,
    secret_key: str,
    timestamp: int | None = None,
    **request: Unpack[_SignOptions],
) -> dict[str, str]:
    """Signs a request, and shows every stage: ``canonical_request``, ``string_to_sign``, ``signature``, ``authorization``.

    ``request`` says what else is signed, with the members of the command ``cvm sign --batch``: ``sign_method``,
    ``http_method``, ``host``, ``region``, ``token``, ``headers``, ``signed_headers``, ``body``, ``query``, ``nonce``, ...
    """
    given = {
        "action": action_name(action),
        "params": parameters_of(parameters),
        "secret_id": secret_id,
        "secret_key": secret_key,
        "timestamp": int(time.time()) if timestamp is None else timestamp,
        **request,
    }
    return _cvm.sign(given)
