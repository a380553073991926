"""Settings of the reference."""

import re

import cvm
from cvm import errors
from generated import ACTIONS, docstring

project = "cvm-sdk"
author = "the cvm authors"
version = release = cvm.__version__
project_copyright = ""
html_show_copyright = False

extensions = ["myst_parser", "sphinx.ext.autodoc"]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
myst_heading_anchors = 3
default_role = "literal"

# Whatever has no target is a mistake, except for what other packages define.
nitpicky = True
nitpick_ignore_regex = [
    (r"py:.*", r"(os|asyncio|collections|typing|types|pytest)(\..*)?"),
    (r"py:.*", r"_SignOptions|cvm\.types\._T"),
    (r"py:.*", r"(Any|AsyncIterator|Awaitable|Callable|Iterator|Literal|Mapping|Self|Sequence|TracebackType|Unpack)"),
]

autodoc_member_order = "bysource"
autoclass_content = "both"
autodoc_default_options = {"members": True, "inherited-members": "object,tuple"}
add_module_names = False
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 80
toc_object_entries_show_parents = "hide"

# Everything that a page needs stands beside it: Furo brings its own styles, and uses the reader's fonts.
html_theme = "furo"
html_title = f"cvm-sdk {release}"
html_copy_source = False
html_show_sourcelink = False
html_static_path = ["static"]
html_css_files = ["reference.css"]


def _without_actions(app, what, name, obj, skip, options):
    """The actions have pages of their own."""
    return True if what == "class" and name in ACTIONS else None


#: What annotations name by less than its whole name, or the package does not export; it is described nevertheless.
WHOLE = {
    "AsyncItems": "cvm._lists.AsyncItems",
    "Items": "cvm._lists.Items",
    "Many": "cvm.types.Many",
    "RunOptions": "cvm._sync_events.RunOptions",
    "SyncOptions": "cvm._sync_events.SyncOptions",
}

#: Classes whose objects come from elsewhere: how they are constructed is nobody's business.
GIVEN = {
    "cvm.AsyncSyncJob",
    "cvm.AttemptEnd",
    "cvm.SyncJob",
    "cvm._lists.AsyncItems",
    "cvm._lists.Items",
    "cvm.local.Local",
    "cvm.proto.Machine",
}


def _whole_names(app, what, name, obj, options, signature, returned):
    """Gives what is private the name that it is described by."""

    def whole(text):
        text = text and re.sub(r"(?<![.\w])types\.", "cvm.types.", text)
        return text and re.sub(r"(?<![.\w])\w+", lambda word: WHOLE.get(word[0], word[0]), text)

    if name in GIVEN or what == "exception":
        return "", None
    return whole(signature), whole(returned)


# They say that they are of `cvm`, and what describes their members is where they are written.
for _error in errors.__all__:
    getattr(errors, _error).__module__ = "cvm.errors"
cvm.AttemptEnd.__module__ = "cvm._attempt_end"


def _described(app, what, name, obj, options, lines):
    """Reads docstrings with sections, as those of keywords."""
    if "Parameters:" in lines:
        lines[:] = docstring("\n".join(lines))


def setup(app):
    """Called by Sphinx."""
    app.connect("autodoc-process-docstring", _described)
    app.connect("autodoc-process-signature", _whole_names)
    app.connect("autodoc-skip-member", _without_actions)
