"""Exports a network as files that an engine runs; the work is done by `export_child.py`."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import stages
from stages.models.arrays import pack_arrays
from stages.models.weights import Array
from stages.runtime.errors import InfrastructureError
from stages.runtime.files import write

Format = Literal["paddle_inference", "onnx"]
FILES: dict[Format, tuple[str, ...]] = {
    "paddle_inference": ("graph.json", "graph.pdiparams"),
    "onnx": ("graph.onnx",),
}
PATIENCE = 600  # seconds


def export_network(
    family: str,
    arrays: Mapping[str, Array],
    out: Path,
    formats: Sequence[Format] = ("paddle_inference",),
    split_point: int = 0,
    feature_maps: bool = False,
) -> dict[str, Path]:
    """Write the network of `family` with the weights `arrays` (named as `Family.network` builds it;
    a backbone without head.* gives features) into the folder `out` and return the files by name:
    graph.json and graph.pdiparams for paddle_inference, graph.onnx for onnx.

    One input, "image" or "sound", float32: any N, then `Family.shape`, any number where that says
    None. As many outputs as the layer's `forward` returns, in its order. Opset 17. Every output of
    the ONNX file is compared with Paddle's for random windows first. Equal arrays give equal bytes.
    With a `split_point`, only that many of the backbone's first parts are written (see
    backbone_split.py), and `arrays` are the backbone's, backbone.* alone. With `feature_maps`, a
    backbone gives the features of its inner maps, too (`with_feature_maps`). Raises
    InfrastructureError with the last lines of the exporting process if it fails or dies."""
    with TemporaryDirectory() as folder:
        work = Path(folder)
        _run(
            work,
            family,
            arrays,
            formats,
            {"split_point": split_point, "feature_maps": feature_maps},
        )
        names = [name for file_format in formats for name in FILES[file_format]]
        for name in names:
            write(out / name, (work / name).read_bytes())
    return {name: out / name for name in names}


def _run(
    work: Path,
    family: str,
    arrays: Mapping[str, Array],
    formats: Sequence[Format],
    choices: Mapping[str, Any],
) -> None:
    weights, spec = work / "weights.npz", work / "spec.json"
    weights.write_bytes(pack_arrays(arrays))
    place = {"weights": str(weights), "out": str(work)}
    spec.write_text(json.dumps({"family": family, "formats": list(formats), **choices, **place}))
    command = [sys.executable, "-m", "stages.models.export_child", str(spec)]
    try:
        done = subprocess.run(
            command,
            env=child_environment(),
            cwd=work,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
    except subprocess.TimeoutExpired:
        raise _failed(f"took more than {PATIENCE} seconds", "") from None
    if done.returncode:
        raise _failed(f"ended with code {done.returncode}", done.stderr + done.stdout)


def child_environment() -> dict[str, str]:
    """The environment of a child process that imports this `stages` and uses one core."""
    home = str(Path(stages.__file__).parents[1])
    path = os.pathsep.join(part for part in (home, os.environ.get("PYTHONPATH", "")) if part)
    quiet = {"GLOG_minloglevel": "3", "PYTHONWARNINGS": "ignore", "OMP_NUM_THREADS": "1"}
    return {**os.environ, **quiet, "PYTHONPATH": path}


def _failed(how: str, output: str) -> InfrastructureError:
    lines = [line for line in output.splitlines() if line.strip()][-5:]
    return InfrastructureError(
        f"The process that exports the network {how}. {' / '.join(lines)}".strip(),
        "Try again; if it fails again, run `aiwf doctor` to check Paddle and paddle2onnx.",
    )
