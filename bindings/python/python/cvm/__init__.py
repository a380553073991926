"""A client for Tencent Cloud's CVM API (version 2017-03-12).

>>> import cvm
>>> with cvm.Client(region="ap-shanghai") as client:
...     client.describe_images(ImageIds=["img-o3ycss2p"])
...     report = client.sync("img-o3ycss2p", to=["ap-guangzhou", "ap-beijing"], on_progress=print)

``Client`` and ``AsyncClient`` have all actions as methods. ``cvm.local`` is an endpoint to try things on without an
account, ``cvm.proto`` the protocol alone for programs with a transport of their own, ``cvm.types`` the types of
parameters and answers.
"""

from __future__ import annotations

from cvm._client import Client
from cvm._cvm import VERSION as __version__
from cvm._cvm import Credentials
from cvm.errors import (
    AuthError,
    ConfigError,
    CredentialError,
    Error,
    InternalError,
    InvalidParameterError,
    JournalError,
    NetworkError,
    NotFoundError,
    ParameterError,
    QuotaError,
    ResponseError,
    ServiceError,
    StateError,
    SyncError,
    ThrottledError,
    TimeoutError,
    UnsupportedError,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cvm import local, proto, types
    from cvm._async_client import AsyncClient
    from cvm._attempt_end import AttemptEnd
    from cvm._sync_events import Basis, Outcome, SyncEvent
    from cvm._sync_job import AsyncSyncJob, SyncJob
    from cvm._sync_report import Destination, ImageFacts, SyncReport

__all__ = [
    "AsyncClient",
    "AsyncSyncJob",
    "AttemptEnd",
    "AuthError",
    "Basis",
    "Client",
    "ConfigError",
    "CredentialError",
    "Credentials",
    "Destination",
    "Error",
    "ImageFacts",
    "InternalError",
    "InvalidParameterError",
    "JournalError",
    "NetworkError",
    "NotFoundError",
    "Outcome",
    "ParameterError",
    "QuotaError",
    "ResponseError",
    "ServiceError",
    "StateError",
    "SyncError",
    "SyncEvent",
    "SyncJob",
    "SyncReport",
    "ThrottledError",
    "TimeoutError",
    "UnsupportedError",
    "__version__",
    "local",
    "proto",
    "types",
]

# What most scripts do not need is imported when it is first used.
_LATER = {
    "AsyncClient": "cvm._async_client",
    "AsyncSyncJob": "cvm._sync_job",
    "AttemptEnd": "cvm._attempt_end",
    "Basis": "cvm._sync_events",
    "Destination": "cvm._sync_report",
    "ImageFacts": "cvm._sync_report",
    "Outcome": "cvm._sync_events",
    "SyncEvent": "cvm._sync_events",
    "SyncJob": "cvm._sync_job",
    "SyncReport": "cvm._sync_report",
}


def __getattr__(name: str) -> object:
    from importlib import import_module

    if name in _LATER:
        value = getattr(import_module(_LATER[name]), name)
    elif name in ("local", "proto", "types"):
        value = import_module("cvm." + name)
    else:
        raise AttributeError(f"module 'cvm' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
