"""The pages beside the reference: every block of them is run against the endpoint, a page as one program."""

import pathlib
import re

import pytest

DOCS = pathlib.Path(__file__).parents[1] / "docs"
BLOCK = re.compile(r"^```python\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("name", ["first-steps.md", "concurrency.md"])
def test_a_page(cvm_local, monkeypatch, tmp_path, name):
    for variable, value in cvm_local.environment().items():
        monkeypatch.setenv(variable, value)
    monkeypatch.chdir(tmp_path)
    text = (DOCS / name).read_text(encoding="utf-8")
    blocks = list(BLOCK.finditer(text))
    assert blocks
    names = {"__name__": "__main__"}
    for block in blocks:
        # Errors are shown with the line of the page.
        lines_before = text.count("\n", 0, block.start("code"))
        exec(compile("\n" * lines_before + block["code"], str(DOCS / name), "exec"), names)
    if name == "first-steps.md":
        assert names["report"].is_complete
        names["test_copies"](cvm_local)
