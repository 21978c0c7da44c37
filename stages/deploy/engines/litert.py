"""Google's LiteRT, formerly TensorFlow Lite, on the processor: for phones with Android."""

from stages.deploy.engines import Engine

LITERT = Engine(
    name="litert",
    format="tflite",
    exporter="tflite",
    backend="litert",
    files=("model.tflite",),
)
