"""How all sides are timed."""

import time


def best(work, rounds):
    """The fastest of many rounds, in seconds: what else the machine does slows some of them."""
    fastest = float("inf")
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        fastest = min(fastest, time.perf_counter() - start)
    return fastest
