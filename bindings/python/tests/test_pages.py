"""The pages beside the reference: every block of them is run against the endpoint, a page as one program."""

import pathlib

import pytest

from blocks import run

DOCS = pathlib.Path(__file__).parents[1] / "docs"


@pytest.fixture(autouse=True)
def environment(cvm_local, monkeypatch, tmp_path):
    for name, value in cvm_local.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)


def test_first_steps(cvm_local, capsys, monkeypatch):
    names = run(DOCS / "first-steps.md")
    printed = capsys.readouterr().out
    assert "did you mean `Name`" in printed
    assert "InvalidImageId.NotFound" in printed
    assert names["report"].is_complete
    assert "assumed-role/" in printed
    names["test_copies"](cvm_local)
    cvm_local.reset()
    for name in cvm_local.environment():
        monkeypatch.delenv(name)
    names["test_the_program"](cvm_local, monkeypatch)


def test_concurrency():
    names = run(DOCS / "concurrency.md")
    assert len(names["answers"]) == 8
