"""How a command ends that did not end well."""

import signal
import subprocess
import sys
import time

import pytest
import typer

from stages.cli.failing import errors_reported
from stages.runtime.errors import DataError


def test_a_problem_is_told_with_remedy_and_code(capsys):
    with pytest.raises(SystemExit) as exited, errors_reported():
        raise DataError("It is broken.", "Mend it.")

    assert exited.value.code == 3
    assert capsys.readouterr().err == "aiwf: It is broken.\n      Mend it.\n"


def test_ctrl_c_is_told_although_typer_takes_it(capsys):
    app = typer.Typer()

    @app.command()
    def wait() -> None:
        raise KeyboardInterrupt

    with pytest.raises(SystemExit) as exited, errors_reported():
        app(args=[])

    assert exited.value.code == 130
    assert "Stopped." in capsys.readouterr().err


class Ending:
    """What is cleared away while Ctrl-C comes."""

    def __del__(self) -> None:
        raise KeyboardInterrupt


@pytest.fixture
def as_in_a_terminal():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("as_in_a_terminal")
def test_ctrl_c_is_not_lost_while_python_clears_up(capsys):
    def work() -> None:
        Ending()
        time.sleep(10)

    with pytest.raises(SystemExit) as exited, errors_reported():
        work()

    assert exited.value.code == 130
    assert "Exception ignored" not in capsys.readouterr().err


def test_sigterm_says_how_to_go_on_as_ctrl_c_does():
    code = (
        "import os, signal, time\n"
        "from stages.cli.failing import errors_reported\n"
        "with errors_reported():\n"
        "    os.kill(os.getpid(), signal.{})\n"
        "    time.sleep(30)\n"
    )

    codes = {}
    for name in ("SIGTERM", "SIGINT"):
        done = subprocess.run(
            [sys.executable, "-c", code.format(name)], capture_output=True, text=True
        )
        codes[name] = done.returncode
        assert "The same command goes on where this one left off." in done.stderr
        assert "Traceback" not in done.stderr

    assert codes == {"SIGTERM": 143, "SIGINT": 130}
