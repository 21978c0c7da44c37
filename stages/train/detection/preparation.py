"""Prepares a search over detectors: decodes scenes, loads published weights, exports frozen
stems."""

from stages.artifacts import Dataset
from stages.config import TrainConfig
from stages.models.detector import PRIOR_STRIDES
from stages.parts import TASKS
from stages.resources import Resources
from stages.store import Store
from stages.tracking import Run
from stages.train.cost.detection_budget import passes_of, seconds_per_image
from stages.train.detection.detection_problem import DetectionProblem, DetectorInput
from stages.train.detection.frozen_stem import stem_of
from stages.train.detection.prior_sizes import prior_sizes
from stages.train.detection.scenes import scenes_of
from stages.train.heads.backbone import backbone_file
from stages.train.search.search_space import Input, inputs_of


def prepare(
    dataset: Dataset, config: TrainConfig, *, store: Store, run: Run, resources: Resources
) -> DetectionProblem:
    """The problem of a search over detectors of `dataset`. Reports progress to `run`. Raises
    DataError if the dataset cannot be trained on (`scenes_of`), and what `backbone_file` raises."""
    inputs = inputs_of(config)
    largest = max(model_input.size for model_input in inputs)
    scenes = scenes_of(dataset, store, largest, resources.cores)
    published, stems = {}, {}
    families = {model_input.family: model_input.initialised_family for model_input in inputs}
    for index, (name, family) in enumerate(families.items()):
        run.progress("backbones", index, len(families))
        published[name] = family.load(resources)
        stems[name] = stem_of(backbone_file(family, store, resources).path)
    run.progress("backbones", len(families), len(families))
    passes = passes_of(inputs)
    shares = prior_sizes(scenes.training, len(PRIOR_STRIDES))
    detector_inputs = {
        model_input.name: _detector_input(
            model_input, dataset, stems[model_input.family], shares, passes[model_input.name]
        )
        for model_input in inputs
    }
    return DetectionProblem(
        scenes=scenes,
        labels=dataset.labels,
        inputs=detector_inputs,
        published=published,
        epochs=config.epochs,
    )


def _detector_input(
    model_input: Input, dataset: Dataset, stem: bytes, shares: list[list[float]], passes: float
) -> DetectorInput:
    task, family = TASKS[dataset.task](), model_input.initialised_family.with_prior_sizes(shares)
    before = task.before(family, model_input.size, dataset)
    after = task.after(family, model_input.size, dataset.labels)
    steps_before, steps_after = (
        tuple(step.model_dump() for step in steps) for steps in (before, after)
    )
    return DetectorInput(
        model_input=model_input,
        family=family,
        stem=stem,
        before=steps_before,
        after=steps_after,
        seconds=seconds_per_image(model_input),
        passes=passes,
    )
