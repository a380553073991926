"""Records of the standard `logging`: what there is to see, and that no secret ever is."""

import logging
import subprocess
import sys

import pytest

import cvm

from conftest import IMAGE, elsewhere


@pytest.fixture
def records(caplog):
    caplog.set_level(logging.DEBUG, logger="cvm")
    return lambda: [record for record in caplog.records if record.name.split(".")[0] == "cvm"]


def test_a_call_leaves_a_trace(settings, records):
    with cvm.Client(**settings) as client:
        client.describe_images(ImageIds=[IMAGE])
    assert any("DescribeImages" in record.getMessage() for record in records())


def test_attempts_are_told(settings, steer, records):
    steer.fault("error", code="RequestLimitExceeded", times=1)
    with cvm.Client(**settings) as client:
        client.describe_images(ImageIds=[IMAGE])
    assert any("attempt=2" in record.getMessage() for record in records())
    failed = [record for record in records() if record.levelno == logging.INFO]
    assert [record.name for record in failed] == ["cvm.http"]
    assert "RequestLimitExceeded" in failed[0].getMessage()


def test_failed_attempts_alone_are_told_at_their_level(settings, steer, caplog):
    caplog.set_level(logging.INFO, logger="cvm")
    steer.fault("error", code="RequestLimitExceeded", times=1)
    with cvm.Client(**settings) as client:
        client.describe_images(ImageIds=[IMAGE])
    assert [record.levelno for record in caplog.records] == [logging.INFO]


def test_no_record_holds_a_secret(settings, steer, records):
    steer.fault("error", code="InternalError", times=1)
    key, token = settings["secret_key"], "a-token-that-nobody-knows"
    with cvm.Client(**settings) as client:
        client.describe_images(ImageIds=[IMAGE])
        repr(client)
    with cvm.Client(token=token, **settings) as client:
        with pytest.raises(cvm.AuthError):
            client.describe_images(ImageIds=[IMAGE])
    proxied = cvm.Client(**elsewhere("http://cvm.invalid", proxy="http://me:hidden@127.0.0.1:1", attempts=1))
    with pytest.raises(cvm.Error) as caught:
        proxied.describe_images()
    assert "hidden" not in str(caught.value) + repr(proxied)
    assert records()
    for record in records():
        said = f"{record.getMessage()} {record.args!r} {vars(record)!r}"
        for secret in (key, token, "hidden", "Signature="):
            assert secret not in said


def test_nothing_is_printed_unless_asked_for(settings):
    code = f"""
import cvm
with cvm.Client(**{settings!r}) as client:
    client.describe_regions()
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert ran.stdout == ran.stderr == b""


def test_levels_can_be_changed_at_any_time(settings, caplog):
    with cvm.Client(**settings) as client:
        client.describe_regions()
        before = len(caplog.records)
        caplog.set_level(logging.DEBUG, logger="cvm")
        client.describe_regions()
        assert len(caplog.records) > before
        caplog.set_level(logging.CRITICAL, logger="cvm")
        after = len(caplog.records)
        client.describe_regions()
        assert len(caplog.records) == after
