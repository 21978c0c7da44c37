"""ONNX Runtime on the processor."""

from pathlib import Path
from typing import Any, ClassVar

from numpy.typing import NDArray

from ..errors import BackendMissing, InfrastructureError


class OnnxRuntime:
    """Runs a .onnx file. Answers do not depend on `threads`' count beyond rounding."""

    format: ClassVar[str] = "onnx"
    libraries: ClassVar[tuple[str, ...]] = ("onnxruntime",)

    def __init__(self, model: Path, threads: int = 1) -> None:
        try:
            import onnxruntime
        except ImportError as error:
            raise BackendMissing(
                "ONNX Runtime is not installed here.", "Run: pip install onnxruntime"
            ) from error
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self._session = onnxruntime.InferenceSession(
                str(model), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # its exceptions share no public base
            raise _failed(f"cannot load {model.name}", error) from error
        self.inputs = tuple(one.name for one in self._session.get_inputs())
        self.outputs = tuple(one.name for one in self._session.get_outputs())

    def run(self, inputs: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """The network's outputs by name."""
        try:
            values = self._session.run(list(self.outputs), inputs)
        except Exception as error:
            shapes = {name: value.shape for name, value in inputs.items()}
            raise _failed(f"cannot run on {shapes}", error) from error
        return dict(zip(self.outputs, values, strict=True))


def _failed(what: str, error: Exception) -> InfrastructureError:
    return InfrastructureError(
        f"ONNX Runtime {what}: {error}",
        "Check that the package is whole (selftest) and that onnxruntime is the version it names.",
    )
