"""Prints how many seconds an import takes in a new interpreter: `python imports.py MODULE`."""

import sys
import time

start = time.perf_counter()
__import__(sys.argv[1])
print(time.perf_counter() - start)
