"""The engines a package can run on; a new one is a file here and a line below."""

from ..registry import Registry

BACKENDS = Registry(
    "backend",
    __name__,
    {
        "onnxruntime": ".onnxruntime:OnnxRuntime",
        "paddle": ".paddle_inference:PaddleInference",
    },
)
