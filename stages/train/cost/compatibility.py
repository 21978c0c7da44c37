"""Checks that a pipeline names only parts that its task can use, before any work is done."""

from stages.config import PipelineConfig, TrainConfig
from stages.config.augmentations import Changes
from stages.etl.augment import resolve_augmentations
from stages.parts import AUGMENTATIONS, FAMILIES, TASKS
from stages.runtime.errors import ConfigError
from stages.tasks import Task, is_compatible

FINETUNE_AUGMENTATIONS = "train.finetune.augmentations"


def check_compatibility(pipeline: PipelineConfig) -> None:
    """Raise ConfigError, naming the key and the compatible alternatives, if a model family, an
    augmentation or the label `other` does not fit the pipeline's task."""
    task = TASKS[pipeline.task]
    compatible = [name for name in FAMILIES if is_compatible(name, pipeline.task)]
    wrong = [name for name in pipeline.train.families if name not in compatible]
    if wrong:
        raise ConfigError(
            f"train.families: '{wrong[0]}' is not for {pipeline.task}.",
            f"Take it out. There are: {', '.join(compatible)}.",
        )
    if pipeline.train.rejects and task.answers != "labels":
        raise ConfigError(
            f"train.other: {pipeline.task} has no use for it: what is none of the labels gets no "
            "box.",
            "Take it out.",
        )
    resolve_augmentations(pipeline.etl.augmentations, task.modality, task.trainer)
    _check_finetune_augmentations(pipeline.train.finetune.augmentations, task)


def _check_finetune_augmentations(augmentations: Changes, task: Task) -> None:
    """Raise ConfigError for an augmentation that does not apply to views of this task's samples."""
    resolve_augmentations(augmentations, task.modality, task.trainer, FINETUNE_AUGMENTATIONS)
    for name in (name for entry in augmentations for name in entry):
        if "batch" in AUGMENTATIONS[name].after:
            raise ConfigError(
                f"{FINETUNE_AUGMENTATIONS}: '{name}' changes batches, not views.",
                "Take it out. How batches are mixed is set by train.finetune.search_space.mixing.",
            )


def notices(config: TrainConfig) -> list[str]:
    """The licence notices that a user has to read, one for each family of `config` that has one."""
    return [FAMILIES[name].notice for name in config.families if FAMILIES[name].notice]
