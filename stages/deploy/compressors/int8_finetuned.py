"""int8_finetuned: int8 whose weights were fine-tuned with rounding simulated (quantisation-aware
fine-tuning), so that the network answers as in float again."""

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from stages.deploy.compressors import CannotCompress, finetuning
from stages.deploy.compressors.finetuning import answers_of
from stages.deploy.compressors.int8 import Int8
from stages.deploy.compressors.layer_sensitivity import output_error
from stages.deploy.exporters.onnx import last_lines, run_converter
from stages.models.export import child_environment
from stages.runtime.errors import InfrastructureError

DECIDING = 4  # one in so many calibration samples decides, and is not learnt from
PATIENCE = 3600  # seconds; it takes two minutes of a core

Floats = NDArray[np.float32]


class Int8Finetuned(Int8):
    """int8, fine-tuned on three quarters of the calibration samples to give the float network's own
    outputs (`finetuning.py`). Scales and operators, and so size and speed, are those of int8.

    On the other samples its outputs are compared with those of int8: they have to be nearer to the
    float network's."""

    numeric: ClassVar[str] = "int8_finetuned"

    def compress(self, graph: Path, calibration: Sequence[Floats], out: Path) -> None:
        """Write the quantized and fine-tuned `graph` to `out`.

        Raises CannotCompress as Int8 does, if there is one sample alone, if the network has an
        operator that cannot be trained, or if fine-tuning brings nothing; InfrastructureError if
        the process that trains fails."""
        with TemporaryDirectory() as name:
            folder = Path(name)
            int8 = folder / "quantised.onnx"
            super().compress(graph, calibration, int8)
            samples = np.concatenate(list(calibration))
            if len(samples) < 2:
                raise CannotCompress("Fine-tuning needs two samples or more.")
            deciding = np.arange(len(samples)) % DECIDING == min(DECIDING, len(samples)) - 1
            tuned = _finetuned(graph, int8, samples[~deciding], folder)
            expected = answers_of(graph, samples[deciding])
            errors = [
                output_error(expected, answers_of(path, samples[deciding], self.numeric))
                for path in (tuned, int8)
            ]
            if not errors[0] < errors[1]:
                raise CannotCompress(
                    "Fine-tuning brings the outputs no nearer to those of the float network: error "
                    f"{errors[0]:.3g} of their variance, as int8 {errors[1]:.3g}."
                )
            shutil.copyfile(tuned, out)


def _finetuned(graph: Path, quantised: Path, windows: Floats, folder: Path) -> Path:
    """The `quantised` network as it was fine-tuned in `folder` on `windows` to answer as `graph`.
    A process of its own: Paddle's threads are set before it is imported, and its memory is freed
    when it ends."""
    shutil.copyfile(graph, folder / finetuning.FLOAT)
    shutil.copyfile(quantised, folder / finetuning.INT8)
    np.save(folder / finetuning.WINDOWS, windows)
    command = [sys.executable, "-m", finetuning.__name__, str(folder)]
    late = f"Fine-tuning in 8 bits took more than {PATIENCE} seconds."
    done = run_converter(command, late, PATIENCE, folder, child_environment())
    if (lacking := folder / finetuning.LACKING).exists():
        raise CannotCompress(f"Fine-tuning cannot compute {lacking.read_text('utf-8')[:200]}.")
    if done.returncode:
        lines = last_lines(done.stderr + done.stdout, 5)
        raise InfrastructureError(
            f"Fine-tuning in 8 bits ended with code {done.returncode}. {lines}",
            "Try again, or leave int8_finetuned out of deploy.ladder.",
        )
    return folder / finetuning.FINETUNED
