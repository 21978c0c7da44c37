"""Trains the best network of each arm of an architecture search anew, with further seeds. The
choice follows the mean over the seeds, as the best of many single trainings is often a lucky
one."""

from collections.abc import Callable, Sequence
from statistics import fmean
from typing import NamedTuple

from stages.config import TrainConfig
from stages.train.architecture.arms import SOFT_TEMPERATURE, SOFT_WEIGHT
from stages.train.search.selection import choose, lowest_score, result_of
from stages.train.search.successive_halving import Hyperparameters, Trial

SEED = "seed"  # hyperparameter of a further training of a network; the first one has none
WITHOUT_TEACHER = "without teacher"  # the arm of the winner's trainings on the labels alone
# trains sets of hyperparameters to their end; the trials have numbers from a first one on
TrainSets = Callable[[Sequence[Hyperparameters], int], list[Trial]]


class RepeatedNetwork(NamedTuple):
    """A network with all its trainings, which differ in their seed alone; the first is that of the
    search."""

    trials: tuple[Trial, ...]

    @property
    def arm(self) -> str:
        return str(self.trials[0].hyperparameters["arm"])

    @property
    def score(self) -> float:
        """The mean score."""
        return fmean(trial.score for trial in self.trials)

    @property
    def log_loss(self) -> float:
        """The mean log loss."""
        return fmean(result_of(trial).measures["log_loss"] for trial in self.trials)


def train_repeats(
    trials: Sequence[Trial], config: TrainConfig, samples: int, train_sets: TrainSets
) -> list[Trial]:
    """The further trainings of the best of `trials` of each arm, `train.architecture_seeds` in
    all; and of those networks the best one as often without its teacher, if there is one.
    `samples`: held out."""
    best = best_of_arms(trials, config, samples)
    seeds = range(1, config.architecture_seeds)
    sets = [{**each.hyperparameters, SEED: seed} for each in best for seed in seeds]
    further = train_sets(sets, len(trials))
    if config.distils is None:
        return further
    networks = repeated_networks([*trials, *further], config, samples)
    winner = choose_repeated(networks, config, samples)
    hyperparameters = {
        name: value
        for name, value in winner.trials[0].hyperparameters.items()
        if name not in (SOFT_WEIGHT, SOFT_TEMPERATURE)
    }
    alone = {**hyperparameters, "arm": WITHOUT_TEACHER}
    sets = [alone, *({**alone, SEED: seed} for seed in seeds)]
    return further + train_sets(sets, len(trials) + len(further))


def best_of_arms(trials: Sequence[Trial], config: TrainConfig, samples: int) -> list[Trial]:
    """The best trial of each arm among those that were trained to their end."""
    arms: dict[str, list[Trial]] = {}
    for trial in trials:
        is_further = SEED in trial.hyperparameters
        if not is_further and trial.hyperparameters["arm"] != WITHOUT_TEACHER:
            arms.setdefault(trial.hyperparameters["arm"], []).append(trial)
    return [choose(_whole(each), config, samples) for each in arms.values()]


def repeated_networks(
    trials: Sequence[Trial], config: TrainConfig, samples: int
) -> list[RepeatedNetwork]:
    """The best network of each arm with all its trainings among `trials`."""
    trainings: dict[str, list[Trial]] = {}
    for trial in trials:
        trainings.setdefault(_network(trial), []).append(trial)
    best = best_of_arms(trials, config, samples)
    return [RepeatedNetwork(tuple(trainings[_network(trial)])) for trial in best]


def without_teacher(trials: Sequence[Trial]) -> list[RepeatedNetwork]:
    """The winner as it was trained on the labels alone, with all these trainings among `trials`;
    none if there is no teacher."""
    alone = tuple(trial for trial in trials if trial.hyperparameters["arm"] == WITHOUT_TEACHER)
    return [RepeatedNetwork(alone)] if alone else []


def choose_repeated(
    networks: Sequence[RepeatedNetwork], config: TrainConfig, samples: int
) -> RepeatedNetwork:
    """The best of `networks`, by the rule of `choose` on the means over their seeds."""
    least = lowest_score(max(each.score for each in networks), config, samples)
    near = [each for each in networks if each.score >= least]
    return min(near, key=lambda each: (each.log_loss, each.trials[0].number))


def chosen_network(trials: Sequence[Trial], config: TrainConfig, samples: int) -> Trial:
    """The training that ships: of the best network's, that with the least log loss."""
    networks = [*repeated_networks(trials, config, samples), *without_teacher(trials)]
    network = choose_repeated(networks, config, samples)
    return min(
        network.trials, key=lambda trial: (result_of(trial).measures["log_loss"], trial.number)
    )


def _whole(trials: Sequence[Trial]) -> list[Trial]:
    """Those of `trials` that were trained longest, or stopped as further epochs brought nothing."""
    longest = max(trial.reached for trial in trials)
    return [trial for trial in trials if trial.reached == longest or result_of(trial).exhausted]


def _network(trial: Trial) -> str:
    """The network of `trial` and how it is trained, without the seed."""
    return str({name: value for name, value in trial.hyperparameters.items() if name != SEED})
