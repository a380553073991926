"""One client in many threads."""

import threading

import pytest

import cvm

from conftest import Listener, elsewhere


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


def test_other_threads_run_while_a_call_waits():
    go = threading.Event()

    # Both this server's thread and the test's own need the interpreter before the call has its answer.
    def answers_when_told(listener, connection):
        connection.recv(65536)
        listener.arrived.set()
        go.wait(60)
        body = b'{"Response":{"TotalCount":7,"RegionSet":[],"RequestId":"r-1"}}'
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body))

    listener = Listener(answers_when_told)
    answers = []
    client = cvm.Client(**elsewhere(listener.url, attempts=1))
    waiting = threading.Thread(target=lambda: answers.append(client.describe_regions()["TotalCount"]))
    waiting.start()
    assert listener.arrived.wait(60)
    go.set()
    waiting.join()
    listener.close()
    assert answers == [7]
