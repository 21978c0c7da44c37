"""What a network costs as one program without Python, beside the package's Python.

`python -m tests.benchmarks.executable [FAMILY ...]`: each family, random weights, in float32 and
int8. For both ways: bytes, processor seconds and seconds by the clock from the start of the process
to the answer to one photo, the least of RUNS; and how far scores of the golden photos differ. Bytes
of Python are those of the package and of the libraries that it needs, without Python's own."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from importlib.metadata import files as installed_files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from stages.deploy.compressors.int8 import Int8
from stages.deploy.conformance.networks import input_of, reference_network, task_of
from stages.deploy.content import Content, libraries_of, spelled
from stages.deploy.device.untrained_network import windows_of
from stages.deploy.packed import write_folder
from stages.deploy.targets.executable import FOLDER, Executable, golden_of
from stages.media.golden_pictures import golden_pictures
from stages.runtime.errors import ConfigError
from stages.runtime.predictor import Predictor
from stages.runtime.sealed import SEAL, seal
from stages.runtime.selftest import GOLDEN, expected
from tests import makers
from tests.benchmarks.microcontroller import described
from tests.runtime.conftest import DESCRIPTION

FAMILIES = ("small_image", "squeezenet", "efficientnet_lite0")
RUNS = 7
TOLERANCES = {"float32": 1e-3, "int8": 0.05}


class Start(NamedTuple):
    """Processor seconds and seconds by the clock of one process."""

    cpu: float
    wall: float


def main(families: Sequence[str]) -> None:
    for family in families:
        with TemporaryDirectory() as name:
            _print(family, Path(name))


def _print(family: str, folder: Path) -> None:
    store = makers.store(folder / "store")
    windows = windows_of(input_of(family), task_of(family))
    with reference_network(family, store, makers.resources(store.cache)) as graphs:
        network = {"float32": (graphs / "graph.onnx").read_bytes()}
        Int8().compress(graphs / "graph.onnx", [windows], folder / "int8.onnx")
        network["int8"] = (folder / "int8.onnx").read_bytes()
    for numeric, data in network.items():
        content = Content(
            family,
            {**DESCRIPTION, **described(family, windows.shape[1:]), "numeric": numeric},
            {"model.onnx": data},
            golden_pictures(),
        )
        try:
            print(f"{family} {numeric}: {_measured(content, folder / numeric)}", flush=True)
        except ConfigError as error:
            print(f"{family} {numeric}: {error.problem}", flush=True)


def _measured(content: Content, folder: Path) -> str:
    target = Executable()
    files = target.files(content)
    write_folder(folder, {**files, SEAL: seal(files)})
    tolerance = TOLERANCES[content.description["numeric"]]
    with Predictor.open(folder) as predictor:
        files[GOLDEN] = spelled(expected(predictor, content.golden, tolerance))
    write_folder(folder, {GOLDEN: files[GOLDEN], **content.golden})
    files |= target.golden_files(folder, content)
    write_folder(folder, {**files, SEAL: seal(files)})
    program, photo = folder / FOLDER / content.name, folder / sorted(content.golden)[0]
    os.chmod(program, 0o700)
    golden = golden_of(folder, content)
    of_program = _started([str(program), str(photo)], folder)
    module = [sys.executable, "-m", content.sdk, "predict", str(photo)]
    of_python = _started(module, folder)
    libraries = sum(map(_bytes_of, libraries_of(content.description)))
    package = sum(len(data) for name, data in files.items() if not name.startswith(FOLDER))
    return (
        f"program {program.stat().st_size / 1e6:.2f} MB, {of_program.cpu:.3f} s of processor "
        f"({of_program.wall:.3f} s); Python {(package + libraries) / 1e6:.1f} MB, "
        f"{of_python.cpu:.2f} s ({of_python.wall:.2f} s); {golden.agreeing} of {golden.samples} "
        f"golden labels the same, scores within {golden.furthest:.1e}"
    )


def _started(command: Sequence[str], folder: Path) -> Start:
    """The least that a process took, of RUNS."""
    starts = []
    for _ in range(RUNS):
        started_at = time.perf_counter()
        child = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL)
        _, code, used = os.wait4(child.pid, 0)
        if code:
            raise SystemExit(f"{command[0]} ended with code {code}")
        starts.append(Start(used.ru_utime + used.ru_stime, time.perf_counter() - started_at))
    return Start(min(start.cpu for start in starts), min(start.wall for start in starts))


def _bytes_of(library: str) -> int:
    """The bytes that pip installed for `library`."""
    paths = [Path(str(file.locate())) for file in installed_files(library) or []]
    return sum(path.stat().st_size for path in paths if path.is_file())


if __name__ == "__main__":
    main(sys.argv[1:] or list(FAMILIES))
