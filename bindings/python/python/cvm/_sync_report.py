"""What came of a sync job, as data: it can be compared, written down, read again and sent to another process."""

# No `from __future__ import annotations`: tools that read data classes find types here, not texts.
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Optional, Union, overload

from cvm import _cvm
from cvm._sync_events import Basis, Outcome
from cvm.errors import Error, SyncError, _of_mapping, _to_mapping


@dataclass(frozen=True)
class ImageFacts:
    """What an image looked like when it was last seen."""

    #: Its name.
    name: str
    #: Its system, such as ``"Ubuntu Server 22.04 LTS 64bit"``.
    os_name: str
    #: Its architecture, such as ``"x86_64"``.
    architecture: str
    #: Its size in GiB.
    image_size: int
    #: When it was made, as the service writes it.
    created_time: str

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any]) -> "ImageFacts":
        """From what :meth:`to_dict` returned."""
        _whole(facts, "the facts of an image", tuple(cls.__dataclass_fields__))
        return cls(**{name: facts[name] for name in cls.__dataclass_fields__})

    def to_dict(self) -> dict[str, Any]:
        """As a dictionary that can be written as JSON."""
        return asdict(self)


@dataclass(frozen=True, eq=False, repr=False)
class Destination:
    """What came of one image in one region."""

    #: The image that was to be copied.
    source: str
    #: The region.
    region: str
    #: How it ended:
    #:
    #: - ``"copied"``: the copy is there and can be used.
    #: - ``"present"``: it was there already.
    #: - ``"conflict"``: another image has the name, or a copy that failed.
    #: - ``"skipped"``: the region was passed over: another image that can be used has the name, and such regions were to be;
    #:   or it is the region that the image itself is in, as a note says.
    #: - ``"failed"``: there is no usable copy.
    #: - ``"gone"``: a copy that was started is not there any more.
    #: - ``"timed_out"``: time ran out; a copy with an id continues in the service.
    #: - ``"started"``: a copy was started and continues in the service; ``"planned"``: a dry run found that one would be.
    #: - ``"cancelled"``: the job was stopped before a copy was started.
    #: - ``"unknown"``: a copy may be on its way, and has not been seen: look before starting another.
    outcome: Outcome
    #: The id of the image there, if one is known; also beside a failure, where there is something to clean up.
    image_id: Optional[str] = None
    #: Why this image counts as the copy: its id stood in the service's answer to this job (``"answered"``), it
    #: was seen after a request whose answer was lost (``"appeared"``), or it was found, as it has the name and looks like
    #: the source (``"found"``). ``None`` if there is none, or nothing is known.
    basis: Optional[Basis] = None
    #: What the image looked like, if it is there.
    image: Optional[ImageFacts] = None
    #: Seconds from the submission, or the start of the job, to the end.
    elapsed_seconds: float = 0.0
    #: The requests that were to start the copy, as far as the service answered them.
    request_ids: tuple[str, ...] = ()
    #: Why it did not succeed.
    error: Optional[Error] = None
    #: What else is to be known, in sentences.
    notes: tuple[str, ...] = ()

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any]) -> "Destination":
        """From what :meth:`to_dict` returned, or from an event ``{"event": "ended"}`` of a job."""
        _whole(facts, "a destination", ("source", "region", "outcome"))
        image, error = facts.get("image"), facts.get("error")
        return cls(
            source=facts["source"],
            region=facts["region"],
            outcome=facts["outcome"],
            image_id=facts.get("image_id"),
            basis=facts.get("basis"),
            image=ImageFacts.from_dict(image) if image else None,
            elapsed_seconds=facts.get("elapsed_seconds", 0.0),
            request_ids=tuple(facts.get("request_ids", ())),
            error=_of_mapping(error) if error else None,
            notes=tuple(facts.get("notes", ())),
        )

    def to_dict(self) -> dict[str, Any]:
        """As a dictionary that can be written as JSON."""
        return {
            "source": self.source,
            "region": self.region,
            "image_id": self.image_id,
            "outcome": self.outcome,
            "basis": self.basis,
            "image": self.image.to_dict() if self.image else None,
            "elapsed_seconds": self.elapsed_seconds,
            "request_ids": list(self.request_ids),
            "error": _to_mapping(self.error) if self.error else None,
            "notes": list(self.notes),
        }

    @property
    def is_good(self) -> bool:
        """Whether nothing is left to be done: a copy is there, or there was to be none."""
        return _cvm.judge_outcome(self.outcome, self.error is not None)[0]

    @property
    def is_as_asked(self) -> bool:
        """Whether it is good, or ended as the run was to end: ``wait=False`` starts a copy, ``dry_run=True`` plans one."""
        return _cvm.judge_outcome(self.outcome, self.error is not None)[1]

    # By what it says: an exception is equal to itself alone.
    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Destination):
            return NotImplemented
        return self.to_dict() == other.to_dict()

    def __hash__(self) -> int:
        return hash((self.source, self.region, self.outcome, self.image_id))

    def __repr__(self) -> str:
        basis = f", {self.basis}" if self.basis else ""
        why = f": {self.error}" if self.error else ""
        return f"<{self.source} in {self.region}: {self.outcome}, {self.image_id or 'no copy'}{basis}{why}>"


@dataclass(frozen=True, repr=False)
class SyncReport:
    """What came of a sync job, destination by destination: ``for destination in report``, ``report[0]``, ``len(report)``."""

    #: The region that the images were copied from.
    source_region: str
    #: One entry for each image and region, in the order in which they were given.
    destinations: tuple[Destination, ...]

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any]) -> "SyncReport":
        """From what :meth:`to_dict` returned."""
        _whole(facts, "a sync report", ("source_region", "destinations"))
        return cls(facts["source_region"], tuple(map(Destination.from_dict, facts["destinations"])))

    def to_dict(self) -> dict[str, Any]:
        """As a dictionary that can be written as JSON."""
        return {
            "source_region": self.source_region,
            "destinations": [destination.to_dict() for destination in self.destinations],
        }

    @property
    def is_complete(self) -> bool:
        """Whether every destination has a copy, or was to be passed over."""
        return all(destination.is_good for destination in self.destinations)

    @property
    def failures(self) -> list[Destination]:
        """The destinations that have neither a copy nor what the run was to do.

        With ``wait=False`` a copy that was started is no failure, with ``dry_run=True`` one that would be started.
        """
        return [destination for destination in self.destinations if not destination.is_as_asked]

    def raise_for_failures(self) -> None:
        """Raises :class:`cvm.SyncError`, which has this report, if there are :attr:`failures`."""
        failures = self.failures
        if failures:
            what = "; ".join(f"{each.source} in {each.region}: {each.error or each.outcome}" for each in failures)
            error = SyncError(f"{len(failures)} of {len(self)} copies are not there: {what}", kind="sync")
            error.report = self
            raise error from failures[0].error

    def __iter__(self) -> Iterator[Destination]:
        return iter(self.destinations)

    def __len__(self) -> int:
        return len(self.destinations)

    @overload
    def __getitem__(self, at: int) -> Destination: ...
    @overload
    def __getitem__(self, at: slice) -> tuple[Destination, ...]: ...
    def __getitem__(self, at: Union[int, slice]) -> Union[Destination, tuple[Destination, ...]]:
        return self.destinations[at]

    def __repr__(self) -> str:
        return f"<cvm.SyncReport from {self.source_region}: {list(self.destinations)}>"


def _whole(facts: Mapping[str, Any], what: str, names: tuple[str, ...]) -> None:
    """Raises ``ValueError`` for a dictionary in which something is missing."""
    missing = [name for name in names if name not in facts]
    if missing:
        raise ValueError(f"this is not {what}: it lacks {', '.join(missing)}: give what to_dict() returned")
