"""One client in many threads, and in the child of a fork."""

import asyncio
import json
import os
import threading
import time

import pytest

import cvm

from conftest import IMAGE, REGION, elsewhere


@pytest.mark.cvm_local(rate_limits=False)
def test_threads_share_a_client(settings):
    failed = []
    answers = []
    with cvm.Client(rate_limit=False, **settings) as client:

        def work():
            try:
                for _ in range(50):
                    answers.append(client.describe_regions()["RequestId"])
            except BaseException as error:
                failed.append(error)

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert failed == []
    assert len(set(answers)) == 8 * 50


def test_other_threads_run_while_a_call_waits(silent):
    client = cvm.Client(**elsewhere(silent.url, call_timeout=2, attempt_timeout=2))

    def call():
        with pytest.raises(cvm.TimeoutError):
            client.describe_images()

    waiting = threading.Thread(target=call)
    waiting.start()
    assert silent.arrived.wait(10)
    ticks = 0
    while waiting.is_alive():
        time.sleep(0.005)
        ticks += 1
    assert ticks > 50


def in_child(work):
    """Runs `work` in a forked child and gives what it returned, as text."""
    readable, writable = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.write(writable, str(work()).encode())
            status = 0
        except BaseException as error:
            os.write(writable, repr(error).encode())
        finally:
            os._exit(status)
    os.close(writable)
    with os.fdopen(readable, "rb") as file:
        said = file.read().decode()
    _, status = os.waitpid(child, 0)
    assert status == 0, said
    return said


needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
# Python says that a fork beside threads may end badly; that it does not is what is tested.
quietly = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")


@needs_fork
@quietly
def test_a_client_works_in_a_child(settings, steer):
    with cvm.Client(**settings) as client:
        before = client.describe_images(ImageIds=[IMAGE])["RequestId"]
        inside = in_child(lambda: client.describe_images(ImageIds=[IMAGE])["RequestId"])
        after = client.describe_images(ImageIds=[IMAGE])["RequestId"]
    assert len({before, inside, after}) == 3
    assert len(steer.requests("DescribeImages")) == 3


@needs_fork
@quietly
def test_an_async_client_works_in_a_child(settings):
    client = cvm.AsyncClient(**settings)

    async def call():
        return (await client.describe_images(ImageIds=[IMAGE]))["TotalCount"]

    assert asyncio.run(call()) == 1
    assert in_child(lambda: asyncio.run(call())) == "1"
    assert asyncio.run(call()) == 1


@needs_fork
@quietly
def test_a_child_makes_tokens_of_its_own():
    config = cvm.proto.Config(REGION, secret_id="id", secret_key="none", rate_limit=False)

    def token():
        request = cvm.proto.Call(config, "RunInstances").poll().request
        return json.loads(request.body)["ClientToken"]

    assert token() != token()
    assert in_child(token) != token(), "the service would take one request for the other"


@needs_fork
@quietly
@pytest.mark.cvm_local(rate_limits=False)
def test_many_children_at_once(settings):
    with cvm.Client(rate_limit=False, **settings) as client:
        client.describe_regions()

        def child():
            return in_child(lambda: [client.describe_regions()["TotalCount"] > 0 for _ in range(20)])

        said = []
        threads = [threading.Thread(target=lambda: said.append(child())) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert said == [str([True] * 20)] * 4


@needs_fork
@quietly
def test_multiprocessing_with_a_client_of_the_parent(settings):
    import multiprocessing

    context = multiprocessing.get_context("fork")
    with cvm.Client(**settings) as client:
        client.describe_regions()
        queue = context.Queue()
        process = context.Process(target=lambda: queue.put(client.describe_regions()["TotalCount"]))
        process.start()
        assert queue.get(timeout=30) > 0
        process.join()
