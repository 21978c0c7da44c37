"""Heads on features of frozen trunks, or small networks from scratch, searched over."""

from stages.artifacts import Dataset, Model
from stages.config import TrainConfig
from stages.settings import Settings
from stages.store import Store
from stages.tracking import Run


class Heads:
    """Features are computed once for each input; a trial is a head that is taught on them."""

    def pinned(self, train: TrainConfig, samples: int, views: int, speed: float) -> TrainConfig:
        """`train` with the number of trials that its minutes allow."""
        from stages.train.budget import trials_within

        trials = train.trials or trials_within(train, samples, views, speed)
        return train.model_copy(update={"trials": trials})

    def teach(
        self, dataset: Dataset, config: TrainConfig, *, store: Store, run: Run, settings: Settings
    ) -> Model:
        """Search for the best head on features of `dataset` and save it with its trunk."""
        from stages.train.chosen import save_model
        from stages.train.prepared import prepare
        from stages.train.record import Recorder
        from stages.train.search import search
        from stages.train.selection import choose
        from stages.train.suits import notices

        if told := notices(config):
            run.log_tags({"notice": " ".join(told)})
        samples = sum(dataset.samples.values())
        train = self.pinned(config, samples, dataset.views, settings.machine_speed)
        count = train.trials or 1
        prepared = prepare(dataset, train, store=store, run=run, settings=settings)
        recorder = Recorder(run, count, train.metric)
        trials = search(prepared.problem, train, count, settings, recorder.heard)
        chosen = choose(trials, train, prepared.problem.samples)
        recorder.finished(trials, chosen)
        return save_model(dataset, prepared, trials, chosen, train, store=store, settings=settings)
