"""Beside other ways to do several things at once than threads and asyncio: trio, gevent, subinterpreters, no lock at all."""

import asyncio
import subprocess
import sys
import sysconfig
import textwrap
import threading

import pytest

import cvm

from conftest import IMAGE, elsewhere


def output(*parts, **names):
    """What a program prints that has an interpreter of its own, as what it imports replaces parts of Python."""
    program = "".join(f"{name} = {value!r}\n" for name, value in names.items())
    program += "".join(map(textwrap.dedent, parts))
    ran = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
    assert (ran.returncode, ran.stderr) == (0, b"")
    return ran.stdout.decode().split()


def test_anyio_over_asyncio(settings, silent):
    anyio = pytest.importorskip("anyio")

    async def main():
        async with cvm.AsyncClient(**settings) as client:
            async with anyio.create_task_group() as group:
                for _ in range(3):
                    group.start_soon(client.describe_regions)
        async with cvm.AsyncClient(**elsewhere(silent.url)) as client:
            with anyio.move_on_after(0.2) as scope:
                await client.describe_regions()
        return scope.cancelled_caught

    assert anyio.run(main)
    assert silent.gone.wait(10)


def no_loop_of_asyncio(work):
    with pytest.raises(RuntimeError) as caught:
        work()
    assert "no loop of asyncio runs: use it under asyncio.run(), " in str(caught.value)
    assert "await trio.to_thread.run_sync(client.describe_images)" in str(caught.value)


def test_without_a_loop_of_asyncio_the_error_says_what_to_do(settings):
    client = cvm.AsyncClient(**settings)
    for work in (client.describe_regions(), client.paginate("describe_images").__anext__(), client.sync(IMAGE, to=["ap-beijing"])):
        no_loop_of_asyncio(lambda: work.send(None))


def test_trio_has_the_same_error_and_calls_in_threads(settings, silent):
    trio = pytest.importorskip("trio")

    async def directly():
        async with cvm.AsyncClient(**settings) as client:
            await client.describe_images(ImageIds=[IMAGE])

    no_loop_of_asyncio(lambda: trio.run(directly))

    async def in_threads():
        answers = []
        with cvm.Client(**settings) as client, cvm.Client(**elsewhere(silent.url)) as other:
            async with trio.open_nursery() as nursery:
                for _ in range(3):

                    async def one():
                        answers.append(await trio.to_thread.run_sync(lambda: client.describe_images(ImageIds=[IMAGE])))

                    nursery.start_soon(one)
            with trio.move_on_after(0.2) as scope:
                await trio.to_thread.run_sync(other.describe_images, abandon_on_cancel=True)
        return [answer["TotalCount"] for answer in answers], scope.cancelled_caught

    assert trio.run(in_threads) == ([1, 1, 1], True)


def test_a_loop_that_is_put_in_the_place_of_asyncios(settings, monkeypatch):
    # As trio-asyncio does it, and not before this package is imported.
    async def main():
        loop = asyncio.get_running_loop()
        asked = []
        monkeypatch.setattr(asyncio, "get_running_loop", lambda: asked.append(loop) or loop)
        async with cvm.AsyncClient(**settings) as client:
            return (await client.describe_images(ImageIds=[IMAGE]))["TotalCount"], bool(asked)

    assert asyncio.run(main()) == (1, True)


GEVENT = """
    from gevent import monkey
    monkey.patch_all()
    import gevent, cvm
    client = cvm.Client(**settings)
"""


def test_gevent_calls_in_the_threads_of_its_hub(settings, steer):
    pytest.importorskip("gevent")
    steer.fault("latency", milliseconds=400, times=2)
    code = """
        turns = []

        def turn():
            while True:
                turns.append(1)
                gevent.sleep(0.01)

        gevent.spawn(turn)
        gevent.sleep(0.05)
        before = len(turns)
        client.describe_regions()
        print(len(turns) == before)
        pool = gevent.get_hub().threadpool
        calls = [pool.spawn(client.describe_images, ImageIds=[image]) for _ in range(4)]
        gevent.joinall(calls)
        print(len(turns) > before, *[call.get()["TotalCount"] for call in calls])
    """
    assert output(GEVENT, code, settings=settings, image=IMAGE) == ["True", "True", "1", "1", "1", "1"]


SWITCHES = """
    import logging

    class Switching(logging.Handler):
        def emit(self, record):
            gevent.sleep(0.001)

    logging.getLogger("cvm").addHandler(Switching())
    logging.getLogger("cvm").setLevel(logging.DEBUG)
"""


def test_a_greenlet_that_is_switched_to_within_a_call_is_refused_one(settings):
    pytest.importorskip("gevent")
    code = """
        refused = []

        def work():
            for _ in range(10):
                try:
                    client.describe_images(ImageIds=[image])
                except RuntimeError as error:
                    refused.append(str(error))
                    gevent.sleep(0.01)

        gevent.joinall([gevent.spawn(work) for _ in range(4)], raise_error=True)
        print(0 < len(refused) < 40, all("gevent.get_hub().threadpool" in error for error in refused))
        # No harm is done, and one after the other they are as before.
        print(client.describe_images(ImageIds=[image])["TotalCount"])
    """
    assert output(GEVENT, SWITCHES, code, settings=settings, image=IMAGE) == ["True", "True", "1"]


@pytest.mark.skipif(sys.version_info < (3, 14), reason="they are made with concurrent.interpreters")
def test_a_subinterpreter_refuses_the_import():
    from concurrent import interpreters

    with pytest.raises(interpreters.ExecutionFailed, match="cvm._cvm does not support loading in subinterpreters"):
        interpreters.create().exec("import cvm")
    assert cvm.__version__


@pytest.mark.skipif(not sysconfig.get_config_var("Py_GIL_DISABLED"), reason="this interpreter has its lock")
@pytest.mark.cvm_local(rate_limits=False)
def test_a_free_threaded_interpreter_stays_so(settings):
    assert not sys._is_gil_enabled()
    # Everything that a client shares, from eight threads at once, with errors and records among the answers.
    outcomes = []
    with cvm.Client(rate_limit=False, **settings) as client:

        def work():
            for turn in range(50):
                try:
                    outcomes.append(client.describe_images(ImageIds=[IMAGE] if turn % 2 else ["img-1"])["TotalCount"])
                except cvm.InvalidParameterError as error:
                    outcomes.append(error.code)

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert (outcomes.count(1), outcomes.count("InvalidImageId.Malformed")) == (200, 200)
