"""What every client has: its settings and its life."""

from __future__ import annotations

import atexit
import os

from cvm import _callbacks, _cvm
from cvm._keywords import Keywords

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from typing_extensions import Self

    from cvm.local import Local


class Handle:
    """What a core is used through. Copies share the core; in a forked process it makes what it needs anew."""

    _core: Any

    def __copy__(self) -> Self:
        other = type(self).__new__(type(self))
        other.__dict__.update(self.__dict__)
        return other

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self.__copy__()

    def __reduce__(self) -> str | tuple[Any, ...]:
        raise TypeError(
            f"a {type(self).__name__} cannot be pickled, as it holds a credential and connections: "
            "make one where it is to be used"
        )


class _Missing:
    """A client's ``__getattr__``: says what was probably meant by a name that is no attribute.

    A class does not show it: shells complete nothing on objects that could make attributes up, and these do not.
    """

    def __get__(self, client: object, kind: type) -> Callable[[str], Any]:
        if client is None:
            raise AttributeError("__getattr__")

        def missing(name: str) -> Any:
            # Protocols ask for names with an underscore.
            known = [] if name.startswith("_") else [each for each in dir(kind) if not each.startswith("_")]
            error = AttributeError(_cvm.no_attribute(kind.__name__, name, known))
            # So that the interpreter does not guess as well.
            error.name = name
            raise error

        return missing


class Base(Keywords, Handle):
    """The settings and the life of a client; each sort of client has a core of its own."""

    _Core: Any
    #: The profile that was asked for: a journal notes it, for whoever resumes the job.
    _profile: str | None = None
    #: The embedded endpoint that this is a client of: held so that it runs for as long as it may be asked.
    _local: Local | None = None

    def _open(self, given: dict[str, Any]) -> None:
        _callbacks.check_hook(on_attempt=given.get("on_attempt"))
        self._profile = given.get("profile")
        self._core = self._Core(**given)

    def _with_core(self, core: Any) -> Self:
        other = self.__copy__()
        other._core = core
        return other

    def _derive(self, given: dict[str, Any]) -> Self:
        _callbacks.check_hook(on_attempt=given.get("on_attempt"))
        return self._with_core(self._core.with_options(given))

    def with_region(self, region: str) -> Self:
        """The same client for another region; both share connections, rate limits and the retry budget."""
        return self._with_core(self._core.with_region(region))

    @property
    def region(self) -> str | None:
        """The region that actions are sent to."""
        region: str | None = self._core.region
        return region

    @property
    def endpoint(self) -> str:
        """The URL that requests go to."""
        endpoint: str = self._core.endpoint
        return endpoint

    def _close(self) -> None:
        self._core = _Closed()

    # Not for type checkers, to which every name would be one then.
    if not TYPE_CHECKING:
        __getattr__ = _Missing()

    def __repr__(self) -> str:
        kind = type(self).__name__
        if isinstance(self._core, _Closed):
            return f"<cvm.{kind}, closed>"
        return f"<cvm.{kind} for {self.region or 'no region'} at {self.endpoint}>"


class _Closed:
    """Stands for the core of a client that was closed."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError("this client is closed: make another one")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_cvm.forked)

atexit.register(_cvm.begin_finalization)


def product_of(service: str | None, version: str | None) -> tuple[str | None, str | None] | None:
    """What a call names of a product; ``None`` where that is nothing."""
    return None if service is None and version is None else (service, version)


def parameters_of(given: Any) -> dict[str, Any]:
    """The parameters of an action that is called by its name."""
    try:
        return dict(given or ())
    except (TypeError, ValueError) as error:
        raise TypeError(f"parameters is {_cvm.kind(given)}: give a dictionary with the names of parameters") from error


def action_name(name: str) -> str:
    """An action by its name here or on the wire: ``describe_images`` and ``DescribeImages`` are the same."""
    if not isinstance(name, str):
        raise TypeError(f"action is {_cvm.kind(name)}: give its name, such as 'describe_images'")
    if name[:1].isupper():
        return name
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))


def action_of(method: str) -> str:
    """The action that a method of the clients performs: of ``describe_images`` it is ``DescribeImages``."""
    from cvm._actions import Actions

    if not isinstance(method, str):
        return action_name(method)
    if method.startswith("_") or method not in vars(Actions):
        _cvm.refuse_method(method, [name for name in vars(Actions) if not name.startswith("_")])
    return action_name(method)
