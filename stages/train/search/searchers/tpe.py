"""Optuna's tree-structured Parzen estimator: proposes where good trials have been denser than bad
ones.

Bergstra et al., Algorithms for Hyper-Parameter Optimization, 2011."""

import json
import warnings
from collections.abc import Sequence
from typing import Any

from stages.train.search.search_space import Choice, Dimension

STARTUP = 12  # trials drawn at random first, if nothing else is said


class Tpe:
    """Asked for a batch at a time; those not yet learnt count as bad, so that a batch spreads.
    Draws at random until it has learnt `startup` trials, proposed here or not."""

    informed = True

    def __init__(self, space: Sequence[Dimension], seed: int, startup: int = STARTUP) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            sampler = optuna.samplers.TPESampler(
                n_startup_trials=startup,
                multivariate=True,
                group=any(one.when for one in space),  # a density for those that are there together
                constant_liar=True,
                seed=seed,
            )
        self.space = {one.name: one for one in space}
        self.distributions = {one.name: _distribution(one) for one in space}
        self.study = optuna.create_study(direction="maximize", sampler=sampler)
        self.asked: dict[str, Any] = {}

    def propose(self, count: int) -> list[dict[str, Any]]:
        """`count` new sets of hyperparameters."""
        return [self._ask() for _ in range(count)]

    def learn(self, trials: Sequence[tuple[dict[str, Any], float]]) -> None:
        """Hear the scores of `trials`, proposed here or not; the higher, the better."""
        import optuna

        for hyperparameters, score in trials:
            asked = self.asked.pop(_key(hyperparameters), None)
            if asked is not None:
                self.study.tell(asked, score)
            else:
                known = {name: self.distributions[name] for name in hyperparameters}
                made = optuna.trial.create_trial(
                    params=hyperparameters, distributions=known, value=score
                )
                self.study.add_trial(made)

    def _ask(self) -> dict[str, Any]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about multivariate sampling being new
            trial = self.study.ask()
            rounded = self._suggested(trial)
        self.asked[_key(rounded)] = trial
        return rounded

    def _suggested(self, trial: Any) -> dict[str, Any]:
        """A value of each dimension that is there, in the order of the space."""
        values: dict[str, Any] = {}
        for one in self.space.values():
            if one.when is None or one.when.holds(values):
                values[one.name] = _rounded(one, _suggest(trial, one))
        return values


def _suggest(trial: Any, dimension: Dimension) -> Any:
    if isinstance(dimension, Choice):
        return trial.suggest_categorical(dimension.name, dimension.values)
    return trial.suggest_float(dimension.name, dimension.low, dimension.high, log=dimension.log)


def _key(hyperparameters: dict[str, Any]) -> str:
    return json.dumps(hyperparameters, sort_keys=True)


def _rounded(dimension: Dimension, value: Any) -> Any:
    return value if isinstance(dimension, Choice) else dimension.rounded(value)


def _distribution(dimension: Dimension) -> Any:
    from optuna.distributions import CategoricalDistribution, FloatDistribution

    if isinstance(dimension, Choice):
        return CategoricalDistribution(dimension.values)
    return FloatDistribution(dimension.low, dimension.high, log=dimension.log)
