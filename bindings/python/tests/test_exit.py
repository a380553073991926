"""Programs that end while calls are under way end as they should: with their exit code, and at once."""

import subprocess
import sys
import textwrap

import pytest

TASKS = """
    import asyncio, cvm
    async def main():
        client = cvm.AsyncClient(rate_limit=False, **settings)
        calls = [asyncio.create_task(client.describe_regions()) for _ in range(200)]
        await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
    asyncio.run(main())
"""

DAEMONS = """
    import cvm, threading, time
    client = cvm.Client(rate_limit=False, **settings)
    def work():
        while True:
            client.describe_regions()
    for _ in range(8):
        threading.Thread(target=work, daemon=True).start()
    time.sleep(0.2)
"""

# What was registered before the package was imported is called after the package has taken its leave.
LAST_WORDS = """
    import atexit
    @atexit.register
    def last():
        print(client.describe_regions()["TotalCount"] > 0)
    import asyncio, cvm
    client = cvm.Client(**settings)
    @atexit.register
    def last_but_one():
        print(asyncio.run(cvm.AsyncClient(**settings).describe_images())["TotalCount"] > 0)
"""


@pytest.mark.cvm_local(rate_limits=False)
@pytest.mark.parametrize("program, said", [(TASKS, ""), (DAEMONS, ""), (LAST_WORDS, "True\nTrue\n")])
def test_a_program_ends_in_order(settings, program, said):
    for _ in range(5):
        ended = subprocess.run(
            [sys.executable, "-c", f"settings = {settings!r}\n{textwrap.dedent(program)}"],
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert (ended.returncode, ended.stdout) == (0, said), ended.stderr
