"""int8 and fine-tuned int8 beside the float network that they come from:
`python -m tests.benchmarks.int8_finetuned FOLDER [INPUT ...]`, with FOLDER/train/<label> and best
FOLDER/test/<label>. INPUT: a family at a size, such as efficientnet_lite0@224.

Trains two heads on each frozen backbone, exports the better network, and compresses it with the
calibration samples that a pipeline has by default, of the training split. On the test photos, of
which none was used before: the share of labels that are those of the float network, with its 95 %
interval, the mean squared error of the logits as a share of their variance, and the mean
Kullback-Leibler divergence of the scores. At last the seconds of a processor that compressing
took."""

import logging
import resource
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.config import DeployConfig
from stages.deploy import calibration
from stages.deploy.compressors.finetuning import answers_of
from stages.deploy.compressors.layer_sensitivity import output_error
from stages.deploy.engines import Network
from stages.deploy.engines.onnxruntime import ONNX_RUNTIME
from stages.etl import source
from stages.etl.manifest import samples_of
from stages.evaluate.formatting import measured
from stages.metrics import proportion
from stages.parts import STAGES
from stages.runner.resolve import resolve
from stages.settings import Settings
from tests.benchmarks.pipelines import dataset_of, photo_pipeline, services_of

NUMERICS = ("int8", "int8_finetuned")
PARITY = 16  # windows on which the exported network is compared with the trained one

Floats = NDArray[np.float32]


class Trained(NamedTuple):
    """A float network, the windows that calibrate it, and those of the test split."""

    network: Network
    calibration: Floats
    test: Floats


def main(folder: str, *inputs: str) -> None:
    """Print a block of lines for each input."""
    logging.disable(logging.INFO)
    for model_input in inputs or ("efficientnet_lite0@224",):
        print(model_input, flush=True)
        with TemporaryDirectory(prefix="aiwf-finetuned-") as work:
            compare(trained(Path(folder), model_input, Settings(workspace=Path(work))))


def trained(folder: Path, model_input: str, settings: Settings) -> Trained:
    """The network of `model_input` with a head for the labels in `folder`."""
    source.add("data", folder, settings)
    family, _, size = model_input.partition("@")
    train = {"families": [family], "input_sizes": [int(size)], "trials": 2, "growth": False}
    planned = resolve(photo_pipeline("finetuned", train), settings)
    services = services_of(settings)
    dataset = dataset_of(planned, settings, services)
    model = STAGES["train"](dataset, planned.slice("train"), **services)
    store = services["store"]
    chosen = calibration.chosen(dataset, store, DeployConfig().calibration)
    windows, test = (
        calibration.prepared(model, samples, store)
        for samples in (chosen, samples_of(dataset, store, "test"))
    )
    return Trained(ONNX_RUNTIME.export(model, store, windows[:PARITY]), windows, test)


def compare(found: Trained) -> None:
    """Print how near the number formats come to the float network."""
    expected = _answers(found.network, "float32", found.test)
    batches = calibration.batches(found.calibration)
    for numeric in NUMERICS:
        before = _seconds()
        network = ONNX_RUNTIME.compress(found.network, numeric, batches)
        seconds = _seconds() - before
        answers = _answers(network, numeric, found.test)
        same = int((answers.argmax(axis=1) == expected.argmax(axis=1)).sum())
        print(
            f"  {numeric}: {measured(proportion(same, len(expected)))} the same labels, "
            f"error {output_error([expected], [answers]):.5f}, "
            f"divergence {_divergence(expected, answers):.5f}, {seconds:.0f} s",
            flush=True,
        )


def _answers(network: Network, numeric: str, windows: Floats) -> Floats:
    with TemporaryDirectory() as folder:
        (answers,) = answers_of(ONNX_RUNTIME.place(network, Path(folder)), windows, numeric)
        return answers


def _divergence(expected: Floats, found: Floats) -> float:
    """The mean Kullback-Leibler divergence of the scores of logits `found` from `expected`."""
    wanted, scores = (_log_scores(logits.astype(np.float64)) for logits in (expected, found))
    return float((np.exp(wanted) * (wanted - scores)).sum(axis=1).mean())


def _log_scores(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    shifted = logits - logits.max(axis=1, keepdims=True)
    scores: NDArray[np.float64] = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return scores


def _seconds() -> float:
    """Of a processor, by this process and the children that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


if __name__ == "__main__":
    main(*sys.argv[1:])
