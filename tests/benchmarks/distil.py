"""Smaller networks that learn from the chosen one:
`python -m tests.benchmarks.distil FOLDER [MINUTES] [FAMILY] [SHARE]`, with FOLDER/train/<label> and
best FOLDER/test/<label>.

One run of so many minutes, which validates both students; then two more in the same workspace,
which find all of that in the cache, and differ in what ships: the chosen network, the light FAMILY
that it taught (`train.distil`; auto), or itself without SHARE of its multiply-adds (`train.prune`;
0.4). Prints for each student the paired differences on held-out samples from its teacher and from
the same family without a teacher at equal minutes, the paired difference from the chosen network on
the test split, and size and milliseconds of the network in ONNX Runtime on one thread."""

import logging
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from stages.artifacts import Dataset, Model
from stages.config import PipelineConfig
from stages.etl import source
from stages.evaluate.split_predictions import predictions
from stages.metrics.paired import paired_drop
from stages.models.export import export_network
from stages.parts import STAGES
from stages.runner.resolve import resolve
from stages.settings import Settings
from stages.train.heads.network import arrays_of
from tests.benchmarks.pipelines import dataset_of, photo_pipeline, services_of

RUNS = 200  # of a network, whose median is its time


def main(folder: str, minutes: str = "25", family: str = "auto", share: str = "0.4") -> None:
    """Print a block of lines for each student."""
    logging.disable(logging.INFO)
    students = {"distil": {"family": family}, "prune": {"share": float(share)}}
    with TemporaryDirectory(prefix="aiwf-distil-") as work:
        settings = Settings(workspace=Path(work))
        source.add("data", Path(folder), settings)
        services = services_of(settings)
        answers: dict[str, Any] = {}
        for way, ships in (("teacher", ""), ("distilled", "distil"), ("pruned", "prune")):
            changes = {
                name: {**student, "ship": "always" if name == ships else "never"}
                for name, student in students.items()
            }
            train = {"budget_minutes": float(minutes), "growth": False, **changes}
            pipeline = photo_pipeline("distil", train)
            start = time.perf_counter()
            dataset, model = trained(pipeline, settings, services)
            seconds = time.perf_counter() - start
            predicted = predictions(
                model, dataset, store=services["store"], run=services["run"], threads=2
            )
            answers[way] = np.array(predicted.answers)
            show(way, model, seconds, services)
            if way != "teacher":
                truth = np.array(predicted.truth)
                change = paired_drop(truth, answers[way], answers["teacher"])
                print(f"  test, against the chosen network: {points(vars(change))}", flush=True)


def trained(
    pipeline: PipelineConfig, settings: Settings, services: dict[str, Any]
) -> tuple[Dataset, Model]:
    """The dataset and the model of `pipeline`."""
    planned = resolve(pipeline, settings)
    dataset = dataset_of(planned, settings, services)
    return dataset, STAGES["train"](dataset, planned.slice("train"), **services)


def show(way: str, model: Model, seconds: float, services: dict[str, Any]) -> None:
    """Print what ships, what it costs, and its comparisons on held-out samples."""
    size, milliseconds = cost_of(model, services)
    print(f"{way}: {model.hyperparameters['input']}, {size:.1f} MB, {milliseconds:.2f} ms", end="")
    print(f", {seconds:.0f} s of training that was not cached")
    record = model.selection.get({"distilled": "distillation", "pruned": "pruning"}.get(way, ""))
    for name, text in (("against_teacher", "its teacher"), ("against_alone", "no teacher")):
        if record and name in record:
            figures, samples = record[name]["gain"], record[name]["samples"]
            print(f"  held out ({samples} samples), against {text}: {points(figures)}")
    if record and "multiply_adds" in record:
        before, after = record["multiply_adds"]
        print(f"  multiply-adds: {before / 1e6:.0f} to {after / 1e6:.0f} million")


def cost_of(model: Model, services: dict[str, Any]) -> tuple[float, float]:
    """Megabytes of the network as ONNX, and its median milliseconds for one window."""
    import onnxruntime

    with TemporaryDirectory() as folder:
        arrays = arrays_of(model, services["store"])
        path = export_network(model.family, arrays, Path(folder), ("onnx",))["graph.onnx"]
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        session = onnxruntime.InferenceSession(str(path), options, ["CPUExecutionProvider"])
        window = np.zeros((1, *model.input_shape), np.float32)
        name, times = session.get_inputs()[0].name, []
        for _ in range(RUNS):
            start = time.perf_counter()
            session.run(None, {name: window})
            times.append(time.perf_counter() - start)
        return path.stat().st_size / 1e6, 1000 * float(np.median(times))


def points(gain: Mapping[str, Any]) -> str:
    """A paired difference in points, with its interval."""
    value, low, high = (100 * gain[name] for name in ("value", "low", "high"))
    return f"{value:+.1f} points ({low:+.1f} to {high:+.1f})"


if __name__ == "__main__":
    main(*sys.argv[1:])
