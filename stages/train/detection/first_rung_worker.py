"""Trains trials up to the first rung, side by side: each by one worker alone, one at a time."""

from typing import NamedTuple

from stages.train.detection.detection_problem import DetectionProblem
from stages.train.detection.detector_fit import DetectorFit
from stages.train.detection.progress import Progress, add_validation, answers_by, is_validated
from stages.train.distributed.executor import Work
from stages.train.search.successive_halving import RungBudget


class FirstRungPiece(NamedTuple):
    """A piece of work: train the trial of `rung` up to its epochs, from `progress` on."""

    rung: RungBudget
    progress: Progress

    def __str__(self) -> str:
        return f"Trial {self.rung.number} with {self.rung.hyperparameters}"


class FirstRungWorker:
    """Trains detectors of one problem, on the CPU: an executor's PieceWorker."""

    def __init__(self, problem: DetectionProblem) -> None:
        import paddle

        paddle.set_device("cpu")
        self.problem = problem

    def work(self, piece: FirstRungPiece) -> Work:
        """Train a piece: yields after each epoch its number, the curve so far, and the progress if
        the epoch was validated, else None, since the progress is large; returns the last
        progress."""
        rung, progress = piece
        fit = DetectorFit(self.problem, rung.hyperparameters, state=progress.state)
        for epoch in range(progress.epoch + 1, rung.epochs + 1):
            fit.train_epoch()
            was_validated = is_validated(epoch, rung.epochs, self.problem.epochs)
            if was_validated:
                progress = add_validation(fit, answers_by(fit, fit.arrays(), 0, 1), progress)
            yield epoch, progress.curve, progress if was_validated else None
        return progress
