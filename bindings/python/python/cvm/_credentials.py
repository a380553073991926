"""Functions that give an async client its credentials: they run for the event loop of the call that waits for them."""

from __future__ import annotations

import asyncio
import inspect

from cvm import _callbacks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from cvm._cvm import Answer

#: A loop keeps no task alive by itself.
_tasks: set[asyncio.Task[None]] = set()


def begin(function: Callable[[], object], answer: Answer) -> Callable[[], object]:
    """Has the running loop find out what the function gives; returns what cancels that."""
    task = asyncio.get_running_loop().create_task(_ask(function, answer))
    _tasks.add(task)
    task.add_done_callback(_tasks.discard)
    return task.cancel


async def _ask(function: Callable[[], object], answer: Answer) -> None:
    try:
        if _callbacks.is_async(function):
            result = function()
        else:
            # It may well ask a service, and a loop waits for nothing.
            result = await asyncio.to_thread(_without_stop, function)
        if inspect.isawaitable(result):
            result = await result
    except Exception as error:
        answer.raised(error)
    except BaseException:
        answer.cancelled()
        raise
    else:
        answer.returned(result)


def _without_stop(function: Callable[[], object]) -> object:
    """Calls the function. No future can hold a ``StopIteration``: it would leave whoever waits for it waiting."""
    try:
        return function()
    except StopIteration as error:
        raise RuntimeError("it raised StopIteration") from error
