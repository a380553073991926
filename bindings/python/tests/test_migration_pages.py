"""The pages for those who come from another SDK: every block of ours and of the official SDK is run, those of boto3 are checked."""

import logging
import pathlib
import subprocess
import sys
from importlib.util import find_spec
from urllib.parse import urlsplit

import pytest

from blocks import blocks, program, run

DOCS = pathlib.Path(__file__).parents[3] / "docs"
FROM_OFFICIAL = DOCS / "from-tencentcloud-sdk-python.md"
FROM_BOTO3 = DOCS / "from-boto3.md"


@pytest.fixture
def environment(cvm_local, steer, monkeypatch, tmp_path):
    monkeypatch.setenv("TENCENTCLOUD_SECRET_ID", cvm_local.secret_id)
    monkeypatch.setenv("TENCENTCLOUD_SECRET_KEY", cvm_local.secret_key)
    monkeypatch.setenv("TENCENTCLOUD_ENDPOINT", cvm_local.endpoint)
    monkeypatch.setenv("TENCENTCLOUD_STS_ENDPOINT", cvm_local.endpoint)
    # The profiles are those of the page.
    ini = blocks(FROM_OFFICIAL, "ini")[0]
    ini = ini.replace("secret_id = AKID...", f"secret_id = {cvm_local.secret_id}")
    ini = ini.replace("secret_key = ...", f"secret_key = {cvm_local.secret_key}")
    (tmp_path / "credentials").write_text(ini)
    monkeypatch.setenv("TENCENTCLOUD_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    steer.hurry()
    yield
    logger = logging.getLogger("cvm")
    logger.setLevel(logging.NOTSET)


@pytest.fixture
def official(cvm_local, monkeypatch):
    """Has the official client find the endpoint, as the page does not say where it is."""
    profile = pytest.importorskip("tencentcloud.common.profile.http_profile").HttpProfile
    for name, value in [
        ("endpoint", urlsplit(cvm_local.endpoint).netloc),
        ("protocol", "http"),
        ("scheme", "http"),
    ]:
        always = property(lambda self, value=value: value, lambda self, other: None)
        monkeypatch.setattr(profile, name, always, raising=False)


def test_ours_for_the_official_sdk(environment):
    names = run(FROM_OFFICIAL)
    assert names["code"] == "InvalidImageId.Malformed"
    assert len(names["images"]) > 3
    assert len(names["report"].destinations) == 2
    assert names["account"].isdigit()


def test_the_official_half(environment, official):
    names = run(FROM_OFFICIAL, "official")
    assert names["code"] == "InvalidImageId.Malformed"
    assert len(names["images"]) > 3
    assert names["account"].isdigit()


def test_ours_for_boto3(environment, capsys):
    names = run(FROM_BOTO3)
    assert names["code"] == "InvalidImageId.NotFound"
    assert names["would_succeed"] and names["gone"]["TotalCount"] == 0
    assert "DescribeImages 1 200 done None" in capsys.readouterr().out
    both = [image["ImageId"] for image in names["two"] + names["rest"]]
    assert len(names["two"]) == 2 and len(both) == len(set(both)) > 4
    assert all(copy.startswith("img-") for copy in names["copies"].values())
    assert names["copies"].keys() == {"ap-guangzhou", "ap-beijing"}


def test_the_half_of_boto3_has_the_types_that_boto3_has(tmp_path):
    if not all(map(find_spec, ("mypy", "mypy_boto3_ec2"))):
        pytest.skip("mypy is not installed, or the types of boto3")
    file = tmp_path / "from_boto3.py"
    file.write_text(program(FROM_BOTO3, "boto3"), encoding="utf-8")
    check = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", pathlib.Path(sys.prefix) / "mypy-cache", file]
    found = subprocess.run(check, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert found.returncode == 0, found.stdout


@pytest.mark.parametrize("page", [FROM_OFFICIAL, FROM_BOTO3], ids=lambda page: page.stem)
def test_each_idiom_has_both_sides(page):
    side = "official" if page is FROM_OFFICIAL else "boto3"
    assert len(blocks(page)) >= len(blocks(page, side=side)) > 8
