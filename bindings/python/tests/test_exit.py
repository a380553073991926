"""The end of a program, whatever is still under way: no crash, nothing printed."""

import subprocess
import sys
import textwrap

import pytest

from conftest import elsewhere


def ends_well(code, **names):
    program = "".join(f"{name} = {value!r}\n" for name, value in names.items()) + textwrap.dedent(code)
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=60)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, b"", b"")


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
        import asyncio, cvm

        async def main():
            asyncio.ensure_future(cvm.AsyncClient(**settings).describe_images())
            await asyncio.sleep(0.1)

        asyncio.run(main())
    """
    ends_well(code, settings=elsewhere(silent.url))


@pytest.mark.cvm_local(rate_limits=False)
def test_with_threads_that_nobody_waits_for(settings):
    code = """
        import threading, time, cvm

        client = cvm.Client(rate_limit=False, **settings)

        def work():
            while True:
                client.describe_regions()

        for _ in range(8):
            threading.Thread(target=work, daemon=True).start()
        time.sleep(0.3)
    """
    for _ in range(5):
        ends_well(code, settings=settings)


def test_with_a_thread_that_waits_for_an_answer(silent):
    code = """
        import threading, time, cvm

        client = cvm.Client(**settings)
        threading.Thread(target=client.describe_images, daemon=True).start()
        time.sleep(0.2)
    """
    ends_well(code, settings=elsewhere(silent.url))


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
