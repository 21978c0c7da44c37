"""A fault of ours stays one, and an error of the system is known whoever raises it."""

import socket
import ssl

import pytest

from stages.cli.failing import errors_reported
from stages.faults import as_ours, translated
from stages.runtime.errors import Damaged, InfrastructureError, WorkflowError


def a_slip() -> None:
    {}["none"]


def a_slip_while_a_server_was_gone() -> None:
    try:
        raise ConnectionRefusedError(111, "Connection refused")
    except ConnectionError:
        a_slip()


@pytest.mark.parametrize("slip", [a_slip, a_slip_while_a_server_was_gone])
def test_a_fault_of_ours_still_is_one(slip, capsys):
    with pytest.raises(SystemExit) as exited, errors_reported():
        slip()

    assert exited.value.code == 1
    assert "fault of ours" in capsys.readouterr().err


def of(error: BaseException, cause: BaseException | None = None) -> WorkflowError | None:
    error.__cause__ = cause
    return as_ours(error)


@pytest.mark.parametrize(
    ("error", "phrase"),
    [
        (MemoryError(), "AIWF_THREADS"),
        (RuntimeError("can't start new thread"), "ulimit"),
        (OSError(24, "Too many open files"), "ulimit"),
        (OSError(5, "Input/output error"), "system's log"),
        (OSError(36, "File name too long"), "shorter"),
        (RuntimeError("paddle: write failed: No space left on device"), "Free some disk space"),
        (FileNotFoundError(2, "No usable temporary directory found in ['/tmp']"), "TMPDIR"),
        (ssl.SSLError(1, "certificate verify failed"), "network"),
        (socket.gaierror(-2, "Name or service not known"), "network"),
        (TimeoutError("timed out"), "network"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_the_system_says_is_known_whoever_raises_it(error, phrase):
    for problem in (of(error), of(RuntimeError("a library failed"), error)):
        assert isinstance(problem, InfrastructureError)
        assert phrase in problem.remedy


def test_an_error_that_says_what_to_do_passes_unchanged():
    with pytest.raises(Damaged) as raised, translated():
        raise Damaged("It is cut.", "Add it again.")

    assert raised.value.remedy == "Add it again."
