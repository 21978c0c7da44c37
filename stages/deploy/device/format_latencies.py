"""Measures, when a run is planned, how fast each input is in each number format, for
`deploy.prefer: latency`. The result stands in the run's lock, so that a later measurement changes
nothing."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from stages.config import PipelineConfig, TrainConfig
from stages.config.device import DeviceCost
from stages.config.evaluate import DeployConfig
from stages.deploy.device.device_limits import network_spec
from stages.deploy.device.measuring import CannotRun, measured
from stages.deploy.device.untrained_network import packed, windows_of
from stages.deploy.device.untrained_weights import NetworkSpec
from stages.deploy.engines import Engine
from stages.parts import ENGINES
from stages.resources import Resources
from stages.store import Store
from stages.train.cost.distillation_budget import with_student_family
from stages.train.search.search_space import Input, inputs_of

# Formats of ONNX files that are computed as another one: their weights are turned into floats when
# the network is loaded, or their ranges or numbers alone differ. Mixed precision is at best as fast
# as int8; which of its layers stay in float is known after training only.
COMPUTED_AS = {
    "int8_percentile": "int8",
    "int8_mixed": "int8",
    "int8_finetuned": "int8",
    "int8_weight_only": "float32",
    "float16": "float32",
}


def with_latencies(
    pipeline: PipelineConfig,
    train: TrainConfig,
    labels: Callable[[], int],
    store: Store,
    resources: Resources,
) -> DeployConfig:
    """The pipeline's `deploy` with the latencies of the inputs of `train` in every number format of
    every engine, and their order; unchanged if it does not prefer latency, or they are there.
    `labels` counts the labels of its data, if that is needed.

    Raises Unmeasured if the device is another one that has not measured them."""
    deploy = pipeline.deploy
    if (deploy.compress, deploy.prefer) != ("auto", "latency") or deploy.fastest_first:
        return deploy
    spec = network_spec(pipeline.model_copy(update={"train": train}), labels())
    rows: list[DeviceCost] = []
    order: dict[str, tuple[str, ...]] = {}
    for name in deploy.engines:
        engine: Engine = ENGINES[name]
        for model_input in inputs_of(with_student_family(train)):
            found = _latencies(model_input, engine, spec, train, store, resources)
            rows += found
            if found:
                order[f"{name} {model_input.name}"] = fastest_first(engine, found)
    return deploy.model_copy(update={"latencies": tuple(rows), "fastest_first": order})


def fastest_first(engine: Engine, rows: Sequence[DeviceCost]) -> tuple[str, ...]:
    """The number formats of `engine` by the latencies `rows` of one input; equal ones in the
    board's order, which is that of their usual size."""
    times = {row.numeric: row.latency_ms_p95 for row in rows}
    latency = {numeric: times.get(_computed_as(engine, numeric)) for numeric in engine.compressors}
    timed = [numeric for numeric, value in latency.items() if value is not None]
    return tuple(sorted(timed, key=lambda numeric: latency[numeric] or 0.0))


def _computed_as(engine: Engine, numeric: str) -> str:
    return COMPUTED_AS.get(numeric, numeric) if engine.format == "onnx" else numeric


def _latencies(
    model_input: Input,
    engine: Engine,
    spec: NetworkSpec,
    train: TrainConfig,
    store: Store,
    resources: Resources,
) -> list[DeviceCost]:
    """The latencies of the untrained network of `model_input` in each number format that is
    computed in a way of its own, without those that cannot be made or run."""
    shape = windows_of(model_input, spec.task).shape[1:]
    rows = []
    for numeric in dict.fromkeys(_computed_as(engine, name) for name in engine.compressors):
        alone = replace(spec, engine=engine.name, ladder=(numeric,))
        network = packed(model_input, alone, store, resources)
        if network.why:
            continue
        try:
            row = measured(
                model_input.name,
                network.network,
                numeric,
                shape,
                train.device.profile,
                engine,
                store=store,
                resources=resources,
            )
        except CannotRun:
            continue
        rows.append(row)
    return rows
