"""The best network of each arm over several seeds, of which the mean decides."""

import numpy as np
import pytest

from stages.config import TrainConfig
from stages.train.architecture.arms import ArchitectureSearch
from stages.train.architecture.counted_limits import limits_of
from stages.train.architecture.repeats import (
    SEED,
    WITHOUT_TEACHER,
    chosen_network,
    train_repeats,
)
from stages.train.search.successive_halving import SuccessiveHalving, Trial, TrialResult

CONFIG = TrainConfig(
    families=("searched_image",), input_sizes=(32,), architecture="search", metric="accuracy"
)
SAMPLES = 400


def trial(number: int, arm: str, score: float, reached: int = 9, **further) -> Trial:
    measures = {"accuracy": score, "log_loss": 1 - score}
    result = TrialResult(measures, reached, False, [measures] * reached, b"")
    hyperparameters = {"input": "searched_image@32", "genotype": arm, "arm": arm, **further}
    return Trial(number, hyperparameters, reached, score, True, result)


TRIALS = [
    trial(0, "hierarchical_ppo", 0.90),
    trial(1, "plain", 0.85),
    trial(2, "hierarchical_ppo", 0.99, reached=3, genotype="early"),
    trial(3, "plain", 0.70, genotype="other"),
]


def further(sets: list, scores: dict[str, float], first: int) -> list[Trial]:
    """Trainings of `sets` with the scores of their arms."""
    found = []
    for place, hyperparameters in enumerate(sets):
        trained = trial(first + place, "", scores[hyperparameters["arm"]])
        trained.hyperparameters = dict(hyperparameters)
        found.append(trained)
    return found


def networks(config: TrainConfig, scores: dict[str, float]) -> tuple[list[dict], list[Trial]]:
    """The sets of hyperparameters that were trained further, and all trials."""
    trials, sets = list(TRIALS), []

    def train_sets(wanted, first):
        assert first == len(trials)
        sets.extend(wanted)
        found = further(wanted, scores, first)
        trials.extend(found)
        return found

    train_repeats(TRIALS, config, SAMPLES, train_sets)
    return sets, trials


def test_the_best_whole_trial_of_each_arm_is_trained_with_further_seeds():
    sets, _ = networks(CONFIG, {"hierarchical_ppo": 0.9, "plain": 0.85})

    assert [(each["genotype"], each[SEED]) for each in sets] == [
        ("hierarchical_ppo", 1),
        ("hierarchical_ppo", 2),
        ("plain", 1),
        ("plain", 2),
    ]


def test_a_lucky_training_is_not_chosen():
    _, trials = networks(CONFIG, {"hierarchical_ppo": 0.60, "plain": 0.86})

    chosen = chosen_network(trials, CONFIG, SAMPLES)

    assert chosen.hyperparameters["arm"] == "plain"
    assert chosen.score == 0.86  # of its seeds that with the least log loss


@pytest.mark.parametrize(("alone", "arm"), [(0.95, WITHOUT_TEACHER), (0.8, "hierarchical_ppo")])
def test_the_winner_is_trained_without_its_teacher_too(alone: float, arm: str):
    config = CONFIG.model_copy(update={"distil": "auto"})
    scores = {"hierarchical_ppo": 0.9, "plain": 0.85, WITHOUT_TEACHER: alone}

    sets, trials = networks(config, scores)

    without = [each for each in sets if each["arm"] == WITHOUT_TEACHER]
    assert [each.get(SEED) for each in without] == [None, 1, 2]
    assert {each["genotype"] for each in without} == {"hierarchical_ppo"}
    assert not any("soft_weight" in each for each in without)
    assert chosen_network(trials, config, SAMPLES).hyperparameters["arm"] == arm


def test_arms_are_charged_for_the_epochs_that_were_really_trained():
    config = CONFIG.model_copy(update={"baselines": ("random_from_prior",), "folds": 1})
    search = ArchitectureSearch(config, limits_of(config, (3, 32, 32), 10, 1))
    halving = SuccessiveHalving(
        search, [], total=120, size=search.batch, keep=3, rungs=(1, 9), ahead=0,
        kind=lambda each: each["arm"],
    )  # fmt: skip
    rng, epochs = np.random.default_rng(0), {arm: [] for arm in search.arms}
    while not halving.finished:
        rung = halving.next()
        # trials of random_from_prior bring nothing more from the second epoch on
        is_short = rung.hyperparameters["arm"] == "random_from_prior"
        count = min(rung.epochs, 2) if is_short else rung.epochs
        measures = {"accuracy": rng.random(), "log_loss": 1.0}
        result = TrialResult(measures, 1, count < rung.epochs, [measures] * count, b"")
        halving.report(rung, measures["accuracy"], result)
    for each in halving.trials:
        epochs[each.hyperparameters["arm"]].append(
            each.epochs * search._seconds(each.hyperparameters)
        )
    spent = {arm: sum(seconds) for arm, seconds in epochs.items()}
    longest = max(max(seconds) for seconds in epochs.values())

    assert max(spent.values()) - min(spent.values()) < 3 * longest
    assert len(epochs["random_from_prior"]) > 1.3 * len(epochs["hierarchical_ppo"])
