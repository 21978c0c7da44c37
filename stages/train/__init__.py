"""Training: features of frozen trunks, a search over heads, and the best of them as a Model."""

from stages.artifacts import Dataset, Model
from stages.config import TrainSlice
from stages.settings import Settings
from stages.store import Store
from stages.tracking import Run


def train(
    dataset: Dataset, config: TrainSlice, *, store: Store, run: Run, settings: Settings
) -> Model:
    """Search for the best head on frozen features of `dataset` and save it with its trunk as a
    Model.

    Raises BudgetTooSmall if not one trial fits into the budget, DataError if a split that is needed
    has no samples, InfrastructureError if Ray or an exporting process fails."""
    from stages.train.chosen import save_model
    from stages.train.prepared import prepare
    from stages.train.record import Recorder
    from stages.train.search import search
    from stages.train.selection import choose

    prepared = prepare(dataset, config.train, store=store, run=run, settings=settings)
    recorder = Recorder(run, prepared.trials, config.train.metric)
    trials = search(prepared.problem, config.train, prepared.trials, settings, recorder.heard)
    chosen = choose(trials, config.train, prepared.problem.samples)
    recorder.finished(trials, chosen)
    return save_model(dataset, prepared, trials, chosen, config.train, store=store)
