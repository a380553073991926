"""`python -m cvm` and the script `cvm` are the command line."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest

import cvm

from conftest import IMAGE, REGION


def command(*args, **more):
    return subprocess.run([sys.executable, "-m", "cvm", *args], capture_output=True, text=True, **more)


def test_the_version():
    assert command("--version").stdout == f"cvm {cvm.__version__}\n"


def test_a_call_with_an_endpoint_of_its_own():
    ran = command("call", "DescribeImages", f"ImageIds.0={IMAGE}", "--region", REGION, "--local")
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout)["ImageSet"][0]["ImageId"] == IMAGE


def test_exit_codes_are_those_of_the_command():
    assert command("no-such-thing").returncode == 2
    assert command("call", "DescribeImages", "ImageIds.0=img-1", "--region", REGION, "--local").returncode > 2


def test_help_names_the_program():
    assert "Usage: cvm" in command("--help").stdout


def test_the_script():
    script = pathlib.Path(sys.executable).with_name("cvm" + (".exe" if sys.platform == "win32" else ""))
    ran = subprocess.run([script, "--version"], capture_output=True, text=True)
    assert ran.stdout == f"cvm {cvm.__version__}\n"


@pytest.mark.skipif(sys.platform == "win32", reason="signals there are not sent to one process")
def test_ctrl_c_ends_it(steer, settings):
    steer.stop_time()
    environment = {
        **os.environ,
        "TENCENTCLOUD_SECRET_ID": settings["secret_id"],
        "TENCENTCLOUD_SECRET_KEY": settings["secret_key"],
        "TENCENTCLOUD_ENDPOINT": settings["endpoint"],
    }
    arguments = ["sync", IMAGE, "--from", REGION, "--to", "ap-guangzhou"]
    process = subprocess.Popen(
        [sys.executable, "-m", "cvm", *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    give_up = time.monotonic() + 60
    while not steer.requests("SyncImages"):
        assert time.monotonic() < give_up and process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in said


@pytest.mark.skipif(sys.platform == "win32", reason="signals there are not sent to one process")
def test_an_interrupt_that_is_ignored_stays_ignored(silent):
    environment = {
        **os.environ,
        "TENCENTCLOUD_SECRET_ID": "AKIDexample",
        "TENCENTCLOUD_SECRET_KEY": "not-a-real-key",
        "TENCENTCLOUD_ENDPOINT": silent.url,
    }
    program = [sys.executable, "-m", "cvm", "sync", IMAGE, "--from", REGION, "--to", "ap-guangzhou"]
    # As a shell does with what it runs in the background.
    process = subprocess.Popen(["sh", "-c", "trap '' INT; exec \"$0\" \"$@\"", *program], env=environment)
    assert silent.arrived.wait(60)
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 143
