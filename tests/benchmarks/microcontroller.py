"""What small networks cost as C on a Cortex-M3, and how they agree with ONNX Runtime.

`python -m tests.benchmarks.microcontroller [FAMILY ...]`: each family with random weights, in
float32 and int8, on 200 windows; needs gcc, gcc-arm-none-eabi and onnxruntime."""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
import onnxruntime

from stages.artifacts import Dataset
from stages.deploy.c_source import builds
from stages.deploy.c_source.builds import WINDOW, Footprint, GoldenSample
from stages.deploy.c_source.library import c_library
from stages.deploy.compressors.int8 import Int8
from stages.deploy.conformance.networks import LABELS, input_of, reference_network, task_of
from stages.deploy.device.untrained_network import windows_of
from stages.deploy.packed import write_folder
from stages.parts import MODALITIES, TASKS
from tests import makers

FAMILIES = ("small_image", "small_audio")
WINDOWS = 200
NOISE = 0.1  # of a window's deviation


class Row(NamedTuple):
    """One network: how many windows have the same likeliest label, and the largest difference of an
    output as a share of their largest."""

    family: str
    numeric: str
    footprint: Footprint
    same: int
    furthest: float
    model_bytes: int


def main(families: list[str]) -> None:
    runtime = Path(onnxruntime.__file__).parent
    size = sum(path.stat().st_size for path in runtime.rglob("*.so*"))
    print(f"ONNX Runtime's libraries: {size / 1e6:.1f} MB")
    for family in families:
        for row in measured(family):
            print(
                f"{row.family} {row.numeric}: {row.footprint.flash / 1000:.1f} kB flash, "
                f"{row.footprint.ram / 1000:.1f} kB RAM; {row.same} of {WINDOWS} labels the same, "
                f"outputs within {row.furthest:.1e}; ONNX file {row.model_bytes / 1000:.1f} kB"
            )


def measured(family: str) -> list[Row]:
    with TemporaryDirectory() as name:
        folder = Path(name)
        store = makers.store(folder)
        with reference_network(family, store, makers.resources(store.cache)) as graphs:
            graph = graphs / "graph.onnx"
            windows = _windows(family)
            Int8().compress(graph, [windows[:64]], folder / "int8.onnx")
            models = {"float32": graph.read_bytes(), "int8": (folder / "int8.onnx").read_bytes()}
        return [
            _compared(family, numeric, model, windows, folder / numeric)
            for numeric, model in models.items()
        ]


def _windows(family: str) -> np.ndarray:
    """Generated samples as the network gets them, each several times with noise."""
    samples = windows_of(input_of(family), task_of(family))
    rng = np.random.default_rng(0)
    chosen = samples[rng.integers(len(samples), size=WINDOWS)]
    noise = rng.normal(0, NOISE * samples.std(), chosen.shape)
    return (chosen + noise).astype(np.float32)


def _compared(family: str, numeric: str, model: bytes, windows: np.ndarray, folder: Path) -> Row:
    library = c_library(described(family, windows.shape[1:]), {"model.onnx": model})
    write_folder(folder, library.files)
    session = onnxruntime.InferenceSession(model)
    expected = session.run(None, {session.get_inputs()[0].name: windows})[0]
    samples = [
        GoldenSample(WINDOW, window, outputs)
        for window, outputs in zip(windows, expected, strict=True)
    ]
    command = builds.host_build(folder, folder)
    found = builds.run_samples(command, builds.samples_file(samples, 1.0), folder)
    return Row(
        family,
        numeric,
        builds.arm_footprint(folder, folder),
        int(np.sum(found.argmax(1) == expected.argmax(1))),
        float(np.abs(found - expected).max() / np.abs(expected).max()),
        len(model),
    )


def described(family: str, shape: tuple[int, ...]) -> dict:
    """What a package of `family` would say of its steps."""
    task = TASKS[task_of(family)]()
    nothing = Dataset(task=task_of(family), labels=(), revision="", counts={})
    model_input = input_of(family)
    before = task.before(model_input.initialised_family, model_input.size, nothing)
    return {
        "name": family,
        "noun": MODALITIES[task.modality].noun,
        "modality": task.modality,
        "answers": "labels",
        "labels": [f"label {place}" for place in range(LABELS)],
        "before": [step.model_dump() for step in before],
        "after": [{"step": "softmax", "args": {}}],
        "input_shape": list(shape),
    }


if __name__ == "__main__":
    main(sys.argv[1:] or list(FAMILIES))
