"""A sync job that is started again: with its journal, with another's, without one, from a text that somebody kept."""

import asyncio
import json
import threading
import time

import pytest

import cvm
from cvm import local, proto

from conftest import IMAGE, REGION
from test_proto import run as run_by_hand

#: Another image of the endpoint's default seed.
OTHER = "img-7kq2v9ta"
REGIONS = ["ap-guangzhou", "ap-beijing"]


class Enough(Exception):
    """What a callback raises that has seen what it waited for."""


def at(event, then=None):
    """A listener that does something when it hears of an event, and else ends the job."""

    def listen(news):
        if news["event"] == event:
            if then is None:
                raise Enough
            then()

    return listen


def begin(client, journal, event="submitted", to=REGIONS, **options):
    """Begins a job in a journal and ends it at an event, as a crash would."""
    with pytest.raises(Enough):
        client.sync(IMAGE, to=to, journal=journal, on_progress=at(event), **options)


def accepted(steer):
    return [request for request in steer.requests("SyncImages") if request["accepted"]]


def copies(steer, region):
    """The images of a region that are no public ones."""
    return [image for image in steer.endpoint.images(region) if image["ImageType"] == "PRIVATE_IMAGE"]


@pytest.fixture
def journal(tmp_path):
    return tmp_path / "job.json"


@pytest.fixture(params=["blocking", "async"])
def sync(request, settings):
    """`client.sync` of either client."""
    if request.param == "blocking":
        with cvm.Client(**settings) as client:
            yield client.sync
        return

    def run(*given, **options):
        async def main():
            async with cvm.AsyncClient(**settings) as client:
                return await client.sync(*given, **options)

        return asyncio.run(main())

    yield run


def outcomes(report):
    return [(each.region, each.outcome) for each in report]


def test_a_job_without_a_journal_makes_no_second_copy_of_one_that_is_hidden(client, sync, steer):
    steer.stop_time()
    before = {region: len(copies(steer, region)) for region in REGIONS}
    steer.fault("invisible", milliseconds=3_600_000)
    with pytest.raises(Enough):
        client.sync(IMAGE, to=REGIONS, on_progress=at("submitted"))
    # Copied by now, and not to be seen.
    steer.endpoint.advance(1800)
    show = at("name_taken", lambda: steer.endpoint.advance(3600))
    report = sync(IMAGE, to=REGIONS[::-1], timeout=60, on_progress=show)
    assert outcomes(report) == [(region, "present") for region in REGIONS[::-1]]
    assert {each.basis for each in report} == {"found"}
    assert len(steer.requests("SyncImages")) > 1 and len(accepted(steer)) == 1
    assert {region: len(copies(steer, region)) for region in REGIONS} == {
        region: before[region] + 1 for region in REGIONS
    }


def test_the_order_of_the_lists_is_no_part_of_a_job(client, sync, steer, journal):
    steer.stop_time()
    begin(client, journal)
    steer.hurry()
    report = sync(IMAGE, to=REGIONS[::-1], journal=journal)
    assert outcomes(report) == [(region, "copied") for region in REGIONS[::-1]]
    assert {each.basis for each in report} == {"answered"}
    assert len(accepted(steer)) == 1


#: Each option of a job, changed: how the refusal names it, and both values. The job has all defaults.
CHANGED = {
    "images": ({"images": OTHER}, f"list of images is {IMAGE}, not {OTHER}"),
    "to": ({"to": ["ap-guangzhou"]}, "list of destinations (to) is ap-beijing,ap-guangzhou, not ap-guangzhou"),
    "source_region": ({"source_region": "ap-tokyo"}, f"source region is `{REGION}`, not `ap-tokyo`"),
    "name": ({"name": "two"}, "name of the copies (name) is none, not `two`"),
    "encrypt": ({"encrypt": True}, "encryption (encrypt) is off, not on"),
    "kms_key_id": ({"kms_key_id": "key"}, "KMS key (kms_key_id) is none, not `key`"),
    "max_size": ({"max_size": 1}, "size limit (max_size) is none, not 1 GiB"),
    "on_conflict": ({"on_conflict": "skip"}, "conflict rule (on_conflict) is fail, not skip"),
    "same_attributes": ({"same_attributes": True}, "attribute rule (same_attributes) is off, not on"),
}


def test_an_option_of_a_job_that_is_changed_is_refused_by_name(client, sync, steer, journal):
    steer.stop_time()
    begin(client, journal)
    written = journal.read_bytes()
    steer.endpoint.clear_requests()
    for change, difference in CHANGED.values():
        with pytest.raises(cvm.ConfigError) as refused:
            sync(**{"images": IMAGE, "to": REGIONS, **change}, journal=journal)
        assert f"another job that has not ended: its {difference}; " in str(refused.value)
        assert str(journal) in str(refused.value)
    assert journal.read_bytes() == written
    assert steer.endpoint.requests() == []


def test_every_option_is_a_jobs_or_a_runs():
    from cvm._sync_events import RunOptions, SyncOptions
    from cvm._sync_job import JOB_OPTIONS, RUN_OPTIONS

    assert set(SyncOptions.__annotations__) | set(RunOptions.__annotations__) == JOB_OPTIONS | RUN_OPTIONS
    assert set(RunOptions.__annotations__) == RUN_OPTIONS - {"dry_run"}
    assert CHANGED.keys() - {"images", "to"} == JOB_OPTIONS
    assert EFFECTS.keys() == RUN_OPTIONS - {"dry_run"}


def test_a_job_of_another_endpoint_is_refused(client, journal):
    begin(client, journal)
    with local.start() as other, other.client() as elsewhere:
        for resume in (
            lambda: elsewhere.sync(IMAGE, to=REGIONS, journal=journal),
            lambda: cvm.SyncJob.load(journal, elsewhere).run(),
        ):
            with pytest.raises(cvm.ConfigError, match="endpoint is .*, not "):
                resume()
        assert other.requests() == []


def test_a_dry_run_has_no_journal(client, sync, steer, journal):
    # Before anything was submitted, and with nothing there.
    begin(client, journal, "found")
    written = journal.read_bytes() if journal.exists() else None
    for path in (journal, journal.with_name("other.json")):
        with pytest.raises(cvm.ParameterError, match="a dry run keeps nothing"):
            sync(IMAGE, to=REGIONS, journal=path, dry_run=True)
    assert (journal.read_bytes() if journal.exists() else None) == written
    assert steer.requests("SyncImages") == []


def time_out(client, steer, run):
    steer.stop_time()
    assert run(1)["ap-guangzhou"].outcome == "timed_out"


def settle(client, steer, run):
    steer.fault("drop-before", action="SyncImages", times=1)
    began = time.monotonic()
    assert run(1)["ap-guangzhou"].outcome == "copied"
    # The usual time is 45 s.
    assert time.monotonic() - began < 30


def poll_every(client, steer, run):
    steer.stop_time()

    def hurry_after_looks():
        while len(steer.requests("DescribeImages")) < 12:
            time.sleep(0.01)
        steer.hurry()

    looking = threading.Thread(target=hurry_after_looks)
    looking.start()
    began = time.monotonic()
    assert run(0.01)["ap-guangzhou"].outcome == "copied"
    looking.join()
    # As many looks take minutes at the usual pace.
    assert time.monotonic() - began < 30


def delete_failed(client, steer, run):
    steer.fault("copy-fails", times=1)
    assert run(True)["ap-guangzhou"].outcome == "failed"
    assert copies(steer, "ap-guangzhou") == []


def own_copies(client, steer, run):
    client.sync(IMAGE, to=["ap-guangzhou"])
    assert run(True)["ap-guangzhou"].outcome == "conflict"


def no_wait(client, steer, run):
    steer.stop_time()
    assert run(False)["ap-guangzhou"].outcome == "started"


#: What shows that an option of a run takes effect.
EFFECTS = {
    "timeout": time_out,
    "destination_timeout": time_out,
    "settle": settle,
    "poll_every": poll_every,
    "delete_failed": delete_failed,
    "own_copies": own_copies,
    "wait": no_wait,
}


@pytest.mark.parametrize("given", ["with the job", "to its run", "instead of the job's"])
@pytest.mark.parametrize("option", EFFECTS)
def test_an_option_of_a_run_takes_effect(client, steer, option, given):
    steer.hurry()

    def run(value):
        usual = {"wait": True, "delete_failed": False, "own_copies": False}.get(option, 600.0)
        job = client.sync_job(
            IMAGE,
            to=["ap-guangzhou"],
            **{"with the job": {option: value}, "to its run": {}, "instead of the job's": {option: usual}}[given],
        )
        report = job.run(**({} if given == "with the job" else {option: value}))
        return {each.region: each for each in report}

    EFFECTS[option](client, steer, run)


def test_an_option_of_a_run_is_not_stored(client, sync, steer, journal):
    steer.stop_time()
    report = sync(IMAGE, to=REGIONS, journal=journal, timeout=1)
    assert {each.outcome for each in report} == {"timed_out"}
    steer.hurry()
    assert sync(IMAGE, to=REGIONS, journal=journal, wait=False).failures == []
    assert sync(IMAGE, to=REGIONS, journal=journal).is_complete
    assert len(accepted(steer)) == 1


def test_what_is_loaded_takes_the_options_of_a_run_and_no_others(client, steer, journal):
    steer.stop_time()
    begin(client, journal)
    job = cvm.SyncJob.load(journal, client)
    assert {each.outcome for each in job.run(timeout=1)} == {"timed_out"}
    assert {each.outcome for each in job.run(wait=False)} == {"started"}
    for option in ("name", "dry_run", "source_region"):
        with pytest.raises(TypeError, match=f"has no option {option}: it has delete_failed, "):
            job.run(**{option: "x"})
    steer.hurry()
    assert job.run().is_complete and job.is_finished
    assert len(accepted(steer)) == 1


def test_what_has_ended_is_looked_at_when_it_is_loaded_and_started_when_it_is_asked_for(client, steer, journal):
    steer.hurry()
    (first,) = client.sync(IMAGE, to=["ap-guangzhou"], journal=journal)
    client.with_region("ap-guangzhou").delete_images(ImageIds=[first.image_id])
    job = cvm.SyncJob.load(journal, client)
    assert [each.outcome for each in job.run()] == ["gone"]
    assert len(accepted(steer)) == 1
    (again,) = client.sync(IMAGE, to=["ap-guangzhou"], journal=journal)
    assert again.outcome == "copied" and again.image_id != first.image_id
    assert len(accepted(steer)) == 2


def test_a_copy_that_is_deleted_on_its_way_is_gone(client, sync, steer, journal):
    steer.stop_time()
    begin(client, journal, "copying", to=["ap-guangzhou"])
    (copy,) = [image for image in copies(steer, "ap-guangzhou") if image["ImageState"] != "NORMAL"]
    steer.endpoint.advance(3600)
    client.with_region("ap-guangzhou").delete_images(ImageIds=[copy["ImageId"]])
    (gone,) = sync(IMAGE, to=["ap-guangzhou"], journal=journal)
    assert (gone.outcome, gone.image_id) == ("gone", copy["ImageId"])
    assert not gone.is_good and gone.error is not None


def test_a_report_says_what_its_copies_rest_on(client, steer):
    steer.hurry()
    steer.fault("drop-after", action="SyncImages", times=1)
    (appeared,) = client.sync(IMAGE, to=["ap-guangzhou"])
    assert (appeared.outcome, appeared.basis) == ("copied", "appeared")
    (answered,) = client.sync(IMAGE, to=["ap-beijing"])
    assert (answered.outcome, answered.basis) == ("copied", "answered")
    (found,) = client.sync(IMAGE, to=["ap-beijing"])
    assert (found.outcome, found.basis) == ("present", "found")
    (source,) = client.describe_images(ImageIds=[IMAGE])["ImageSet"]
    for each in (appeared, answered, found):
        assert each.image is not None
        assert (each.image.name, each.image.os_name, each.image.architecture, each.image.image_size) == (
            source["ImageName"],
            source["OsName"],
            source["Architecture"],
            source["ImageSize"],
        )
        assert each.image.created_time


def test_a_journal_is_read_when_its_job_runs(client, steer, journal):
    steer.hurry()
    early = client.sync_job(IMAGE, to=REGIONS, journal=journal)
    assert not early.is_finished
    client.sync(IMAGE, to=REGIONS, journal=journal)
    assert {each.outcome for each in early.run()} == {"present"}
    loaded = cvm.SyncJob.load(journal, client)
    assert {each.outcome for each in loaded.run()} == {"present"}
    assert len(accepted(steer)) == 1


def test_one_run_at_a_time_has_a_journal(client, sync, steer, journal):
    steer.hurry()
    refused = []

    def again():
        for run in (
            lambda: sync(IMAGE, to=REGIONS, journal=journal),
            lambda: cvm.SyncJob.load(journal, client).run(),
        ):
            with pytest.raises(cvm.JournalError, match="is in use") as caught:
                run()
            refused.append(caught.value)

    def elsewhere():
        # An event loop runs in this thread already.
        thread = threading.Thread(target=again)
        thread.start()
        thread.join()

    assert sync(IMAGE, to=REGIONS, journal=journal, on_progress=at("submitted", elsewhere)).is_complete
    assert len(refused) == 2
    assert [path.name for path in journal.parent.iterdir() if path.name.startswith("job.json")] == ["job.json"]


def test_a_job_that_was_interrupted_holds_no_journal_though_its_exception_is_kept(client, sync, steer, journal):
    steer.stop_time()
    with pytest.raises(Enough) as kept:
        sync(IMAGE, to=REGIONS, journal=journal, on_progress=at("submitted"))
    steer.hurry()
    assert client.sync(IMAGE, to=REGIONS, journal=journal).is_complete
    assert kept.value.__traceback__ is not None


def test_a_journal_has_the_name_of_the_profile_and_no_secret(cvm_local, journal, tmp_path):
    folder = tmp_path / ".tencentcloud"
    folder.mkdir()
    (folder / "credentials").write_text(
        f"[prod]\nsecret_id = {cvm_local.secret_id}\nsecret_key = {cvm_local.secret_key}\n", encoding="utf-8"
    )
    with cvm.Client(REGION, profile="prod", endpoint=cvm_local.endpoint) as client:
        client.with_region(REGION).sync(IMAGE, to=REGIONS, journal=journal, wait=False)
    text = journal.read_text(encoding="utf-8")
    assert json.loads(text)["state"]["profile"] == "prod"
    assert cvm_local.secret_id not in text and cvm_local.secret_key not in text


def test_a_text_that_somebody_keeps(client, steer):
    steer.stop_time()
    kept = []
    job = client.sync_job(IMAGE, to=REGIONS)
    with pytest.raises(Enough):
        job.run(on_checkpoint=lambda job: kept.append(job.to_json()), on_progress=at("submitted"))
    steer.hurry()
    report = cvm.SyncJob.from_json(kept[-1], client).run()
    assert report.is_complete
    assert len(accepted(steer)) == 1
    with local.start() as other, other.client() as elsewhere:
        with pytest.raises(cvm.ConfigError, match="begun elsewhere: its endpoint is"):
            cvm.SyncJob.from_json(kept[-1], elsewhere).run()
    changed = kept[-1].replace("ap-beijing", "ap-nanjing")
    with pytest.raises(ValueError, match="it was changed"):
        cvm.SyncJob.from_json(changed, client)


def test_a_job_that_is_kept_by_a_journal_is_not_saved_beside_it(client, journal):
    begin(client, journal)
    with pytest.raises(ValueError, match="kept in .*job.json"):
        cvm.SyncJob.load(journal, client).save(journal)


def test_a_dry_run_of_a_job_is_no_part_of_it(client, steer):
    job = client.sync_job(IMAGE, to=REGIONS, dry_run=True)
    for _ in range(2):
        assert {each.outcome for each in job.run()} == {"planned"}
    assert job.report == job.report and not job.is_finished
    assert [copies(steer, region) for region in REGIONS] == [[], []]
    steer.hurry()
    assert cvm.SyncJob.from_json(job.to_json(), client).run().is_complete


def test_by_hand_a_job_is_compared_if_it_is_given(settings, steer):
    config = proto.Config(**settings)
    first = proto.Sync(config, IMAGE, REGIONS, wait=False)
    run_by_hand(first)
    state = first.state()
    with pytest.raises(cvm.ConfigError, match=r"name of the copies \(name\) is none, not `two`"):
        proto.Sync(config, IMAGE, REGIONS, state=state, name="two")
    with pytest.raises(cvm.ParameterError, match="a dry run keeps nothing"):
        proto.Sync(config, IMAGE, REGIONS, state=state, dry_run=True)
    with pytest.raises(TypeError, match="has no option name"):
        proto.Sync(config, state=state, name="two")
    with pytest.raises(ValueError, match="not the state of a sync job"):
        proto.Sync(config, state="{}")
    steer.hurry()
    for again in (proto.Sync(config, state=state), proto.Sync(config, IMAGE, REGIONS[::-1], state=state)):
        report, _ = run_by_hand(again)
        assert report.is_complete
    assert len(accepted(steer)) == 1
