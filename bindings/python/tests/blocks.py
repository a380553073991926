"""The code blocks of a page, as programs: one block after the other, each at its line of the page."""

import re

_BLOCK = re.compile(r"^```(?P<language>\w+)(?: (?P<side>[\w-]+))?\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page, language="python", side=None):
    """The blocks of a language; where a page has several sides, as ``official``, those of one."""
    text = page.read_text(encoding="utf-8")
    return [found["code"] for found in _BLOCK.finditer(text) if (found["language"], found["side"]) == (language, side)]


def program(page, side=None):
    """All blocks of one side as one text, in which each line has the number that it has in the page."""
    text = page.read_text(encoding="utf-8")
    lines = [""] * (text.count("\n") + 1)
    for found in _BLOCK.finditer(text):
        if (found["language"], found["side"]) == ("python", side):
            first = text.count("\n", 0, found.start("code"))
            code = found["code"].splitlines()
            lines[first : first + len(code)] = code
    return "\n".join(lines) + "\n"


def run(page, side=None):
    """Runs all blocks of one side as one program; returns its names."""
    names = {"__name__": "__main__"}
    exec(compile(program(page, side), str(page), "exec"), names)
    return names
