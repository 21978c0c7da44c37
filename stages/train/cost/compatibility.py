"""Whether a pipeline names only parts that its task can use; known before any work is done."""

from stages.config import PipelineConfig, TrainConfig
from stages.config.augmentations import Changes
from stages.etl.augment import resolve_augmentations
from stages.parts import AUGMENTATIONS, FAMILIES, TASKS
from stages.runtime.errors import ConfigError
from stages.tasks import Task

FURTHER = "train.finetune.augmentations"


def check_compatibility(pipeline: PipelineConfig) -> None:
    """Raise ConfigError, naming the key and what does suit, if a model family, an augmentation or
    a label `other` is not for the pipeline's task."""
    task = TASKS[pipeline.task]
    fitting = [name for name in FAMILIES if is_compatible(name, pipeline.task)]
    wrong = [name for name in pipeline.train.families if name not in fitting]
    if wrong:
        raise ConfigError(
            f"train.families: '{wrong[0]}' is not for {pipeline.task}.",
            f"Take it out. There are: {', '.join(fitting)}.",
        )
    if pipeline.train.rejects and task.answers != "labels":
        raise ConfigError(
            f"train.other: {pipeline.task} has no use for it: what is none of the labels gets no "
            "box.",
            "Take it out.",
        )
    resolve_augmentations(pipeline.etl.augmentations, task.modality, task.trainer)
    _check_further(pipeline.train.finetune.augmentations, task)


def _check_further(augmentations: Changes, task: Task) -> None:
    """Raise ConfigError for one that is not for views of this task's samples."""
    resolve_augmentations(augmentations, task.modality, task.trainer, FURTHER)
    for name in (name for entry in augmentations for name in entry):
        if "batch" in AUGMENTATIONS[name].after:
            raise ConfigError(
                f"{FURTHER}: '{name}' changes batches, not views.",
                "Take it out. What tails are mixed with says train.finetune.search_space.mixing.",
            )


def is_compatible(family: str, task: str) -> bool:
    """Whether `task` can use `family`: by the same trainer, on what its steps can give."""
    one, wanted = FAMILIES[family], TASKS[task]
    return one.trainer == wanted.trainer and one.takes in wanted.takes


def notices(train: TrainConfig) -> list[str]:
    """What a person has to know of the licences of the families that `train` names."""
    return [FAMILIES[name].notice for name in train.families if FAMILIES[name].notice]
