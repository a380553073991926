"""Three programs with three SDKs: ours and the official SDK's are run, boto3's checked, and what the page counts is counted.

Run with ``UPDATE_DOCS=1``, the tests write the figures into the page.
"""

import json
import os
import pathlib
import re
import subprocess
import sys
from importlib.util import find_spec

import pytest

import cvm

from blocks import blocks
from mistakes import MISTAKES, mistake_at, programs
from test_migration_pages import environment, official  # noqa: F401

PAGE = pathlib.Path(__file__).parents[3] / "docs" / "three-programs.md"
SIDES = {"ours": None, "official": "official", "boto3": "boto3"}
NAMES = {"ours": "`cvm-sdk`", "official": "official SDK", "boto3": "boto3"}
TASKS = ["list images", "create, share, copy, wait", "launch and terminate"]
PROGRAMS = {side: blocks(PAGE, side=mark) for side, mark in SIDES.items()}


def run(code):
    names = {"__name__": "__main__"}
    exec(compile(code, str(PAGE), "exec"), names)
    return names


def told(marker, rows):
    """Compares a table of the page with what was counted."""
    head, *body = rows
    lines = [head, ["---"] * len(head), *body]
    table = "".join("| " + " | ".join(cell for cell in line) + " |\n" for line in lines)
    text = PAGE.read_text(encoding="utf-8")
    now = re.sub(rf"(<!-- {marker} -->\n)(?:\n(?:\|.*\n)*)?", lambda found: f"{found[1]}\n{table}", text)
    if os.environ.get("UPDATE_DOCS"):
        PAGE.write_text(now, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == now, f"UPDATE_DOCS=1 writes it:\n{table}"


@pytest.mark.parametrize("side", ["ours", "official"])
def test_the_programs_do_the_same(environment, official, cvm_local, monkeypatch, capsys, side):  # noqa: F811
    if side == "official":
        # It looks every five seconds; the endpoint's time is quick.
        monkeypatch.setattr("time.sleep", lambda seconds: None)
    listing, copying, launching = PROGRAMS[side]
    run(listing)
    assert "img-o3ycss2p base-ubuntu-22.04" in capsys.readouterr().out

    run(copying)
    with cvm_local.client("ap-shanghai") as client:
        made = next(image for image in client.paginate("describe_images") if image["ImageName"] == "nightly")
        shared = client.describe_image_share_permission(ImageId=made["ImageId"])["SharePermissionSet"]
        assert [permission["AccountId"] for permission in shared] == ["100000000002"]
        printed = capsys.readouterr().out
        for region in ("ap-guangzhou", "ap-beijing"):
            copies = [image for image in cvm_local.images(region) if image["ImageName"] == "nightly"]
            assert [image["ImageState"] for image in copies] == ["NORMAL"]
            assert copies[0]["ImageId"] in printed

        ids = run(launching)["ids"]
        assert len(ids) == 2
        left = client.paginate("describe_instances", Filters=[{"Name": "instance-id", "Values": ids}])
        assert {instance["InstanceState"] for instance in left} <= {"SHUTDOWN", "TERMINATING"}


def test_lines():
    def count(code):
        lines = [line.strip() for line in code.splitlines()]
        return len([line for line in lines if line and not line.startswith("#")])

    rows = [["", *NAMES.values()]]
    for task, *codes in zip(TASKS, *PROGRAMS.values()):
        rows.append([task, *(str(count(code)) for code in codes)])
    told("lines", rows)


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """For each side and type checker the mistakes that it finds."""
    if not all(map(find_spec, ("mypy", "pyright", "mypy_boto3_ec2"))):
        pytest.skip("the type checkers are not installed, or the types of boto3")
    folder = tmp_path_factory.mktemp("mistakes")
    texts = programs()
    texts.update((f"program_{side}_{number}", code) for side in SIDES for number, code in enumerate(PROGRAMS[side]))
    texts = {name: text for name, text in texts.items() if not name.startswith("program_official")}
    files = []
    for name, text in texts.items():
        # No file may have the name of a package that it imports.
        files.append(folder / f"with_{name}.py")
        files[-1].write_text(text, encoding="utf-8")
    check = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, "cwd": folder}
    cache = pathlib.Path(sys.prefix) / "mypy-cache"
    mypy = subprocess.run([sys.executable, "-m", "mypy", "--strict", "--cache-dir", cache, *files], **check).stdout
    errors = re.findall(r"with_(\w+)\.py:(\d+): error", mypy)
    out = {("mypy", name): [int(line) for each, line in errors if each == name] for name in texts}
    pyright = [sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable, *files]
    report = json.loads(re.sub(r"\A[^{]*", "", subprocess.run(pyright, **check).stdout))
    for name in texts:
        out["pyright", name] = [
            diagnostic["range"]["start"]["line"] + 1
            for diagnostic in report["generalDiagnostics"]
            if diagnostic["severity"] == "error" and pathlib.Path(diagnostic["file"]).stem == f"with_{name}"
        ]
    return {
        key: {mistake_at(texts[key[1]], line) for line in lines} if key[1] in SIDES else lines for key, lines in out.items()
    }


def test_the_programs_have_no_mistake_that_a_type_checker_finds(found):
    wrong = {key: lines for key, lines in found.items() if key[1] not in SIDES and lines}
    # To pyright every member of an answer of boto3 may be absent.
    assert {key for key in wrong if key[0] == "mypy" or not key[1].startswith("program_boto3")} == set()


def make(side, number, client, models):
    """Makes a mistake; returns the error."""
    with pytest.raises(Exception) as caught:
        exec(MISTAKES[number][1 if side == "ours" else 2], {"client": client, "models": models})
    return caught.value


def test_mistakes(found, environment, official, cvm_local):  # noqa: F811
    from tencentcloud.common.credential import EnvironmentVariableCredential
    from tencentcloud.cvm.v20170312 import cvm_client, models

    clients = {
        "ours": cvm.Client(region="ap-shanghai"),
        "official": cvm_client.CvmClient(EnvironmentVariableCredential().get_credential(), "ap-shanghai"),
    }
    rows, texts = [["", *NAMES.values()]], [["", NAMES["ours"], NAMES["official"]]]
    for number, (what, *_) in enumerate(MISTAKES):
        row, text = [what], [what]
        for side in SIDES:
            checkers = [name for name in ("mypy", "pyright") if number in found[name, side]]
            cell = " and ".join(checkers) or "no checker"
            if side in clients:
                cvm_local.clear_requests()
                error = make(side, number, clients[side], models)
                cell += "; sent" if cvm_local.requests() else "; not sent"
                says = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "...", " ".join(str(error).split()))
                text.append(f"`{type(error).__name__}`: {says}".replace("|", "\\|"))
            row.append(cell)
        rows.append(row)
        texts.append(text)
    total = [f"mypy {len(found['mypy', side])}, pyright {len(found['pyright', side])} of {len(MISTAKES)}" for side in SIDES]
    told("mistakes", [*rows, ["found by", *total]])
    told("errors", texts)
    # Whatever is wrong with a request is found before it is sent; what is wrong with the reading of an answer is not.
    assert all(row[1].startswith("mypy and pyright") for row in rows[1:])
    assert found["mypy", "boto3"]
    assert [row[1].endswith("; not sent") for row in rows[1:]] == [True] * 6 + [False] * 2
