"""Ending a process that has run stages."""

import atexit
import logging
import os
import sys


def leave(code: int) -> None:
    """Run the exit handlers, then end this process with `code`.

    For a process that used Paddle: its engine would spend seconds on freeing memory piece by
    piece, which the system takes back at once."""
    atexit._run_exitfuncs()
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
