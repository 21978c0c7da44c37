"""All that a search needs, before it begins: scenes, published weights, frozen fronts."""

from stages.artifacts import Dataset
from stages.config import TrainConfig
from stages.parts import FAMILIES, TASKS
from stages.settings import Settings
from stages.store import Store
from stages.tracking import Run
from stages.train.cost.detection_budget import seconds
from stages.train.detection.detection_problem import Asked, Problem
from stages.train.detection.frozen_stem import front_of
from stages.train.detection.scenes import scenes_of
from stages.train.heads.backbone import backbone_file
from stages.train.search.search_space import Input, inputs_of


def prepare(
    dataset: Dataset, train: TrainConfig, *, store: Store, run: Run, settings: Settings
) -> Problem:
    """Decode the taught pictures, read the published weights, export the fronts. Raises
    DataError if the dataset cannot teach, and what `backbone_file` raises."""
    inputs = inputs_of(train)
    largest = max(one.size for one in inputs)
    scenes = scenes_of(dataset, store, largest, settings.threads)
    published, fronts = {}, {}
    families = {one.family: one.initialised_family for one in inputs}
    for place, (name, family) in enumerate(families.items()):
        run.progress("backbones", place, len(families))
        published[name] = family.load(settings)
        fronts[name] = front_of(backbone_file(family, store, settings).path)
    run.progress("backbones", len(families), len(families))
    asked = {one.name: _asked(one, dataset, fronts[one.family]) for one in inputs}
    return Problem(scenes, dataset.labels, asked, published, train.epochs)


def _asked(one: Input, dataset: Dataset, front: bytes) -> Asked:
    task, family = TASKS[dataset.task](), FAMILIES[one.family]
    before = task.before(family, one.size, dataset)
    after = task.after(family, one.size, dataset.labels)
    first, last = (tuple(step.model_dump() for step in part) for part in (before, after))
    return Asked(one, front, first, last, seconds(one))
