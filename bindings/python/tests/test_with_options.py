"""The same client with other settings for some calls: what differs, and what both share."""

import asyncio
import inspect
import json

import pytest

import cvm
from cvm import _cvm, proto

from conftest import IMAGE, REGION, Listener, elsewhere

#: What belongs to all calls of a client.
SHARED = [name for name, is_for_calls in _cvm.settings() if not is_for_calls]


class Echo:
    """A server that answers with what it was sent, and on which connection."""

    def __init__(self):
        self.opened = 0
        self.listener = Listener(self.talk)
        self.settings = elsewhere(self.listener.url, rate_limit=False)

    def talk(self, listener, connection):
        self.opened += 1
        number = self.opened
        unread = b""
        while True:
            while b"\r\n\r\n" not in unread:
                more = connection.recv(65536)
                if not more:
                    return
                unread += more
            head, _, unread = unread.partition(b"\r\n\r\n")
            fields = dict(line.decode().split(": ", 1) for line in head.split(b"\r\n")[1:])
            fields = {name.lower(): value for name, value in fields.items()}
            while len(unread) < int(fields.get("content-length", 0)):
                unread += connection.recv(65536)
            unread = unread[int(fields.get("content-length", 0)) :]
            body = json.dumps({"Response": {"RequestId": f"on {number}", **fields}}).encode()
            connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body))


@pytest.fixture
def echo():
    server = Echo()
    yield server
    server.listener.close()


def test_what_is_set_holds_for_the_calls_of_the_other_client_alone(echo):
    client = cvm.Client(language="zh-CN", headers={"traceparent": "00-1", "x-team": "images"}, **echo.settings)
    other = client.with_options(
        region="ap-beijing", language="en-US", request_client="nightly", headers={"Traceparent": "00-2"}
    )
    sent = other.describe_regions()
    assert (sent["x-tc-region"], sent["x-tc-language"]) == ("ap-beijing", "en-US")
    assert sent["x-tc-requestclient"] == "nightly"
    assert (sent["traceparent"], sent["x-team"]) == ("00-2", "images")
    sent = client.describe_regions()
    assert (sent["x-tc-region"], sent["x-tc-language"], sent["traceparent"]) == (REGION, "zh-CN", "00-1")
    assert (client.region, other.region) == (REGION, "ap-beijing")


def test_both_share_connections(echo):
    client = cvm.Client(**echo.settings)
    others = [client, client.with_options(attempts=1), client.with_options(call_timeout=9).with_region("ap-beijing")]
    assert {each.describe_regions()["RequestId"] for each in others} == {"on 1"}
    assert {each.call("GetCallerIdentity", service="sts")["RequestId"] for each in others} == {"on 1"}


def test_options_are_added_up_in_any_order(echo):
    client = cvm.Client(**echo.settings)
    for chained in (
        client.with_options(language="en-US").with_region("ap-beijing").with_options(request_client="nightly"),
        client.with_options(request_client="nightly", language="zh-CN").with_options(language="en-US", region="ap-beijing"),
        client.with_region("ap-beijing").with_options(language="en-US", request_client="nightly"),
    ):
        for sent in (chained.describe_regions(), chained.call("GetCallerIdentity", service="sts")):
            assert (sent["x-tc-region"], sent["x-tc-language"]) == ("ap-beijing", "en-US")
            assert sent["x-tc-requestclient"] == "nightly"


def test_an_async_client_has_other_settings_too(echo):
    async def main():
        async with cvm.AsyncClient(**echo.settings) as client:
            other = client.with_options(language="en-US")
            return await other.describe_regions(), await client.describe_regions()

    sent, usual = asyncio.run(main())
    assert sent["x-tc-language"] == "en-US"
    assert "x-tc-language" not in usual
    assert sent["RequestId"] == usual["RequestId"]


def test_a_machine_by_hand_has_other_settings_too(settings):
    config = proto.Config(**settings).with_options(sign_method="HmacSHA1")
    step = proto.Call(config, "DescribeRegions").poll()
    assert b"SignatureMethod=HmacSHA1" in step.request.body
    assert repr(config) == f"<cvm.proto.Config for {REGION} at {settings['endpoint']}/>"


def test_a_call_in_a_hurry_leaves_the_others_their_time(silent):
    client = cvm.Client(**elsewhere(silent.url))
    with pytest.raises(cvm.TimeoutError, match="attempt_timeout"):
        client.with_options(attempt_timeout=0.2, attempts=1).describe_regions()
    with pytest.raises(cvm.TimeoutError, match="call_timeout"):
        client.with_options(call_timeout=0.2).describe_regions()


def test_how_often_is_another_setting_than_on_what(steer, client):
    steer.fault("error", code="InvalidImageState")

    def sent(client):
        steer.endpoint.clear_requests()
        with pytest.raises(cvm.Error, match="InvalidImageState"):
            client.describe_images()
        return len(steer.requests("DescribeImages"))

    patient = client.with_options(retry_on={"InvalidImageState"})
    assert sent(client) == 1
    assert sent(patient) == 3
    assert sent(patient.with_options(attempts=2)) == 2
    assert sent(patient.with_options(never_retry_on=("InvalidImageState",))) == 1


def test_codes_are_judged_by_the_client_itself(steer, settings):
    steer.fault("error", code="InternalError")
    with cvm.Client(never_retry_on=["InternalError"], **settings) as client, pytest.raises(cvm.InternalError):
        client.describe_images()
    assert len(steer.requests("DescribeImages")) == 1


@pytest.mark.parametrize("name", SHARED)
def test_what_all_calls_share_is_refused_by_its_name(client, name):
    value = "http://127.0.0.1:1"
    said = f"^{name} cannot be set for some calls alone, as all calls of a client share it: build a client of its own$"
    with pytest.raises(cvm.ConfigError, match=said):
        client.with_options(**{name: value})
    assert client.with_options(**{name: None}).endpoint == client.endpoint


def test_a_wrong_value_is_refused_as_in_a_client(client):
    for wrong, said in (
        ({"attempts": 0}, "attempts `0` is not a number from 1 to 100"),
        ({"language": "de"}, "language `de`"),
        ({"call_timeout": -1}, "call_timeout is -1"),
        ({"region": "a b"}, "region `a b`"),
        ({"headers": {"host": "elsewhere"}}, "the header `host` is set by the client"),
        ({"sign_method": "MD5"}, "MD5"),
    ):
        for make in (client.with_options, lambda **given: cvm.Client(**{"secret_id": "id", "secret_key": "k", **given})):
            with pytest.raises(cvm.ConfigError, match=said):
                make(**wrong)
    for wrong, said in (
        ({"attemps": 2}, r"with_options\(\) got an unexpected keyword argument 'attemps'. Did you mean 'attempts'\?"),
        ({"retry_on": "InternalError"}, "retry_on is a text: give a list"),
        ({"headers": ["traceparent"]}, "headers: give a dictionary"),
        ({"headers": {"traceparent": 1}}, "headers: give a dictionary"),
        ({"attempts": "2"}, "attempts"),
    ):
        with pytest.raises(TypeError, match=said):
            client.with_options(**wrong)


def test_a_headers_value_is_in_no_error(client):
    with pytest.raises(cvm.ConfigError) as refused:
        client.with_options(headers={"x-key": "hidden\n"})
    assert "hidden" not in str(refused.value)


@pytest.mark.parametrize("kind", [cvm.Client, cvm.AsyncClient, proto.Config])
def test_the_signature_says_what_may_differ(kind):
    parameters = inspect.signature(kind.with_options).parameters
    assert {parameter.kind for name, parameter in parameters.items() if name != "self"} == {
        inspect.Parameter.KEYWORD_ONLY
    }
    assert "call_timeout (float): The longest time for one call" in inspect.getdoc(kind.with_options)
    assert kind.with_options.__name__ == "with_options"


def test_a_closed_client_has_no_other(client):
    other = client.with_options(attempts=1)
    client.close()
    with pytest.raises(RuntimeError, match="closed"):
        client.with_options(attempts=2)
    assert other.describe_images(ImageIds=[IMAGE])["TotalCount"] == 1
