"""Exports a Model's Paddle graph to ONNX, by paddle2onnx, and folds batch normalization into the
weights."""

import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
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
from stages.runtime.errors import (
    AgreementNotMet,
    BackendMissing,
    ConfigError,
    InfrastructureError,
)
from stages.runtime.files import write
from stages.store import Store

LIMIT = 1e-3  # the largest difference from Paddle's output, as a share of its largest number
PATIENCE = 900  # seconds
NATIVE = ("graph.json", "graph.pdiparams")  # the files of Paddle's own format
GRAPH = "graph.onnx"
ABORTED = {-6, 134}


class Onnx:
    """ONNX opset 17, with any batch size."""

    format: ClassVar[str] = "onnx"
    tools: ClassVar[tuple[str, ...]] = ("onnx", "onnxruntime", "paddle2onnx", "paddlepaddle")

    def export(
        self, model: Model, store: Store, windows: NDArray[np.float32], out: Path, backend: Any
    ) -> None:
        """Write `model` to `out`. Raises ConfigError if the format cannot express the network or
        `backend` does not run it, AgreementNotMet if `backend`, with the written file, gives other
        outputs for `windows` than Paddle does, InfrastructureError if the exporting process
        fails."""
        with TemporaryDirectory() as name:
            folder, drafts = Path(name), Path(name) / "drafts"
            drafts.mkdir()
            expected = export_graph(model, store, windows, folder)
            self.convert(folder, windows, drafts / out.name)
            _try(backend, drafts / out.name, windows, expected)
            for draft in sorted(drafts.iterdir()):
                write(out.with_name(draft.name), draft.read_bytes())

    def convert(self, graphs: Path, windows: NDArray[np.float32], out: Path) -> None:
        """Write the network of graph.onnx in the folder `graphs` to `out`, in this format."""
        shutil.copyfile(graphs / GRAPH, out)

    def count_sums(self, graph: Path, samples: Iterable[NDArray[np.float32]]) -> NetworkSums:
        """Count the pair sums of the network at `graph` on `samples`, windows [m, ...] each. Raises
        NotCounted if that is impossible for this network."""
        return network_sums(graph, samples)


def export_graph(
    model: Model, store: Store, windows: NDArray[np.float32], folder: Path
) -> list[NDArray[np.float32]]:
    """Write the graph of `model` into `folder`: graph.json and graph.pdiparams as Paddle has it,
    and graph.onnx. Returns Paddle's outputs for `windows`.

    Raises ConfigError if ONNX cannot express the network, AgreementNotMet if the file pads with
    stray values, InfrastructureError if the exporting process fails."""
    for file in NATIVE:
        (folder / file).write_bytes(store.get(model.files[file]))
    np.save(folder / "windows.npy", windows)
    _run(folder, model.family)
    check_padding(folder / "raw.onnx")
    _fold(folder)
    portable(folder / GRAPH)
    with np.load(folder / "answers.npz", allow_pickle=False) as answers:
        return [answers[name] for name in answers]


def _try(
    backend: Any, path: Path, windows: NDArray[np.float32], expected: list[NDArray[np.float32]]
) -> None:
    """Let `backend` answer `windows` with the file at `path`. Raises what `Onnx.export` does."""
    libraries = " and ".join(backend.libraries)
    try:
        check_parity(backend(path), windows, expected, libraries)
    except BackendMissing:
        raise
    except InfrastructureError as error:  # a file that was just written is no damaged one
        raise ConfigError(
            f"{libraries} does not run this network: {error.problem}",
            "Choose another model family in train.families, or another deploy.engine.",
        ) from error


def run_converter(
    command: Sequence[str],
    late: str,
    patience: int,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> "subprocess.CompletedProcess[str]":
    """Run a converter in a process of its own, in `folder`, with `environment` in place of this
    process's. Raises InfrastructureError, which says `late`, after `patience` seconds."""
    try:
        return subprocess.run(
            command,
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=patience,
        )
    except subprocess.TimeoutExpired:
        raise InfrastructureError(late, "Try again.") from None


def last_lines(messages: str, count: int) -> str:
    """The last `count` lines with a content of what a converter printed, as one line."""
    return " / ".join([line for line in messages.splitlines() if line.strip()][-count:])


def _run(folder: Path, family: str) -> None:
    command = [sys.executable, "-m", paddle_to_onnx.__name__, str(folder)]
    late = f"The export to ONNX took more than {PATIENCE} seconds."
    done = run_converter(command, late, PATIENCE, folder, child_environment())
    lines = last_lines(done.stderr + done.stdout, 5)
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
    quant_pre_process(str(folder / "raw.onnx"), str(folder / GRAPH), skip_symbolic_shape=True)


def check_padding(path: Path) -> None:
    """Raise AgreementNotMet if a Pad node of the ONNX file pads with another value than zero."""
    if stray := stray_padding(path):
        raise AgreementNotMet(
            f"The ONNX file pads with {stray[1]:.3g} in '{stray[0]}', the trained model with 0.",
            "Give the convolution itself the padding, instead of a padding layer before it.",
        )


def check_parity(
    backend: Any, windows: NDArray[np.float32], answers: Sequence[NDArray[np.float32]], engine: str
) -> None:
    """Raise AgreementNotMet, with the name of the `engine`, unless the network loaded in `backend`
    gives the outputs `answers`, an array for each output, for `windows`."""
    outputs = backend.run({backend.inputs[0]: windows})
    pairs = zip(outputs.values(), answers, strict=True)
    difference = max(_difference(*pair) for pair in pairs)
    if not difference <= LIMIT:  # so that NaN is caught, too
        raise AgreementNotMet(
            f"{engine} answers {len(windows)} samples differently than Paddle: by "
            f"{difference:.2g} of the largest output, at most {LIMIT} is allowed.",
            "Choose another model family in train.families, or another deploy.engine.",
        )


def _difference(actual: NDArray[np.float32], expected: NDArray[np.float32]) -> float:
    """The largest difference as a share of the largest expected number; infinite if the shapes
    differ or a number is not finite."""
    if actual.shape != expected.shape or not np.isfinite(actual).all():
        return float("inf")
    return float(np.abs(actual - expected).max() / max(np.abs(expected).max(), 1e-6))
