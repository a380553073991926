"""A job that is cancelled while one of its requests hangs."""

import asyncio
import threading
import time

import cvm

from conftest import IMAGE, elsewhere

#: Longer than a cancel takes on a busy machine, and shorter than the 30 s that an exchange has.
LIMIT = 15


def test_a_blocking_job_gives_a_read_up(silent):
    with cvm.Client(**elsewhere(silent.url)) as client:
        job = client.sync_job(IMAGE, to=["ap-guangzhou"])

        def cancel():
            silent.arrived.wait(60)
            job.cancel()

        canceller = threading.Thread(target=cancel)
        canceller.start()
        began = time.monotonic()
        report = job.run()
        assert time.monotonic() - began < LIMIT
        canceller.join()
    assert [each.outcome for each in report.destinations] == ["cancelled"]
    assert silent.gone.wait(10)


def test_an_async_job_gives_a_read_up(silent):
    async def work():
        async with cvm.AsyncClient(**elsewhere(silent.url)) as client:
            job = client.sync_job(IMAGE, to=["ap-guangzhou"])
            running = asyncio.create_task(job.run())
            await asyncio.get_running_loop().run_in_executor(None, silent.arrived.wait, 60)
            job.cancel()
            return await asyncio.wait_for(running, LIMIT)

    report = asyncio.run(work())
    assert [each.outcome for each in report.destinations] == ["cancelled"]
    assert silent.gone.wait(10)
