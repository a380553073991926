"""The end of a program, whatever is still under way: no crash, nothing printed.

A program that has to end at a certain moment reads its standard input, which is closed when that moment has come.
"""

import subprocess
import sys
import textwrap

import pytest

from conftest import elsewhere


def ends_well(code, after=None, **names):
    """Runs a program, whose standard input is closed once the event `after` is set."""
    program = "".join(f"{name} = {value!r}\n" for name, value in names.items()) + textwrap.dedent(code)
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", program], stdin=pipe, stdout=pipe, stderr=pipe) as running:
        happened = after is None or after.wait(60)
        try:
            out, err = running.communicate(timeout=60)
        finally:
            running.kill()
    assert (running.returncode, out, err) == (0, b"", b"")
    assert happened


@pytest.mark.cvm_local(rate_limits=False)
def test_right_after_async_calls(settings):
    code = """
        import asyncio, cvm

        async def main():
            async with cvm.AsyncClient(rate_limit=False, **settings) as client:
                await asyncio.gather(*(client.describe_regions() for _ in range(20)))

        asyncio.run(main())
    """
    for _ in range(10):
        ends_well(code, settings=settings)


def test_with_an_async_call_under_way(silent):
    code = """
        import asyncio, sys, cvm

        async def main():
            asyncio.ensure_future(cvm.AsyncClient(**settings).describe_images())
            await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)

        asyncio.run(main())
    """
    ends_well(code, after=silent.arrived, settings=elsewhere(silent.url))


@pytest.mark.cvm_local(rate_limits=False)
def test_with_threads_that_nobody_waits_for(settings):
    code = """
        import threading, cvm

        client = cvm.Client(rate_limit=False, **settings)
        answered = threading.Semaphore(0)

        def work():
            while True:
                client.describe_regions()
                answered.release()

        for _ in range(8):
            threading.Thread(target=work, daemon=True).start()
        for _ in range(100):
            answered.acquire()
    """
    for _ in range(5):
        ends_well(code, settings=settings)


def test_with_a_thread_that_waits_for_an_answer(silent):
    code = """
        import sys, threading, cvm

        client = cvm.Client(**settings)
        threading.Thread(target=client.describe_images, daemon=True).start()
        sys.stdin.read()
    """
    ends_well(code, after=silent.arrived, settings=elsewhere(silent.url))


def test_with_an_endpoint_that_still_runs(settings):
    code = """
        import atexit, cvm
        from cvm import local

        endpoint = local.start()
        client = endpoint.client()
        client.describe_regions()
        # Whoever ends a program may still make a call.
        atexit.register(client.describe_regions)
    """
    ends_well(code)


def test_last_words(settings):
    # What was registered before the package was imported is called after the package has taken its leave.
    code = """
        import atexit

        @atexit.register
        def last():
            assert client.describe_regions()["TotalCount"]

        import asyncio, cvm

        client = cvm.Client(**settings)

        @atexit.register
        def last_but_one():
            assert asyncio.run(cvm.AsyncClient(**settings).describe_images())["TotalCount"]
    """
    ends_well(code, settings=settings)
