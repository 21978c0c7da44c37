"""Alibaba's MNN on the processor: for phones."""

from stages.deploy.engines import Engine

MNN = Engine(
    name="mnn",
    format="mnn",
    exporter="mnn",
    backend="mnn",
    files=("model.mnn", "model.json"),
)
