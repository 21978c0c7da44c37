"""mnn: a folder with the network in MNN's own format, for programs that call it."""

import json
from pathlib import Path
from typing import ClassVar

import numpy as np

from stages.deploy.content import Content
from stages.deploy.targets.native_folder import VECTOR, Float32, NativeFolder
from stages.runtime.errors import BackendMissing

OPTIONS = {"backend": "CPU", "precision": "high", "numThread": 1}


class MnnFolder(NativeFolder):
    """model.mnn; model.json names its outputs in their order, which MNN does not keep."""

    engine: ClassVar[str] = "mnn"

    def usage(self) -> str:
        """How MNN opens the network."""
        return (
            "`MNN::Express::Module::load` opens it with the names of `test_vector.json`. It was "
            "tested with `BackendConfig::Precision_High`; otherwise MNN calculates in 16 bits on "
            "some processors."
        )

    def run_natively(self, folder: Path, content: Content, window: Float32) -> list[Float32]:
        """The outputs by MNN's module interface, which the package's own code does not use."""
        try:
            import MNN
        except ImportError as error:
            raise BackendMissing(
                f"MNN cannot be loaded here: {error}.", "Run: pip install MNN"
            ) from error
        vector = json.loads((folder / VECTOR).read_text("utf-8"))
        module = MNN.nn.load_module_from_file(
            str(folder / "model.mnn"),
            [vector["input"]["name"]],
            [output["name"] for output in vector["outputs"]],
            runtime_manager=MNN.nn.create_runtime_manager((OPTIONS,)),
        )
        order = MNN.expr.NCHW
        found = module.onForward([MNN.expr.const(window, list(window.shape), order)])
        return [np.array(MNN.expr.convert(values, order).read(), np.float32) for values in found]
