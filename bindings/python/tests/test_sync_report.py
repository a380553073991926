"""The report of a sync job as data, and what of it counts as a failure."""

import asyncio
import copy
import dataclasses
import json
import pickle
import typing

import pytest

import cvm

from conftest import IMAGE, REGION

REGIONS = ["ap-guangzhou", "ap-beijing"]
#: The quota of this region is used up.
FULL = "me-saudi-arabia"


@pytest.fixture
def report(client):
    """One with what was asked for, and a failure."""
    return client.sync(IMAGE, to=["ap-guangzhou", FULL], wait=False)


def test_it_is_a_sequence_of_its_destinations(report):
    assert len(report) == 2
    assert list(report) == list(report.destinations)
    assert (report[0].region, report[-1].region) == ("ap-guangzhou", FULL)
    assert report[:1] == report.destinations[:1]
    assert report[1] in report
    with pytest.raises(IndexError):
        report[2]


def test_it_is_equal_to_its_copies_and_to_nothing_else(report):
    again = [
        pickle.loads(pickle.dumps(report)),
        copy.deepcopy(report),
        cvm.SyncReport.from_dict(report.to_dict()),
        cvm.SyncReport.from_dict(json.loads(json.dumps(report.to_dict()))),
    ]
    for other in again:
        assert other == report and hash(other) == hash(report)
        assert repr(other) == repr(report)
        assert str(other[1].error) == str(report[1].error)
        assert type(other[1].error) is cvm.QuotaError
    assert len({*again, report}) == 1
    assert len({*again[0], *report}) == 2
    assert report != dataclasses.replace(report, source_region="ap-beijing")
    other_error = dataclasses.replace(report[1], error=cvm.NetworkError("gone", kind="network"))
    assert report[1] != other_error and report[1] != report[1].to_dict()


def test_it_cannot_be_changed(report):
    with pytest.raises(AttributeError):
        report.destinations = ()
    with pytest.raises(AttributeError):
        report[0].outcome = "copied"


def test_it_shows_why_something_failed(report):
    bad = report[1]
    assert bad.error is not None and bad.error.message in repr(bad)
    assert FULL in repr(report) and bad.error.message in repr(report)
    assert report[0].image_id in repr(report[0])


def test_it_says_what_it_knows_of_the_copies():
    facts = {
        "source": IMAGE,
        "region": "ap-tokyo",
        "image_id": "img-b9avy0x2",
        "outcome": "present",
        "basis": "found",
        "image": {
            "name": "base",
            "os_name": "Ubuntu Server 22.04 LTS 64bit",
            "architecture": "x86_64",
            "image_size": 20,
            "created_time": "2026-01-01T00:00:00Z",
        },
        "elapsed_seconds": 1.5,
        "request_ids": ["r-1"],
        "error": None,
        "notes": ["a note"],
    }
    destination = cvm.Destination.from_dict(facts)
    assert destination.image == cvm.ImageFacts(
        "base", "Ubuntu Server 22.04 LTS 64bit", "x86_64", 20, "2026-01-01T00:00:00Z"
    )
    assert destination.basis == "found" and "found" in repr(destination)
    assert destination.is_good
    assert destination.to_dict() == facts
    gone = cvm.Destination(IMAGE, "ap-tokyo", "gone")
    assert not gone.is_good and not gone.is_as_asked


def test_what_is_told_of_an_end_is_what_the_report_says(client):
    ended = []
    report = client.sync(
        IMAGE,
        to=["ap-guangzhou", FULL],
        wait=False,
        on_progress=lambda event: ended.append(event) if event["event"] == "ended" else None,
    )
    assert {cvm.Destination.from_dict(event) for event in ended} == set(report)


def test_its_types_can_be_read_at_run_time():
    for kind in (cvm.SyncReport, cvm.Destination, cvm.ImageFacts):
        assert set(typing.get_type_hints(kind)) == {field.name for field in dataclasses.fields(kind)}
    assert "gone" in typing.get_args(typing.get_type_hints(cvm.Destination)["outcome"])


def test_a_failure_is_one_without_waiting_too(report):
    assert report.failures == [report[1]]
    with pytest.raises(cvm.SyncError, match="1 of 2 .*" + FULL) as caught:
        report.raise_for_failures()
    assert caught.value.report is report
    assert caught.value.__cause__ is report[1].error
    assert pickle.loads(pickle.dumps(caught.value)).report == report


@pytest.mark.parametrize(
    ("options", "outcome"), [({"dry_run": True}, "planned"), ({"wait": False}, "started")], ids=["dry", "no wait"]
)
def test_what_was_asked_for_is_no_failure(client, settings, steer, options, outcome):
    report = client.sync(IMAGE, to=REGIONS, **options)
    report.raise_for_failures()
    assert [each.outcome for each in report] == [outcome] * 2
    assert report.failures == [] and not report.is_complete

    async def main():
        async with cvm.AsyncClient(**settings) as other:
            return await other.sync(IMAGE, to=["ap-chengdu"], **options)

    asyncio.run(main()).raise_for_failures()


def test_a_job_that_is_stopped_before_it_has_begun_is_a_failure(client):
    job = client.sync_job(IMAGE, to=REGIONS)
    job.cancel()
    report = job.run()
    assert {each.outcome for each in report} == {"cancelled"}
    with pytest.raises(cvm.SyncError):
        report.raise_for_failures()
    # That was this run: the next one is another.
    assert {each.outcome for each in job.run()} == {"copied"}


def test_the_report_before_the_end(client):
    job = client.sync_job(IMAGE, to=REGIONS)
    assert job.report == job.report
    assert job.report.source_region == REGION


def test_a_dictionary_that_is_no_report_is_refused_by_what_is_missing():
    with pytest.raises(ValueError, match="not a sync report: it lacks source_region, destinations"):
        cvm.SyncReport.from_dict({})
    with pytest.raises(ValueError, match="not a destination: it lacks outcome"):
        cvm.Destination.from_dict({"source": "img-1", "region": "ap-beijing"})


def test_a_wrong_name_of_an_option_says_which_was_meant(client):
    with pytest.raises(TypeError, match=r"^a sync job has no option timout: did you mean timeout\?$"):
        client.sync(IMAGE, to=["ap-beijing"], timout=3)


def test_a_job_takes_a_client_of_its_kind_alone(client, settings):
    job = client.sync_job(IMAGE, to=["ap-beijing"])
    for kind, wrong, said in [
        (cvm.SyncJob, "x", "client is a str: give a cvm.Client"),
        (cvm.SyncJob, cvm.AsyncClient(**settings), "client is an AsyncClient: give a cvm.Client"),
        (cvm.AsyncSyncJob, client, "client is a Client: give a cvm.AsyncClient"),
    ]:
        for make in (kind, lambda given: kind.from_json(job.to_json(), given), lambda given: kind.load("e.json", given)):
            with pytest.raises(TypeError, match=f"^{said}$"):
                make(wrong)
