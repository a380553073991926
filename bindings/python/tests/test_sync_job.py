"""The sync job: run, reported on, written down, resumed."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import pytest

import cvm

from conftest import IMAGE, REGION

REGIONS = ["ap-guangzhou", "ap-beijing"]


def test_a_job_brings_an_image_to_every_region(client, steer):
    steer.hurry()
    events = []
    report = client.sync(IMAGE, to=REGIONS, on_progress=events.append)
    assert report.is_complete
    report.raise_for_failures()
    assert report.source_region == REGION
    assert {each.region: each.outcome for each in report.destinations} == dict.fromkeys(REGIONS, "copied")
    for each in report.destinations:
        with_region = client.with_region(each.region)
        (copy,) = with_region.describe_images(ImageIds=[each.image_id])["ImageSet"]
        assert copy["ImageState"] == "NORMAL"
        assert each.request_ids and each.error is None and each.elapsed_seconds >= 0
    assert events and all(isinstance(event, dict) and event["event"] for event in events)


def test_what_is_there_is_not_copied_again(client, steer):
    steer.hurry()
    client.sync(IMAGE, to=REGIONS)
    report = client.sync(IMAGE, to=REGIONS)
    assert [each.outcome for each in report.destinations] == ["present", "present"]
    assert len(steer.requests("SyncImages")) == 1


def test_a_failure_is_reported_and_raised_only_if_asked_for(client, steer):
    steer.hurry()
    # The quota of this region is used up.
    report = client.sync(IMAGE, to=["ap-guangzhou", "me-saudi-arabia"])
    outcomes = {each.region: each for each in report.destinations}
    assert outcomes["ap-guangzhou"].is_good
    bad = outcomes["me-saudi-arabia"]
    assert not bad.is_good and isinstance(bad.error, cvm.QuotaError)
    assert not report.is_complete
    with pytest.raises(cvm.SyncError, match="me-saudi-arabia") as caught:
        report.raise_for_failures()
    assert caught.value.report is report


def test_what_progress_raises_stops_the_job(client, steer):
    class Stop(Exception):
        pass

    def stop(event):
        raise Stop

    with pytest.raises(Stop):
        client.sync(IMAGE, to=REGIONS, on_progress=stop)
    assert steer.requests("SyncImages") == []


def test_a_job_that_cannot_be_is_refused(client):
    with pytest.raises(cvm.Error):
        client.sync(IMAGE, to=[])
    with pytest.raises(cvm.Error):
        client.sync("img-00000000", to=REGIONS)
    with pytest.raises(TypeError, match="to=\\["):
        client.sync(IMAGE, to="ap-guangzhou")
    with pytest.raises(TypeError, match="regions"):
        client.sync(IMAGE, to=REGIONS, regions=REGIONS)


def test_a_dry_run_copies_nothing(client, steer):
    report = client.sync(IMAGE, to=REGIONS, dry_run=True)
    assert {each.outcome for each in report.destinations} == {"planned"}
    for region in REGIONS:
        found = client.with_region(region).describe_images(
            Filters=[{"Name": "image-name", "Values": ["base-ubuntu-22.04"]}]
        )
        assert found["TotalCount"] == 0


def interrupted_job(client, steer, **more):
    """A job that stopped while its copies were made."""
    steer.stop_time()

    class Enough(Exception):
        pass

    def look(event):
        if steer.requests("SyncImages"):
            raise Enough

    job = client.sync_job(IMAGE, to=REGIONS, **more)
    with pytest.raises(Enough):
        job.run(on_progress=look)
    return job


def test_a_job_is_resumed_from_a_file(client, settings, steer, tmp_path):
    job = interrupted_job(client, steer)
    assert not job.is_finished
    job.save(tmp_path / "job.json")
    for secret in (settings["secret_id"], settings["secret_key"]):
        assert secret not in (tmp_path / "job.json").read_text()

    steer.hurry()
    with cvm.Client(**settings) as other:
        again = cvm.SyncJob.load(tmp_path / "job.json", other)
        assert (again.images, again.regions) == ([IMAGE], REGIONS)
        report = again.run()
    assert report.is_complete and again.is_finished
    assert len(steer.requests("SyncImages")) == 1


def test_a_job_is_resumed_from_json(client, steer):
    state = interrupted_job(client, steer).to_json()
    json.loads(state)
    steer.hurry()
    report = cvm.SyncJob.from_json(state, client).run()
    assert report.is_complete
    assert len(steer.requests("SyncImages")) == 1


def test_a_job_is_resumed_by_itself(client, steer):
    job = interrupted_job(client, steer)
    steer.hurry()
    assert job.run().is_complete
    assert job.report.is_complete
    assert len(steer.requests("SyncImages")) == 1


def test_what_is_no_job_is_refused(client, tmp_path):
    (tmp_path / "job.json").write_text("{}")
    with pytest.raises(cvm.JournalError, match="job.json"):
        cvm.SyncJob.load(tmp_path / "job.json", client)
    with pytest.raises(FileNotFoundError):
        cvm.SyncJob.load(tmp_path / "none.json", client)
    with pytest.raises(ValueError):
        cvm.SyncJob.from_json("[]", client)


def test_a_job_can_be_cancelled_from_another_thread(client, steer):
    steer.stop_time()
    job = client.sync_job(IMAGE, to=REGIONS)

    def cancel():
        give_up = time.monotonic() + 60
        while not steer.requests("SyncImages") and time.monotonic() < give_up:
            time.sleep(0.02)
        job.cancel()

    canceller = threading.Thread(target=cancel)
    canceller.start()
    report = job.run()
    canceller.join()
    # The answer to a request that copies is waited for: the copies are under way.
    assert {each.outcome for each in report.destinations} == {"started"}


@pytest.mark.skipif(sys.platform == "win32", reason="processes are not killed like this there")
def test_a_process_that_is_killed_makes_no_second_copy(settings, steer, tmp_path):
    steer.stop_time()
    journal = tmp_path / "job.json"
    program = textwrap.dedent(
        f"""
        import cvm
        with cvm.Client(**{settings!r}) as client:
            print(client.sync({IMAGE!r}, to={REGIONS!r}, journal={str(journal)!r}).is_complete)
        """
    )
    process = subprocess.Popen([sys.executable, "-c", program])
    give_up = time.monotonic() + 60
    while not steer.requests("SyncImages"):
        assert time.monotonic() < give_up and process.poll() is None
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()

    steer.hurry()
    again = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, check=True, timeout=120)
    assert again.stdout.split() == [b"True"]
    assert len([request for request in steer.requests("SyncImages") if request["accepted"]]) == 1
