"""The engines a package can run on; a new one is a file here and a line below.

A backend is a class with `format`, `libraries`, `sums(numeric, instruction_set)` (see sums.py),
`inputs`, `outputs`, `run({name: array})`, made from (model, threads, numeric, on): the network's
file and number format, and the instruction set whose options are set (None: this machine's). It
raises InfrastructureError for a file that it cannot load and inputs that it cannot run. Another
package adds one by an entry point of the group below; a device needs that package, too."""

from ..registry import Registry

BACKENDS = Registry(
    "backend",
    __name__,
    {
        "litert": ".litert:Litert",
        "mnn": ".mnn:Mnn",
        "ncnn": ".ncnn:Ncnn",
        "numpy": ".numpy_engine:NumpyEngine",
        "onnxruntime": ".onnxruntime:OnnxRuntime",
        "opencv": ".opencv:OpenCv",
        "openvino": ".openvino:OpenVino",
        "paddle": ".paddle_inference:PaddleInference",
    },
    "ai_workflow.backends",
)
