"""Asks a packed folder through its own runtime, in a process that knows nothing of us."""

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

# -I keeps our paths and environment out; the packed code may not even import `stages` by accident.
START = (
    "import runpy, sys; sys.modules['stages'] = None; sys.path.insert(0, sys.argv[1]); "
    "name = sys.argv[2]; del sys.argv[1:3]; runpy.run_module(name, run_name='__main__')"
)
EVERYTHING = ("predict", "--json", "--timed", "--top", "0", "--threshold", "0")


def no_progress(done: int) -> None:
    """Tell nobody that `done` samples have been answered."""


class Answers(NamedTuple):
    """`values`: of each sample, as the kind of answer keeps them. `seconds`: [n], one sample at a
    time, from bytes to the answer."""

    values: list[Any]
    seconds: NDArray[np.float64]
    load_seconds: float


def write_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write `files` below `folder`."""
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def ask(
    folder: Path,
    sdk: str,
    description: Mapping[str, Any],
    samples: Iterable[bytes],
    progress: Callable[[int], None] = no_progress,
    *,
    on: str | None = None,
    through: Sequence[str] = (),
) -> Answers:
    """What the package in `folder`, which `description` describes, answers to `samples`, one after
    the other on one core. The first is asked twice, as what is imported on its way would count as
    its time. `on`: with the engine options of that instruction set; `through`: the words of an
    emulator that runs it.

    Raises AgreementNotMet if it cannot answer one of them."""
    with TemporaryDirectory() as name:
        listed = Path(name) / "list.txt"
        with listed.open("w", encoding="utf-8") as names:
            for index, data in enumerate(samples):
                path = Path(name) / f"{index}"
                path.write_bytes(data)
                names.write(f"{path}\n" if index else f"{path}\n{path}\n")
        words = [*EVERYTHING, "--from", str(listed), *(["--on", on] if on else [])]
        loaded, _, *lines = _lines([*through, *_command(folder, sdk, words)], folder, sdk, progress)
    kind = kind_of(description)
    values = [kind.parsed(line, description["labels"]) for line in lines]
    seconds = np.array([line["seconds"] for line in lines])
    return Answers(values, seconds, loaded["load_seconds"])


def self_test(folder: Path, sdk: str) -> None:
    """Let the package test itself. Raises AgreementNotMet if it fails."""
    with TemporaryFile() as complaints:
        done = subprocess.run(
            _command(folder, sdk, ["selftest"]), cwd=folder, stdout=complaints, stderr=complaints
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
                progress(max(0, len(lines) - 1))  # what was loaded, and the first, asked twice
                lines.append(json.loads(line))
        _check(child.returncode, complaints, sdk)
    return lines


def _command(folder: Path, sdk: str, words: Sequence[str]) -> list[str]:
    return [sys.executable, "-I", "-B", "-c", START, str(folder), sdk, *words]


def _check(code: int, complaints: Any, sdk: str) -> None:
    if code:
        complaints.seek(0)
        said = complaints.read().decode(errors="replace").splitlines()[-5:]
        raise AgreementNotMet(
            f"The packed {sdk} ended with code {code}. {' / '.join(said)}".strip(),
            "This is a fault in the package's runtime: report it with this message.",
        )
