"""Waiters: until images can be used, and until instances are in a state."""

import asyncio
import inspect

import pytest

import cvm
from cvm import proto

from conftest import IMAGE
from test_proto import run

RUNNING, STOPPED = "ins-running0", "ins-stopped0"
#: An image of the endpoint's default seed that failed to be created.
FAILED = "img-failed00"


@pytest.fixture(params=["blocking", "async", "by hand"])
def wait(request, settings):
    """Waits with one of the three sorts of client: `wait(name, ...)` is what the method of this name gives."""
    machines = {
        "wait_until_image_normal": proto.WaitUntilImageNormal,
        "wait_until_instances": proto.WaitUntilInstances,
    }

    def blocking(name, *arguments, **options):
        with cvm.Client(**settings) as client:
            return getattr(client, name)(*arguments, **options)

    def awaited(name, *arguments, **options):
        async def main():
            async with cvm.AsyncClient(**settings) as client:
                return await getattr(client, name)(*arguments, **options)

        return asyncio.run(main())

    def by_hand(name, *arguments, **options):
        return run(machines[name](proto.Config(**settings), *arguments, **options))[0]

    return {"blocking": blocking, "async": awaited, "by hand": by_hand}[request.param]


def test_images_are_waited_for_until_all_of_them_are_normal(wait, client, steer):
    steer.hurry()
    made = client.create_image(ImageName="waited for", InstanceId=STOPPED)["ImageId"]
    answer = wait("wait_until_image_normal", [made, IMAGE], interval=0.05, timeout=60)
    states = {image["ImageId"]: image["ImageState"] for image in answer["ImageSet"]}
    assert states == {made: "NORMAL", IMAGE: "NORMAL"}
    assert answer["RequestId"] and answer["TotalCount"] == 2


def test_instances_are_waited_for_until_all_of_them_are_in_a_state(wait, client, steer):
    steer.hurry()
    client.start_instances(InstanceIds=[STOPPED])
    answer = wait("wait_until_instances", {RUNNING, STOPPED}, "RUNNING", interval=0.05, timeout=60)
    assert {instance["InstanceState"] for instance in answer["InstanceSet"]} == {"RUNNING"}
    assert len(answer["InstanceSet"]) == 2


@pytest.mark.parametrize(
    "ids", [IMAGE, [IMAGE], (IMAGE,), {IMAGE}, iter([IMAGE, IMAGE]), {IMAGE: 1}.keys(), (i for i in [IMAGE])]
)
def test_one_id_or_any_iterable_of_them_is_taken(client, ids):
    assert client.wait_until_image_normal(ids)["ImageSet"][0]["ImageId"] == IMAGE


def test_a_state_that_ends_it_is_raised_with_the_id_and_the_state(wait, steer):
    with pytest.raises(cvm.StateError, match=f"{FAILED} is CREATEFAILED") as caught:
        wait("wait_until_image_normal", [IMAGE, FAILED])
    assert caught.value.action == "DescribeImages" and caught.value.kind == "state"
    assert len(steer.requests("DescribeImages")) == 1


def test_an_instance_that_is_destroyed_is_not_waited_for(wait, client, steer):
    steer.stop_time()
    client.terminate_instances(InstanceIds=[RUNNING])
    with pytest.raises(cvm.StateError, match=f"{RUNNING} is (SHUTDOWN|TERMINATING)"):
        wait("wait_until_instances", RUNNING, "RUNNING")


def test_time_runs_out(wait):
    with pytest.raises(cvm.TimeoutError, match="not met within"):
        wait("wait_until_instances", STOPPED, "RUNNING", interval=0.05, timeout=0.3)


@pytest.mark.parametrize(
    ("name", "arguments", "why"),
    [
        ("wait_until_image_normal", ([],), "no id is given"),
        ("wait_until_image_normal", ([f"img-{n:08}" for n in range(101)],), "101 ids are given"),
        ("wait_until_image_normal", (7,), "ids is an int"),
        ("wait_until_image_normal", (None,), "ids is None"),
        ("wait_until_image_normal", (IMAGE.encode(),), "ids is a bytes"),
        ("wait_until_image_normal", ([IMAGE, 7],), r"ids\[1\] is an int: give a str"),
        ("wait_until_image_normal", ([None],), r"ids\[0\] is None"),
        ("wait_until_instances", ([], "RUNNING"), "no id is given"),
        ("wait_until_instances", (STOPPED, "RUNING"), "did you mean `RUNNING`"),
        ("wait_until_instances", (STOPPED, "running"), "did you mean `RUNNING`"),
    ],
)
def test_what_cannot_be_waited_for_is_refused_before_anything_is_sent(wait, steer, name, arguments, why):
    with pytest.raises(cvm.ParameterError, match=why):
        wait(name, *arguments)
    assert steer.endpoint.requests() == []


def test_the_clients_and_the_machines_take_the_same(client):
    for name, machine in [
        ("wait_until_image_normal", proto.WaitUntilImageNormal),
        ("wait_until_instances", proto.WaitUntilInstances),
    ]:
        blocking = list(inspect.signature(getattr(cvm.Client, name)).parameters.values())
        awaited = list(inspect.signature(getattr(cvm.AsyncClient, name)).parameters.values())
        by_hand = list(inspect.signature(machine).parameters.values())
        assert blocking == awaited
        assert blocking[1:] == by_hand[1:]
