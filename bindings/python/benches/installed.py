"""Prints how many MB a package takes on the disk with all that it needs: `python installed.py PACKAGE`."""

import re
import sys
from importlib.metadata import distribution


def with_needs(name, found):
    """The package and what it cannot be installed without."""
    if name in found:
        return found
    found[name] = distribution(name)
    for requirement in found[name].requires or []:
        if ";" not in requirement:
            with_needs(re.match(r"[\w.-]+", requirement)[0].lower(), found)
    return found


packages = with_needs(sys.argv[1], {}).values()
files = [file.locate() for package in packages for file in package.files]
print(sum(file.stat().st_size for file in files if file.exists()) / 1e6)
