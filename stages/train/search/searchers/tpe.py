"""Proposes hyperparameters by Optuna's tree-structured Parzen estimator (TPE): where good trials
have been denser than bad ones. A pipeline names it as `train.searcher: optuna`.

Bergstra et al., Algorithms for Hyper-Parameter Optimization, 2011."""

import json
import warnings
from collections import defaultdict, deque
from collections.abc import Sequence
from typing import Any

from stages.train.search.search_space import Categorical, Dimension

STARTUP = 12  # scores that are learnt before the estimator proposes, by default


class Tpe:
    """A searcher (`successive_halving.Searcher`) over an Optuna study. Trials whose score is
    pending count as bad, so that the proposals of a batch differ. Proposes at random until it has
    learnt `startup` scores, be they of its own proposals or of other sets."""

    tries_defaults_first = True

    def __init__(self, space: Sequence[Dimension], seed: int, startup: int = STARTUP) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            sampler = optuna.samplers.TPESampler(
                n_startup_trials=startup,
                multivariate=True,
                # one density for each set of active dimensions
                group=any(dimension.when for dimension in space),
                constant_liar=True,
                seed=seed,
            )
        self.space = {dimension.name: dimension for dimension in space}
        self.distributions = {dimension.name: _distribution(dimension) for dimension in space}
        self.study = optuna.create_study(direction="maximize", sampler=sampler)
        # Optuna's trials without a score by their hyperparameters; equal sets may be pending twice
        self.pending: dict[str, deque[Any]] = defaultdict(deque)

    def propose(self, count: int) -> list[dict[str, Any]]:
        """`count` sets of hyperparameters; a set may be proposed again."""
        return [self._next() for _ in range(count)]

    def learn(self, trials: Sequence[tuple[dict[str, Any], float]]) -> None:
        """Learn the score of each set of hyperparameters in `trials`, proposed by this searcher or
        not; higher is better. Of equal pending sets, the one that was proposed first gets it."""
        for hyperparameters, score in trials:
            if pending := self.pending.get(_key(hyperparameters)):
                self.study.tell(pending.popleft(), score)
            else:
                self.study.add_trial(self._scored_trial(hyperparameters, score))

    def _next(self) -> dict[str, Any]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about multivariate sampling being new
            trial = self.study.ask()
            hyperparameters = self._hyperparameters(trial)
        self.pending[_key(hyperparameters)].append(trial)
        return hyperparameters

    def _hyperparameters(self, trial: Any) -> dict[str, Any]:
        """The values that Optuna suggests in `trial` for the active dimensions, rounded, in the
        order of the space."""
        values: dict[str, Any] = {}
        for dimension in self.space.values():
            if dimension.when is None or dimension.when.holds(values):
                values[dimension.name] = _suggest_value(trial, dimension)
        return values

    def _scored_trial(self, hyperparameters: dict[str, Any], score: float) -> Any:
        """A finished trial of Optuna's for a set that this searcher did not propose."""
        import optuna

        distributions = {name: self.distributions[name] for name in hyperparameters}
        return optuna.trial.create_trial(
            params=hyperparameters, distributions=distributions, value=score
        )


def _suggest_value(trial: Any, dimension: Dimension) -> Any:
    if isinstance(dimension, Categorical):
        return trial.suggest_categorical(dimension.name, dimension.values)
    number = trial.suggest_float(dimension.name, dimension.low, dimension.high, log=dimension.log)
    return dimension.rounded(number)


def _key(hyperparameters: dict[str, Any]) -> str:
    return json.dumps(hyperparameters, sort_keys=True)


def _distribution(dimension: Dimension) -> Any:
    """Optuna's description of `dimension`."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution

    if isinstance(dimension, Categorical):
        return CategoricalDistribution(dimension.values)
    return FloatDistribution(dimension.low, dimension.high, log=dimension.log)
