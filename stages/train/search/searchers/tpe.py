"""Optuna's tree-structured Parzen estimator: proposes where good trials have been denser than bad
ones.

Bergstra et al., Algorithms for Hyper-Parameter Optimization, 2011."""

import json
import warnings
from collections.abc import Sequence
from typing import Any

from stages.train.search.search_space import Categorical, Dimension

STARTUP = 12  # trials drawn at random first, by default


class Tpe:
    """Proposes batches; trials whose score is pending count as bad, so that a batch spreads. Draws
    at random until it has learnt `startup` scores, proposed here or not."""

    informed = True

    def __init__(self, space: Sequence[Dimension], seed: int, startup: int = STARTUP) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            sampler = optuna.samplers.TPESampler(
                n_startup_trials=startup,
                multivariate=True,
                group=any(
                    dimension.when for dimension in space
                ),  # one density for each set that exists
                constant_liar=True,
                seed=seed,
            )
        self.space = {dimension.name: dimension for dimension in space}
        self.distributions = {dimension.name: _distribution(dimension) for dimension in space}
        self.study = optuna.create_study(direction="maximize", sampler=sampler)
        self.pending: dict[str, Any] = {}

    def propose(self, count: int) -> list[dict[str, Any]]:
        """`count` new sets of hyperparameters."""
        return [self._next() for _ in range(count)]

    def learn(self, trials: Sequence[tuple[dict[str, Any], float]]) -> None:
        """Learn the scores of `trials`, proposed here or not; higher is better."""
        import optuna

        for hyperparameters, score in trials:
            pending = self.pending.pop(_key(hyperparameters), None)
            if pending is not None:
                self.study.tell(pending, score)
            else:
                distributions = {name: self.distributions[name] for name in hyperparameters}
                trial = optuna.trial.create_trial(
                    params=hyperparameters, distributions=distributions, value=score
                )
                self.study.add_trial(trial)

    def _next(self) -> dict[str, Any]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about multivariate sampling being new
            trial = self.study.ask()
            rounded = self._suggested(trial)
        self.pending[_key(rounded)] = trial
        return rounded

    def _suggested(self, trial: Any) -> dict[str, Any]:
        """A value of each dimension that exists, in the order of the space."""
        values: dict[str, Any] = {}
        for dimension in self.space.values():
            if dimension.when is None or dimension.when.holds(values):
                values[dimension.name] = _rounded(dimension, _suggest(trial, dimension))
        return values


def _suggest(trial: Any, dimension: Dimension) -> Any:
    if isinstance(dimension, Categorical):
        return trial.suggest_categorical(dimension.name, dimension.values)
    return trial.suggest_float(dimension.name, dimension.low, dimension.high, log=dimension.log)


def _key(hyperparameters: dict[str, Any]) -> str:
    return json.dumps(hyperparameters, sort_keys=True)


def _rounded(dimension: Dimension, value: Any) -> Any:
    return value if isinstance(dimension, Categorical) else dimension.rounded(value)


def _distribution(dimension: Dimension) -> Any:
    from optuna.distributions import CategoricalDistribution, FloatDistribution

    if isinstance(dimension, Categorical):
        return CategoricalDistribution(dimension.values)
    return FloatDistribution(dimension.low, dimension.high, log=dimension.log)
