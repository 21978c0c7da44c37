"""ONNX Runtime on the processor."""

from stages.deploy.engines import Engine

ONNX_RUNTIME = Engine(
    name="onnxruntime",
    format="onnx",
    exporter="onnx",
    backend="onnxruntime",
    files=("model.onnx",),
    used_in_training=True,
)
