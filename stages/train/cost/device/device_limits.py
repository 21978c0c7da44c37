"""Which inputs a device's limits let take part: decided once, when a run is resolved."""

from stages.closure import code_of
from stages.config import DataConfig, PipelineConfig, TrainConfig
from stages.config.device import Device, DeviceCost
from stages.etl import source
from stages.etl.readers import read_folder
from stages.memo import CachedContent
from stages.parts import ENGINES, TASKS
from stages.runtime.errors import ConfigError
from stages.settings import Settings
from stages.store import Store
from stages.train.cost.device.measuring import CannotRun, measured
from stages.train.cost.device.untrained_network import packed, windows_of
from stages.train.cost.device.untrained_weights import Asked
from stages.train.search.search_space import UNITS, Input, inputs_of


def fitted(pipeline: PipelineConfig, store: Store, settings: Settings) -> TrainConfig:
    """The pipeline's `train` with the inputs that break a limit of `train.device` named, and all
    that was measured; unchanged without a limit, or if that is known. `pipeline.data` is resolved.

    Raises ConfigError if nothing is left, with what came nearest, or if the limits are those of
    another device that has not measured them."""
    train = pipeline.train
    if not train.device.limits or train.device.measured:
        return train
    asked = _asked(pipeline, store, settings)
    table = tuple(_held(one, asked, train.device, store, settings) for one in inputs_of(train))
    if all(one.why for one in table):
        raise _nothing_fits(train.device, table)
    excluded = (*train.device.excluded, *(one.input for one in table if one.why))
    device = train.device.model_copy(update={"excluded": excluded, "measured": table})
    return train.model_copy(update={"device": device})


def _asked(pipeline: PipelineConfig, store: Store, settings: Settings) -> Asked:
    train = pipeline.train
    return Asked(
        task=pipeline.task,
        labels=_labels(pipeline.data, pipeline.task, store, settings),
        hidden=UNITS if "hidden" in train.search_space.head else 0,
        folds=train.folds,
        ladder=pipeline.deploy.ladder,
        engine=pipeline.deploy.engine,
        kernel=max(train.search_space.kernel),
    )


def _labels(data: DataConfig, task: str, store: Store, settings: Settings) -> int:
    """How many labels the raw data has: counted once."""
    readers = TASKS[task].readers

    def make() -> CachedContent:
        with source.opened(data, settings) as folder:
            rows = read_folder(folder, readers).rows
        named = {one.label for one in rows} | {box.label for one in rows for box in one.boxes}
        return CachedContent(len(named - {""}))

    code = code_of("stages.etl.readers", config=[task, *readers])
    return int(store.memo(["labels", task, data.revision], code, make).facts)


def _held(one: Input, asked: Asked, device: Device, store: Store, settings: Settings) -> DeviceCost:
    """What `one` costs on the device, and why it is left out if it is."""
    made = packed(one, asked, store, settings)
    if made.why:
        return DeviceCost(input=one.name, why=made.why)
    network, numeric, shape = made.network, made.numeric, windows_of(one, asked.task).shape[1:]
    engine, profile = ENGINES[asked.engine], device.profile
    try:
        figures = measured(
            one.name, network, numeric, shape, profile, engine, store=store, settings=settings
        )
    except CannotRun as error:
        return DeviceCost(input=one.name, numeric=numeric, why=error.problem)
    return figures.model_copy(update={"why": "; ".join(device.broken(figures))})


def _nothing_fits(device: Device, table: tuple[DeviceCost, ...]) -> ConfigError:
    """That no input holds the limits, which came nearest, and what would let it in."""
    told = "; ".join(f"{one.input}: {one.why}" for one in table)
    whole = [one for one in table if one.latency_ms_p95 is not None]
    if not whole:
        return ConfigError(f"No model family can be packed. {told}.", "Name other families.")
    nearest = min(whole, key=lambda one: max(_over(one, device).values()))
    needed = " and ".join(
        f"train.device.{name} to {_upwards(device.limits[name] * over):g}"
        for name, over in _over(nearest, device).items()
        if over > 1
    )
    return ConfigError(
        f"Nothing fits the limits of train.device. {told}.",
        f"The nearest is {nearest.input}: set {needed}, or name smaller families or "
        "train.input_sizes.",
    )


def _over(figures: DeviceCost, device: Device) -> dict[str, float]:
    """For each limit how many times it is taken."""
    return {name: getattr(figures, name) / limit for name, limit in device.limits.items()}


def _upwards(value: float) -> float:
    """`value` with a tenth to spare, in two digits."""
    return float(f"{1.1 * value:.2g}")
