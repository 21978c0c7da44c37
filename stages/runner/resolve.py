"""Pins what a pipeline leaves open: the data's revision, what its minutes allow."""

from stages.config import DataConfig, PipelineConfig
from stages.etl import source
from stages.settings import Settings
from stages.train import trainer_of
from stages.train.suits import check_suits


def resolve(pipeline: PipelineConfig, settings: Settings) -> PipelineConfig:
    """`pipeline` with its newest data revision and its number of trials filled in.

    Raises ConfigError if there is no such data or a part is not for the task, BudgetTooSmall if
    nothing could be trained."""
    check_suits(pipeline)
    found = source.find(pipeline.data, settings)
    if not found.samples and not pipeline.train.trials:  # known from a remote by its name alone
        found = source.counted(found, settings)
    data = DataConfig(name=found.name, revision=found.revision)
    train = trainer_of(pipeline.task).pinned(
        pipeline.train, found.samples, pipeline.etl.views, settings.machine_speed
    )
    return pipeline.model_copy(update={"data": data, "train": train})
