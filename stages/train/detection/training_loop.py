"""Trains a detector to the end: the loop that each worker of a process group runs."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stages.models.arrays import pack_arrays, unpack_arrays
from stages.train.cost.detection_budget import BATCH_PARTS
from stages.train.detection.detection_problem import DetectionProblem
from stages.train.detection.detector_fit import DetectorFit
from stages.train.detection.progress import Progress, add_validation, answers_by, is_validated
from stages.train.distributed import TrainContext
from stages.train.distributed.batch_shards import sum_over_shards
from stages.train.search.successive_halving import RungBudget

WEIGHTS = "weights.npz"


@dataclass(frozen=True)
class DetectorTraining:
    """The data that all workers share: train the trial of `rung` up to its epochs, from `progress`
    on."""

    problem: DetectionProblem
    rung: RungBudget
    progress: Progress


def loop(context: TrainContext, training: DetectorTraining) -> None:
    """Train a trial together with the other workers of the group, each one half of every batch; a
    single worker computes both. Resumes from the last checkpoint of `context`, which is saved at
    each validation and at the end; the last one also has the weights that ship."""
    problem, rung = training.problem, training.rung
    checkpoint = context.restored()
    progress = Progress.load(checkpoint) if checkpoint else training.progress
    fit = DetectorFit(problem, rung.hyperparameters, state=progress.state)
    while fit.epoch < rung.epochs:
        for _ in range(fit.steps):
            fit.step(sum_over_shards(context.group, BATCH_PARTS, fit.half_batch_gradient))
        if is_validated(fit.epoch, rung.epochs, problem.epochs):
            progress = add_validation(fit, _answers(context, fit), progress)
            context.report(_report(fit, progress), progress.save)
        else:
            context.report(_report(fit, progress))
    weights = fit.arrays()
    context.report(_report(fit, progress), lambda folder: _save(folder, progress, weights))


def load_training(folder: Path) -> tuple[Progress, dict[str, Any]]:
    """The progress, and the weights by name, of the checkpoint in `folder` of a loop that has
    finished."""
    return Progress.load(folder), unpack_arrays((folder / WEIGHTS).read_bytes())


def _answers(context: TrainContext, fit: DetectorFit) -> list[Any]:
    """The predictions for all validation samples, with the running mean of weights; each worker
    predicts a part, and all get all of them."""
    group = context.group
    parts = group.gather(answers_by(fit, fit.arrays(), group.rank, group.world))
    return [parts[k % group.world][k // group.world] for k in range(sum(map(len, parts)))]


def _report(fit: DetectorFit, progress: Progress) -> dict[str, Any]:
    return {"epoch": fit.epoch, "curve": progress.curve}


def _save(folder: Path, progress: Progress, weights: dict[str, Any]) -> None:
    progress.save(folder)
    (folder / WEIGHTS).write_bytes(pack_arrays(weights))
