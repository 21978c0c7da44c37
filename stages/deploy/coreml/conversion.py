"""Converts the network of a package to Core ML in a process of its own, and compares what lies in
the files with the package's network. None of it runs here: Core ML is only on Apple's systems."""

import json
import sys
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.deploy.content import Content, spelled
from stages.deploy.exporters.onnx import last_lines, run_converter
from stages.deploy.packed import write_folder
from stages.models.export import child_environment
from stages.runtime import steps
from stages.runtime.backends import BACKENDS
from stages.runtime.errors import AgreementNotMet, InfrastructureError
from stages.runtime.selftest import GOLDEN

LIBRARY = "coremltools"
PATIENCE = 900  # seconds
MOST_WINDOWS = 4  # numpy takes a second for a window of the larger networks
FLOAT_TOLERANCE, HALF_TOLERANCE = 1e-3, 2e-2  # of a score


class Conversion(NamedTuple):
    """`files` of the .mlpackage by their paths in it, none if the network is not converted, which
    `refused` then says; `windows` that were computed from the files, and the `furthest` score."""

    files: dict[str, bytes]
    refused: str = ""
    windows: int = 0
    furthest: float = 0.0


def is_installed() -> bool:
    """Whether coremltools is here."""
    return find_spec(LIBRARY) is not None


def converted(folder: Path, content: Content) -> Conversion:
    """The network of `content`, whose package with golden samples lies in `folder`.

    Raises AgreementNotMet if its files, read back, answer otherwise than the package's network,
    InfrastructureError if coremltools fails."""
    windows = _windows(folder, content)
    with TemporaryDirectory() as name:
        place = Path(name)
        (place / "description.json").write_bytes(spelled(content.description))
        write_folder(place / "network", content.network)
        np.save(place / "windows.npy", windows)
        command = [sys.executable, "-m", "stages.deploy.coreml.convert", name]
        late = f"coremltools took more than {PATIENCE} seconds to convert the network."
        done = run_converter(command, late, PATIENCE, environment=child_environment())
        if (place / "refused.txt").is_file():
            return Conversion({}, (place / "refused.txt").read_text("utf-8"))
        if done.returncode:
            raise InfrastructureError(
                f"coremltools cannot convert the network: {last_lines(done.stderr, 3)}",
                "Report this with the message, or remove coremltools: ios works without it.",
            )
        root = place / "model"
        files = {
            path.relative_to(root).as_posix(): path.read_bytes()
            for path in sorted(root.rglob("*"))
            if path.is_file()
        }
        scores = np.load(place / "scores.npy")
    expected = _expected(folder, content, windows)
    return Conversion(files, "", len(windows), _furthest(content, expected, scores))


def _windows(folder: Path, content: Content) -> NDArray[np.float32]:
    """The first window of some golden samples."""
    cases = json.loads((folder / GOLDEN).read_text("utf-8"))["cases"][:MOST_WINDOWS]
    samples = [(folder / case["file"]).read_bytes() for case in cases]
    before = content.description["before"]
    return np.stack([steps.prepared(before, sample).windows[0] for sample in samples])


def _expected(folder: Path, content: Content, windows: NDArray[np.float32]) -> Any:
    description = content.description
    backend = BACKENDS[description["backend"]](
        folder / description["model"], numeric=description["numeric"]
    )
    (logits,) = backend.run({backend.inputs[0]: windows}).values()
    return steps.softmax(logits) if description["after"][-1]["step"] == "softmax" else logits


def _furthest(content: Content, expected: Any, scores: Any) -> float:
    furthest = float(np.abs(scores - expected).max())
    is_float32 = content.description["numeric"] == "float32"
    tolerance = FLOAT_TOLERANCE if is_float32 else HALF_TOLERANCE
    if not furthest <= tolerance:
        raise AgreementNotMet(
            f"The Core ML files answer otherwise than the package when they are read back, by "
            f"{furthest:.3g}; at most {tolerance:.3g} is allowed.",
            "Take another number format first in deploy.ladder, or report this.",
        )
    return furthest
