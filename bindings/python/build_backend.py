"""maturin, for pip and its like: cargo's hundreds of MB are removed once a package is built from source.

Who wants to keep them, to build again, sets CARGO_TARGET_DIR, uses maturin itself, or installs with ``pip install -e``.
"""

import contextlib
import importlib.util
import os
import tempfile

import maturin
from maturin import (  # noqa: F401
    build_editable,
    build_sdist,
    get_requires_for_build_editable,
    get_requires_for_build_sdist,
    get_requires_for_build_wheel,
    prepare_metadata_for_build_editable,
    prepare_metadata_for_build_wheel,
)


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    with _target():
        return maturin.build_wheel(wheel_directory, config_settings, metadata_directory)


@contextlib.contextmanager
def _target():
    """A folder for cargo that is gone afterwards, unless there is one to keep."""
    if "CARGO_TARGET_DIR" in os.environ or "CARGO_BUILD_TARGET_DIR" in os.environ:
        yield
        return
    with tempfile.TemporaryDirectory(prefix="cvm-sdk-") as folder:
        os.environ["CARGO_TARGET_DIR"] = folder
        try:
            yield
        finally:
            del os.environ["CARGO_TARGET_DIR"]


# Python has just written what it compiled this file to beside it, and nobody reads that again.
with contextlib.suppress(OSError, NotImplementedError):
    compiled = importlib.util.cache_from_source(__file__)
    os.unlink(compiled)
    os.rmdir(os.path.dirname(compiled))
