"""Trains the rung budgets of a search over heads on one worker, one at a time."""

import time
from typing import Any, NamedTuple

from stages.models.arrays import pack_arrays
from stages.models.family import LAST
from stages.train.distributed.executor import Work
from stages.train.heads.out_of_fold import prediction_arrays
from stages.train.heads.problem import Problem
from stages.train.heads.windows import Windows
from stages.train.search.successive_halving import RungBudget, TrialResult

REPORT_SECONDS = 1.0  # between two reports of a trial, at least


class TrialPiece(NamedTuple):
    """A piece of work: train the trial of `rung` up to its epochs. `state`: of its fit after its
    last rung, so that any worker can resume it; None: train it from its first epoch."""

    rung: RungBudget
    state: dict[str, Any] | None = None

    def __str__(self) -> str:
        return f"Trial {self.rung.number} with {self.rung.hyperparameters}"


class TrialWorker:
    """Trains heads and networks from scratch, on the CPU. `shared`: the problem, and the patience
    (a trial is exhausted after so many epochs without a lower log loss)."""

    def __init__(self, shared: tuple[Problem, int]) -> None:
        import paddle

        paddle.set_device("cpu")
        self.problem, self.patience = shared
        self.standardised: dict[tuple[str, str], Any] = {}

    def work(self, piece: TrialPiece) -> Work:
        """Train a piece: yields the trial's curve about once a second; returns its result, and the
        state of its fit."""
        fit, rung = self._fit(piece), piece.rung
        report_at = time.monotonic() + REPORT_SECONDS
        while len(fit.curve) < rung.epochs and not fit.exhausted(self.patience):
            fit.fit(len(fit.curve) + 1, self.patience)
            if time.monotonic() > report_at:  # reports do not affect what is trained
                yield fit.curve
                report_at = time.monotonic() + REPORT_SECONDS
        return self._result(fit), fit.state()

    def _result(self, fit: Any) -> TrialResult:
        rows, logits = fit.out_of_fold_logits()
        arrays = pack_arrays({**fit.arrays(), **prediction_arrays(rows, logits, fit.temperature())})
        exhausted = fit.exhausted(self.patience)
        return TrialResult(
            measures=fit.best.measures,
            best_epoch=fit.best.epoch,
            exhausted=exhausted,
            curve=fit.curve,
            arrays=arrays,
        )

    def _fit(self, piece: TrialPiece) -> Any:
        """The fit of a piece, with the piece's state: a head on a frozen backbone's features, or a
        network from scratch on windows."""
        hyperparameters = piece.rung.hyperparameters
        name = hyperparameters["input"]
        fit: Any
        if isinstance(self.problem.features[name], Windows):
            from stages.train.heads.scratch_fit import ScratchFit

            fit = ScratchFit(self.problem, hyperparameters)
        else:
            from stages.train.heads.head_fit import fit_of
            from stages.train.heads.standardised import StandardisedFeatures

            feature_maps = hyperparameters.get("feature_maps", LAST)
            if (name, feature_maps) not in self.standardised:
                self.standardised[name, feature_maps] = StandardisedFeatures(
                    self.problem, name, feature_maps
                )
            fit = fit_of(self.problem, self.standardised[name, feature_maps], hyperparameters)
        if piece.state:
            fit.load_state(piece.state)
        return fit
