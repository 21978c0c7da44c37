"""The only trial of a run that packs another point of an earlier search's Pareto front
(`train.picked`): with the hyperparameters that it had there, so that its result is the same, and is
found in the cache if it is still there."""

from collections.abc import Sequence
from typing import Any, ClassVar

from stages.config import TrainConfig
from stages.runtime.errors import ConfigError
from stages.train.search.search_space import inputs_by_name
from stages.train.search.successive_halving import Hyperparameters

RULE = "picked from the Pareto front of an earlier search, where it was trial {trial}"


class PickedTrial:
    """A searcher (`successive_halving.Searcher`) that proposes the trial `train.picked` alone.

    Raises ConfigError if `config` has no such input."""

    tries_defaults_first: ClassVar[bool] = False

    def __init__(self, config: TrainConfig) -> None:
        assert config.picked is not None  # noqa: S101
        self.hyperparameters: Hyperparameters = config.picked.hyperparameters.model_dump(
            exclude_none=True
        )
        inputs = inputs_by_name(config)
        if self.hyperparameters["input"] not in inputs:
            raise ConfigError(
                f"train.picked: there is no input {self.hyperparameters['input']}.",
                f"Inputs: {', '.join(inputs)}.",
            )

    def propose(self, count: int) -> list[Hyperparameters]:
        """The trial, `count` times."""
        return [dict(self.hyperparameters) for _ in range(count)]

    def learn(self, trials: Sequence[tuple[Hyperparameters, float]]) -> None:
        """Do nothing."""


def picked_record(config: TrainConfig) -> dict[str, Any]:
    """The record in a Model of the search that its trial was picked from."""
    assert config.picked is not None  # noqa: S101
    trial = config.picked.trial
    return {
        "rule": RULE.format(trial=trial),
        "picked": {"model": config.picked.model, "trial": trial},
    }
