"""The command ``cvm``: ``python -m cvm`` is the same."""

from __future__ import annotations

import signal
import sys

from cvm._cvm import command


def main() -> int:
    """Runs the command with the program's arguments; gives the exit code."""
    # An interrupt ends the command at once, as it ends the program of the same name. The commands that end in order
    # listen by themselves. Where interrupts are ignored, Python has no handler, and they stay ignored.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    return command(["cvm", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
