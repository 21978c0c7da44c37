"""Intel's OpenVINO on the processor: it reads the same files as ONNX Runtime."""

from stages.deploy.engines import Engine

OPENVINO = Engine(
    name="openvino",
    format="onnx",
    exporter="onnx",
    backend="openvino",
    files=("model.onnx",),
)
