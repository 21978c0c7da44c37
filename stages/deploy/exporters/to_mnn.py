"""Converts an ONNX file to MNN, and MNN files to smaller ones.

The converter's command and its Python module send the machine's id and the command to a server, and
install a package for that. So neither is used: a child process calls the library below them."""

import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from stages.deploy.exporters.onnx import GRAPH, Onnx, last_lines, run_converter
from stages.models.export import child_environment
from stages.runtime.errors import BackendMissing, ConfigError

PATIENCE = 600  # seconds
PROGRAM = "import sys, _tools; _tools.mnnconvert(['mnnconvert', *sys.argv[1:]])"
# The text, with its length before it, by which MNN tells files apart: drawn anew for each.
IDENTIFIER = re.compile(rb"\x24\0\0\0[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}\0")
NO_IDENTIFIER = b"\x24\0\0\0" + b"00000000-0000-0000-0000-000000000000" + b"\0"
LACKING = re.compile(r"These Op Not Support: (.*)")


class MnnExporter(Onnx):
    """A .mnn file for any batch size, and the names of its outputs as JSON."""

    format: ClassVar[str] = "mnn"
    tools: ClassVar[tuple[str, ...]] = (*Onnx.tools, "MNN")

    def convert(self, graphs: Path, windows: NDArray[np.float32], out: Path) -> None:
        """Convert graph.onnx. Raises ConfigError, naming each operator that MNN lacks."""
        import onnx

        converted(graphs / GRAPH, "ONNX", out)
        graph = onnx.load(str(graphs / GRAPH), load_external_data=False).graph
        names = {"outputs": [output.name for output in graph.output]}
        out.with_suffix(".json").write_text(json.dumps(names))


def converted(source: Path, kind: str, out: Path, options: Sequence[str] = ()) -> None:
    """Write the network `source`, of the `kind` ONNX or MNN, to `out`, with `options` of the
    converter. Equal networks have equal bytes. Raises ConfigError, naming each operator that MNN
    lacks."""
    arguments = ["-f", kind, "--modelFile", str(source), "--MNNModel", str(out), "--bizCode", "MNN"]
    done = run_converter(
        [sys.executable, "-c", PROGRAM, *arguments, *options],
        f"MNN took more than {PATIENCE} seconds to convert the network.",
        PATIENCE,
        environment=child_environment(),
    )
    messages = done.stdout + done.stderr
    if out.is_file() and not done.returncode:
        out.write_bytes(IDENTIFIER.sub(NO_IDENTIFIER, out.read_bytes(), count=1))
        return
    if "No module named '_tools'" in messages:
        raise BackendMissing("MNN is not installed here.", "Run: pip install MNN")
    lacking = LACKING.search(messages)
    what = (
        f"lacks operators of this network: {lacking[1].strip()}."
        if lacking
        else f"cannot convert this network: {last_lines(messages, 3)}"
    )
    raise ConfigError(
        f"MNN {what}",
        "Choose another model family in train.families, or another deploy.engine.",
    )
