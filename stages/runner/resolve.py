"""Pins what a pipeline leaves open: the data's revision, which families take part, what its device
and its minutes allow."""

from functools import partial

from stages.config import DataConfig, PipelineConfig
from stages.deploy.emulation import check_emulators
from stages.deploy.engines import check_engine
from stages.etl import source
from stages.opening import open_store
from stages.settings import Settings
from stages.train import trainer_of
from stages.train.cost.compatibility import check_compatibility
from stages.train.cost.device.device_limits import fitted
from stages.train.cost.selected_families import affordable, with_weights


def resolve(pipeline: PipelineConfig, settings: Settings) -> PipelineConfig:
    """`pipeline` with its newest data revision, the families that take part, what its device leaves
    out, and its number of trials filled in.

    Raises ConfigError if there is no such data, a part is not for the task, no weights, engine or
    emulator are at hand or nothing fits the device, BudgetTooSmall if nothing could be trained."""
    check_compatibility(pipeline)
    check_engine(pipeline.deploy)
    check_emulators(pipeline.deploy)
    found = source.find(pipeline.data, settings)
    if found.tested is None and not pipeline.train.trials:  # from a remote, or an older list
        found = source.counted(found, settings)
    data = DataConfig(name=found.name, revision=found.revision)
    initialised = with_weights(pipeline.task, pipeline.train, settings)
    prepared = pipeline.model_copy(update={"data": data, "train": initialised})
    train = fitted(prepared, open_store(settings), settings)
    resolve_train = trainer_of(pipeline.task).resolve
    if not pipeline.train.families:
        resolve_train = partial(affordable, trainer_of(pipeline.task))
    samples = found.training_samples(pipeline.etl.splits.test)
    resolved = resolve_train(train, samples, pipeline.etl.views, settings.machine_speed)
    return prepared.model_copy(update={"train": resolved})
