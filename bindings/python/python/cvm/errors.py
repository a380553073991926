"""What can go wrong: one tree of exceptions, whose root is :class:`Error`.

``Error`` says what the call was and what came of it; ``ServiceError`` and its subclasses are what the service refused,
the others are what did not get that far.
"""

from __future__ import annotations

import builtins

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

__all__ = [
    "AuthError",
    "ConfigError",
    "CredentialError",
    "Error",
    "InternalError",
    "InvalidParameterError",
    "JournalError",
    "NetworkError",
    "NotFoundError",
    "ParameterError",
    "QuotaError",
    "ResponseError",
    "ServiceError",
    "StateError",
    "SyncError",
    "ThrottledError",
    "TimeoutError",
    "UnsupportedError",
]


class Error(Exception):
    """Anything that goes wrong with a call or a job. Its text is one sentence and holds no secret.

    - ``kind``: who is at fault, as one word; ``message``: what went wrong, without the call.
    - ``code``, ``request_id``, ``status``: the service's error code, the id to quote to its support, the HTTP status; ``None``
      if no answer came.
    - ``service``, ``action``, ``region``: what was called, and where; ``attempts``: how often it was sent.
    - ``is_retryable``: whether the same request may succeed later; ``outcome_unknown``: whether the work may have been done.
    """

    #: Who is at fault, as one word: ``"throttled"``, ``"not_found"``, ``"network"``, ...
    kind: str
    #: What went wrong: the service's own message, or ours.
    message: str
    #: The service's error code, if the service answered with one.
    code: str | None
    #: The id to quote to the service's support.
    request_id: str | None
    #: The HTTP status, if an answer came.
    status: int | None
    #: The product that was called, such as ``"sts"``; ``None`` for CVM.
    service: str | None
    #: The action that was called.
    action: str | None
    #: The region it was called in.
    region: str | None
    #: How often the request was sent; 0 if it never was.
    attempts: int
    #: Whether the same request may succeed later, unchanged.
    is_retryable: bool
    #: Whether the service may have done the work although no clear answer came: look before sending again.
    outcome_unknown: bool

    def __init__(
        self,
        text: str = "",
        *,
        kind: str = "other",
        message: str | None = None,
        code: str | None = None,
        request_id: str | None = None,
        status: int | None = None,
        service: str | None = None,
        action: str | None = None,
        region: str | None = None,
        attempts: int = 0,
        is_retryable: bool = False,
        outcome_unknown: bool = False,
    ) -> None:
        super().__init__(text)
        self.kind = kind
        self.message = text if message is None else message
        self.code = code
        self.request_id = request_id
        self.status = status
        self.service = service
        self.action = action
        self.region = region
        self.attempts = attempts
        self.is_retryable = is_retryable
        self.outcome_unknown = outcome_unknown

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuilt, (type(self), self.args, dict(self.__dict__))


def _rebuilt(kind: type[Error], args: tuple[Any, ...], members: dict[str, Any]) -> Error:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(members)
    return error


class ServiceError(Error):
    """The service refused the request: ``code`` and ``request_id`` say more."""

    #: The service's error code, such as ``"InvalidImageId.NotFound"``.
    code: str  # pyright: ignore[reportIncompatibleVariableOverride]


class ThrottledError(ServiceError):
    """Too many requests in too short a time."""


class NotFoundError(ServiceError):
    """What the request names does not exist."""


class StateError(ServiceError):
    """What the request names exists, but its state does not allow this now."""


class QuotaError(ServiceError):
    """A quota, the stock, or the account's balance is used up."""


class UnsupportedError(ServiceError):
    """The service does not support this for the resource, region or account."""


class InternalError(ServiceError):
    """The service failed."""


class ParameterError(Error, ValueError, TypeError):
    """A parameter is missing, unknown, of the wrong type or out of range.

    If it was found here, nothing was sent, and the text names its place, as ``Filters[0].Values``; ``code`` is ``None``
    then. If the service found it, this is an :class:`InvalidParameterError`.
    """


class InvalidParameterError(ServiceError, ParameterError):
    """The service found a parameter missing, unknown, malformed or out of range."""


class ConfigError(Error, ValueError):
    """A setting is missing or wrong: no region, no credential, a bad endpoint. Nothing was sent."""


class CredentialError(Error):
    """The source of the credential failed, or gave one that cannot be used; ``__cause__`` is what a function of yours raised.

    If the service refuses a credential, this is an :class:`AuthError`. That none is found at all is a :class:`ConfigError`.
    """


class AuthError(ServiceError, CredentialError):
    """The service refused the credential: it is unknown or expired, its signature is wrong, or it may not do this.

    It is also what STS refuses while a role is assumed, such as a role that does not exist: ``action`` is then
    ``"AssumeRole"``, and ``service`` ``"sts"``.
    """


class NetworkError(Error, ConnectionError):
    """No answer: name resolution, connection, TLS, a broken connection."""


class TimeoutError(Error, builtins.TimeoutError):
    """No answer, or no end of the job, within the time allowed."""


class ResponseError(Error):
    """An answer came that is not one of this API: HTML, cut off, not JSON, of another shape."""


class JournalError(Error, OSError):
    """The file that a sync job is kept in cannot be read or written, or is in use."""


class SyncError(Error):
    """A sync job has not copied every image to every region; ``report``, a :class:`cvm.SyncReport`, says which, and why."""

    #: The whole report, a :class:`cvm.SyncReport`.
    report: Any


_BY_KIND: dict[str, type[Error]] = {
    "config": ConfigError,
    "parameter": ParameterError,
    "credential": CredentialError,
    "not_found": NotFoundError,
    "state": StateError,
    "quota": QuotaError,
    "throttled": ThrottledError,
    "unsupported": UnsupportedError,
    "service": InternalError,
    "network": NetworkError,
    "timeout": TimeoutError,
    "response": ResponseError,
    "journal": JournalError,
}

#: What is an error of this side, or one of the service's if there is a code.
_OF_SERVICE: dict[type[Error], type[Error]] = {
    CredentialError: AuthError,
    ParameterError: InvalidParameterError,
}


def _of(
    kind: str,
    code: str | None,
    message: str,
    request_id: str | None,
    status: int | None,
    action: str | None,
    region: str | None,
    attempts: int,
    rest: tuple[str, bool, bool, str | None],
) -> Error:
    """The exception for an error of the core."""
    text, is_retryable, outcome_unknown, service = rest
    exception = _BY_KIND.get(kind, Error)
    if code is not None:
        exception = _OF_SERVICE.get(exception, exception)
    return exception(
        text,
        kind=kind,
        message=message,
        code=code,
        request_id=request_id,
        status=status,
        service=service,
        action=action,
        region=region,
        attempts=attempts,
        is_retryable=is_retryable,
        outcome_unknown=outcome_unknown,
    )


def _of_mapping(error: Mapping[str, Any]) -> Error:
    """The exception for an error as a report or an event holds it."""
    from cvm._cvm import escaped

    place = f"{error['action']} in {error['region']}: " if error.get("action") and error.get("region") else ""
    code = f"{error['code']}: " if error.get("code") else ""
    text = escaped(f"{place}{code}{error['message']}")
    return _of(
        error["kind"],
        error.get("code"),
        error["message"],
        error.get("request_id"),
        error.get("status"),
        error.get("action"),
        error.get("region"),
        error.get("attempts", 0),
        (text, False, False, error.get("service")),
    )


def _to_mapping(error: Error) -> dict[str, Any]:
    """An error as a report or an event holds it."""
    return {
        "kind": error.kind,
        "code": error.code,
        "message": error.message,
        "request_id": error.request_id,
        "status": error.status,
        "action": error.action,
        "region": error.region,
        "attempts": error.attempts,
        **({} if error.service is None else {"service": error.service}),
    }


# They are known, shown and pickled by the name that people import.
for _name in __all__:
    globals()[_name].__module__ = "cvm"
