"""The package's README: every block of it is run against the endpoint."""

import ast
import asyncio
import inspect
import pathlib
import re
import subprocess
import sys

import pytest

import cvm

from blocks import blocks

README = pathlib.Path(__file__).parents[1] / "README.md"
BLOCKS = blocks(README)


@pytest.mark.parametrize("block", BLOCKS[1:], ids=[block.splitlines()[0][:40] for block in BLOCKS[1:]])
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


def test_the_first_block_is_a_program_that_needs_no_account(tmp_path):
    run = subprocess.run(
        [sys.executable, "-c", BLOCKS[0]], cwd=tmp_path, stdout=subprocess.PIPE, check=True, text=True, timeout=60
    )
    assert "img-o3ycss2p" in run.stdout
    assert re.findall(r"^(\S+) copied img-", run.stdout, re.MULTILINE) == ["ap-guangzhou", "ap-beijing"]


def test_all_of_them_are_found():
    assert len(BLOCKS) >= 4
