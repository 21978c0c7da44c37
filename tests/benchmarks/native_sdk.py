"""The C library beside Python:
`python -m tests.benchmarks.native_sdk PACKAGE FOLDER [COUNT [EMULATED]]`.

Lets the package, a folder, answer COUNT photos or clips in FOLDER (200) by its own Python code and
by the C library, here and, where AIWF_ARM64 names a folder made by tests/emulation.py, EMULATED of
them (a tenth, as that is slow) on an emulated Cortex-A72. For a package of ncnn, AIWF_NCNN and
AIWF_NCNN_ARM64 name that (see tests/deploy/native_sdk/building.py). Prints the share of equal first
labels with a 95 % interval, the largest difference of a score, bytes, and of a process that answers
one sample the seconds, those of them on a processor, and the memory at most: the least of 5
processes each."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from stages.deploy.instruction_sets import spaced
from stages.evaluate.formatting import measured
from stages.metrics import proportion
from tests.benchmarks.processors import SUFFIXES
from tests.deploy.native_sdk.building import Built, arm64, built, onnxruntime, plugin
from tests.emulation import here

PROCESSES = 5
EMULATED_SHARE = 0.1
ALL = ("--json", "--top", "0", "--untested")


def main(folder: Path, samples: Path, count: int, emulated: int) -> None:
    description = json.loads((folder / "package.json").read_text("utf-8"))
    files = sorted(path for path in samples.rglob("*") if path.suffix.lower() in SUFFIXES)
    files = [files[row] for row in spaced(len(files), count)]
    print(f"{description['name']}, {description['numeric']}, {len(files)} samples")
    module = f"{description['name']}_sdk"
    python = here().command(folder, module, ["predict", *ALL])
    expected = answers([*python, *map(str, files)])
    program = built("", *plugin(description["backend"]))
    print_agreement("C here", expected, answers(native(program, folder, files)))
    for name, command in (("Python", python), ("C", native(program, folder, []))):
        seconds, busy, memory = costs([*command, str(files[0])])
        print(f"{name}: {seconds:.2f} s ({busy:.2f} on a processor), {memory / 1024:.0f} MB")
    print_sizes(program)
    if (board := arm64(*plugin(description["backend"], on_board=True))) is not None:
        rows = spaced(len(files), emulated)
        command = native(board, folder, [files[row] for row in rows])
        print_agreement("C on a Cortex-A72", [expected[row] for row in rows], answers(command))
        print_sizes(board)


def native(program: Built, folder: Path, files: Sequence[Path]) -> list[str]:
    return program.command(*ALL, folder, *files)


def answers(command: Sequence[str]) -> list[Any]:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert found, done.stderr
    return found


def print_agreement(name: str, expected: Sequence[Any], found: Sequence[Any]) -> None:
    """Of answers with labels."""
    pairs = list(zip(expected, found, strict=True))
    same = sum(a["labels"][0]["label"] == b["labels"][0]["label"] for a, b in pairs)
    away = max(
        abs(a_score - scores(b)[label]) for a, b in pairs for label, a_score in scores(a).items()
    )
    print(f"{name}: {measured(proportion(same, len(pairs)))} equal, scores within {away:.2g}")


def scores(answer: Any) -> dict[str, float]:
    return {entry["label"]: entry["score"] for entry in answer["labels"]}


def costs(command: Sequence[str]) -> tuple[float, float, float]:
    """The least seconds, seconds on a processor, and kilobytes of a process."""
    found = []
    for _ in range(PROCESSES):
        started = time.perf_counter()
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, _, usage = os.wait4(child.pid, 0)
        spent = time.perf_counter() - started
        found.append((spent, usage.ru_utime + usage.ru_stime, usage.ru_maxrss))
    seconds, busy, memory = (min(column) for column in zip(*found, strict=True))
    return seconds, busy, memory


def print_sizes(program: Built) -> None:
    files = [program.folder / "aiwf_predict", *sorted(program.folder.glob("libaiwf*.so"))]
    parts = [f"{path.name} {path.stat().st_size / 1000:.0f} kB" for path in files]
    if (program.folder / "libaiwf_engine_onnxruntime.so").is_file():
        engine = program.library or onnxruntime()
        parts.append(f"{engine.name} {engine.stat().st_size / 1e6:.1f} MB")
    print(", ".join(parts))


if __name__ == "__main__":
    wanted = int(sys.argv[3]) if len(sys.argv) > 3 else 200
    on_board = int(sys.argv[4]) if len(sys.argv) > 4 else round(EMULATED_SHARE * wanted)
    main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve(), wanted, on_board)
