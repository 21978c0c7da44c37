"""Prepares a search over detectors: scenes, published weights, frozen stems."""

from stages.artifacts import Dataset
from stages.config import TrainConfig
from stages.parts import FAMILIES, TASKS
from stages.resources import Resources
from stages.store import Store
from stages.tracking import Run
from stages.train.cost.detection_budget import seconds_per_image
from stages.train.detection.detection_problem import DetectionProblem, DetectorInput
from stages.train.detection.frozen_stem import stem_of
from stages.train.detection.scenes import scenes_of
from stages.train.heads.backbone import backbone_file
from stages.train.search.search_space import Input, inputs_of


def prepare(
    dataset: Dataset, config: TrainConfig, *, store: Store, run: Run, resources: Resources
) -> DetectionProblem:
    """Decode the training pictures, read the published weights, export the stems. Raises DataError
    if the dataset cannot be trained on, and what `backbone_file` raises."""
    inputs = inputs_of(config)
    largest = max(model_input.size for model_input in inputs)
    scenes = scenes_of(dataset, store, largest, resources.cores)
    published, stems = {}, {}
    families = {model_input.family: model_input.initialised_family for model_input in inputs}
    for place, (name, family) in enumerate(families.items()):
        run.progress("backbones", place, len(families))
        published[name] = family.load(resources)
        stems[name] = stem_of(backbone_file(family, store, resources).path)
    run.progress("backbones", len(families), len(families))
    detector_inputs = {
        model_input.name: _detector_input(model_input, dataset, stems[model_input.family])
        for model_input in inputs
    }
    return DetectionProblem(scenes, dataset.labels, detector_inputs, published, config.epochs)


def _detector_input(model_input: Input, dataset: Dataset, stem: bytes) -> DetectorInput:
    task, family = TASKS[dataset.task](), FAMILIES[model_input.family]
    before = task.before(family, model_input.size, dataset)
    after = task.after(family, model_input.size, dataset.labels)
    first, last = (tuple(step.model_dump() for step in part) for part in (before, after))
    return DetectorInput(model_input, stem, first, last, seconds_per_image(model_input))
