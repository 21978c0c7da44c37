"""Exports a Model's Paddle graph to ONNX, by paddle2onnx, and folds batch normalization into the
weights."""

import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from stages.artifacts import Model
from stages.deploy.exporters import paddle_to_onnx
from stages.deploy.saturation.network import NetworkSums, network_sums
from stages.models.export import child_environment
from stages.models.onnx_file import portable, stray_padding
from stages.runtime.errors import AgreementNotMet, ConfigError, InfrastructureError
from stages.runtime.files import write
from stages.store import Store

LIMIT = 1e-3  # the largest difference from Paddle's output, as a share of its largest number
PATIENCE = 900  # seconds
ABORTED = {-6, 134}


class Onnx:
    """ONNX opset 17, with any batch size."""

    format: ClassVar[str] = "onnx"
    tools: ClassVar[tuple[str, ...]] = ("onnx", "onnxruntime", "paddle2onnx", "paddlepaddle")

    def export(
        self, model: Model, store: Store, windows: NDArray[np.float32], out: Path, backend: Any
    ) -> None:
        """Write `model` to `out`. Raises ConfigError if ONNX cannot express the network,
        AgreementNotMet if `backend`, with the ONNX file, gives other outputs for `windows` than
        Paddle does, InfrastructureError if the exporting process fails."""
        with TemporaryDirectory() as name:
            folder = Path(name)
            for file in ("graph.json", "graph.pdiparams"):
                (folder / file).write_bytes(store.get(model.files[file]))
            np.save(folder / "windows.npy", windows)
            _run(folder, model.family)
            check_padding(folder / "raw.onnx")
            _fold(folder)
            portable(folder / "graph.onnx")
            with np.load(folder / "answers.npz", allow_pickle=False) as answers:
                expected = [answers[name] for name in answers]
                check_parity(backend(folder / "graph.onnx"), windows, expected)
            write(out, (folder / "graph.onnx").read_bytes())

    def count_sums(self, graph: Path, samples: Iterable[NDArray[np.float32]]) -> NetworkSums:
        """Count the pair sums of the network at `graph` on `samples`, windows [m, ...] each. Raises
        NotCounted if that is impossible for this network."""
        return network_sums(graph, samples)


def _run(folder: Path, family: str) -> None:
    command = [sys.executable, "-m", paddle_to_onnx.__name__, str(folder)]
    try:
        done = subprocess.run(
            command, env=child_environment(), cwd=folder, capture_output=True, timeout=PATIENCE
        )
    except subprocess.TimeoutExpired:
        raise InfrastructureError(
            f"The export to ONNX took more than {PATIENCE} seconds.", "Try again."
        ) from None
    output = (done.stderr + done.stdout).decode(errors="replace")
    lines = " / ".join([line for line in output.splitlines() if line.strip()][-5:])
    if done.returncode in ABORTED:
        raise ConfigError(
            f"The network of family '{family}' uses an operator that ONNX lacks. {lines}",
            "Choose another model family in train.families.",
        )
    if done.returncode:
        raise InfrastructureError(
            f"The export to ONNX ended with code {done.returncode}. {lines}",
            "Try again; if it fails again, run `aiwf doctor` to check paddle2onnx.",
        )


def _fold(folder: Path) -> None:
    from onnxruntime.quantization.shape_inference import quant_pre_process

    # symbolic shapes would want sympy, and no operator here needs them
    quant_pre_process(
        str(folder / "raw.onnx"), str(folder / "graph.onnx"), skip_symbolic_shape=True
    )


def check_padding(path: Path) -> None:
    """Raise AgreementNotMet if a Pad node of the ONNX file pads with another value than zero."""
    if stray := stray_padding(path):
        raise AgreementNotMet(
            f"The ONNX file pads with {stray[1]:.3g} in '{stray[0]}', the trained model with 0.",
            "Give the convolution itself the padding, instead of a padding layer before it.",
        )


def check_parity(
    backend: Any, windows: NDArray[np.float32], answers: Sequence[NDArray[np.float32]]
) -> None:
    """Raise AgreementNotMet unless the network loaded in `backend` gives the outputs `answers`, an
    array for each output, for `windows`."""
    outputs = backend.run({backend.inputs[0]: windows})
    pairs = zip(outputs.values(), answers, strict=True)
    difference = max(_difference(*pair) for pair in pairs)
    if not difference <= LIMIT:  # so that NaN is caught, too
        raise AgreementNotMet(
            f"The ONNX file answers {len(windows)} training samples differently than the trained "
            f"model: by {difference:.2g} of the largest output, at most {LIMIT} is allowed.",
            "Choose another model family in train.families: this one is not exported exactly.",
        )


def _difference(actual: NDArray[np.float32], expected: NDArray[np.float32]) -> float:
    """The largest difference as a share of the largest expected number; infinite if the shapes
    differ or a number is not finite."""
    if actual.shape != expected.shape or not np.isfinite(actual).all():
        return float("inf")
    return float(np.abs(actual - expected).max() / max(np.abs(expected).max(), 1e-6))
