"""The page for those who come from the official SDK: every block of it is run, both sides against the same endpoint."""

import logging
import pathlib
import re
from urllib.parse import urlsplit

import pytest

PAGE = pathlib.Path(__file__).parents[3] / "docs" / "from-tencentcloud-sdk-python.md"
INI = re.compile(r"^```ini\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCK = re.compile(r"^```python(?P<side> official)?\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture
def environment(cvm_local, steer, monkeypatch, tmp_path):
    monkeypatch.setenv("TENCENTCLOUD_SECRET_ID", cvm_local.secret_id)
    monkeypatch.setenv("TENCENTCLOUD_SECRET_KEY", cvm_local.secret_key)
    monkeypatch.setenv("TENCENTCLOUD_ENDPOINT", cvm_local.endpoint)
    monkeypatch.setenv("TENCENTCLOUD_STS_ENDPOINT", cvm_local.endpoint)
    ini = INI.search(PAGE.read_text(encoding="utf-8"))["text"]
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



def run(side):
    """Runs the blocks of one side, one after the other, as one program."""
    text = PAGE.read_text(encoding="utf-8")
    names = {"__name__": "__main__"}
    blocks = [found for found in BLOCK.finditer(text) if bool(found["side"]) == side]
    assert len(blocks) > 8
    for block in blocks:
        # Errors are shown with the line of the page.
        lines_before = text.count("\n", 0, block.start("code"))
        exec(compile("\n" * lines_before + block["code"], str(PAGE), "exec"), names)
    return names


def test_ours(environment):
    names = run(side=False)
    assert names["code"] == "InvalidImageId.Malformed"
    assert len(names["images"]) > 3
    assert len(names["report"].destinations) == 2


def test_the_official_half(environment, official):
    names = run(side=True)
    assert names["code"] == "InvalidImageId.Malformed"
    assert len(names["images"]) > 3
