"""ONNX Runtime on the processor."""

from pathlib import Path
from typing import Any, ClassVar

from numpy.typing import NDArray

from ..errors import BackendMissing, InfrastructureError
from ..processor import ARM, ARM_DOT_PRODUCT, X86, X86_VNNI, instruction_set
from .sums import Sums

# ONNX Runtime multiplies unsigned activations with signed weights. On x86-64 without VNNI its
# kernels add two such products in 16 bits, where they saturate, unless this entry lets it turn the
# weights into unsigned ones; that takes about twice as long, so it is set there only.
PRECISE = "session.x64quantprecision"
# Any other number format is taken for one of 8 bits.
FLOATS = {"float32", "float16", "int8_weight_only"}
INT8_SUMS = {
    X86_VNNI: Sums.INT32,
    X86: Sums.INT32,  # with PRECISE
    ARM_DOT_PRODUCT: Sums.INT32,
    ARM: Sums.SIGNED_PAIRS,
}
WITHOUT_PRECISE = {X86_VNNI, ARM_DOT_PRODUCT, ARM}
LEAST_FOR_PRECISE = (1, 15)  # the first release in which the entry was tried


class OnnxRuntime:
    """Runs a .onnx file. Answers do not depend on `threads`' count beyond rounding."""

    format: ClassVar[str] = "onnx"
    libraries: ClassVar[tuple[str, ...]] = ("onnxruntime",)

    @staticmethod
    def sums(numeric: str, instruction_set: str) -> Sums:
        """How products are added in `numeric` on a machine of `instruction_set`."""
        if numeric in FLOATS:
            return Sums.FLOAT
        return INT8_SUMS.get(instruction_set, Sums.SATURATING_PAIRS)  # of others nothing is known

    def __init__(
        self, model: Path, threads: int = 1, numeric: str = "float32", on: str | None = None
    ) -> None:
        """`numeric`: the number format of `model`; `on`: the instruction set whose options are
        set, this machine's if none is given. What this machine needs is set in any case.

        Raises BackendMissing if there is no ONNX Runtime, or one too old for `numeric` here."""
        try:
            import onnxruntime
        except ImportError as error:
            raise BackendMissing(
                "ONNX Runtime is not installed here.", "Run: pip install onnxruntime"
            ) from error
        here = instruction_set()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        if numeric not in FLOATS and not {on or here, here} <= WITHOUT_PRECISE:
            _check_precise(onnxruntime.__version__)
            options.add_session_config_entry(PRECISE, "1")
        try:
            self._session = onnxruntime.InferenceSession(
                str(model), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # its exceptions share no public base
            raise _failed(f"cannot load {model.name}", error) from error
        self.inputs = tuple(node.name for node in self._session.get_inputs())
        self.outputs = tuple(node.name for node in self._session.get_outputs())

    def run(self, inputs: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """The network's outputs by name."""
        try:
            values = self._session.run(list(self.outputs), inputs)
        except Exception as error:
            shapes = {name: value.shape for name, value in inputs.items()}
            raise _failed(f"cannot run on {shapes}", error) from error
        return dict(zip(self.outputs, values, strict=True))


def _check_precise(version: str) -> None:
    """Raise BackendMissing if ONNX Runtime `version` may ignore the entry: it does so silently."""
    release = tuple(int(part) for part in version.split(".")[:2] if part.isdecimal())
    if release < LEAST_FOR_PRECISE:
        least = ".".join(str(part) for part in LEAST_FOR_PRECISE)
        raise BackendMissing(
            f"This int8 network needs ONNX Runtime {least} or newer on a processor without VNNI, "
            f"and {version} is installed: its sums may saturate, and answers be wrong.",
            f"Run: pip install 'onnxruntime>={least}', or use the package as float32 or float16.",
        )


def _failed(what: str, error: Exception) -> InfrastructureError:
    return InfrastructureError(
        f"ONNX Runtime {what}: {' '.join(str(error).split())[:400]}",
        "Check that the package is whole (selftest) and that onnxruntime is the version it names.",
    )
