"""Tencent's ncnn on the processor: for phones and boards with ARM, and small programs."""

from stages.deploy.engines import Engine

NCNN = Engine(
    name="ncnn",
    format="ncnn",
    exporter="ncnn",
    backend="ncnn",
    files=("model.param", "model.bin", "model.json"),
)
