"""Which regions a sync job goes to: names, lists, patterns, mistakes."""

import asyncio
import threading

import pytest

import cvm
from conftest import IMAGE, REGION

NORTH_AMERICA = ["na-siliconvalley", "na-ashburn"]


def regions(report):
    return [each.region for each in report.destinations]


@pytest.mark.parametrize(
    ("to", "except_", "expected"),
    [
        (["na-*"], [], NORTH_AMERICA),
        ("all", ["ap-*", "sa-saopaulo ", "eu-*", "me-*"], NORTH_AMERICA),
        (["all"], ["ap-*", "?a-saopaulo", "eu-*", "me-*", "*-fsi"], NORTH_AMERICA),
        (["na-ashburn ", "", "na-*"], (), ["na-ashburn", "na-siliconvalley"]),
        ((region for region in NORTH_AMERICA), (), NORTH_AMERICA),
        (["na-ashburn", "ap-tokyo"], ["ap-tokyo"], ["na-ashburn"]),
    ],
)
def test_patterns_stand_for_the_regions_that_there_are(client, to, except_, expected):
    job = client.sync_job(IMAGE, to, except_=except_)
    assert regions(job.run(wait=False)) == expected
    assert job.regions == expected


def test_a_job_with_patterns_is_the_job_of_its_regions(client, steer, tmp_path):
    journal = tmp_path / "job.json"
    job = client.sync_job(IMAGE, "all", except_=["ap-*", "sa-*", "eu-*", "me-*"], journal=journal)
    assert job.regions == ["all"] and not job.is_finished
    with pytest.raises(ValueError, match="not known before the job runs"):
        job.to_json()
    job.run(wait=False)
    report = client.sync(IMAGE, NORTH_AMERICA[::-1], journal=journal)
    assert report.is_complete and len(steer.requests("SyncImages")) == 1
    # Run again, it is the same job: which regions were meant is asked once.
    asked = len(steer.requests("DescribeRegions"))
    assert job.run().is_complete
    assert len(steer.requests("DescribeRegions")) == asked


def test_a_mistyped_region_ends_the_job_before_anything_is_started(client, steer):
    with pytest.raises(cvm.Error, match="knows no region `ap-guangzou`: did you mean `ap-guangzhou`?"):
        client.sync(IMAGE, to=["ap-tokyo", "ap-guangzou"])
    with pytest.raises(cvm.Error, match="did you mean `ap-shanghai`?"):
        client.sync(IMAGE, to=["ap-tokyo"], source_region="ap-shangai")
    assert steer.requests("SyncImages") == []


def test_mistakes_are_named(client, steer):
    for to, except_, part in [
        (["xx-*"], [], "`xx-\\*` stands for no region"),
        ("all", ["ap-tokio"], "did you mean `ap-tokyo`?"),
        (["na-*"], ["na-*"], "no region is left"),
        ([" ", ""], [], "no destination region"),
        ([""], ["ap-tokyo"], "list of regions is empty"),
    ]:
        with pytest.raises(cvm.ParameterError, match=part):
            client.sync(IMAGE, to, except_=except_)
    with pytest.raises(TypeError, match="write except_="):
        client.sync(IMAGE, "all", except_="ap-tokyo")
    with pytest.raises(TypeError, match="write to="):
        client.sync(IMAGE, "ap-*")
    steer.fault("error", code="UnauthorizedOperation", action="DescribeRegions")
    with pytest.raises(cvm.AuthError, match="name the regions"):
        client.sync(IMAGE, "all")
    assert steer.requests("SyncImages") == []


def test_the_images_own_region_is_passed_over(client):
    report = client.sync(IMAGE, to=[REGION, "ap-tokyo"])
    home, tokyo = report.destinations
    assert (home.outcome, home.image_id, tokyo.outcome) == ("skipped", IMAGE, "copied")
    assert list(home.notes) == [f"{REGION} is the region that the image is in: it was passed over"]
    assert report.is_complete
    report.raise_for_failures()


def test_async_clients_ask_as_well(settings):
    async def main():
        async with cvm.AsyncClient(**settings) as client:
            job = client.sync_job(IMAGE, ["na-*"], except_=["na-ashburn"])
            report = await job.run(wait=False)
            assert regions(report) == job.regions == ["na-siliconvalley"]
            with pytest.raises(cvm.ParameterError, match="stands for no region"):
                await client.sync(IMAGE, ["xx-*"])

    asyncio.run(main())


def test_a_job_that_asks_for_its_regions_can_be_cancelled(client, steer):
    steer.fault("latency", milliseconds=20_000, action="DescribeRegions", times=1)
    job = client.sync_job(IMAGE, ["na-*"])
    threading.Timer(0.5, job.cancel).start()
    with pytest.raises(cvm.Error, match="cancelled before it was known which regions are meant"):
        job.run()
    # A cancel is one run's.
    assert job.run(wait=False).failures == []
