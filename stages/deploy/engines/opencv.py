"""OpenCV DNN on the processor: for programs that have OpenCV on board anyway."""

from stages.deploy.engines import Engine

NO_INT8 = (
    "OpenCV 5.0 cannot load the int8 networks of most families, and takes about twice as long for "
    "the others as it does in float32."
)

OPENCV = Engine(
    name="opencv",
    format="onnx",
    exporter="onnx",
    backend="opencv",
    files=("model.onnx",),
    cannot=dict.fromkeys(("int8", "int8_percentile", "int8_mixed", "int8_finetuned"), NO_INT8),
)
