"""The protocol by hand: machines, signatures, texts, and the examples with transports of others."""

import asyncio
import hashlib
import http.client
import importlib.util
import json
import pathlib
import time
from urllib.parse import urlsplit

import pytest

import cvm
from cvm import proto

from conftest import IMAGE, REGION

EXAMPLES = pathlib.Path(__file__).parents[1] / "examples"

NOW = (1_551_113_065, 10.0)


@pytest.fixture
def config(cvm_local):
    return proto.Config(REGION, **cvm_local.settings())


@pytest.fixture
def alone():
    """Settings of an account that is nowhere, for what needs no network."""
    return proto.Config(REGION, secret_id="AKIDexample", secret_key="not-a-real-key")


def run(machine):
    """A transport of the standard library."""
    news = []
    while True:
        step = machine.poll()
        if isinstance(step, proto.Send):
            request = step.request
            url = urlsplit(request.url)
            connection = http.client.HTTPConnection(url.netloc, timeout=request.timeout)
            path = url.path + ("?" + url.query if url.query else "")
            connection.request(request.method, path, request.body, request.headers)
            answer = connection.getresponse()
            machine.reply(answer.status, answer.read(), dict(answer.getheaders()))
            connection.close()
        elif isinstance(step, proto.WaitUntil):
            time.sleep(max(0.0, step.at - time.monotonic()))
        elif isinstance(step, proto.Progress):
            news.append(step.news)
        else:
            return step.output, news


def test_a_call(config):
    answer, _ = run(proto.Call(config, "describe_images", {"ImageIds": [IMAGE]}))
    assert answer["ImageSet"][0]["ImageId"] == IMAGE


def test_a_list(config):
    pages = proto.Pages(config, "DescribeImages", {"Limit": 4})
    _, news = run(pages)
    ids = [image["ImageId"] for page in news for image in page[pages.items]]
    assert IMAGE in ids and len(news) > 1


def test_a_sync_job(config):
    report, news = run(proto.Sync(config, IMAGE, ["ap-guangzhou"]))
    assert report.is_complete
    assert {"checkpoint"} < {event["event"] for event in news}


def test_a_failure_that_never_arrived_is_sent_again_in_virtual_time(alone):
    call = proto.Call(alone, "SyncImages", {"ImageIds": [IMAGE], "DestinationRegions": ["ap-beijing"]})
    first = call.poll(NOW)
    assert isinstance(first, proto.Send) and first.request.attempt == 1
    call.fail("connect", sent=False, message="refused", now=NOW)
    pause = call.poll(NOW)
    assert isinstance(pause, proto.WaitUntil) and pause.at > NOW[1]
    again = pause
    while isinstance(again, proto.WaitUntil):
        again = call.poll((NOW[0] + 60, again.at))
    assert isinstance(again, proto.Send) and again.request.attempt == 2
    # A new time stamp, and so a new signature.
    assert again.request.headers["authorization"] != first.request.headers["authorization"]


def test_what_an_answer_says_beside_its_body_is_heard(alone):
    call = proto.Call(alone, "DescribeRegions")
    call.poll(NOW)
    call.reply(429, b"", {"Retry-After": "7", "X-Other": "1"}, now=NOW)
    pause = call.poll(NOW)
    assert isinstance(pause, proto.WaitUntil) and pause.at >= NOW[1] + 7
    call = proto.Call(alone, "DescribeZones")
    call.poll(NOW)
    call.reply(302, b"", {"LOCATION": "http://portal.example/login"}, now=NOW)
    with pytest.raises(cvm.Error, match="a redirect to `http://portal.example/login` came"):
        call.poll(NOW)
    call = proto.Call(alone, "StartSomething")
    call.poll(NOW)
    call.fail("interrupted", sent=True, now=NOW)
    with pytest.raises(cvm.Error, match="the connection ended before the answer was whole"):
        call.poll(NOW)


def test_a_failure_that_may_have_arrived_is_not(alone):
    call = proto.Call(alone, "SyncImages", {"ImageIds": [IMAGE], "DestinationRegions": ["ap-beijing"]})
    call.poll(NOW)
    call.fail("timeout", sent=True, message="no answer", now=NOW)
    with pytest.raises(cvm.TimeoutError) as caught:
        call.poll(NOW)
    assert caught.value.outcome_unknown


def test_a_job_that_is_cancelled_gives_a_read_up(alone):
    job = proto.Sync(alone, IMAGE, ["ap-guangzhou"])
    (request,) = (step.request for step in steps(job) if isinstance(step, proto.Send))
    assert request.cancel_grace == 0
    job.cancel()
    job.fail("cancelled", sent=True, message="given up", now=NOW)
    *_, last = steps(job)
    assert [each.outcome for each in last.output.destinations] == ["cancelled"]
    # What nobody can cancel says nothing of it.
    assert proto.Call(alone, "DescribeRegions").poll(NOW).request.cancel_grace is None


def steps(machine):
    """What a machine says up to its next request, or to its end."""
    for _ in range(100):
        step = machine.poll(NOW)
        yield step
        if isinstance(step, (proto.Send, proto.Done)):
            return
    pytest.fail("neither a request nor an end")


def test_the_same_step_is_the_same_request(alone):
    call = proto.Call(alone, "DescribeImages")
    one, other = call.poll(NOW).request, call.poll(NOW).request
    assert (one.url, one.headers, one.body) == (other.url, other.headers, other.body)


def test_a_request_shows_no_secret(alone):
    request = proto.Call(alone, "DescribeImages").poll(NOW).request
    assert "Signature" not in repr(request)
    assert "not-a-real-key" not in repr(request) + repr(alone) + str(request.headers)


def test_an_error_of_the_service_is_raised(alone):
    call = proto.Call(alone, "DescribeImages")
    call.poll(NOW)
    error = {"Code": "InvalidImageId.NotFound", "Message": "Gone."}
    call.reply(200, json.dumps({"Response": {"Error": error, "RequestId": "r-1"}}).encode(), now=NOW)
    with pytest.raises(cvm.NotFoundError) as caught:
        call.poll(NOW)
    assert caught.value.request_id == "r-1"


def test_decode():
    body = b'{"Response": {"TotalCount": 18446744073709551615, "X": [1.5, null, "\\u4e2d"], "RequestId": "r"}}'
    assert proto.decode(body) == {"TotalCount": 2**64 - 1, "X": [1.5, None, "中"], "RequestId": "r"}
    with pytest.raises(cvm.ResponseError):
        proto.decode(b"<html>")
    with pytest.raises(cvm.ResponseError):
        proto.decode(b'{"Response": 1}')
    with pytest.raises(cvm.Error):
        proto.decode(b"\xff")


def test_decode_agrees_with_json():
    values = [
        {},
        {"a": {"b": {"c": []}}},
        {"n": [0, -1, 2**64 - 1, -(2**63), 1e300, 1e-7, 0.1]},
        {"s": ["", "\x00", '"\\/\b\f\n\r\t', "\U0001f600", "ü" * 1000]},
        {"l": [{"A": 1, "B": 2}, {"B": 3, "A": 4}, {"A": 5}, {"A": 6, "B": 7, "C": 8}]},
    ]
    for value in values:
        value["RequestId"] = "r"
        for ascii_only in (True, False):
            body = json.dumps({"Response": value}, ensure_ascii=ascii_only).encode()
            assert proto.decode(body) == value


def test_encode():
    assert json.loads(proto.encode("describe_images", {"ImageIds": ["a"], "Limit": None})) == {"ImageIds": ["a"]}
    odd = {"S": '\x00"\\\n中\U0001f600', "N": 2**70, "F": 0.1, "B": True, "L": [{"M": ()}]}
    assert json.loads(proto.encode("Anything", odd)) == {**odd, "L": [{"M": []}]}
    with pytest.raises(cvm.ParameterError, match="ImageIds"):
        proto.encode("describe_images", {"ImageId": ["a"]})


def test_sign_shows_every_stage():
    signed = proto.sign(
        "DescribeImages",
        {"Limit": 1},
        secret_id="AKIDexample",
        secret_key="not-a-real-key",
        timestamp=1_551_113_065,
        region=REGION,
    )
    assert hashlib.sha256(signed["canonical_request"].encode()).hexdigest() in signed["string_to_sign"]
    assert signed["signature"] in signed["authorization"]
    assert "not-a-real-key" not in str(signed)


def example(name):
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def environment(cvm_local, monkeypatch):
    for name, value in cvm_local.environment().items():
        monkeypatch.setenv(name, value)


def test_the_example_with_httpx(environment, cvm_local, capsys):
    httpx = pytest.importorskip("httpx")
    module = example("with_httpx")
    cvm_local.add_fault("drop-before", times=1)
    module.main(IMAGE)
    assert capsys.readouterr().out.split() == [IMAGE, "base-ubuntu-22.04", "NORMAL"]
    config = proto.Config(REGION, **{**cvm_local.settings(), "attempts": 1})
    cvm_local.stop()
    with httpx.Client() as client, pytest.raises(cvm.NetworkError):
        module.run(client, proto.Call(config, "DescribeImages"))


def test_the_example_with_aiohttp(environment, cvm_local, capsys):
    aiohttp = pytest.importorskip("aiohttp")
    module = example("with_aiohttp")
    cvm_local.add_fault("drop-before", times=1)
    asyncio.run(module.main(IMAGE, "img-7kq2v9ta"))
    assert capsys.readouterr().out.split()[::3] == [IMAGE, "img-7kq2v9ta"]
    config = proto.Config(REGION, **{**cvm_local.settings(), "attempts": 1})
    cvm_local.stop()

    async def fails():
        async with aiohttp.ClientSession() as session:
            await module.run(session, proto.Call(config, "DescribeImages"))

    with pytest.raises(cvm.NetworkError):
        asyncio.run(fails())
