"""Ctrl-C, by a real signal: it ends whatever a client waits for within 0.2 s."""

import asyncio
import os
import signal
import socket
import sys
import threading
import time

import pytest

import cvm

from conftest import IMAGE, elsewhere

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals there are not sent to one process")

#: How long an interrupt may take: what the package promises.
PROMISED = 0.2


def interrupted(work, when=lambda: True):
    """Runs `work`, sends the signal soon after `when` holds, and gives the seconds from there to the exception."""
    sent = []
    over = threading.Event()

    def send():
        while not when() and not over.wait(0.005):
            pass
        # Into the middle of the wait, whatever it is cut into.
        if not over.wait(0.13):
            sent.append(time.monotonic())
            os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=send)
    thread.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            work()
            # A signal that came when the work was over is not for pytest.
            over.set()
            thread.join()
        caught = time.monotonic()
    finally:
        over.set()
        thread.join()
    return caught - sent[0]


def promptly(work, when=lambda: True):
    """A busy machine may hold up one try, not each of several."""
    times = []
    for _ in range(5):
        times.append(interrupted(work, when))
        if times[-1] < PROMISED:
            return
    pytest.fail(f"an interrupt took {min(times):.3f} s at best")


def test_while_waiting_for_an_answer(silent):
    client = cvm.Client(**elsewhere(silent.url))

    def work():
        silent.arrived.clear()
        client.describe_images()

    promptly(work, silent.arrived.is_set)
    # The request that nobody waits for any more is given up.
    assert silent.gone.wait(10)


def test_the_client_is_of_use_afterwards(silent, settings):
    with cvm.Client(**settings) as client:
        client.describe_regions()
        other = cvm.Client(**elsewhere(silent.url))
        promptly(other.describe_images, silent.arrived.is_set)
        assert client.describe_images(ImageIds=[IMAGE])["TotalCount"] == 1


def test_while_connecting():
    # A queue of connections that is full: the system neither takes nor refuses another one.
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        waiting = []
        for _ in range(4):
            one = socket.socket()
            one.setblocking(False)
            one.connect_ex(server.getsockname())
            waiting.append(one)
        try:
            address = "http://127.0.0.1:%d" % server.getsockname()[1]
            client = cvm.Client(**elsewhere(address, connect_timeout=30))
            promptly(client.describe_images)
        finally:
            for one in waiting:
                one.close()


def test_between_attempts(cvm_local, settings, steer):
    steer.fault("error", code="RequestLimitExceeded")

    def work():
        # Each has a retry budget of its own.
        steer.endpoint.clear_requests()
        with cvm.Client(attempts=10, call_timeout=600, **settings) as client:
            client.describe_regions()

    promptly(work, lambda: len(steer.requests("DescribeRegions")) >= 2)


def test_while_waiting_for_a_state(client, steer):
    promptly(
        lambda: client.wait("describe_images", lambda answer: False, interval=60, ImageIds=[IMAGE]),
        lambda: steer.requests("DescribeImages"),
    )


def test_in_asyncio(silent):
    async def work():
        async with cvm.AsyncClient(**elsewhere(silent.url)) as client:
            await client.describe_images()

    promptly(lambda: asyncio.run(work()), silent.arrived.is_set)
    assert silent.gone.wait(10)


def test_in_a_sync_job(client, steer):
    steer.stop_time()

    def work():
        client.sync(IMAGE, to=["ap-guangzhou"])

    promptly(work, lambda: steer.requests("SyncImages"))
    # The copy was requested once: those that came after the interrupt have found it.
    assert len(steer.requests("SyncImages")) == 1


def test_what_a_handler_raises_is_what_the_call_raises(silent):
    class Stop(Exception):
        pass

    def handler(number, frame):
        raise Stop

    before = signal.signal(signal.SIGALRM, handler)
    try:
        client = cvm.Client(**elsewhere(silent.url))
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        with pytest.raises(Stop):
            client.describe_images()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_a_handler_that_raises_nothing_interrupts_nothing(settings, steer):
    called = []
    before = signal.signal(signal.SIGALRM, lambda number, frame: called.append(number))
    steer.fault("latency", milliseconds=400)
    try:
        with cvm.Client(**settings) as client:
            signal.setitimer(signal.ITIMER_REAL, 0.1)
            assert client.describe_images(ImageIds=[IMAGE])["TotalCount"] == 1
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert called == [signal.SIGALRM]
