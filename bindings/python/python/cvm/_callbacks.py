"""What a program gives to be called: a function, and for an async client also an async one."""

from __future__ import annotations

from cvm import _cvm

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


#: Where a blocking client calls, and where nobody awaits, whatever the client.
_BLOCKING = "which a blocking client cannot await: give a plain function, or use cvm.AsyncClient"
_NEVER_AWAITED = "which nobody awaits: give a plain function"


def check(is_async: bool, **callbacks: Callable[..., object] | None) -> None:
    """Raises ``TypeError`` for a callback that could not be heard; called before anything is sent."""
    _check(None if is_async else _BLOCKING, callbacks)


def check_hook(**callbacks: Callable[..., object] | None) -> None:
    """The same for what no client awaits."""
    _check(_NEVER_AWAITED, callbacks)


def _check(refused: str | None, callbacks: dict[str, Callable[..., object] | None]) -> None:
    for name, callback in callbacks.items():
        if callback is None:
            continue
        if not callable(callback):
            raise TypeError(f"{name} is {_cvm.kind(callback)}, which cannot be called: give a function")
        kind = _kind(callback)
        if kind == "generator":
            raise TypeError(f"{name} is a generator function, whose body would never run: give a function without yield")
        if kind == "async" and refused is not None:
            raise TypeError(f"{name} is an async function, {refused}")


def call(name: str, callback: Callable[..., object] | None, argument: object) -> object:
    """Calls a callback of a blocking client, if there is one; gives what it returned."""
    if callback is None:
        return None
    return _call(name, callback, argument, _BLOCKING)


def call_hook(name: str, callback: Callable[..., object], argument: object) -> None:
    """Calls what no client awaits."""
    _call(name, callback, argument, _NEVER_AWAITED)


def _call(name: str, callback: Callable[..., object], argument: object, refused: str) -> object:
    import inspect

    result = callback(argument)
    if inspect.isawaitable(result):
        _close(result)
        raise TypeError(f"{name} returned an awaitable, {refused}")
    return _heard(name, result)


async def call_async(name: str, callback: Callable[..., object] | None, argument: object) -> object:
    """Calls a callback of an async client, if there is one; gives what it returned, or what came of awaiting that."""
    if callback is None:
        return None
    import inspect

    result = callback(argument)
    if inspect.isawaitable(result):
        return await result
    return _heard(name, result)


def is_async(callback: Callable[..., object]) -> bool:
    """Whether it is an async function, as far as that can be known before the call."""
    return _kind(callback) == "async"


def _heard(name: str, result: object) -> object:
    import inspect

    if inspect.isgenerator(result) or inspect.isasyncgen(result):
        _close(result)
        raise TypeError(f"{name} returned a generator, whose body has not run: return a value")
    return result


def _close(result: Any) -> None:
    """Ends what would otherwise complain that nobody awaited it. A future is somebody else's."""
    import inspect

    if inspect.iscoroutine(result) or inspect.isgenerator(result):
        result.close()


def _kind(callback: Any) -> str:
    """``"async"``, ``"generator"`` or ``"plain"``, as far as it can be known before the call."""
    import functools
    import inspect

    while isinstance(callback, functools.partial):
        callback = callback.func
    for function in (callback, getattr(type(callback), "__call__", None)):
        if inspect.iscoroutinefunction(function):
            return "async"
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            return "generator"
    return "plain"
