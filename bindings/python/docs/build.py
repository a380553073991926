"""Builds the reference of the installed package: ``build.py FOLDER`` writes FOLDER/html/index.html.

No other host is asked for anything, and a warning is an error.
"""

import os
import re
import shutil
import sys
from pathlib import Path

from generated import pages
from sphinx.cmd.build import build_main

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[2]

#: The pages for people, by the names that the reference has them by; the first one is where a reader begins.
PAGES = {
    "index": "bindings/python/README.md",
    "first-steps": "bindings/python/docs/first-steps.md",
    "configuration": "docs/configuration.md",
    "concurrency": "bindings/python/docs/concurrency.md",
    "from-boto3": "docs/from-boto3.md",
    "from-tencentcloud-sdk-python": "docs/from-tencentcloud-sdk-python.md",
    "three-programs": "docs/three-programs.md",
    "performance": "docs/performance.md",
}

#: What the blocks of a page that compares are called, by the word behind their language.
SIDES = {"": "cvm-sdk", "official": "tencentcloud-sdk-python", "boto3": "boto3"}

LINK = re.compile(r"\[(?P<text>[^\]]*)\]\((?P<path>[^)#\s]*)(?P<anchor>#[^)\s]*)?\)")
BLOCK = re.compile(r"^```python(.*)\n", re.MULTILINE)


def page(name: str) -> str:
    """A page of the repository, with links that lead to where its neighbours are in the reference."""
    file = REPOSITORY / PAGES[name]

    def link(found: re.Match[str]) -> str:
        if found["path"].startswith(("http:", "https:")) or not found["path"]:
            return found[0]
        target = os.path.relpath(file.parent / found["path"], REPOSITORY)
        known = next((name for name, path in PAGES.items() if path == target.replace(os.sep, "/")), None)
        if known is not None:
            return f"[{found['text']}]({known}.md{found['anchor'] or ''})"
        # It is in the repository alone.
        return found["text"]

    text = LINK.sub(link, file.read_text(encoding="utf-8"))
    if re.search(r"^```python \w", text, re.MULTILINE):
        text = BLOCK.sub(lambda found: f"```{{code-block}} python\n:caption: {SIDES[found[1].strip()]}\n\n", text)
    return text


def refuse_network(event: str, arguments: tuple[object, ...]) -> None:
    """Ends the build where it would ask another host."""
    if event in ("socket.connect", "socket.getaddrinfo"):
        raise RuntimeError(f"the reference is built without the network: {event} {arguments[1:]}")


def build(folder: Path) -> int:
    """Writes the sources, and what Sphinx makes of them, into a folder of their own."""
    shutil.rmtree(folder, ignore_errors=True)
    source = folder / "source"
    shutil.copytree(HERE / "reference", source / "reference")
    shutil.copytree(HERE / "static", source / "static")
    for name in PAGES:
        text = page(name)
        if name == "index":
            text += "\n" + (HERE / "contents.md").read_text(encoding="utf-8")
        (source / f"{name}.md").write_text(text, encoding="utf-8")
    for name, text in pages().items():
        file = source / "reference" / f"{name}.rst"
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
    sys.addaudithook(refuse_network)
    options = ["-W", "--keep-going", "-q", "-b", "html", "-c", str(HERE), "-d", str(folder / "doctrees")]
    return build_main([*options, str(source), str(folder / "html")])


if __name__ == "__main__":
    sys.exit(build(Path(sys.argv[1])))
