"""Checks that a pipeline names only parts that its task can use, before any work is done."""

from collections.abc import Sequence
from math import gcd

from stages.config import PipelineConfig, TrainConfig
from stages.config.augmentations import Changes
from stages.etl.augment import resolve_augmentations
from stages.models.genotype import parse
from stages.parts import AUGMENTATIONS, FAMILIES, TASKS
from stages.runtime.errors import ConfigError
from stages.tasks import Task, is_compatible
from stages.train.cost.selected_families import default_families, takes_sizes

SINGLE_WINDOW = ("microcontroller", "executable", "android", "ios")  # targets
FINETUNE_AUGMENTATIONS = "train.finetune.augmentations"


def check_compatibility(pipeline: PipelineConfig) -> None:
    """Raise ConfigError, naming the key and the compatible alternatives, if a model family, a size
    of pictures, an augmentation or the label `other` does not fit the pipeline's task."""
    task = TASKS[pipeline.task]
    compatible = [name for name in FAMILIES if is_compatible(name, pipeline.task)]
    wrong = [name for name in pipeline.train.families if name not in compatible]
    if wrong:
        raise ConfigError(
            f"train.families: '{wrong[0]}' is not for {pipeline.task}.",
            f"Take it out. There are: {', '.join(compatible)}.",
        )
    _check_architecture(pipeline.train, task)
    _check_sizes(pipeline.train, pipeline.task)
    _check_mirrored(pipeline, task)
    if pipeline.train.rejects and task.answers != "labels":
        raise ConfigError(
            f"train.other: {pipeline.task} has no use for it: what is none of the labels gets no "
            "box.",
            "Take it out.",
        )
    resolve_augmentations(pipeline.etl.augmentations, task.modality, task.trainer)
    _check_finetune_augmentations(pipeline.train.finetune.augmentations, task)


def _check_architecture(config: TrainConfig, task: Task) -> None:
    """Raise ConfigError for what does not go with `train.architecture`, or not without it."""
    searched = [name for name in config.families if FAMILIES[name].searched]
    for genotype in config.genotypes.values():
        parse(genotype)
    counted = [name for name in ("parameters", "macs") if getattr(config.device, name) is not None]
    if config.architecture != "search":
        if config.picked:
            raise ConfigError(
                "train.picked: it names a trial of an architecture search.",
                "Set train.architecture to search.",
            )
        if searched and not config.genotypes:
            raise ConfigError(
                f"train.families: '{searched[0]}' has no architecture of its own.",
                "Set train.architecture to search, or name found@RUN, whose search found one.",
            )
        if counted:
            raise ConfigError(
                f"train.device.{counted[0]} is counted for searched architectures alone.",
                "Set train.architecture to search, or limit size_mb, latency_ms_p95 or memory_mb.",
            )
        return
    if task.answers != "labels":
        raise ConfigError(
            f"train.architecture: architectures are not searched for {task.name}.", "Take it out."
        )
    defaults = task.defaults.get("train", {}).get("families", ())
    other = [name for name in config.families if name not in {*searched, *defaults}]
    if other:
        raise ConfigError(
            f"train.families: where the architecture is searched, '{other[0]}' takes no part.",
            "Take train.families out, or train.architecture.",
        )
    if config.picked:
        parse(config.picked.hyperparameters.genotype)
    elif config.device.limits:
        raise ConfigError(
            f"train.device.{next(iter(config.device.limits))}: not measured for each architecture "
            "of a search.",
            "Set train.device.parameters or macs, which are counted; of what is found, aiwf pick "
            "--size-kb packs a network by the size of its file.",
        )


def _check_mirrored(pipeline: PipelineConfig, task: Task) -> None:
    """Raise ConfigError where mirror images are to be answered and cannot be."""
    if not pipeline.train.mirrored:
        return
    if (task.modality, task.answers) != ("pictures", "labels"):
        raise ConfigError(
            f"train.mirrored: {task.name} does not answer mirror images; pictures with labels do.",
            "Take it out.",
        )
    if alone := [name for name in pipeline.deploy.targets if name in SINGLE_WINDOW]:
        raise ConfigError(
            f"train.mirrored: a package for {' or '.join(alone)} answers a picture alone.",
            "Take it out, or choose other deploy.targets.",
        )


def _check_sizes(config: TrainConfig, task: str) -> None:
    """Raise ConfigError for sizes that a named family cannot take, or no family if none is
    named."""
    sizes = config.input_sizes
    for name in config.families:
        if wrong := [size for size in sizes if not takes_sizes(name, [size])]:
            raise ConfigError(
                f"train.input_sizes: {name} takes no pictures of {_listed(wrong)} pixels.",
                f"Give multiples of {FAMILIES[name].multiple}.",
            )
    if not config.families and not default_families(task, config):
        multiple = gcd(*(FAMILIES[name].multiple for name in default_families(task, config, ())))
        raise ConfigError(
            f"train.input_sizes: no family for {task} takes pictures of {_listed(sizes)} pixels.",
            f"Give multiples of {multiple}, or none: then each family has its own size.",
        )


def _listed(sizes: Sequence[int]) -> str:
    return " and ".join(map(str, sizes))


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
