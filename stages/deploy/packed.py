"""Runs a packed folder in a process of its own, in which it can import nothing but its own code and
the installed libraries."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.runtime.answers import of as kind_of
from stages.runtime.errors import AgreementNotMet

# -I ignores PYTHONPATH and the working directory; `stages` is blocked, even if it is installed.
START = (
    "import runpy, sys; sys.modules['stages'] = None; sys.path.insert(0, sys.argv[1]); "
    "name = sys.argv[2]; del sys.argv[1:3]; runpy.run_module(name, run_name='__main__')"
)
EVERYTHING = ("predict", "--json", "--timed", "--top", "0", "--threshold", "0")


def no_progress(done: int) -> None:
    """Ignore that `done` samples have been answered."""


class TimedAnswers(NamedTuple):
    """A package's answers to n samples. `values`: one for each sample, in the form of the package's
    kind of answer. `seconds`: float64 [n], from a sample's bytes to its answer, one at a time.
    `load_seconds`: the time to load the package."""

    values: list[Any]
    seconds: NDArray[np.float64]
    load_seconds: float


def write_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write `files` below `folder`."""
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def run_packed(
    folder: Path,
    sdk: str,
    description: Mapping[str, Any],
    samples: Iterable[bytes],
    progress: Callable[[int], None] = no_progress,
    *,
    on: str | None = None,
    through: Sequence[str] = (),
) -> TimedAnswers:
    """Let the package in `folder` answer `samples`, one at a time on one core.

    `description`: its package.json. `on`: set the engine options of that instruction set.
    `through`: the command of an emulator to run it under. The first sample is answered twice and
    timed the second time, as the first answer includes the time of imports.

    Raises AgreementNotMet if a sample cannot be answered."""
    with TemporaryDirectory() as name:
        listed = Path(name) / "list.txt"
        with listed.open("w", encoding="utf-8") as names:
            for index, data in enumerate(samples):
                path = Path(name) / f"{index}"
                path.write_bytes(data)
                names.write(f"{path}\n" if index else f"{path}\n{path}\n")
        arguments = [*EVERYTHING, "--from", str(listed), *(["--on", on] if on else [])]
        loaded, _, *lines = _lines(
            [*through, *_command(folder, sdk, arguments)], folder, sdk, progress
        )
    kind = kind_of(description)
    values = [kind.parsed(line, description["labels"]) for line in lines]
    seconds = np.array([line["seconds"] for line in lines])
    return TimedAnswers(values, seconds, loaded["load_seconds"])


def self_test(folder: Path, sdk: str, on: str | None = None) -> None:
    """Run the package's own selftest, of what runs on the instruction set `on` if that is named.
    Raises AgreementNotMet if it fails."""
    arguments = ["selftest", *(["--on", on] if on else [])]
    with TemporaryFile() as complaints:
        done = subprocess.run(
            _command(folder, sdk, arguments), cwd=folder, stdout=complaints, stderr=complaints
        )
        _check(done.returncode, complaints, sdk)


def _lines(
    command: Sequence[str], folder: Path, sdk: str, progress: Callable[[int], None]
) -> list[dict[str, Any]]:
    lines: list[dict[str, Any]] = []
    with TemporaryFile() as complaints:
        with subprocess.Popen(
            command, cwd=folder, stdout=subprocess.PIPE, stderr=complaints
        ) as child:
            for line in child.stdout or ():
                progress(max(0, len(lines) - 1))  # the first two lines: loading, and the warm-up
                lines.append(json.loads(line))
        _check(child.returncode, complaints, sdk)
    return lines


def _command(folder: Path, sdk: str, arguments: Sequence[str]) -> list[str]:
    return [sys.executable, "-I", "-B", "-c", START, str(folder), sdk, *arguments]


def _check(code: int, complaints: Any, sdk: str) -> None:
    if code:
        complaints.seek(0)
        messages = complaints.read().decode(errors="replace").splitlines()[-5:]
        raise AgreementNotMet(
            f"The packed {sdk} ended with code {code}. {' / '.join(messages)}".strip(),
            "This is a fault in the package's runtime: report it with this message.",
        )
