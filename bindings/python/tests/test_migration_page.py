"""The page for those who come from the official SDK: every block of it is run, both sides against the same endpoint."""

import logging
import pathlib
import re
from urllib.parse import urlsplit

import pytest

PAGE = pathlib.Path(__file__).parents[3] / "docs" / "from-tencentcloud-sdk-python.md"
BLOCK = re.compile(r"^```python(?P<side> official)?\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture
def environment(cvm_local, steer, monkeypatch):
    monkeypatch.setenv("TENCENTCLOUD_SECRET_ID", cvm_local.secret_id)
    monkeypatch.setenv("TENCENTCLOUD_SECRET_KEY", cvm_local.secret_key)
    monkeypatch.setenv("TENCENTCLOUD_ENDPOINT", cvm_local.endpoint)
    steer.hurry()
    yield
    logger = logging.getLogger("cvm")
    logger.setLevel(logging.NOTSET)


@pytest.fixture
def official(cvm_local, monkeypatch):
    """Has the official client find the endpoint, as the page does not say where it is."""
    profile = pytest.importorskip("tencentcloud.common.profile.http_profile").HttpProfile
    made = profile.__init__

    def init(self, *args, **settings):
        made(self, *args, **{**settings, "protocol": "http", "endpoint": urlsplit(cvm_local.endpoint).netloc})

    monkeypatch.setattr(profile, "__init__", init)


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
