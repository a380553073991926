"""A fixture for pytest: ``cvm_local``, an endpoint of its own for each test.

>>> def test_copies(cvm_local):
...     with cvm_local.client("ap-shanghai") as client:
...         assert client.sync("img-o3ycss2p", to=["ap-beijing"]).is_complete

``@pytest.mark.cvm_local(speed=0)`` starts it in another way: the keyword arguments are those of ``cvm.local.start``.
"""

from __future__ import annotations

import pytest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from cvm.local import Local

#: Images live this much faster than time in tests: a copy takes a fifth of a second.
SPEED = 100.0


def pytest_configure(config: pytest.Config) -> None:
    """Makes the mark known."""
    config.addinivalue_line("markers", "cvm_local(**options): how the fixture cvm_local starts its endpoint")


@pytest.fixture
def cvm_local(request: pytest.FixtureRequest) -> Iterator[Local]:
    """An embedded CVM endpoint, in whose time copies are quick."""
    from cvm import local

    mark = request.node.get_closest_marker("cvm_local")
    options = dict(mark.kwargs) if mark is not None else {}
    with local.start(**{"speed": SPEED, **options}) as endpoint:
        yield endpoint
