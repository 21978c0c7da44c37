"""Weights and activations in 8 bits, by ONNX Runtime's static quantisation."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from stages.deploy.compressors import CannotCompress
from stages.deploy.compressors.bias_correction import correct_biases
from stages.models.onnx_file import portable
from stages.runtime.quiet import quiet


class Int8:
    """Unsigned activations and signed weights with a scale for each channel: of the schemes that
    were tried, the only one that keeps the labels and is faster on ordinary processors."""

    numeric: ClassVar[str] = "int8"
    format: ClassVar[str] = "onnx"
    needs_samples: ClassVar[bool] = True
    tolerance: ClassVar[float] = 0.05
    least_agreement: ClassVar[float] = 0.85

    def compress(self, graph: Path, calibration: Sequence[NDArray[np.float32]], out: Path) -> None:
        """Write the quantised `graph`: biases corrected, ranges from the extremes seen on
        `calibration`.

        Raises CannotCompress if there are no samples or an operator cannot be quantised."""
        if not calibration:
            raise CannotCompress("There are no training samples to calibrate int8 with.")
        try:
            with quiet(), _unheard(), TemporaryDirectory() as folder:
                corrected = Path(folder) / "corrected.onnx"
                correct_biases(graph, calibration, corrected)
                _quantise(corrected, calibration, out)
                portable(out)
        except Exception as error:  # its exceptions share no base
            raise CannotCompress(f"ONNX Runtime cannot quantise this network: {error}.") from error


def _quantise(graph: Path, calibration: Sequence[NDArray[np.float32]], out: Path) -> None:
    from onnxruntime import quantization as ort

    ort.quantize_static(
        str(graph),
        str(out),
        _reader(graph, calibration),
        quant_format=ort.QuantFormat.QDQ,
        activation_type=ort.QuantType.QUInt8,
        weight_type=ort.QuantType.QInt8,
        per_channel=True,
        calibrate_method=ort.CalibrationMethod.MinMax,
    )


@contextmanager
def _unheard() -> Iterator[None]:
    """Keep the quantiser's remarks on every layer, which it makes to the root logger, from it."""

    def wanted(record: logging.LogRecord) -> bool:
        return Path(record.pathname).parent.name not in ("quantization", "operators")

    logging.getLogger().addFilter(wanted)
    try:
        yield
    finally:
        logging.getLogger().removeFilter(wanted)


def _reader(graph: Path, calibration: Sequence[NDArray[np.float32]]) -> Any:
    import onnx
    from onnxruntime.quantization import CalibrationDataReader

    name = onnx.load(str(graph), load_external_data=False).graph.input[0].name

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        """Hands the batches over, one after the other."""

        def __init__(self) -> None:
            self.batches: Iterator[NDArray[np.float32]] = iter(calibration)

        def get_next(self) -> dict[str, NDArray[np.float32]] | None:
            batch = next(self.batches, None)
            return None if batch is None else {name: batch}

    return Reader()
