"""What the tests share: an endpoint that can be steered, clients of it, and servers that misbehave.

The endpoint is the package's own fixture, `cvm_local`.
"""

import os
import socket
import threading

import pytest

import cvm

#: An image of the endpoint's default seed, and the region it is in.
IMAGE = "img-o3ycss2p"
REGION = "ap-shanghai"


@pytest.fixture(autouse=True)
def nothing_of_this_machine(monkeypatch, tmp_path):
    """No test sees what its user has set up: variables, profiles, proxies."""
    for name in os.environ:
        if name.startswith(("TENCENTCLOUD_", "TCCLI_", "TKE_")) or name.upper().endswith("_PROXY"):
            monkeypatch.delenv(name)
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path))
    # A machine in the cloud may have a role.
    monkeypatch.setenv("TENCENTCLOUD_INSTANCE_ROLE", "off")


class Steering:
    """Steers the endpoint, in the words of the tests."""

    def __init__(self, endpoint):
        self.endpoint = endpoint

    def fault(self, effect, **details):
        return self.endpoint.add_fault(effect, **details)

    def requests(self, action):
        return [request for request in self.endpoint.requests() if request["action"] == action]

    def stop_time(self):
        self.endpoint.set_clock(speed=0)

    def hurry(self):
        self.endpoint.set_clock(speed=1000)


@pytest.fixture
def steer(cvm_local):
    return Steering(cvm_local)


@pytest.fixture
def settings(cvm_local):
    """Keyword arguments for a client of the endpoint."""
    return {
        "secret_id": cvm_local.secret_id,
        "secret_key": cvm_local.secret_key,
        "endpoint": cvm_local.endpoint,
        "region": REGION,
    }


@pytest.fixture
def place(cvm_local):
    """Keyword arguments for a client of the endpoint that is still to be given a credential."""
    return {"endpoint": cvm_local.endpoint, "sts_endpoint": cvm_local.endpoint, "region": REGION}


@pytest.fixture
def key(cvm_local):
    return cvm.Credentials(cvm_local.secret_id, cvm_local.secret_key)


@pytest.fixture
def client(settings):
    with cvm.Client(**settings) as client:
        yield client


class Listener:
    """A server made by hand, on a thread of its own."""

    def __init__(self, talk):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = "http://127.0.0.1:%d" % self.socket.getsockname()[1]
        self.arrived = threading.Event()
        self.gone = threading.Event()
        self.talk = talk
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.meet, args=(connection,), daemon=True).start()

    def meet(self, connection):
        with connection:
            try:
                self.talk(self, connection)
            except OSError:
                pass

    def close(self):
        self.socket.close()


def never_answers(listener, connection):
    while connection.recv(65536):
        listener.arrived.set()
    listener.gone.set()


@pytest.fixture
def silent():
    """A server that takes requests and never answers; `gone` is set when a client hangs up."""
    listener = Listener(never_answers)
    yield listener
    listener.close()


def elsewhere(url, **more):
    """Keyword arguments for a client of some other address."""
    return {
        "secret_id": "AKIDexample",
        "secret_key": "not-a-real-key",
        "endpoint": url,
        "region": REGION,
        **more,
    }
