"""A program that type checkers read: whatever `assert_type` says here is what users' editors say.

It is not run, and read strictly. A line that has to be an error says so; a type checker reports it where it is none.
"""

# pyright: strict

from __future__ import annotations

import asyncio
from datetime import datetime, timezone
from typing import Any, Optional

from typing_extensions import assert_type

import cvm
from cvm import local, proto
from cvm.types import (
    DescribeImagesRequest,
    DescribeImagesResponse,
    DescribeInstancesResponse,
    Filter,
    Image,
    Instance,
    Placement,
)


def calls(client: cvm.Client) -> None:
    answer = client.describe_images(
        ImageIds=["img-o3ycss2p"],
        Filters=[{"Name": "image-type", "Values": ["PRIVATE_IMAGE"]}],
        Limit=20,
    )
    assert_type(answer, DescribeImagesResponse)
    for image in answer["ImageSet"]:
        assert_type(image, Image)
        if image["ImageState"] == "NORMAL":
            print(image["ImageId"].upper(), image["ImageSize"] + 1, image["Tags"][0]["Key"])

    filters: list[Filter] = [{"Name": "image-name", "Values": ["nightly"]}]
    parameters: DescribeImagesRequest = {"Filters": filters}
    parameters["Limit"] = 10
    client.describe_images(**parameters)
    client.sync_images(ImageIds=["img-o3ycss2p"], DestinationRegions=["ap-guangzhou"], DryRun=True)
    assert_type(client.call("DescribeSomethingNew", {"Limit": 1}), dict[str, Any])
    assert_type(client.call("GetCallerIdentity", service="sts", version="2018-08-13"), dict[str, Any])


def ended(end: cvm.AttemptEnd) -> None:
    if end.next == "retry":
        print(end.action, end.attempt + 1, end.pause, end.reason, end.elapsed / 2)
    assert_type(end.error, Optional[cvm.Error])


def some_calls(client: cvm.Client, tracing: dict[str, str]) -> None:
    other = client.with_options(call_timeout=2, language="en-US", headers=tracing, retry_on={"InternalError"})
    assert_type(other, cvm.Client)
    assert_type(other.with_region("ap-beijing").with_options(on_attempt=ended), cvm.Client)
    assert_type(cvm.AsyncClient(on_attempt=ended).with_options(attempts=1), cvm.AsyncClient)
    assert_type(proto.Config("ap-beijing").with_options(rate_limit=False), proto.Config)


def credentials() -> None:
    key = cvm.Credentials("AKIDexample", "not-a-real-key", "token", expires=datetime.now(timezone.utc))
    assert_type(key.expires, Optional[int])

    async def fetch() -> cvm.Credentials:
        return key

    cvm.Client(credentials=key, role_arn="qcs::x", role_policy={"version": "2.0"}, mfa_serial="x", mfa_code=input)
    cvm.Client(credentials=lambda: key)
    cvm.Client(credential_process=["vault", "read"], role_duration=3600)
    cvm.AsyncClient(credentials=fetch)
    cvm.Client(credentials="AKIDexample")  # type: ignore[arg-type]
    cvm.Client(mfa_code=123456)  # type: ignore[arg-type]


def inputs(client: cvm.Client, ids: set[str], placement: Placement) -> None:
    client.describe_images(ImageIds=("img-o3ycss2p",), Filters=[{"Name": "image-type", "Values": ids}])
    client.describe_images(ImageIds=ids)
    client.describe_images(ImageIds=dict.fromkeys(ids).keys())
    client.describe_images(ImageIds=(id.strip() for id in ids))
    client.describe_images(ImageIds=map(str.strip, ids))
    client.run_instances(Placement=placement, ImageId="img-o3ycss2p")
    client.run_instances(Placement={"Zone": "ap-shanghai-2", "HostIds": ids}, ImageId="img-o3ycss2p")
    for image in client.paginate("describe_images", ImageIds=iter(ids)):
        assert_type(image, Image)


def lists(client: cvm.Client) -> None:
    for image in client.paginate("describe_images", Filters=[]):
        assert_type(image, Image)
    for page in client.paginate("describe_images").pages():
        assert_type(page, DescribeImagesResponse)
    some = client.paginate("describe_images", Limit=20, max_items=50)
    assert_type(some.resume_token, Optional[str])
    assert_type(next(client.paginate("describe_images", resume_token=some.resume_token)), Image)
    for instance in client.paginate("describe_instances", Limit=100):
        assert_type(instance, Instance)


def is_ready(answer: DescribeImagesResponse) -> bool:
    return answer["ImageSet"][0]["ImageState"] == "NORMAL"


def waits(client: cvm.Client) -> None:
    answer = client.wait("describe_images", is_ready, interval=1, timeout=60, ImageIds=["img-o3ycss2p"])
    assert_type(answer, DescribeImagesResponse)
    client.wait("describe_images", lambda answer: bool(answer["ImageSet"]), Limit=1)
    assert_type(client.wait_until_image_normal("img-o3ycss2p", timeout=60), DescribeImagesResponse)
    ids = (image["ImageId"] for image in answer["ImageSet"])
    assert_type(client.wait_until_image_normal(ids, interval=1), DescribeImagesResponse)
    assert_type(client.wait_until_instances({"ins-1example"}, "RUNNING"), DescribeInstancesResponse)


def progress(event: cvm.SyncEvent) -> None:
    if event["event"] == "copying":
        print(event["region"], event["percent"], event["elapsed_seconds"])
    elif event["event"] == "submitted":
        print(", ".join(event["regions"]))
    elif event["event"] == "name_taken":
        print(event["region"], event["image_name"])


def jobs(client: cvm.Client) -> None:
    report = client.sync("img-o3ycss2p", to=["ap-guangzhou"], on_progress=progress, timeout=600)
    client.sync("img-o3ycss2p", to="all", except_=["na-*"], dry_run=True)
    for destination in report:
        assert_type(destination.image_id, Optional[str])
        assert_type(destination.outcome, cvm.Outcome)
        assert_type(destination.basis, Optional[cvm.Basis])
        if destination.image is not None:
            assert_type(destination.image.image_size, int)
    assert_type(report[0], cvm.Destination)
    assert_type(report.failures, list[cvm.Destination])
    assert_type(cvm.SyncReport.from_dict(report.to_dict()), cvm.SyncReport)
    job = client.with_region("ap-beijing").sync_job("img-o3ycss2p", ["ap-guangzhou"], journal="job.json")
    assert_type(job.run(), cvm.SyncReport)
    again = cvm.SyncJob.load("job.json", client)
    assert_type(again.run(timeout=1800, own_copies=True, wait=False), cvm.SyncReport)


def by_hand(step: proto.Step) -> None:
    if isinstance(step, proto.Send):
        print(step.request.url, step.request.body.decode())
    elif isinstance(step, proto.WaitUntil):
        print(step.at + 1)


def endpoint() -> None:
    with local.start(speed=60) as endpoint, endpoint.client("ap-shanghai") as client:
        assert_type(client, cvm.Client)
        assert_type(endpoint.add_fault("error", code="InternalError"), int)


def errors(client: cvm.Client) -> None:
    try:
        client.describe_images()
    except cvm.ThrottledError as error:
        assert_type(error.code, str)
        print(error.message, error.request_id, error.action, error.region)
    except cvm.ServiceError as error:
        print(error.code.startswith("InvalidImageId."))
    except (cvm.NetworkError, cvm.TimeoutError, cvm.ConfigError) as error:
        print(error)


async def is_ready_soon(answer: DescribeImagesResponse) -> bool:
    await asyncio.sleep(0)
    return is_ready(answer)


async def progress_later(event: cvm.SyncEvent) -> None:
    await asyncio.sleep(0)
    progress(event)


async def asynchronous() -> None:
    async with cvm.AsyncClient(region="ap-shanghai") as client:
        assert_type(await client.describe_images(Limit=1), DescribeImagesResponse)
        task = asyncio.create_task(client.describe_images())
        assert_type(await task, DescribeImagesResponse)
        async for image in client.paginate("describe_images"):
            assert_type(image, Image)
        some = client.paginate("describe_images", max_items=50, resume_token=None)
        assert_type(await some.__anext__(), Image)
        assert_type(some.resume_token, Optional[str])
        async for page in client.paginate("describe_images").pages():
            assert_type(page, DescribeImagesResponse)
        answer = await client.wait("describe_images", is_ready)
        assert_type(answer, DescribeImagesResponse)
        assert_type(await client.wait("describe_images", is_ready_soon), DescribeImagesResponse)
        assert_type(await client.wait_until_image_normal(["img-o3ycss2p"]), DescribeImagesResponse)
        running = await client.wait_until_instances("ins-1example", "RUNNING", interval=1, timeout=60)
        assert_type(running, DescribeInstancesResponse)
        report = await client.sync("img-o3ycss2p", ["ap-guangzhou"], on_progress=progress_later)
        assert_type(report, cvm.SyncReport)


def mistakes(client: cvm.Client) -> None:
    client.wait_until_image_normal([1])  # type: ignore[list-item]
    client.wait_until_instances("ins-1example")  # type: ignore[call-arg]
    client.describe_images(ImageId=["img-o3ycss2p"])  # type: ignore[call-arg]
    client.describe_images(ImageIds="img-o3ycss2p")  # type: ignore[arg-type]
    client.describe_images(ImageIds=b"img-o3ycss2p")  # type: ignore[arg-type]
    client.describe_images(ImageIds=[1])  # type: ignore[list-item]
    client.describe_images(Filters=[{"Nam": "image-type", "Values": []}])  # type: ignore[typeddict-item]
    client.describe_images(Filters=[{"Name": "image-type", "Values": "PRIVATE"}])  # type: ignore[typeddict-item]
    proto.Config("ap-shanghai", regoin="ap-beijing")  # type: ignore[call-arg]
    proto.Sync(proto.Config(), "img-o3ycss2p", regions=["ap-guangzhou"])  # type: ignore[call-arg]
    proto.sign("DescribeImages", secret_id="id", secret_key="key", Nonce=1)  # type: ignore[call-arg]
    client.with_options(proxy="none")  # type: ignore[call-arg]
    client.with_options(language="de")  # type: ignore[arg-type]
    client.with_options(retry_on="InternalError")  # type: ignore[arg-type]
    cvm.Client(scheme="ftp")  # type: ignore[arg-type]
    client.describe_images(Limit="20")  # type: ignore[arg-type]
    client.sync_images(ImageIds=["img-o3ycss2p"])  # type: ignore[call-arg]
    client.paginate("DescribeImages")  # type: ignore[call-overload]
    client.paginate("describe_image")  # type: ignore[call-overload]
    client.wait("describe_image", bool)  # type: ignore[call-overload]
    client.describe_images()["ImageSets"]  # type: ignore[typeddict-item]
    report = client.sync("img-o3ycss2p", to=["ap-guangzhou"], regions=[])  # type: ignore[call-arg]
    client.sync_job("img-o3ycss2p", to=["ap-guangzhou"]).run(name="two")  # type: ignore[call-arg]
    report[0].outcome = "copied"  # type: ignore[misc]
    print(report[1].outcome == "copyed")  # type: ignore[comparison-overlap]
