"""The reference engine: numpy alone. For devices on which nothing else can be installed, and small
networks; it is slow."""

from stages.deploy.engines import Engine

NUMPY = Engine(
    name="numpy",
    format="numpy",
    exporter="numpy",
    backend="numpy",
    files=("model.npz",),
    cannot={"int8": "It adds in floating point, so 8 bits would cost answers and gain no speed."},
)
