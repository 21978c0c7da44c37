"""A package on other processors:
`python -m tests.benchmarks.processors PACKAGE FOLDER [SAMPLES [PROCESSOR ...]]`.

Lets the package, of any engine, answer some photos or clips in FOLDER on this machine, on an
emulated Haswell, with ONNX Runtime also without the options that the runtime sets there, and on
emulated arm64 processors without the dot product and with it (AIWF_ARM64, see tests/emulation.py).
A library that is not installed here is found through PYTHONPATH. Prints a row for each: the share
of answers that equal those of this machine, with a 95 % interval; how the package says that it was
verified for that instruction set; and the result of its selftest there. Emulators are slow: expect
seconds a photo."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from stages.artifacts import Measure
from stages.deploy.instruction_sets import spaced
from stages.evaluate.formatting import measured
from stages.evaluate.packaged import opened_package
from stages.metrics import proportion
from stages.metrics.boxes import box_agreement, matches
from stages.opening import open_store
from stages.runtime.answers import of as kind_of
from stages.runtime.processor import instruction_set
from stages.settings import Settings
from tests.emulation import EmulatedProcessor, cortex_a72, cortex_a76, haswell, here

SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".wav", ".ogg", ".flac"}
EVERYTHING = ("predict", "--untested", "--json", "--top", "0", "--threshold", "0")
WITHOUT_OPTIONS = ("--on", "x86-64-vnni")
SETS = {"Haswell": "x86-64", "Cortex-A72": "arm64", "Cortex-A76": "arm64-dotprod"}
PATH = tuple(filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep)))
PATIENCE = 3600  # seconds for all samples of a package on one processor


def main(name: str, samples: Path, count: int, processors: Sequence[str]) -> None:
    with opened_package(name, open_store(Settings())) as package:
        folder = package.absolute()  # it is the working directory of what answers
        description = json.loads((folder / "package.json").read_text("utf-8"))
        files = sorted(path for path in samples.rglob("*") if path.suffix.lower() in SUFFIXES)
        files = [files[row] for row in spaced(len(files), count)]
        verified = json.loads((folder / "instruction_sets.json").read_text("utf-8"))
        engine, numeric = description["backend"], description["numeric"]
        print(f"{description['name']}, {engine}, {numeric}, {len(files)} samples")
        expected = answers_on(here(), folder, description, files)
        print_row("here", None, instruction_set(), selftest(here(), folder, description))
        for processor in filter(None, (haswell(), cortex_a72(), cortex_a76())):
            if processor.name not in processors:
                continue
            answers = answers_on(processor, folder, description, files)
            same = agreement(description, expected, answers)
            stated = statement(verified, SETS[processor.name])
            print_row(processor.name, same, stated, selftest(processor, folder, description))
            if processor.name == "Haswell" and engine == "onnxruntime" and numeric != "float32":
                answers = answers_on(processor, folder, description, files, WITHOUT_OPTIONS)
                same = agreement(description, expected, answers)
                print_row("Haswell, no option", same, "not run so by the package", "-")


def statement(verified: dict[str, Any], name: str) -> str:
    """How the package says that it was verified for the instruction set `name`."""
    record = verified["instruction_sets"].get(name) or verified["others"] or {}
    stated: str = record.get("statement", "") or "not verified, refused there"
    return stated.partition(":")[0]


def answers_on(
    processor: EmulatedProcessor,
    folder: Path,
    description: dict[str, Any],
    files: Sequence[Path],
    options: Sequence[str] = (),
) -> list[Any]:
    with tempfile.TemporaryDirectory() as scratch:
        listed = Path(scratch) / "list.txt"
        listed.write_text("".join(f"{path.resolve()}\n" for path in files), "utf-8")
        command = [*EVERYTHING, *options, "--from", str(listed)]
        done = run(processor, folder, description, command)
    if done.returncode:
        sys.exit(f"{processor.name}: {done.stderr[-2000:]}")
    kind = kind_of(description)
    return [
        kind.parsed(json.loads(line), description["labels"]) for line in done.stdout.splitlines()
    ]


def selftest(processor: EmulatedProcessor, folder: Path, description: dict[str, Any]) -> str:
    done = run(processor, folder, description, ["selftest"])
    lines = [
        line for line in (done.stdout or done.stderr).splitlines() if "warning: TCG" not in line
    ]
    return lines[0] if lines else f"ended with code {done.returncode}"


def run(
    processor: EmulatedProcessor,
    folder: Path,
    description: dict[str, Any],
    arguments: Sequence[str],
) -> "subprocess.CompletedProcess[str]":
    found = processor if processor.path else processor._replace(path=PATH)
    command = found.command(folder, f"{description['name']}_sdk", arguments)
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, encoding="utf-8", timeout=PATIENCE
    )


def agreement(description: dict[str, Any], before: list[Any], after: list[Any]) -> Measure:
    """The share of samples that keep their best label; of boxes, the share that both predict."""
    labels = description["labels"]
    if description["answers"] == "boxes":
        nothing: list[Any] = [[] for _ in before]
        pair = [matches(nothing, boxes, len(labels)) for boxes in (before, after)]
        return box_agreement(*pair, description["threshold"])
    best = [
        [max(range(len(labels)), key=scores.__getitem__) for scores in many]
        for many in (before, after)
    ]
    return proportion(sum(a == b for a, b in zip(*best, strict=True)), len(before))


def print_row(name: str, same: Measure | None, stated: str, verdict: str) -> None:
    agreed = f"{measured(same)} of {same.n}" if same else "-"
    print(f"{name:<20} {agreed:<34} {stated:<28} {verdict}", flush=True)


if __name__ == "__main__":
    package, folder, *further = sys.argv[1:]
    count, *named = further or ["40"]
    main(package, Path(folder), int(count), named or list(SETS))
