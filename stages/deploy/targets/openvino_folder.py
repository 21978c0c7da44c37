"""openvino: a folder with the network in OpenVINO's own format (IR), for programs that call it.

model.xml carries labels and preprocessing as `rt_info`, under the names of Model API."""

import re
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar

import numpy as np

from stages.deploy.content import Content
from stages.deploy.model_info import PREFIX, model_info
from stages.deploy.targets.native_folder import Float32, NativeFolder
from stages.runtime.errors import AgreementNotMet, BackendMissing

FORMAT = "openvino"
MODEL, WEIGHTS = "model.xml", "model.bin"
OPTIONS = {"INFERENCE_PRECISION_HINT": "f32"}  # it would calculate in bfloat16 where it can


class OpenVinoFolder(NativeFolder):
    """model.xml and model.bin, for OpenVINO's C, C++ and Python libraries."""

    engine: ClassVar[str] = "openvino"

    def native(self, content: Content) -> Content:
        """`content` with its ONNX network as IR; unchanged if it is IR already."""
        content = super().native(content)
        if content.description["format"] == FORMAT:
            return content
        description = {**content.description, "format": FORMAT, "model": MODEL}
        network = intermediate_representation(
            content.network[content.description["model"]], model_info(description)
        )
        return replace(content, description=description, network=network)

    def usage(self) -> str:
        """How OpenVINO opens the network."""
        return (
            '`ov::Core().compile_model("model.xml", "CPU", '
            "ov::hint::inference_precision(ov::element::f32))` opens it; without that option "
            "OpenVINO calculates in bfloat16 on some processors."
        )

    def run_natively(self, folder: Path, content: Content, window: Float32) -> list[Float32]:
        """The outputs by OpenVINO alone. Raises AgreementNotMet if model.xml does not say the
        labels and steps of the package."""
        openvino = _library()
        core = openvino.Core()
        model = core.read_model(str(folder / MODEL))
        for key, text in model_info(content.description).items():
            found = [PREFIX, key] if model.has_rt_info([PREFIX, key]) else None
            if found is None or model.get_rt_info(found).astype(str) != text:
                raise AgreementNotMet(
                    f"{MODEL} says another {key} than the package.", "Report this."
                )
        outputs = core.compile_model(model, "CPU", OPTIONS)([window])
        return [np.asarray(values, np.float32) for values in outputs.values()]


def intermediate_representation(network: bytes, info: dict[str, str]) -> dict[str, bytes]:
    """The ONNX file `network` as model.xml and model.bin, with `info` below model_info in its
    `rt_info`. Equal input gives equal bytes."""
    openvino = _library()
    with TemporaryDirectory() as name:
        source, out = Path(name) / "source.onnx", Path(name) / MODEL
        source.write_bytes(network)
        model = openvino.Core().read_model(str(source))
        _name_by_place(model)
        for key in sorted(info):
            model.set_rt_info(info[key], [PREFIX, key])
        openvino.save_model(model, str(out), compress_to_fp16=False)
        return {MODEL: out.read_bytes(), WEIGHTS: out.with_suffix(".bin").read_bytes()}


def _name_by_place(model: Any) -> None:
    """Number the nodes to which OpenVINO gave a name with a number that is never equal twice."""
    for place, node in enumerate(model.get_ordered_ops()):
        if re.fullmatch(rf"{re.escape(node.get_type_name())}_\d+", node.get_friendly_name()):
            node.set_friendly_name(f"{node.get_type_name()}_at_{place}")


def _library() -> Any:
    try:
        import openvino
    except ImportError as error:
        raise BackendMissing(
            f"OpenVINO cannot be loaded here: {error}.", "Run: pip install openvino"
        ) from error
    return openvino
