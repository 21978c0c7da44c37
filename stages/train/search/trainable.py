"""Ray's side of a search: an actor that teaches legs of trials one after another."""

import time
from typing import Any

from ray import tune

from stages.models.arrays import pack_arrays
from stages.train.heads.out_of_fold import arrays_of
from stages.train.heads.problem import Problem
from stages.train.heads.windows import Windows
from stages.train.search.successive_halving import TrialResult

PAUSE = 1.0  # seconds between two words about a leg
MOST_FITS = 8  # trials that an actor can go on with; others begin again and come to the same


class TrialTrainable(tune.Trainable):  # type: ignore[misc]
    """Teaches the trial of its config up to the leg's epochs, and tells of it now and then; reused
    for leg after leg."""

    def setup(self, config: dict[str, Any], problem: Problem, patience: int) -> None:
        import paddle

        paddle.set_device("cpu")
        self.problem = problem
        self.patience = patience
        self.known: dict[int, Any] = {}
        self.standards: dict[str, Any] = {}
        self.leg = config

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self.leg = new_config
        return True

    def step(self) -> dict[str, Any]:
        fit = self._fit()
        if not self._taught(fit):
            return {"curve": fit.curve}
        rows, logits = fit.unseen()
        unseen = arrays_of(rows, logits, fit.temperature())
        arrays = pack_arrays({**fit.arrays(), **unseen})
        exhausted = fit.exhausted(self.patience)
        result = TrialResult(fit.best.measures, fit.best.epoch, exhausted, fit.curve, arrays)
        return {"done": True, "taught": result}

    def save_checkpoint(self, checkpoint_dir: str) -> dict[str, Any]:
        return {}

    def load_checkpoint(self, checkpoint: Any) -> None: ...

    def _taught(self, fit: Any) -> bool:
        """Teach until the leg is done, or it is time for a word; whether it is done. When words are
        told changes nothing: epochs do not know of each other's company."""
        report_at = time.monotonic() + PAUSE
        while len(fit.curve) < self.leg["epochs"] and not fit.exhausted(self.patience):
            if time.monotonic() > report_at:
                return False
            fit.fit(len(fit.curve) + 1, self.patience)
        return True

    def _fit(self) -> Any:
        """The trial as it was left, if it was taught here; else a new one."""
        number = self.leg["number"]
        fit = self.known.pop(number, None) or self._begun()
        self.known[number] = fit
        while len(self.known) > MOST_FITS:
            self.known.pop(next(iter(self.known)))
        return fit

    def _begun(self) -> Any:
        """A frozen backbone's features are taught a head; windows, a network from scratch."""
        hyperparameters = self.leg["hyperparameters"]
        name = hyperparameters["input"]
        if isinstance(self.problem.features[name], Windows):
            from stages.train.heads.scratch_fit import ScratchFit

            return ScratchFit(self.problem, hyperparameters)
        from stages.train.heads.head_fit import HeadsFit, Standard

        if name not in self.standards:
            self.standards[name] = Standard(self.problem, name)
        return HeadsFit(self.problem, self.standards[name], hyperparameters)
