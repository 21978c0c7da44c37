"""Selects the inputs that a device's limits allow, once, when a run is resolved."""

from stages.closure import code_of
from stages.config import DataConfig, PipelineConfig, TrainConfig
from stages.config.device import Device, DeviceCost
from stages.etl import source
from stages.etl.readers import read_revision
from stages.memo import CachedContent
from stages.parts import ENGINES, TASKS
from stages.runtime.errors import ConfigError
from stages.settings import Settings
from stages.store import Store
from stages.train.cost.device.measuring import CannotRun, measured
from stages.train.cost.device.untrained_network import packed, windows_of
from stages.train.cost.device.untrained_weights import NetworkSpec
from stages.train.search.search_space import UNITS, Input, inputs_of


def fitted(pipeline: PipelineConfig, store: Store, settings: Settings) -> TrainConfig:
    """The pipeline's `train` with all measurements, and with the inputs that break a limit of
    `train.device` excluded; unchanged without a limit, or if they have been measured before.
    `pipeline.data` is resolved.

    Raises ConfigError if no input is left, naming the nearest one, or if the limits are those of
    another device that has not measured the inputs."""
    train = pipeline.train
    if not train.device.limits or train.device.measured:
        return train
    spec = _network_spec(pipeline, store, settings)
    table = tuple(
        _device_cost(model_input, spec, train.device, store, settings)
        for model_input in inputs_of(train)
    )
    if all(figures.why for figures in table):
        raise _nothing_fits(train.device, table)
    excluded = (*train.device.excluded, *(figures.input for figures in table if figures.why))
    device = train.device.model_copy(update={"excluded": excluded, "measured": table})
    return train.model_copy(update={"device": device})


def _network_spec(pipeline: PipelineConfig, store: Store, settings: Settings) -> NetworkSpec:
    train = pipeline.train
    return NetworkSpec(
        task=pipeline.task,
        labels=_labels(pipeline.data, pipeline.task, store, settings),
        hidden=UNITS if "hidden" in train.search_space.head else 0,
        folds=train.folds,
        ladder=pipeline.deploy.ladder,
        engine=pipeline.deploy.engine,
        kernel=max(train.search_space.kernel),
    )


def _labels(data: DataConfig, task: str, store: Store, settings: Settings) -> int:
    """How many labels the raw data has; cached by its revision."""
    readers = TASKS[task].readers

    def make() -> CachedContent:
        with source.opened(data, settings) as folder:
            rows = read_revision(folder, readers).rows
        named = {row.label for row in rows} | {box.label for row in rows for box in row.boxes}
        return CachedContent(len(named - {""}))

    code = code_of("stages.etl.readers", config=[task, *readers])
    return int(store.memo(["labels", task, data.revision], code, make).facts)


def _device_cost(
    model_input: Input, spec: NetworkSpec, device: Device, store: Store, settings: Settings
) -> DeviceCost:
    """The cost of `model_input` on the device, and why it is excluded, if it is."""
    untrained = packed(model_input, spec, store, settings)
    if untrained.why:
        return DeviceCost(input=model_input.name, why=untrained.why)
    shape = windows_of(model_input, spec.task).shape[1:]
    name, numeric, engine = model_input.name, untrained.numeric, ENGINES[spec.engine]
    try:
        figures = measured(
            name,
            untrained.network,
            numeric,
            shape,
            device.profile,
            engine,
            store=store,
            settings=settings,
        )
    except CannotRun as error:
        return DeviceCost(input=name, numeric=numeric, why=error.problem)
    return figures.model_copy(update={"why": "; ".join(device.broken(figures))})


def _nothing_fits(device: Device, table: tuple[DeviceCost, ...]) -> ConfigError:
    """The error that no input keeps the limits, with the nearest input and limits that allow it."""
    reasons = "; ".join(f"{figures.input}: {figures.why}" for figures in table)
    measured_inputs = [figures for figures in table if figures.latency_ms_p95 is not None]
    if not measured_inputs:
        return ConfigError(f"No model family can be packed. {reasons}.", "Name other families.")
    nearest = min(measured_inputs, key=lambda figures: max(_limit_ratios(figures, device).values()))
    needed = " and ".join(
        f"train.device.{name} to {_rounded_up(device.limits[name] * over):g}"
        for name, over in _limit_ratios(nearest, device).items()
        if over > 1
    )
    return ConfigError(
        f"Nothing fits the limits of train.device. {reasons}.",
        f"The nearest is {nearest.input}: set {needed}, or name smaller families or "
        "train.input_sizes.",
    )


def _limit_ratios(figures: DeviceCost, device: Device) -> dict[str, float]:
    """For each limit, the measured value divided by the limit."""
    return {name: getattr(figures, name) / limit for name, limit in device.limits.items()}


def _rounded_up(value: float) -> float:
    """`value` and a tenth, to two digits."""
    return float(f"{1.1 * value:.2g}")
