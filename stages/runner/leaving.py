"""Ending a process that has run stages."""

import atexit
import logging
import os
import sys


def leave(code: int) -> None:
    """End this process with `code`, after all that Python itself has to do at an end.

    For a process that used Paddle: its engine would go on to free its memory piece by piece,
    seconds of work on bytes that the system takes back at once."""
    atexit._run_exitfuncs()
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
