"""An embedded endpoint for tests and trials: it checks signatures and parameters, and needs no account.

>>> from cvm import local
>>> with local.start(speed=60) as endpoint, endpoint.client("ap-shanghai") as client:
...     client.describe_images(ImageIds=["img-o3ycss2p"])
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping

from cvm import _cvm
from cvm._client import Client

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType
    from typing import Any

    from cvm._async_client import AsyncClient

__all__ = ["Local", "start"]

# The settings that name a host. The endpoint is sts and the metadata service as well; as its own backup it has no other.
_ADDRESSES = ("endpoint", "backup_endpoint", "sts_endpoint", "metadata_endpoint")


def __dir__() -> list[str]:
    return __all__


def start(
    *,
    speed: float = 1.0,
    skew: int = 0,
    port: int = 0,
    seed: str | Mapping[str, Any] | None = None,
    skip_checks: Iterable[str] = (),
    rate_limits: bool = True,
    tls: bool = False,
    state_file: str | os.PathLike[str] | None = None,
) -> Local:
    """Starts an endpoint on 127.0.0.1, in a thread of its own.

    - ``speed``: how fast time passes for images, 60 for a minute a second; with 0 it stands still, and :meth:`Local.advance` moves it.
    - ``skew``: how many seconds the endpoint's clock is ahead of this machine's.
    - ``port``: a free one by default.
    - ``seed``: what it starts with, as a dictionary or a text in JSON, not the name of a file; a small account by default.
    - ``skip_checks``: checks to leave out: ``"clock"``, ``"content-type"``, ``"signature"``, ...
    - ``rate_limits``: whether more requests a second than the service allows are refused.
    - ``tls``: serves HTTPS, with a certificate of its own authority, :attr:`Local.ca_pem`.
    - ``state_file``: a file that it keeps its images in.

    Raises ``ValueError`` or ``TypeError`` for an argument that is wrong, and ``OSError`` if the port cannot be listened on.
    """
    return Local(
        _cvm.Local(
            speed=speed,
            skew=skew,
            port=port,
            seed=_text(seed),
            skip_checks=skip_checks,
            rate_limits=rate_limits,
            tls=tls,
            state_file=None if state_file is None else os.fspath(state_file),
        )
    )


def _text(seed: str | Mapping[str, Any] | None) -> str | None:
    if seed is None or isinstance(seed, str):
        return seed
    if not isinstance(seed, Mapping):
        raise TypeError(f"seed is {_cvm.kind(seed)}: give the contents of a seed, as a dictionary or a text in JSON")
    try:
        return json.dumps(seed, default=dict)
    except (TypeError, ValueError):
        raise TypeError("seed has a value that JSON does not have: give dictionaries, lists, texts, numbers, True and False") from None


class Local:
    """An endpoint that is running, until :meth:`stop`, the end of its ``with`` block, or when nobody has it or a client of it."""

    def __init__(self, core: _cvm.Local) -> None:
        self._core = core
        self._ca_file: str | None = None
        self._is_stopped = False

    @property
    def endpoint(self) -> str:
        """Where it takes requests: ``http://127.0.0.1:PORT``."""
        return self._core.endpoint

    @property
    def secret_id(self) -> str:
        """The secret id of a credential that it accepts."""
        return self._core.secret_id

    @property
    def secret_key(self) -> str:
        """The secret key of that credential; of use with this endpoint only."""
        return self._core.secret_key

    @property
    def ca_pem(self) -> str | None:
        """The certificate authority to trust, in PEM; ``None`` without TLS."""
        return self._core.ca_pem

    def settings(self) -> dict[str, Any]:
        """The settings of a client of this endpoint: ``cvm.Client("ap-shanghai", **endpoint.settings())``.

        Such a client asks no other host, whatever is set elsewhere: not for roles, not by a proxy, nor if the endpoint has ended.
        """
        settings: dict[str, Any] = {
            **dict.fromkeys(_ADDRESSES, self.endpoint),
            "proxy": "none",
            "secret_id": self.secret_id,
            "secret_key": self.secret_key,
        }
        if self._core.token is not None:
            settings["token"] = self._core.token
        if self.ca_pem is not None:
            if self._ca_file is None:
                handle, self._ca_file = tempfile.mkstemp(suffix=".pem", prefix="cvm-local-")
                with os.fdopen(handle, "w", encoding="ascii") as file:
                    file.write(self.ca_pem)
            settings["ca_file"] = self._ca_file
        return settings

    def environment(self) -> dict[str, str]:
        """The same for a program that takes its settings from the environment."""
        return {f"TENCENTCLOUD_{name.upper()}": value for name, value in self.settings().items()}

    def client(self, region: str = "ap-shanghai", **settings: Any) -> Client:
        """A client of this endpoint, which runs for as long as the client is in use, unless it is stopped."""
        client = Client(region, **{**self.settings(), **settings})
        client._local = self
        return client

    def async_client(self, region: str = "ap-shanghai", **settings: Any) -> AsyncClient:
        """An async client of this endpoint, which runs for as long as the client is in use, unless it is stopped."""
        from cvm._async_client import AsyncClient

        client = AsyncClient(region, **{**self.settings(), **settings})
        client._local = self
        return client

    def advance(self, seconds: float) -> None:
        """Moves the images' clock forward."""
        self._core.advance(seconds)

    def set_clock(self, *, speed: float = 1.0, skew: int = 0) -> None:
        """Changes how time passes; see :func:`start`."""
        self._core.set_clock(speed=speed, skew=skew)

    def add_fault(self, effect: str, **details: Any) -> int:
        """Makes something go wrong on demand; returns the fault's number.

        ``effect`` is ``"error"`` (with ``code``), ``"respond"`` (``status``, ``body``), ``"latency"``
        (``milliseconds``), ``"drop-before"``, ``"drop-after"``, ``"truncate"``, ``"copy-fails"``,
        ``"copy-never-ends"`` or ``"invisible"`` (``milliseconds`` of image time, ``late_name_check``); ``action``,
        ``region``, ``times``, ``probability`` and ``seed`` say which requests it hits.
        """
        return self._core.add_fault({"effect": effect, **details})

    def remove_fault(self, number: int) -> bool:
        """Removes a fault; returns whether it was there."""
        return self._core.remove_fault(number)

    def clear_faults(self) -> None:
        """Removes all faults."""
        self._core.clear_faults()

    def requests(self) -> list[dict[str, Any]]:
        """The last 10,000 requests, oldest first."""
        return self._core.requests()

    def clear_requests(self) -> None:
        """Forgets the requests so far."""
        self._core.clear_requests()

    def images(self, region: str) -> list[dict[str, Any]]:
        """The images of a region, newest first."""
        return self._core.images(region)

    def reset(self, seed: str | Mapping[str, Any] | None = None) -> None:
        """Returns to the seed, or starts again with another one."""
        self._core.reset(_text(seed))

    def snapshot(self) -> str:
        """Everything it remembers of images and credentials, as JSON."""
        return self._core.snapshot()

    def restore(self, snapshot: str) -> None:
        """Resumes from what :meth:`snapshot` returned."""
        self._core.restore(snapshot)

    def stop(self) -> None:
        """Ends the endpoint, and all connections to it."""
        self._core.stop()
        self._is_stopped = True
        if self._ca_file is not None:
            os.unlink(self._ca_file)
            self._ca_file = None

    def __enter__(self) -> Local:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"<cvm.local.Local at {self.endpoint}{', stopped' if self._is_stopped else ''}>"
