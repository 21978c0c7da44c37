"""Paddle's own engine on the processor: the trained graph itself, with all that Paddle has."""

from stages.deploy.engines import Engine

PADDLE_INFERENCE = Engine(
    name="paddle_inference",
    format="paddle_inference",
    exporter="paddle_inference",
    backend="paddle",
    files=("model.json", "model.pdiparams"),
    used_in_training=True,
    cannot={
        numeric: "Paddle 3.3 has no tool that works for it: paddleslim 2.6 fails with it."
        for numeric in ("int8", "float16")
    },
)
