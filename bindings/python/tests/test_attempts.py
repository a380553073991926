"""The hook of attempts: what it is told, from which thread, and what becomes of what it raises."""

import asyncio
import dataclasses
import pickle
import sys
import threading

import pytest

import cvm
from cvm import proto

from conftest import REGION, elsewhere


@pytest.fixture
def unraisable(monkeypatch):
    """What Python shows of exceptions that nobody can catch."""
    shown = []
    monkeypatch.setattr(sys, "unraisablehook", lambda raised: shown.append((raised.exc_value, raised.object)))
    return shown


def test_an_attempt_that_succeeds(settings):
    seen = []
    with cvm.Client(on_attempt=seen.append, **settings) as client:
        answer = client.describe_regions()
    (end,) = seen
    assert isinstance(end, cvm.AttemptEnd)
    assert (end.service, end.action, end.region) == ("cvm", "DescribeRegions", REGION)
    assert settings["endpoint"] == f"http://{end.host}"
    assert (end.attempt, end.resend_count, end.status) == (1, 0, 200)
    assert end.request_id == answer["RequestId"]
    assert (end.next, end.pause, end.reason) == ("done", None, None)
    assert (end.code, end.error, end.error_type) == (None, None, None)
    assert 0 < end.elapsed < 60


def test_attempts_that_fail(steer, settings):
    steer.fault("error", code="InternalError", times=1)
    steer.fault("error", code="InvalidImageId.NotFound")
    seen = []
    with cvm.Client(on_attempt=seen.append, **settings) as client, pytest.raises(cvm.NotFoundError):
        client.describe_images()
    first, second = seen
    assert (first.attempt, first.next, first.code, first.reason) == (1, "retry", "InternalError", "service_error")
    assert first.pause >= 0
    assert isinstance(first.error, cvm.InternalError)
    assert (second.attempt, second.resend_count, second.next, second.reason) == (2, 1, "fail", "permanent")
    assert (second.error_type, second.pause) == ("InvalidImageId.NotFound", None)


def test_no_answer_is_told_without_a_secret(settings):
    seen = []
    with cvm.Client(on_attempt=seen.append, **elsewhere("http://127.0.0.1:1", attempts=1)) as client:
        with pytest.raises(cvm.NetworkError):
            client.describe_images()
    (end,) = seen
    assert (end.status, end.request_id, end.code, end.error_type) == (None, None, None, "connect")
    assert isinstance(end.error, cvm.NetworkError)
    assert "not-a-real-key" not in repr(dataclasses.asdict(end))
    assert pickle.loads(pickle.dumps(end)).reason == end.reason == "attempts_used_up"


def test_lists_and_jobs_are_told_of_too(settings):
    seen = []
    with cvm.Client(on_attempt=seen.append, **settings) as client:
        list(client.paginate("describe_images"))
        client.wait("describe_images", bool)
        client.call("GetCallerIdentity", service="sts")
        client.sync("img-o3ycss2p", to=["ap-guangzhou"], dry_run=True)
    assert {end.service for end in seen} == {"cvm", "sts"}
    assert seen[0].action == seen[1].action == "DescribeImages"
    assert len(seen) > 4


def test_some_calls_have_a_hook_of_their_own(client):
    seen = []
    client.with_options(on_attempt=seen.append).describe_regions()
    client.describe_regions()
    assert len(seen) == 1


def test_a_blocking_client_calls_it_in_the_calling_thread(settings):
    threads = []
    with cvm.Client(on_attempt=lambda end: threads.append(threading.get_ident()), **settings) as client:
        client.describe_regions()
        other = threading.Thread(target=client.describe_regions)
        other.start()
        other.join()
    assert threads[0] == threading.get_ident() != threads[1]


def test_an_async_client_calls_it_in_the_loops_thread_before_the_call_returns(steer, settings):
    steer.fault("error", code="InternalError", times=1)

    async def main():
        seen = []

        def hook(end):
            seen.append((end.next, asyncio.get_running_loop(), threading.get_ident()))

        async with cvm.AsyncClient(on_attempt=hook, **settings) as client:
            await client.describe_regions()
            assert [next for next, _, _ in seen] == ["retry", "done"]
            async for _ in client.paginate("describe_images"):
                assert len(seen) > 2
        assert {place for _, *place in map(tuple, seen) for place in [tuple(place)]} == {
            (asyncio.get_running_loop(), threading.get_ident())
        }

    asyncio.run(main())


def test_what_it_raises_is_shown_and_ends_no_call(settings, unraisable):
    def hook(end):
        raise ValueError(end.action)

    with cvm.Client(on_attempt=hook, **settings) as client:
        assert client.describe_regions()["TotalCount"] > 0

    async def main():
        async with cvm.AsyncClient(on_attempt=hook, **settings) as client:
            assert (await client.describe_regions())["TotalCount"] > 0

    asyncio.run(main())
    assert [(str(raised), shown) for raised, shown in unraisable] == [("DescribeRegions", hook)] * 2


@pytest.mark.parametrize("ending", [KeyboardInterrupt, SystemExit])
def test_what_ends_a_program_ends_the_call(steer, settings, ending):
    def hook(end):
        raise ending

    with cvm.Client(on_attempt=hook, **settings) as client:
        with pytest.raises(ending):
            client.describe_regions()
        steer.fault("error", code="InternalError")
        steer.endpoint.clear_requests()
        with pytest.raises(ending):
            client.describe_regions()
        assert len(steer.requests("DescribeRegions")) == 1
        with pytest.raises(ending):
            list(client.paginate("describe_images"))
        steer.endpoint.clear_faults()
        assert client.with_options(on_attempt=print).describe_regions()

    async def main():
        async with cvm.AsyncClient(on_attempt=hook, **settings) as client:
            await client.describe_regions()

    with pytest.raises(ending):
        asyncio.run(main())


def test_a_machine_by_hand_tells_of_its_attempts(settings, unraisable):
    seen = []
    config = proto.Config(on_attempt=seen.append, **settings)
    call = proto.Call(config, "DescribeRegions")
    call.poll(now=(1, 1.0))
    call.reply(200, b'{"Response":{"RegionSet":[],"TotalCount":0,"RequestId":"r-1"}}', now=(3, 3.0))
    assert isinstance(call.poll(now=(3, 3.0)), proto.Done)
    (end,) = seen
    assert (end.elapsed, end.request_id) == (2.0, "r-1")


@pytest.mark.parametrize("kind", [cvm.Client, cvm.AsyncClient, proto.Config])
def test_a_hook_that_nobody_could_hear_is_refused(settings, kind):
    async def later(end):
        pass

    with pytest.raises(TypeError, match="on_attempt is an async function, which nobody awaits: give a plain function"):
        kind(on_attempt=later, **settings)
    client = kind(**settings)
    with pytest.raises(TypeError, match="on_attempt is an async function"):
        client.with_options(on_attempt=later)
    with pytest.raises(TypeError, match="on_attempt is a str, which cannot be called"):
        client.with_options(on_attempt="print")


def test_a_hook_that_gives_something_to_be_awaited_is_shown_as_wrong(settings, unraisable):
    async def later(end):
        pass

    with cvm.Client(on_attempt=lambda end: later(end), **settings) as client:
        client.describe_regions()
    ((raised, _),) = unraisable
    assert "on_attempt returned an awaitable, which nobody awaits" in str(raised)


def test_what_a_hook_sends_itself_is_not_told(settings, unraisable):
    seen = []

    def tell(end):
        seen.append(end.action)
        client.describe_zones()

    with cvm.Client(on_attempt=tell, **settings) as client:
        client.describe_regions()
        client.describe_regions()
    assert (seen, unraisable) == (["DescribeRegions", "DescribeRegions"], [])


def test_help_describes_every_attribute():
    for kind in (cvm.AttemptEnd, cvm.Error, cvm.SyncError):
        missing = [name for name in kind.__annotations__ if f"``{name}``" not in kind.__doc__]
        assert not missing, (kind, missing)
