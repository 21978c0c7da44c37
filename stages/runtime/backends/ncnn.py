"""Tencent's ncnn on the processor: small, and made for phones and boards with ARM.

A network is three files: model.param (layers) and model.bin (weights) as ncnn reads them, and
model.json, which names the input and the outputs and has the shapes that ncnn does not keep."""

import json
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..errors import BackendMissing, InfrastructureError
from .sums import Sums

FLOATS = {"float32", "float16"}


class Ncnn:
    """Runs a .param file with the .bin and .json files of the same name beside it, one window at a
    time; it calculates in float32 or in 8 bits. Answers do not depend on `threads`' count beyond
    rounding."""

    format: ClassVar[str] = "ncnn"
    libraries: ClassVar[tuple[str, ...]] = ("ncnn",)

    @staticmethod
    def sums(numeric: str, instruction_set: str) -> Sums:
        """How products are added in `numeric`: weights and activations are signed and at least
        -127, so that two products fit into 16 bits on any processor."""
        return Sums.FLOAT if numeric in FLOATS else Sums.SIGNED_PAIRS

    def __init__(
        self, model: Path, threads: int = 1, numeric: str = "float32", on: str | None = None
    ) -> None:
        """`numeric`: the number format of `model`; `on` changes nothing.

        Raises BackendMissing if there is no ncnn, InfrastructureError if it cannot load `model`."""
        self._ncnn = _library()
        self._net = self._ncnn.Net()
        options = self._net.opt
        options.num_threads, options.use_vulkan_compute = threads, False
        # numbers would be kept in 16 bits where the processor can, and answers depend on that
        options.use_fp16_packed = options.use_fp16_storage = options.use_fp16_arithmetic = False
        options.use_bf16_storage = False
        # Winograd's sums of a 3 x 3 convolution overflow 16 bits in int8, on AVX2 at least
        options.use_winograd_convolution = numeric in FLOATS
        try:
            ends = json.loads(model.with_suffix(".json").read_text("utf-8"))
            self._input, self._window = ends["input"], tuple(ends["window"])
            self._outputs = {output["name"]: output for output in ends["outputs"]}
            self._load(model)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise _failed(f"cannot load {model.name}", error) from error
        self.inputs, self.outputs = (self._input["name"],), tuple(self._outputs)

    def run(self, inputs: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """The network's outputs by name."""
        try:
            if set(inputs) != set(self.inputs):
                raise ValueError(f"the input is {self.inputs[0]}")
            windows = np.ascontiguousarray(inputs[self.inputs[0]], np.float32)
            if windows.shape[1:] != self._window or not len(windows):
                raise ValueError(f"a window is of {self._window}")
            rows = [self._run_window(window) for window in windows]
        except (ValueError, RuntimeError) as error:
            shapes = {name: value.shape for name, value in inputs.items()}
            raise _failed(f"cannot run on {shapes}", error) from error
        return {name: np.stack([row[name] for row in rows]) for name in self.outputs}

    def _run_window(self, window: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        with self._net.create_extractor() as extractor:
            extractor.input(self._input["blob"], self._ncnn.Mat(window).clone())
            found = {}
            for name, output in self._outputs.items():
                code, blob = extractor.extract(output["blob"])
                if code:
                    raise ValueError(f"ncnn gives no {name} (code {code})")
                found[name] = np.array(blob, np.float32).reshape(output["shape"])
            return found

    def _load(self, model: Path) -> None:
        """Raise ValueError unless ncnn loads the files of `model`."""
        weights = model.with_suffix(".bin")
        if not weights.is_file():
            raise ValueError(f"{weights.name} is missing")
        if self._net.load_param(str(model)) or self._net.load_model(str(weights)):
            raise ValueError("the file is damaged, or has a layer that this ncnn lacks")
        blobs = {self._input["blob"], *(output["blob"] for output in self._outputs.values())}
        if not blobs <= {*self._net.input_names(), *self._net.output_names()}:
            raise ValueError(f"its blobs are not {', '.join(sorted(blobs))}")


def _library() -> Any:
    try:
        import ncnn
    except ImportError as error:
        raise BackendMissing(
            f"ncnn cannot be loaded here: {error}.", "Run: pip install ncnn"
        ) from error
    return ncnn


def _failed(what: str, error: Exception) -> InfrastructureError:
    return InfrastructureError(
        f"ncnn {what}: {' '.join(str(error).split())[:400]}",
        "Check that the package is whole (selftest) and that ncnn is the version it names.",
    )
