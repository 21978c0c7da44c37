"""Reports a search to the terminal or the task's log, and to MLflow."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from stages.tracking import Run, TrialProgress
from stages.tracking import TrialRecord as Tracked
from stages.train.search.successive_halving import SuccessiveHalving, Trial
from stages.train.search.trials_table import parquet, row_of

PHASE_NAMES = {
    1: "trial",
    2: "tuned",
    3: "student",
}  # a trial is shown and recorded by this and its number
SHOWN = ("input", "head", "freeze")  # hyperparameters by which a person knows a trial
Minutes = Callable[[Trial], float]


class Recorder:
    """Reports one phase of a search to `run` while it runs, and all trials when they have ended.

    `total`: the number of the phase's trials; `metric`: the one by which trials are compared;
    `minutes`: a function from a trial to the minutes of the reference machine that it takes (see
    `cost/minutes.py`). Reports the phase to `run` when it is made."""

    def __init__(
        self,
        run: Run,
        total: int,
        metric: str,
        *,
        phase: int = 1,
        minutes: Minutes = lambda _: 0.0,
    ) -> None:
        self.run, self.total, self.metric, self.phase = run, total, metric, phase
        self.minutes = minutes
        self.shares: dict[int, float] = {}  # trial -> how much of its work is done
        self.ended: set[int] = set()
        self.best: float | None = None
        run.progress(self._trials, 0, total)

    def next(self, total: int) -> "Recorder":
        """A recorder of the next phase, with `total` trials and without minutes."""
        return Recorder(self.run, total, self.metric, phase=self.phase + 1)

    def epoch(
        self,
        number: int,
        hyperparameters: Mapping[str, Any],
        epoch: int,
        epochs: int,
        curve: Sequence[Mapping[str, float]],
        ended: bool = False,
    ) -> None:
        """Report trial `number` at `epoch` of at most `epochs`; `curve`: the metrics of each
        validation so far; `ended`: it will not continue. May be called at any interval, and again
        for the same epoch after a worker was lost. Does nothing if `curve` is empty."""
        if not curve:
            return
        share = 1.0 if ended else epoch / epochs
        self.shares[number] = max(self.shares.get(number, 0.0), share)
        value = curve[-1][self.metric]
        self.run.trial(
            TrialProgress(
                name=_name(self.phase, number),
                what=" ".join(
                    str(hyperparameters[name]) for name in SHOWN if name in hyperparameters
                ),
                of=self.total,
                epoch=epoch,
                epochs=epochs,
                metric=self.metric,
                value=value,
                best=self._update_best(value),
                done=sum(self.shares.values()),
                params=hyperparameters,
                curve=tuple(curve),
                ended=ended,
            )
        )

    def report_rung(self, halving: SuccessiveHalving) -> None:
        """Report that a trial has reached a rung: the best trial so far, and the trials that have
        ended since the last call."""
        done = [trial for trial in halving.trials if trial.ended]
        best = min(
            (trial for trial in halving.trials if trial.result), key=lambda trial: trial.rank
        )
        self._update_best(abs(best.score))
        self._report_ended(done, halving.rungs[-1])
        self.run.progress(self._trials, len(done), self.total)
        self.run.log_metrics({f"best_{self.metric}": abs(best.score)}, step=len(done))

    def _report_ended(self, trials: Sequence[Trial], epochs: int) -> None:
        """Report those of `trials` that have ended since the last call."""
        for trial in [trial for trial in trials if trial.number not in self.ended]:
            self.ended.add(trial.number)
            curve = trial.result.curve if trial.result else []
            self.epoch(trial.number, trial.hyperparameters, len(curve), epochs, curve, ended=True)

    def report_search(self, trials: Sequence[Trial], chosen: Trial) -> None:
        """Record the whole search, all `trials` of all phases, in MLflow once they have ended."""
        self.run.log_trials([tracked(trial, chosen) for trial in trials])
        rows = [row_of(trial, self.minutes(trial), trial is chosen) for trial in trials]
        self.run.log_file("trials.parquet", parquet(rows))
        self._report_chosen(chosen)

    def _report_chosen(self, chosen: Trial) -> None:
        if chosen.result:
            self.run.log_metrics(
                {f"chosen_{name}": value for name, value in chosen.result.measures.items()}
            )
        self.run.log_params(
            {f"chosen_{name}": value for name, value in chosen.hyperparameters.items()}
        )

    def _update_best(self, value: float) -> float:
        """Take in a `value` of the metric; return the best one so far."""
        best = value if self.best is None else self.best
        self.best = min(best, value) if self.metric == "log_loss" else max(best, value)
        return self.best

    @property
    def _trials(self) -> str:
        return "trials" if self.phase == 1 else "fine-tuned trials"


def tracked(trial: Trial, chosen: Trial) -> Tracked:
    """The record of `trial` as a nested run of MLflow."""
    return Tracked(
        name=_name(trial.phase, trial.number),
        params=trial.hyperparameters,
        curve=trial.result.curve if trial.result else [],
        tags={
            "chosen": "yes" if trial is chosen else "no",
            "epochs": str(trial.reached),
            "phase": str(trial.phase),
        },
    )


def _name(phase: int, number: int) -> str:
    return f"{PHASE_NAMES[phase]} {number}"
