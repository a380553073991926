"""What a network does, as both clients say it: in one sentence, the same in both."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager

import cvm
import pytest

KEY = {"secret_id": "AKIDexample", "secret_key": "not-a-real-key", "region": "ap-shanghai"}


@contextmanager
def server(answer: bytes) -> Iterator[str]:
    """Gives every connection this answer, once something has been asked, and closes it."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                connection.recv(65536)
                connection.sendall(answer)
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(65536):
                    pass

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    with closing(listener):
        yield "{}:{}".format(*listener.getsockname())
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(10)


def sentences(endpoint: str, **settings: object) -> set[str]:
    """What the blocking and the async client say."""
    with pytest.raises(cvm.Error) as blocking, cvm.Client(endpoint=endpoint, **KEY, **settings) as client:
        client.describe_regions()

    async def send() -> None:
        async with cvm.AsyncClient(endpoint=endpoint, **KEY, **settings) as client:
            await client.describe_regions()

    with pytest.raises(cvm.Error) as awaited:
        asyncio.run(send())
    assert "hidden" not in f"{blocking.value!r} {awaited.value!r}"
    return {str(blocking.value), str(awaited.value)}


@pytest.mark.parametrize(
    ("scheme", "answer", "said"),
    [
        ("http", b"", "the connection to {} ended before an answer (after 3 attempts)"),
        (
            "http",
            b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{",
            "the connection to {} ended before the answer was whole (after 3 attempts)",
        ),
        (
            "http",
            b"SSH-2.0-OpenSSH_8.9\r\n",
            "the answer of {} is not HTTP: if it speaks TLS, write https:// in place of http://",
        ),
        (
            "https",
            b"HTTP/1.1 400 Bad Request\r\n\r\n",
            "{} does not speak TLS: write http:// in place of https://, or another port",
        ),
        (
            "http",
            b"HTTP/1.1 302 Found\r\nlocation: http://portal.example/\r\ncontent-length: 0\r\n\r\n",
            "a redirect to `http://portal.example/` came in place of an answer of {}: a proxy or a captive portal"
            " is in the way, or the endpoint is not the service's (HTTP 302)",
        ),
    ],
)
def test_both_clients_say_the_same(scheme, answer, said):
    with server(answer) as place:
        expected = "DescribeRegions in ap-shanghai: " + said.format(place)
        assert sentences(f"{scheme}://{place}") == {expected}


def test_a_proxy_is_named_without_its_password():
    with server(b"HTTP/1.1 407 Who\r\ncontent-length: 0\r\n\r\n") as place:
        said = sentences("https://cvm.invalid", proxy=f"http://someone:hidden@{place}")
    assert said == {
        f"DescribeRegions in ap-shanghai: the proxy http://***@{place} does not take the user and the password in"
        " its address: correct them, or leave them out"
    }


def test_the_limit_is_named():
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        place = "{}:{}".format(*silent.getsockname())
        said = sentences(f"http://{place}", call_timeout=0.25)
    assert said == {
        f"DescribeRegions in ap-shanghai: no whole answer from {place} within 250ms, the limit of call_timeout"
    }
