"""Which inputs a device's limits let take part: decided once, when a run is pinned."""

from stages.config import DataConfig, PipelineConfig, TrainConfig
from stages.config.device import Device, Measured
from stages.etl import source
from stages.etl.readers import read_folder
from stages.parts import TASKS
from stages.runtime.errors import ConfigError, InfrastructureError, WorkflowError
from stages.settings import Settings
from stages.store import Store
from stages.train.device.machine import is_here, name_of
from stages.train.device.measuring import measured, remembered
from stages.train.device.untrained import Asked, packed, windows_of
from stages.train.sources import version_of
from stages.train.space import Input, inputs_of

CODE = ("models/*.py", "deploy/exporters/*.py", "deploy/compressors/*.py", "train/device/*.py")
PACKAGES = ("paddlepaddle", "paddle2onnx", "onnx", "onnxruntime")


def fitted(pipeline: PipelineConfig, store: Store, settings: Settings) -> TrainConfig:
    """The pipeline's `train` with the inputs that break a limit of `train.device` named, and all
    that was measured; unchanged without a limit, or if that is known. `pipeline.data` is pinned.

    Raises ConfigError if nothing is left, with what came nearest."""
    train = pipeline.train
    if not train.device.limits or train.device.measured:
        return train
    asked = _asked(pipeline, store, settings)
    table = tuple(_figures(one, asked, train.device, store, settings) for one in inputs_of(train))
    if all(one.why for one in table):
        raise _nothing_fits(train.device, table)
    left_out = (*train.device.left_out, *(one.input for one in table if one.why))
    device = train.device.model_copy(update={"left_out": left_out, "measured": table})
    return train.model_copy(update={"device": device})


def _asked(pipeline: PipelineConfig, store: Store, settings: Settings) -> Asked:
    from stages.train.fitting import HIDDEN

    train = pipeline.train
    return Asked(
        task=pipeline.task,
        labels=_labels(pipeline.data, pipeline.task, store, settings),
        hidden=HIDDEN if "hidden" in train.space.head else 0,
        folds=train.folds,
        ladder=pipeline.deploy.ladder,
    )


def _labels(data: DataConfig, task: str, store: Store, settings: Settings) -> int:
    """How many labels the raw data has: counted once."""
    name = f"labels/{task}/{data.revision}"
    known = store.noted(name)
    if known is None:
        with source.opened(data, settings) as folder:
            rows = read_folder(folder, TASKS[task].readers).rows
        named = {one.label for one in rows} | {box.label for one in rows for box in one.boxes}
        known = {"labels": len(named - {""})}
        store.note(name, known)
    return int(known["labels"])


def _figures(
    one: Input, asked: Asked, device: Device, store: Store, settings: Settings
) -> Measured:
    """What `one` costs on the device, and why it is left out if it is."""

    def make() -> dict[str, object]:
        if not is_here(device.profile, settings):
            raise _unmeasured(one, device)
        return _measure(one, asked, device, store, settings).model_dump()

    key = {
        "input": one.name,
        "weights": one.begun.digests,
        "asked": [asked.task, asked.labels, asked.hidden, asked.folds, *asked.ladder],
        "code": version_of(CODE, PACKAGES),
    }
    found = Measured.model_validate(remembered(store, key, device.profile, make))
    why = found.why or "; ".join(device.broken(found))
    return found.model_copy(update={"why": why})


def _measure(
    one: Input, asked: Asked, device: Device, store: Store, settings: Settings
) -> Measured:
    try:
        network, numeric = packed(one, asked, settings)
        shape = windows_of(one, asked.task).shape[1:]
        return measured(one.name, network, numeric, shape, device.profile, store)
    except InfrastructureError:
        raise
    except WorkflowError as error:
        return Measured(input=one.name, why=error.problem)


def _unmeasured(one: Input, device: Device) -> ConfigError:
    return ConfigError(
        f"train.device.profile: the store has no figures of '{name_of(device.profile)}' for "
        f"{one.name}.",
        f"Run `aiwf plan` with this pipeline on that device, with this store and AIWF_DEVICE set "
        f"to '{device.profile}', or leave the profile out to measure here.",
    )


def _nothing_fits(device: Device, table: tuple[Measured, ...]) -> ConfigError:
    """That no input holds the limits, which came nearest, and what would let it in."""
    told = "; ".join(f"{one.input}: {one.why}" for one in table)
    limits = device.limits
    whole = [one for one in table if all(getattr(one, name) is not None for name in limits)]
    if not whole:
        return ConfigError(f"No model family can be packed. {told}.", "Name others.")

    def over(one: Measured) -> float:
        return max(float(getattr(one, name)) / limit for name, limit in limits.items())

    nearest = min(whole, key=over)
    needed = " and ".join(
        f"train.device.{name} to {_upwards(getattr(nearest, name)):g}"
        for name, limit in limits.items()
        if getattr(nearest, name) > limit
    )
    return ConfigError(
        f"Nothing fits the limits of train.device. {told}.",
        f"The nearest is {nearest.input}: set {needed}, or name smaller families or "
        "train.input_sizes.",
    )


def _upwards(value: float) -> float:
    """`value` with a tenth to spare, in two digits."""
    return float(f"{1.1 * value:.2g}")
