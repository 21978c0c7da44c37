"""Paddle's own inference engine, with oneDNN: runs a trained model's native graph."""

import threading
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..errors import BackendMissing, InfrastructureError
from ..quiet import quiet
from .sums import Sums

# Paddle 3.3.1 cannot load a graph in which an activation follows joined convolutions, as those of
# SqueezeNet do: the pass asks their fused form for an attribute that it does not have.
BROKEN = "conv_concat_activation_onednn_fuse_pass"


class PaddleInference:
    """Runs `model`, a PIR program (.json), with the .pdiparams file of the same name beside it."""

    format: ClassVar[str] = "paddle_inference"
    libraries: ClassVar[tuple[str, ...]] = ("paddlepaddle", "setuptools")

    @staticmethod
    def sums(numeric: str, instruction_set: str) -> Sums:
        """It runs networks in floating point only, on every instruction set."""
        return Sums.FLOAT

    def __init__(
        self, model: Path, threads: int = 1, numeric: str = "float32", on: str | None = None
    ) -> None:
        """`numeric` and `on` change nothing: there are no options that depend on them."""
        inference = _engine()
        config = inference.Config(str(model), str(model.with_suffix(".pdiparams")))
        config.disable_gpu()
        config.enable_mkldnn()
        config.delete_pass(BROKEN)
        config.set_cpu_math_library_num_threads(threads)
        config.disable_glog_info()
        try:
            self._predictor = inference.create_predictor(config)
        except Exception as error:  # its exceptions share no public base
            raise InfrastructureError(
                f"Paddle cannot load {model.name}: {str(error)[-400:]}",
                "Check that graph and parameters are of one model and of this Paddle version.",
            ) from error
        self._turn = threading.Lock()  # a predictor holds one set of tensors
        self.inputs = tuple(self._predictor.get_input_names())
        self.outputs = tuple(self._predictor.get_output_names())

    def run(self, inputs: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """The network's outputs by name."""
        try:
            with self._turn:
                for name, value in inputs.items():
                    handle = self._predictor.get_input_handle(name)
                    handle.copy_from_cpu(np.ascontiguousarray(value))
                self._predictor.run()
                handles = {name: self._predictor.get_output_handle(name) for name in self.outputs}
                return {name: handle.copy_to_cpu() for name, handle in handles.items()}
        except Exception as error:  # as above
            shapes = {name: value.shape for name, value in inputs.items()}
            raise InfrastructureError(
                f"Paddle cannot run on {shapes}: {str(error)[-400:]}",
                "Check that graph and parameters are of one model and of this Paddle version.",
            ) from error


def _engine() -> Any:
    try:
        with quiet():
            from paddle import inference
    except ImportError as error:
        raise BackendMissing(
            "Paddle is not installed here.", "Run: pip install paddlepaddle"
        ) from error
    return inference
