"""Reports errors of commands: what is wrong, what to do, and the exit code."""

import _thread
import os
import signal
import sys
import tempfile
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from stages.faults import as_ours
from stages.runtime.errors import WorkflowError
from stages.runtime.neutral import neutral_streams

CTRL_C = 130
TERMINATED = 128 + signal.SIGTERM
STOPPED = ("Stopped.", "The same command goes on where this one left off.")


@contextmanager
def errors_reported() -> Iterator[None]:
    """Report any error of the block on stderr and exit with its code.

    Control characters in what is printed meanwhile, such as in a label, are escaped."""
    with neutral_streams():
        yield from _reporting()


def _reporting() -> Iterator[None]:
    before, sys.unraisablehook = sys.unraisablehook, _unraisable
    terminated = _terminations()
    try:
        yield
    except WorkflowError as error:
        _leave(error.problem, error.remedy, error.exit_code)
    except KeyboardInterrupt:
        _leave(*STOPPED, TERMINATED if terminated else CTRL_C)
    except SystemExit as leaving:  # typer turns Ctrl-C into an exit code
        if leaving.code == CTRL_C:
            _leave(*STOPPED, TERMINATED if terminated else CTRL_C)
        raise
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as error:
        translated = as_ours(error)
        if translated:
            _leave(translated.problem, translated.remedy, translated.exit_code)
        _leave(
            f"{type(error).__name__}: {error}",
            f"This is a fault of ours. Details: {_traceback_file()}",
            1,
        )
    finally:
        sys.unraisablehook = before


def _terminations() -> list[int]:
    """Let SIGTERM stop the command as Ctrl-C does; the list then holds the signal.

    A second one ends the process at once."""
    came: list[int] = []

    def stop(number: int, _frame: object) -> None:
        signal.signal(number, signal.SIG_DFL)
        came.append(number)
        raise KeyboardInterrupt

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, stop)
    return came


def _unraisable(lost: "sys.UnraisableHookArgs") -> None:
    """Raise a Ctrl-C again that came during a finaliser, where Python would ignore it."""
    if issubclass(lost.exc_type, KeyboardInterrupt):
        threading.Timer(0.1, _thread.interrupt_main).start()
    else:
        sys.__unraisablehook__(lost)


def _leave(problem: str, remedy: str, code: int) -> None:
    lines = [line for line in (problem, remedy) if line]
    print(f"aiwf: {lines[0]}", *lines[1:], sep="\n      ", file=sys.stderr)
    sys.exit(code)


def _traceback_file() -> str:
    """Write the traceback to a temporary file and return its name."""
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="aiwf-", suffix=".log", delete=False, encoding="utf-8"
        ) as file:
            traceback.print_exc(file=file)
            return file.name
    except OSError:
        return "none, as no file could be written"
