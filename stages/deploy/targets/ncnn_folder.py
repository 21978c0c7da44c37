"""ncnn: a folder with the network in ncnn's own format, for programs that call it."""

import json
from pathlib import Path
from typing import ClassVar

import numpy as np

from stages.deploy.content import Content
from stages.deploy.targets.native_folder import Float32, NativeFolder
from stages.runtime.errors import BackendMissing

FLOATS = {"float32", "float16"}


class NcnnFolder(NativeFolder):
    """model.param and model.bin; model.json names the blobs, as ncnn has numbers for them."""

    engine: ClassVar[str] = "ncnn"

    def usage(self) -> str:
        """How ncnn opens the network."""
        return (
            "`ncnn::Net` opens it with `load_param` and `load_model`; `model.json` says which blob "
            "is which. It was tested with `use_fp16_packed`, `use_fp16_storage`, "
            "`use_fp16_arithmetic` and `use_bf16_storage` off, and in int8 without "
            "`use_winograd_convolution`."
        )

    def run_natively(self, folder: Path, content: Content, window: Float32) -> list[Float32]:
        """The outputs by ncnn alone."""
        try:
            import ncnn
        except ImportError as error:
            raise BackendMissing(
                f"ncnn cannot be loaded here: {error}.", "Run: pip install ncnn"
            ) from error
        net = ncnn.Net()
        net.opt.use_vulkan_compute = net.opt.use_bf16_storage = False
        net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = False
        net.opt.use_winograd_convolution = content.description["numeric"] in FLOATS
        net.load_param(str(folder / "model.param"))
        net.load_model(str(folder / "model.bin"))
        blobs = json.loads((folder / "model.json").read_text("utf-8"))
        with net.create_extractor() as extractor:
            extractor.input(blobs["input"]["blob"], ncnn.Mat(window[0]).clone())
            found = [extractor.extract(output["blob"])[1] for output in blobs["outputs"]]
            return [np.array(blob, np.float32) for blob in found]
