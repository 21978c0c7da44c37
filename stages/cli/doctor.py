"""aiwf doctor: tries every component and says what is wrong and how to repair it."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from tempfile import TemporaryDirectory
from typing import NamedTuple

import typer

from stages.cli.places import temporary_problem, workspace_problem
from stages.cli.probes import PROBES
from stages.settings import Settings

REINSTALL = "Make the environment again: make clean-env && make env"


class ProbeResult(NamedTuple):
    """One line of the doctor's report."""

    name: str
    fine: bool
    text: str


def doctor() -> None:
    """Try every component and say what is wrong and how to repair it."""
    settings = Settings()
    print(f"Python {sys.version.split()[0]}, {os.cpu_count()} cores, workspace {settings.root}")
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        places = (_workspace(settings), _temporary(settings))
        results = [_python(), *places, _bytecode(), *pool.map(_probe, PROBES)]
    for result in results:
        print(f"  {'ok ' if result.fine else 'BAD'} {result.name:<22} {result.text}")
    bad = [result.name for result in results if not result.fine]
    print(f"{len(results)} looked at, all well." if not bad else f"Not well: {', '.join(bad)}.")
    raise typer.Exit(7 if bad else 0)


def _probe(name: str) -> ProbeResult:
    with TemporaryDirectory() as scratch:  # removed with all that a probe wrote
        return _answer(name, scratch)


def _answer(name: str, scratch: str) -> ProbeResult:
    quiet = {
        "TMPDIR": scratch,
        "PYTHONWARNINGS": "ignore",
        "DVC_NO_ANALYTICS": "1",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    started = time.monotonic()
    try:
        done = subprocess.run(
            [sys.executable, "-m", "stages.cli.probes", name],
            capture_output=True,
            text=True,
            timeout=120,
            env={**os.environ, **quiet},
        )
    except subprocess.TimeoutExpired:
        return ProbeResult(name, False, "did not answer within 120 s. Is the machine overloaded?")
    if done.returncode == 0:
        return ProbeResult(name, True, f"{time.monotonic() - started:.1f} s")
    last = (done.stderr.strip().splitlines() or [f"ended with code {done.returncode}"])[-1]
    return ProbeResult(name, False, f"{last}. {REINSTALL}")


def _python() -> ProbeResult:
    fine = sys.version_info[:2] == (3, 11)
    return ProbeResult(
        "python", fine, "3.11" if fine else "Use Python 3.11: Paddle and Airflow agree there."
    )


def _workspace(settings: Settings) -> ProbeResult:
    problem = workspace_problem(settings.root)
    if problem:
        return ProbeResult("workspace", False, problem)
    free = shutil.disk_usage(settings.root).free
    text = f"writes, renames and locks work; {free / 1e9:.0f} GB free"
    return ProbeResult("workspace", True, text)


def _temporary(settings: Settings) -> ProbeResult:
    problem = temporary_problem() if settings.ray == "local" else ""
    return ProbeResult("temporary files", not problem, problem or tempfile.gettempdir())


def _bytecode() -> ProbeResult:
    import pydantic

    fine = os.path.isdir(os.path.join(os.path.dirname(pydantic.__file__), "__pycache__"))
    return ProbeResult(
        "byte-code", fine, "compiled" if fine else "missing: every start is slow. Run: make env"
    )
