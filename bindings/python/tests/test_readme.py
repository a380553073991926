"""The package's README: every block of it is run against the endpoint."""

import ast
import asyncio
import inspect
import pathlib
import re

import pytest

import cvm

README = pathlib.Path(__file__).parents[1] / "README.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```$", README.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("block", BLOCKS, ids=[block.splitlines()[0][:40] for block in BLOCKS])
def test_a_block(client, cvm_local, steer, monkeypatch, tmp_path, block):
    for name, value in cvm_local.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    steer.hurry()
    program = compile(block, str(README), "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    outcome = eval(program, {"cvm": cvm, "client": client})
    if inspect.isawaitable(outcome):
        asyncio.run(asyncio.wait_for(outcome, 60))
    assert steer.endpoint.requests()


def test_all_of_them_are_found():
    assert len(BLOCKS) >= 4
