"""What a sync job reports while it runs, as types. ``event["event"]`` says which one it is, also to type checkers."""

from typing import Literal, Optional, TypedDict, Union

#: How a destination of a sync job ended: see :attr:`cvm.Destination.outcome`.
Outcome = Literal[
    "copied",
    "present",
    "conflict",
    "skipped",
    "failed",
    "gone",
    "timed_out",
    "started",
    "cancelled",
    "unknown",
    "planned",
]

#: Why an image counts as the copy: see :attr:`cvm.Destination.basis`.
Basis = Literal["answered", "appeared", "found"]


#: Who is at fault, as :attr:`cvm.Error.kind` says it; ``usage``, ``query`` and ``other`` are the command's own.
ErrorKind = Literal[
    "usage",
    "query",
    "other",
    "config",
    "parameter",
    "credential",
    "not_found",
    "state",
    "quota",
    "throttled",
    "unsupported",
    "service",
    "network",
    "timeout",
    "response",
    "journal",
]


class _ErrorSaid(TypedDict):
    kind: ErrorKind
    message: str


class ErrorFacts(_ErrorSaid, total=False):
    """An error as an event has it, with the meanings of :class:`cvm.Error`."""

    code: Optional[str]
    request_id: Optional[str]
    status: Optional[int]
    service: str
    action: Optional[str]
    region: Optional[str]
    attempts: int


class Found(TypedDict):
    """A source is there and can be copied; its size is in GiB."""

    event: Literal["found"]
    source: str
    image_name: str
    image_size: int


class Busy(TypedDict):
    """A source is busy with another copy: the service takes no second one until it is done."""

    event: Literal["busy"]
    source: str


class Adopted(TypedDict):
    """A copy that somebody started before is on its way; the job waits for it and starts none."""

    event: Literal["adopted"]
    source: str
    region: str
    image_id: str


class NameTaken(TypedDict):
    """The service says that the copy's name is taken, by something that was not to be seen: it is searched for."""

    event: Literal["name_taken"]
    source: str
    region: str
    image_name: str


class Submitted(TypedDict):
    """The service accepted a request to copy to these regions."""

    event: Literal["submitted"]
    source: str
    regions: list[str]
    request_id: str


class Copying(TypedDict):
    """A copy's state or percentage changed; the time is since the submission."""

    event: Literal["copying"]
    source: str
    region: str
    image_id: str
    state: str
    percent: Optional[int]
    elapsed_seconds: float


class Trouble(TypedDict):
    """A request failed in a way that may pass; the job continues."""

    event: Literal["trouble"]
    source: str
    region: str
    error: ErrorFacts


class _ImageFacts(TypedDict):
    name: str
    os_name: str
    architecture: str
    image_size: int
    created_time: str


class _Ended(TypedDict):
    event: Literal["ended"]
    source: str
    region: str
    image_id: Optional[str]
    outcome: Outcome
    elapsed_seconds: float
    request_ids: list[str]


class Ended(_Ended, total=False):
    """A destination has ended, as :class:`cvm.Destination` has it."""

    basis: Basis
    image: _ImageFacts
    error: ErrorFacts
    notes: list[str]


SyncEvent = Union[Found, Busy, Adopted, NameTaken, Submitted, Copying, Trouble, Ended]


class RunOptions(TypedDict, total=False):
    """The options that belong to one run of a sync job; :meth:`cvm.Client.sync_job` says what they mean."""

    timeout: Optional[float]
    destination_timeout: Optional[float]
    settle: Optional[float]
    poll_every: Optional[float]
    delete_failed: Optional[bool]
    own_copies: Optional[bool]
    wait: Optional[bool]


class SyncOptions(RunOptions, total=False):
    """The options of a sync job; :meth:`cvm.Client.sync_job` says what they mean."""

    source_region: Optional[str]
    name: Optional[str]
    encrypt: Optional[bool]
    kms_key_id: Optional[str]
    max_size: Optional[int]
    on_conflict: Literal["fail", "skip"]
    same_attributes: Optional[bool]
    dry_run: Optional[bool]
