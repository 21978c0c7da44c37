"""Trains detectors: several trials are trained side by side for a few epochs, then all cores train
the best one to the end."""

from stages.artifacts import Dataset, Model
from stages.config import TrainConfig
from stages.resources import Resources
from stages.store import Store
from stages.tracking import Run
from stages.train.cost.estimate import Estimate
from stages.train.search.successive_halving import Trial


class Detectors:
    """The trainer `detectors` (`stages.train.Trainer`). The frozen stem of a backbone keeps its
    published weights; the layers behind it, a neck and a head are trained. A trial is an input,
    learning rates, a weight decay and a batch size."""

    def resolve(self, config: TrainConfig, samples: int, views: int, speed: float) -> TrainConfig:
        """`config` with the epochs and trials that `train.budget_minutes` allow (`plan`); unchanged
        if `train.trials` is set. `views` has no effect: every epoch has new augmented views
        anyway."""
        from stages.train.cost.detection_budget import plan

        return config if config.trials else plan(config, samples, speed)

    def estimate(
        self, config: TrainConfig, samples: int, views: int, resources: Resources
    ) -> Estimate:
        """Minutes, memory and disk for `samples` pictures."""
        from stages.train.cost.detection_estimate import of_detectors

        return of_detectors(config, samples, resources.speed)

    def train(
        self, dataset: Dataset, config: TrainConfig, *, store: Store, run: Run, resources: Resources
    ) -> Model:
        """Search for the best detector of `dataset`, save it, and let the search's caches and
        checkpoint expire. Raises what `stages.train.train` raises."""
        from stages.train.cost.detection_budget import first_rung_epochs
        from stages.train.detection.detector_model import save_model
        from stages.train.detection.detector_search import cache_of, search
        from stages.train.detection.preparation import prepare
        from stages.train.distributed import release
        from stages.train.search.recorder import Recorder

        samples = dataset.train_and_validation
        resolved = self.resolve(config, samples, dataset.views, resources.speed)
        trials = resolved.trials or 1
        problem = prepare(dataset, resolved, store=store, run=run, resources=resources)
        recorder = Recorder(run, trials, "ap50", minutes=_minutes)
        total_epochs = resolved.epochs + (trials - 1) * first_rung_epochs(resolved.epochs)
        done = 0

        def report_epochs(epochs: int) -> None:
            nonlocal done
            done += epochs
            run.progress("epochs", done, total_epochs)

        found = search(
            problem,
            resolved,
            trials,
            resources,
            recorder.report_rung,
            report_epochs,
            recorder.epoch,
            store=store,
        )
        recorder.report_search(found.trials, found.chosen)
        model = save_model(dataset, problem, resolved, found, store=store)
        cache_of(problem, store).done()
        release(found.training, store, resources)
        return model


def _minutes(trial: Trial) -> float:
    """The minutes of the reference machine that a trial took, computed, from its curve."""
    return trial.result.curve[-1]["minutes"] if trial.result else 0.0
