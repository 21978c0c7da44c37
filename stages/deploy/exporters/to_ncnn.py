"""Converts an ONNX file to ncnn, by pnnx, the converter of ncnn's authors."""

import json
import os
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from stages.deploy.compressors import CannotCompress
from stages.deploy.compressors.ncnn_files import INT8, NcnnLayer, outputs_of, read_layers
from stages.deploy.exporters.onnx import GRAPH, Onnx, last_lines, run_converter
from stages.deploy.saturation.layers import NotCounted
from stages.deploy.saturation.network import LayerSums, NetworkSums
from stages.deploy.saturation.pair_sums import PairSums
from stages.runtime.errors import BackendMissing, ConfigError

PATIENCE = 600  # seconds
LARGEST_ACTIVATION = 127
FIRST_LAYER = 2  # the line of a .param file with it: before stand a magic number and the counts


class NcnnExporter(Onnx):
    """Three files: layers, weights in float32, and the names and shapes of inputs and outputs. It
    takes windows of one shape."""

    format: ClassVar[str] = "ncnn"
    tools: ClassVar[tuple[str, ...]] = (*Onnx.tools, "pnnx", "ncnn")

    def convert(self, graphs: Path, windows: NDArray[np.float32], out: Path) -> None:
        """Convert graph.onnx. Raises ConfigError, naming each operator that ncnn lacks."""
        shape = ",".join(map(str, (1, *windows.shape[1:])))
        with TemporaryDirectory() as name:
            draft = Path(name) / "net.onnx"  # pnnx writes seven files beside the one that it reads
            draft.write_bytes((graphs / GRAPH).read_bytes())
            messages = _run_pnnx([draft.name, f"inputshape=[{shape}]", "fp16=0"], draft.parent)
            layers, weights = draft.with_suffix(".ncnn.param"), draft.with_suffix(".ncnn.bin")
            if not layers.is_file() or not weights.is_file():
                raise ConfigError(
                    f"pnnx cannot convert this network to ncnn: {messages}",
                    "Choose another model family in train.families, or another deploy.engine.",
                )
            _check_layers(layers)
            out.write_bytes(layers.read_bytes())
            out.with_suffix(".bin").write_bytes(weights.read_bytes())
        out.with_suffix(".json").write_text(json.dumps(_ends(graphs / GRAPH, windows), indent=1))

    def count_sums(self, graph: Path, samples: Any) -> NetworkSums:
        """The largest sum of each 8-bit layer, for any sample: its pair sums, of signed numbers of
        at least -127, always fit into 16 bits, so that none is counted. Raises NotCounted if a
        layer is of an unknown kind."""
        try:
            layers = [layer for layer in read_layers(graph) if layer.stored == INT8]
        except CannotCompress as error:
            raise NotCounted(error.problem) from error
        return NetworkSums(0, 0, tuple(map(_layer_sums, layers)))


def _layer_sums(layer: NcnnLayer) -> LayerSums:
    weights = np.asarray(layer.weights, np.int64).reshape(outputs_of(layer), -1)
    largest = int(np.abs(weights).sum(axis=1).max()) * LARGEST_ACTIVATION
    return LayerSums(layer.name, PairSums(0, 0, 0), largest, int(weights.min()))


def _run_pnnx(arguments: list[str], folder: Path) -> str:
    """Run pnnx in `folder` and return the end of what it prints. Not through its Python module,
    which needs PyTorch."""
    found = find_spec("pnnx")
    if found is None or not found.submodule_search_locations:
        raise BackendMissing("pnnx is not installed here.", "Run: pip install pnnx")
    program = Path(found.submodule_search_locations[0]) / "pnnx"
    if not os.access(program, os.X_OK):
        raise BackendMissing(f"{program} is no program.", "Run: pip install --force-reinstall pnnx")
    late = f"pnnx took more than {PATIENCE} seconds to convert the network."
    done = run_converter([str(program), *arguments], late, PATIENCE, folder)
    return last_lines(done.stdout + done.stderr, 3)


def _check_layers(path: Path) -> None:
    """Raise ConfigError unless ncnn has each layer of the .param file: pnnx writes down operators
    that it does not know, too."""
    import ncnn

    lines = path.read_text("utf-8").splitlines()[FIRST_LAYER:]
    kinds = {line.split()[0] for line in lines if line.strip()}
    lacking = sorted(kind for kind in kinds if ncnn.layer_to_index(kind) < 0)
    if lacking:
        raise ConfigError(
            f"ncnn lacks operators of this network: {', '.join(lacking)}.",
            "Choose another model family in train.families, or another deploy.engine.",
        )


def _ends(graph: Path, windows: NDArray[np.float32]) -> dict[str, Any]:
    """The content of the .json file: ncnn's blobs are numbered in the order of the ONNX file's
    inputs and outputs, and ncnn leaves out axes of side 1."""
    from stages.runtime.backends.onnxruntime import OnnxRuntime

    engine = OnnxRuntime(graph)
    found = engine.run({engine.inputs[0]: windows[:1]})
    return {
        "input": {"name": engine.inputs[0], "blob": "in0"},
        "window": list(windows.shape[1:]),
        "outputs": [
            {"name": name, "blob": f"out{place}", "shape": list(found[name].shape[1:])}
            for place, name in enumerate(engine.outputs)
        ],
    }
