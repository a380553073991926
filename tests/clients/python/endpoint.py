"""The endpoint under test, and what every client of it has in common."""

import json
import os
import re
import time
from contextlib import contextmanager
from urllib.parse import urlsplit

VERSION = "2017-03-12"
HOME = "ap-shanghai"

#: How long a client keeps asking before it gives up, in seconds.
PATIENCE = 60


class Endpoint:
    """Where the endpoint is, and a key that it takes; from the file that `cvm local --ready-file` writes."""

    def __init__(self):
        with open(os.environ["CVM_READY_FILE"], encoding="utf-8") as file:
            facts = json.load(file)
        self.url = facts["endpoint"]
        self.host = urlsplit(self.url).netloc
        self.port = urlsplit(self.url).port
        self.secret_id = facts["secret_id"]
        self.secret_key = facts["secret_key"]


class ServiceError(Exception):
    """What the service answers instead of a value."""

    def __init__(self, code, message, request_id):
        super().__init__("%s: %s" % (code, message))
        self.code = code
        self.message = message
        self.request_id = request_id


class Abandoned(Exception):
    """A step failed without which the ones after it make no sense."""


class Report:
    """Prints one line for each step: `pass` or `FAIL`, the client, the step, and what was wrong."""

    def __init__(self):
        self.failed = 0

    @contextmanager
    def step(self, client, name, vital=False):
        """Runs a step. A failure ends the step, and with `vital` all that builds on it."""
        try:
            yield
        except Exception as error:  # Whatever a client throws is a failure of this step.
            self.failed += 1
            print("FAIL %s: %s: %s" % (client, name, describe(error)), flush=True)
            if vital:
                raise Abandoned(name) from error
        else:
            print("pass %s: %s" % (client, name), flush=True)

    @contextmanager
    def refused(self, client, name, code):
        """Runs a step that the service has to refuse with this very code."""
        with self.step(client, name):
            try:
                yield
            except ServiceError as error:
                expect(error.code, code)
                expect(bool(error.message), True)
                check_request_id(error.request_id)
            else:
                raise AssertionError("accepted, where %s was due" % code)


def describe(error):
    """An error in one line."""
    return " ".join(("%s: %s" % (type(error).__name__, error)).split())[:400]


def expect(got, wanted):
    """Fails unless two values are the same."""
    if got != wanted:
        raise AssertionError("got %r, where %r was due" % (got, wanted))


def check_request_id(text):
    """Fails unless a text is a request id."""
    if not re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", text or ""):
        raise AssertionError("%r is no request id" % (text,))


class Client:
    """A client: a name, and `once`, which sends one request and gives the answer without its envelope."""

    name = ""

    def once(self, action, parameters, region):
        raise NotImplementedError

    def call(self, action, parameters=None, region=HOME):
        """Sends a request, and sends it again while there are too many of them, as any client has to."""
        give_up = time.monotonic() + PATIENCE
        while True:
            try:
                return self.once(action, parameters or {}, region)
            except ServiceError as error:
                if error.code != "RequestLimitExceeded" or time.monotonic() > give_up:
                    raise
            time.sleep(0.05)


def wait(look):
    """Asks until the answer is not None; the answers between are the client's to judge."""
    give_up = time.monotonic() + PATIENCE
    while True:
        found = look()
        if found is not None:
            return found
        if time.monotonic() > give_up:
            raise AssertionError("nothing came of it within %d s" % PATIENCE)
        time.sleep(0.05)
