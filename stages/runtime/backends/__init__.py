"""The engines a package can run on; a new one is a file here and a line below.

A backend is a class with `format`, `libraries`, `sums(numeric, instruction_set)` (see sums.py),
`inputs`, `outputs`, `run({name: array})`, made from (model, threads, numeric, on): the network's
file and number format, and the instruction set whose options are set (None: this machine's)."""

from ..registry import Registry

BACKENDS = Registry(
    "backend",
    __name__,
    {
        "onnxruntime": ".onnxruntime:OnnxRuntime",
        "opencv": ".opencv:OpenCv",
        "paddle": ".paddle_inference:PaddleInference",
    },
)
