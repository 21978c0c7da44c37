"""The steps before and after the network of an input: those of its task, and for one that answers
mirror images, too, those that make them and take the mean of both answers."""

from collections.abc import Sequence

from stages.artifacts import Dataset, Step
from stages.parts import TASKS
from stages.train.search.search_space import Input

MIRRORED, MEAN = Step(step="mirrored"), Step(step="mean_of_windows")


def before_of(model_input: Input, dataset: Dataset) -> tuple[Step, ...]:
    """From the bytes of a sample of `dataset` to the windows that the network takes."""
    task = TASKS[dataset.task]()
    before: tuple[Step, ...] = task.before(
        model_input.initialised_family, model_input.size, dataset
    )
    return (*before, MIRRORED) if model_input.mirrored else before


def after_of(model_input: Input, task: str, labels: Sequence[str]) -> tuple[Step, ...]:
    """From the network's outputs for a sample's windows to scores of `labels`."""
    after: tuple[Step, ...] = TASKS[task]().after(
        model_input.initialised_family, model_input.size, labels
    )
    return (MEAN, *after) if model_input.mirrored else after
