"""The reference that can be browsed: built as it is read, without a warning, and complete.

It stays beside the environment that builds it, under ``target/``: open ``reference/html/index.html`` there.
"""

import html.parser
import inspect
import pathlib
import re
import subprocess
import sys
import types
import zlib
from urllib.parse import unquote, urlsplit

import pytest

import cvm
import cvm.local
import cvm.proto
import cvm.pytest_plugin
import cvm.types

pytest.importorskip("myst_parser", reason="what the reference is built with is not installed")

DOCS = pathlib.Path(__file__).parents[1] / "docs"


@pytest.fixture(scope="module")
def pages():
    folder = pathlib.Path(sys.prefix).parent / "reference"
    build = subprocess.run(
        [sys.executable, "-B", DOCS / "build.py", folder], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert build.returncode == 0, build.stdout
    return folder / "html"


def described(pages):
    """The names that have a description."""
    # Four lines of text, then the names, compressed.
    packed = (pages / "objects.inv").read_bytes().split(b"\n", 4)[4]
    entries = zlib.decompress(packed).decode().splitlines()
    return {entry.split(" py:")[0] for entry in entries if " py:" in entry}


def public_names():
    """Every name that a program may use."""
    names = {f"cvm.{name}" for name in cvm.__all__} | {"cvm.pytest_plugin", "cvm.pytest_plugin.cvm_local"}
    for module in (cvm.local, cvm.proto):
        names |= {f"{module.__name__}.{name}" for name in module.__all__}
    imported = {"Iterator", "Literal", "Optional", "Protocol", "TypedDict", "TypeVar", "Union"}
    names |= {f"cvm.types.{name}" for name in vars(cvm.types) if name[0].isupper() and name not in imported}
    for name in sorted(names):
        found = cvm
        for part in name.split(".")[1:]:
            found = getattr(found, part)
        if isinstance(found, type) and not name.startswith("cvm.types."):
            names |= {f"{name}.{member}" for member in members(found)}
    return names


def members(kind):
    """What a class has: its own, and what it has from bases without a description, as those of the clients."""
    kinds = (property, classmethod, staticmethod, types.FunctionType)
    own = [kind] if issubclass(kind, cvm.Error) else [base for base in kind.__mro__ if base.__module__.startswith("cvm")]
    for base in own:
        names = [name for name, value in vars(base).items() if isinstance(value, kinds)]
        yield from (name for name in (*names, *inspect.get_annotations(base)) if not name.startswith("_"))


def test_every_public_name_is_described(pages):
    names = public_names()
    assert {"cvm.Client.describe_images", "cvm.AsyncClient.paginate", "cvm.SyncReport.failures"} <= names
    assert {"cvm.Error.request_id", "cvm.proto.Machine.poll", "cvm.types.PlacementInput"} <= names
    assert names - described(pages) == set()


def test_a_name_that_is_not_described_is_noticed(pages):
    assert {"cvm.Client.describe_nothing", "cvm.Client"} - described(pages) == {"cvm.Client.describe_nothing"}


class Page(html.parser.HTMLParser):
    """What a page loads, what it links to, and what can be linked to in it."""

    def __init__(self, text):
        super().__init__()
        self.loads, self.links, self.anchors = [], [], set()
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.anchors |= {given[name] for name in ("id", "name") if given.get(name)}
        if tag == "a" and given.get("href"):
            self.links.append(given["href"])
        elif tag == "link" and given.get("href"):
            self.loads.append(given["href"])
        for name in ("src", "srcset", "data", "poster", "action"):
            if given.get(name):
                self.loads.append(given[name])


def test_pages_load_nothing_from_other_hosts(pages):
    loaded = {address for file in pages.rglob("*.html") for address in Page(file.read_text("utf-8")).loads}
    for file in pages.rglob("*.css"):
        text = re.sub(r"/\*.*?\*/", "", file.read_text("utf-8"), flags=re.DOTALL)
        loaded |= {found.strip("'\" ") for found in re.findall(r"url\((.*?)\)|@import\s+([^;]+)", text) for found in found}
    assert len(loaded) > 10
    assert not {address for address in loaded if urlsplit(address).netloc}


def test_no_link_is_dead(pages):
    parsed = {file: Page(file.read_text("utf-8")) for file in pages.rglob("*.html")}
    dead = []
    for file, page in parsed.items():
        for link in page.links:
            address = urlsplit(link)
            if address.scheme or address.netloc:
                continue
            target = (file.parent / unquote(address.path)).resolve() if address.path else file
            anchors = parsed[target].anchors if target in parsed else set()
            if not target.exists() or (address.fragment and unquote(address.fragment) not in anchors):
                dead.append(f"{file.name}: {link}")
    assert not dead
