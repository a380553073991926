"""What a hook of attempts is told."""

# No `from __future__ import annotations`: tools that read data classes find types here, not texts.
from dataclasses import dataclass
from typing import Literal, Optional

from cvm.errors import Error


@dataclass(frozen=True)
class AttemptEnd:
    """How one attempt at a request ended, and what follows: what ``on_attempt`` is given. No secret is in it.

    It is told of everything that is sent: calls, the pages of lists, the calls of jobs, and what fetches a credential. An
    attempt that is given up, as its call was cancelled, comes to no end and is not told.

    - ``service``, ``action``, ``region``, ``host``: what was called, and where.
    - ``attempt``: which one it was, from 1; ``resend_count``: how often the request had been sent before.
    - ``elapsed``: the seconds that it took; ``status``, ``request_id``: of the answer, if one came.
    - ``code``, ``error_type``, ``error``: what went wrong, if anything: the service's code, a word for a metric, the error.
    - ``next``: ``"done"``, ``"retry"`` or ``"fail"``; ``pause``: the seconds until it is sent again; ``reason``: why it is, or not.
    """

    #: The product that was called, such as ``"cvm"`` or ``"sts"``.
    service: str
    #: The action; ``"instance metadata"`` for what is none.
    action: str
    #: The region it was called in.
    region: Optional[str]
    #: Host and, unless it is the scheme's own, port.
    host: str
    #: Which attempt it was, from 1. One that was sent again with another clock or credential does not count, so two may
    #: have the same number.
    attempt: int
    #: How often the request had been sent before, for whatever reason.
    resend_count: int
    #: Seconds between handing out the request and taking in the reply.
    elapsed: float
    #: The HTTP status, if an answer came.
    status: Optional[int]
    #: The id that the answer names.
    request_id: Optional[str]
    #: The service's error code, if it answered with one.
    code: Optional[str]
    #: What sort of error it was, of few values, for a metric: the service's code, what sort of failure kept an answer from
    #: coming, or whose fault it is. ``None`` if the attempt succeeded.
    error_type: Optional[str]
    #: What went wrong; ``None`` if the attempt succeeded.
    error: Optional[Error]
    #: What follows: nothing after a success (``"done"``), the request once more (``"retry"``), or the error that the
    #: call ends with (``"fail"``).
    next: Literal["done", "retry", "fail"]
    #: Seconds until the request is sent again, if it is.
    pause: Optional[float]
    #: Why it is sent again:
    #:
    #: - ``"throttled"``, ``"service_error"``: the service refused it, in a way that may pass.
    #: - ``"no_response"``, ``"bad_response"``: no whole answer came, or what came is none of the service's.
    #: - ``"policy"``: ``retry_on`` names its code.
    #: - ``"clock_corrected"``, ``"credential_refused"``: the clock is known better now, or another credential may be had.
    #:
    #: Or why it is not:
    #:
    #: - ``"permanent"``: it would fail in the same way; ``"policy"``: ``never_retry_on`` names its code.
    #: - ``"not_safe_to_repeat"``: the service may have done the work.
    #: - ``"attempts_used_up"``, ``"no_time_left"``, ``"budget_used_up"``: one of the limits of retries.
    reason: Optional[str]


AttemptEnd.__module__ = "cvm"
