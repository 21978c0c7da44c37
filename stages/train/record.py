"""What a person and MLflow hear of a search."""

from collections.abc import Sequence

from stages.tracking import Run
from stages.tracking import Trial as Tracked
from stages.train.halving import Halving, Trial


class Recorder:
    """Tells `run` of progress while a search runs, and of every trial when it has ended."""

    def __init__(self, run: Run, total: int, metric: str) -> None:
        self.run = run
        self.total = total
        self.metric = metric
        run.progress("trials", 0, total)

    def heard(self, halving: Halving) -> None:
        """A leg has ended."""
        done = [trial for trial in halving.trials if trial.ended]
        best = min((one for one in halving.trials if one.taught), key=lambda one: one.rank)
        self.run.progress("trials", len(done), self.total)
        self.run.log_metrics({f"best_{self.metric}": abs(best.score)}, step=len(done))

    def finished(self, trials: Sequence[Trial], chosen: Trial) -> None:
        """All trials have ended."""
        self.run.log_trials([tracked(trial, chosen) for trial in trials])
        if chosen.taught:
            self.run.log_metrics(
                {f"chosen_{name}": value for name, value in chosen.taught.measures.items()}
            )
        self.run.log_params(
            {f"chosen_{name}": value for name, value in chosen.hyperparameters.items()}
        )


def tracked(trial: Trial, chosen: Trial) -> Tracked:
    """`trial` as a nested run."""
    taught = trial.taught
    return Tracked(
        name=f"trial {trial.number}",
        params=trial.hyperparameters,
        curve=taught.curve if taught else [],
        tags={"chosen": "yes" if trial is chosen else "no", "epochs": str(trial.reached)},
    )
