"""What a worker does while trials are compared: it trains them alone, one at a time."""

from typing import NamedTuple

from stages.train.detection.detection_problem import DetectionProblem
from stages.train.detection.detector_fit import DetectorFit
from stages.train.detection.progress import Progress, answers_by, is_validated, validated
from stages.train.distributed.executor import Work
from stages.train.search.successive_halving import RungBudget


class RacePiece(NamedTuple):
    """Train the trial of `budget` up to its epochs, from `progress` on."""

    budget: RungBudget
    progress: Progress

    def __str__(self) -> str:
        return f"Trial {self.budget.number} with {self.budget.hyperparameters}"


class RaceWorker:
    """Trains detectors of one problem."""

    def __init__(self, problem: DetectionProblem) -> None:
        import paddle

        paddle.set_device("cpu")
        self.problem = problem

    def work(self, piece: RacePiece) -> Work:
        """Yields each epoch's number with the curve so far and, if it was validated, the progress,
        whose state is large; returns the progress at the end."""
        (budget, progress), whole = piece, self.problem.epochs
        fit = DetectorFit(self.problem, budget.hyperparameters, state=progress.state)
        for epoch in range(progress.epoch + 1, budget.epochs + 1):
            fit.train_epoch()
            was_validated = is_validated(epoch, budget.epochs, whole)
            if was_validated:
                progress = validated(fit, answers_by(fit, fit.arrays(), 0, 1), progress)
            yield epoch, progress.curve, progress if was_validated else None
        return progress
