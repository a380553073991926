"""One client in many threads."""

import threading
import time

import pytest

import cvm

from conftest import elsewhere


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
