"""A client, and all that is made of one, in a process that is forked: nothing is shared with its parent."""

import asyncio
import copy
import gc
import json
import os
import pickle
import signal
import subprocess
import sys
import threading

import pytest

import cvm
from cvm import local, proto

from conftest import IMAGE, REGION, Listener, elsewhere

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork"),
    # Python says that a fork beside threads may end badly; that it does not is what is tested.
    pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning"),
]


def in_child(work):
    """Runs `work` in a forked child and gives what it returned, as text."""
    readable, writable = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            end_if_stuck()
            os.write(writable, str(work()).encode())
            status = 0
        except BaseException as error:
            os.write(writable, repr(error).encode())
        finally:
            os._exit(status)
    os.close(writable)
    with os.fdopen(readable, "rb") as file:
        said = file.read().decode()
    assert ended_well(child), said or "the child was stuck"
    return said


def end_if_stuck():
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(60)


def ended_well(child):
    return os.waitpid(child, 0)[1] == 0


class Numbering:
    """A server whose answers say on which connection they came: the first request of all waits until it may go."""

    def __init__(self):
        self.opened = 0
        self.may_go = threading.Event()
        self.may_go.set()
        self.listener = Listener(self.talk)
        self.settings = elsewhere(self.listener.url, rate_limit=False)

    def talk(self, listener, connection):
        self.opened += 1
        number = self.opened
        body = json.dumps({"Response": {"RequestId": f"on {number}", "TotalCount": 0}}).encode()
        unread = b""
        while True:
            while b"\r\n\r\n" not in unread:
                more = connection.recv(65536)
                if not more:
                    return
                unread += more
            head, _, unread = unread.partition(b"\r\n\r\n")
            fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
            while len(unread) < int(fields.get(b"content-length", 0)):
                unread += connection.recv(65536)
            unread = unread[int(fields.get(b"content-length", 0)) :]
            listener.arrived.set()
            if number == 1:
                self.may_go.wait(60)
            connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body))


@pytest.fixture
def numbering():
    server = Numbering()
    yield server
    server.may_go.set()
    server.listener.close()


def itself(client):
    return client


class Holder:
    """Something of a program's own with a client in it."""

    def __init__(self, client):
        self.client = client


HANDLES = {
    "itself": itself,
    "copied": copy.copy,
    "deeply copied": copy.deepcopy,
    "a copy's copy": lambda client: copy.copy(copy.copy(client)),
    "for another region": lambda client: client.with_region("ap-beijing"),
    "a copy for another region": lambda client: copy.copy(client.with_region("ap-beijing")),
    "with other settings": lambda client: client.with_options(attempts=2),
    "with other settings for another region": lambda client: client.with_options(attempts=2).with_region("ap-beijing"),
    "copied in an object": lambda client: copy.deepcopy(Holder(client)).client,
}


@pytest.mark.parametrize("handle", HANDLES.values(), ids=HANDLES)
def test_no_copy_of_a_client_shares_a_connection_with_the_parent(numbering, handle):
    client = handle(cvm.Client(**numbering.settings))
    call = client.describe_regions
    assert call()["RequestId"] == "on 1"
    assert in_child(lambda: call()["RequestId"]) == "on 2"
    assert call()["RequestId"] == "on 1", "the parent has lost its connection"
    assert in_child(lambda: [client.describe_regions()["RequestId"] for _ in range(2)]) == "['on 3', 'on 3']"
    assert client.describe_regions()["RequestId"] == "on 1"


@pytest.mark.parametrize("handle", HANDLES.values(), ids=HANDLES)
def test_no_copy_of_an_async_client_shares_a_connection_or_a_runtime(numbering, handle):
    client = handle(cvm.AsyncClient(**numbering.settings))

    async def call():
        return (await client.describe_regions())["RequestId"]

    assert asyncio.run(call()) == "on 1"
    assert in_child(lambda: asyncio.run(call())) == "on 2"
    assert asyncio.run(call()) == "on 1", "the parent has lost its connection"


def test_settings_and_products_go_along_into_a_child(settings):
    told = []
    client = cvm.Client(**settings).with_region("ap-beijing").with_options(language="zh-CN", on_attempt=told.append)

    def child():
        with pytest.raises(cvm.ServiceError) as refused:
            client.describe_images(ImageIds=["img-1"])
        client.call("GetCallerIdentity", service="sts")
        return refused.value.region, refused.value.message.isascii(), [(end.service, end.region) for end in told]

    assert in_child(child) == str(("ap-beijing", False, [("cvm", "ap-beijing"), ("sts", "ap-beijing")]))
    assert client.call("GetCallerIdentity", service="sts")["Arn"]
    assert len(told) == 1


def test_an_async_client_takes_settings_and_products_along_into_a_child(settings):
    told = []
    client = cvm.AsyncClient(**settings).with_options(region="ap-beijing", on_attempt=told.append)

    def call():
        return asyncio.run(client.call("GetCallerIdentity", service="sts"))["Arn"]

    arn = call()
    assert in_child(lambda: (call() == arn, [end.region for end in told])) == str((True, ["ap-beijing"] * 2))


def test_a_child_of_a_child_has_its_own(numbering):
    client = cvm.Client(**numbering.settings)
    client.describe_regions()

    def child():
        mine = client.describe_regions()["RequestId"]
        return mine, in_child(lambda: client.describe_regions()["RequestId"]), client.describe_regions()["RequestId"]

    assert in_child(child) == str(("on 2", "on 3", "on 2"))


def test_clients_for_several_regions_share_connections_in_a_child_too(numbering):
    client = cvm.Client(**numbering.settings)
    other = client.with_region("ap-beijing")
    client.describe_regions()
    assert in_child(lambda: {each.describe_regions()["RequestId"] for each in (other, client)}) == "{'on 2'}"


def test_what_a_child_throws_away_stays_with_the_parent(numbering):
    clients = [cvm.Client(**numbering.settings)]
    jobs = [clients[0].paginate("describe_images"), proto.Call(proto.Config(**numbering.settings), "RunInstances")]
    assert clients[0].describe_regions()["RequestId"] == "on 1"

    def throw_away():
        clients.pop().close()
        jobs.clear()
        gc.collect()

    in_child(throw_away)
    assert clients[0].describe_regions()["RequestId"] == "on 1"


def test_a_fork_while_another_thread_is_in_a_call(numbering):
    client = cvm.Client(**numbering.settings)
    numbering.may_go.clear()
    answers = []
    thread = threading.Thread(target=lambda: answers.append(client.describe_regions()["RequestId"]))
    thread.start()
    assert numbering.listener.arrived.wait(60)
    assert in_child(lambda: client.describe_regions()["RequestId"]) == "on 2"
    numbering.may_go.set()
    thread.join()
    assert answers == ["on 1"]


def test_a_fork_while_an_async_call_is_under_way(numbering):
    client = cvm.AsyncClient(**numbering.settings)
    numbering.may_go.clear()

    async def main():
        call = asyncio.ensure_future(client.describe_regions())
        await asyncio.to_thread(numbering.listener.arrived.wait, 60)

        def child():
            # Its copy of the call ends: that is nothing to the parent's.
            call.get_coro().close()
            client.describe_regions().close()

        in_child(child)
        numbering.may_go.set()
        return (await call)["RequestId"]

    assert asyncio.run(main()) == "on 1"

    async def again():
        return (await client.describe_regions())["RequestId"]

    assert in_child(lambda: asyncio.run(again())) == "on 2"


def test_a_handler_that_forks_in_the_middle_of_a_call(numbering):
    client = cvm.Client(**numbering.settings)
    numbering.may_go.clear()
    forked = []

    def fork(number, frame):
        forked.append(os.fork())
        if forked == [0]:
            end_if_stuck()
        numbering.may_go.set()

    before = signal.signal(signal.SIGALRM, fork)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        outcome = client.describe_regions()["RequestId"]
    except RuntimeError as error:
        outcome = str(error)
    finally:
        if forked == [0]:
            os._exit(0 if "forked" in outcome and client.describe_regions()["RequestId"] == "on 2" else 1)
        signal.signal(signal.SIGALRM, before)
    assert outcome == "on 1"
    assert ended_well(forked[0])


def test_a_list_goes_on_in_both_processes(client):
    whole = [image["ImageId"] for image in client.paginate("describe_images", Limit=2)]
    for taken in (0, 1, 2, 3, len(whole)):
        images = client.paginate("describe_images", Limit=2)
        ids = [next(images)["ImageId"] for _ in range(taken)]
        rest = in_child(lambda: [image["ImageId"] for image in images])
        assert rest == str(whole[taken:])
        assert ids + [image["ImageId"] for image in images] == whole


def test_a_job_that_has_not_begun_can_be_run_in_a_child(client, steer):
    steer.hurry()
    job = client.sync_job(IMAGE, to=["ap-guangzhou"])
    assert in_child(lambda: job.run().is_complete) == "True"


def test_a_job_that_has_begun_stays_with_the_parent(client, steer):
    steer.hurry()
    job = client.sync_job(IMAGE, to=["ap-guangzhou"])
    forked = []

    def fork(event):
        if not forked:
            forked.append(os.fork())
            if forked == [0]:
                end_if_stuck()

    outcome = ""
    try:
        outcome = job.run(on_progress=fork).is_complete
    except RuntimeError as error:
        outcome = str(error)
    finally:
        if forked == [0]:
            os._exit(0 if "belongs to it" in outcome and job.to_json() else 1)
    assert outcome is True
    assert ended_well(forked[0])
    assert len(steer.requests("SyncImages")) == 1


def test_a_journal_is_free_when_its_parent_is_through_with_it(client, steer, tmp_path):
    steer.hurry()
    readable, writable = os.pipe()
    children = []

    def fork(event):
        if not children:
            children.append(os.fork())
            if children == [0]:
                end_if_stuck()
                os.close(writable)
                # It lives for as long as its parent has the other end.
                os.read(readable, 1)
                os._exit(0)

    journal = tmp_path / "job.json"
    try:
        assert client.sync(IMAGE, to=["ap-guangzhou"], journal=journal, on_progress=fork).is_complete
        assert client.sync(IMAGE, to=["ap-guangzhou"], journal=journal).is_complete
        assert os.waitpid(children[0], os.WNOHANG) == (0, 0), "the child has ended already"
    finally:
        os.close(writable)
        os.close(readable)
    assert ended_well(children[0])


def test_a_journal_is_free_when_its_parent_is_killed(client, settings, steer, tmp_path):
    steer.stop_time()
    journal = tmp_path / "job.json"
    readable, writable = os.pipe()
    program = f"""
import os, signal, threading, time
import cvm

def fork_and_die(event):
    if event["event"] == "submitted":
        copied, done = os.pipe()
        if os.fork() == 0:
            signal.alarm(60)
            os.write(done, b".")
            os.read({readable}, 1)
            os._exit(0)
        # The child has been through what runs after a fork.
        os.read(copied, 1)
        os.kill(os.getpid(), signal.SIGKILL)

cvm.Client(**{settings!r}).sync({IMAGE!r}, to=["ap-guangzhou"], journal={str(journal)!r}, on_progress=fork_and_die)
"""
    try:
        parent = subprocess.run([sys.executable, "-c", program], pass_fds=[readable], timeout=60)
        assert parent.returncode == -signal.SIGKILL
        steer.hurry()
        assert client.sync(IMAGE, to=["ap-guangzhou"], journal=journal).is_complete
    finally:
        os.close(writable)
        os.close(readable)
    assert len(steer.requests("SyncImages")) == 1


def test_machines_driven_by_hand_stay_with_the_parent(settings):
    config = proto.Config(**settings)
    now = (1_551_113_065, 10.0)
    machines = [
        proto.Call(config, "RunInstances"),
        proto.Watch(config, "DescribeImages"),
        proto.Pages(config, "DescribeImages"),
        proto.Sync(config, IMAGE, ["ap-guangzhou"]),
    ]
    for machine in machines:
        machine.poll(now)

        def child():
            for use in (lambda: machine.poll(now), lambda: machine.fail("connect", sent=False, now=now)):
                with pytest.raises(RuntimeError, match="forked"):
                    use()

        in_child(child)
        machine.poll(now)


def test_an_endpoint_is_steered_where_it_runs(cvm_local):
    def child():
        with pytest.raises(RuntimeError, match="forked"):
            cvm_local.images(REGION)
        with cvm_local.client() as client, local.start() as other:
            return client.describe_images(ImageIds=[IMAGE])["TotalCount"] + len(other.requests())

    assert in_child(child) == "1"


@pytest.mark.parametrize("kind", [cvm.Client, cvm.AsyncClient, proto.Config])
def test_what_holds_a_credential_is_not_pickled(settings, kind):
    for handle in (kind(**settings), copy.copy(kind(**settings))):
        with pytest.raises(TypeError, match="cannot be pickled"):
            pickle.dumps(handle)
        assert copy.deepcopy([handle])[0].region == REGION


def test_a_copy_is_closed_by_itself(settings):
    client = cvm.Client(**settings)
    other = copy.copy(client)
    client.close()
    assert other.describe_images(ImageIds=[IMAGE])["TotalCount"] == 1
    with pytest.raises(RuntimeError, match="closed"):
        copy.copy(client).describe_images()


def test_a_child_makes_tokens_of_its_own():
    config = cvm.proto.Config(REGION, secret_id="id", secret_key="none", rate_limit=False)

    def token():
        request = cvm.proto.Call(config, "RunInstances").poll().request
        return json.loads(request.body)["ClientToken"]

    assert token() != token()
    assert in_child(token) != token(), "the service would take one request for the other"


@pytest.mark.cvm_local(rate_limits=False)
def test_many_children_at_once(settings):
    with cvm.Client(rate_limit=False, **settings) as client:
        client.describe_regions()

        def child():
            return in_child(lambda: [client.describe_regions()["TotalCount"] > 0 for _ in range(20)])

        said = []
        threads = [threading.Thread(target=lambda: said.append(child())) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert said == [str([True] * 20)] * 4


def test_multiprocessing_with_a_client_of_the_parent(settings):
    import multiprocessing

    context = multiprocessing.get_context("fork")
    with cvm.Client(**settings) as client:
        client.describe_regions()
        queue = context.Queue()
        process = context.Process(target=lambda: queue.put(client.describe_regions()["TotalCount"]))
        process.start()
        assert queue.get(timeout=30) > 0
        process.join()
