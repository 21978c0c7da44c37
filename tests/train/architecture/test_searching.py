"""An architecture search with real trainings: the best network of it ships as any other."""

from dataclasses import replace

import numpy as np
import pytest

from stages.config import TrainConfig
from stages.config.device import Device
from stages.config.distillation import Distil
from stages.config.train import Picked
from stages.models.arrays import unpack_arrays
from stages.models.genotype import parameters_of, parse
from stages.runtime.errors import ConfigError
from stages.train.architecture.arms import ArchitectureSearch
from stages.train.architecture.comparison import architecture_record, verdict
from stages.train.architecture.counted_limits import limits_of
from stages.train.architecture.repeats import WITHOUT_TEACHER
from stages.train.cost.minutes import minutes_of
from stages.train.heads.out_of_fold import weights_in
from stages.train.search.picked_trial import PickedTrial
from stages.train.search.search_space import inputs_by_name
from stages.train.search.selection import choose
from stages.train.search.successive_halving import SuccessiveHalving, Trial
from stages.train.search.trial_worker import TrialPiece, TrialWorker
from tests.train.heads.test_scratch import FOLDS, colours
from tests.train.here import finish

CONFIG = TrainConfig(
    families=("searched_image",),
    input_sizes=(32,),
    architecture="search",
    baselines=(),
    folds=FOLDS,
    metric="accuracy",
    device=Device(parameters=12_000),
)
CONTROLLER = CONFIG.controller
INPUT = "searched_image@32"


def problem():
    """Pictures of colours, as windows of the searched family's input."""
    found = colours()
    [windows] = found.features.values()
    found.features.clear()
    found.features[INPUT] = windows
    return found


def run(searcher, total: int) -> list[Trial]:
    """All trials of a search of `total` trials, trained in this process."""
    halving = SuccessiveHalving(
        searcher,
        [],
        total=total,
        size=total,
        keep=3,
        rungs=(1, 3),
        ahead=0,
        kind=lambda hyperparameters: hyperparameters["arm"],
    )
    worker, states = TrialWorker((problem(), 10)), {}
    while not halving.finished:
        rung = halving.next()
        piece = TrialPiece(rung, states.get(rung.number))
        result, states[rung.number] = finish(worker, piece)
        halving.report(rung, result.measures["accuracy"], result)
    return halving.trials


@pytest.fixture(scope="module")
def trials():
    return run(ArchitectureSearch(CONFIG, limits_of(CONFIG, (3, 32, 32), 3, FOLDS)), total=6)


def picked(trial: Trial) -> TrainConfig:
    """CONFIG with `trial` in place of the search."""
    record = {"model": "0" * 64, "trial": trial.number, "hyperparameters": trial.hyperparameters}
    return CONFIG.model_copy(update={"picked": Picked.model_validate(record)})


def test_a_picked_trial_comes_to_what_it_came_to_in_its_search(trials):
    first = next(trial for trial in trials if trial.reached == 3)
    early = next(trial for trial in trials if trial.reached == 1)

    [again] = run(PickedTrial(picked(first)), total=1)
    [finished] = run(PickedTrial(picked(early)), total=1)

    assert again.result == first.result
    assert (again.hyperparameters, again.reached) == (first.hyperparameters, 3)
    assert finished.reached == 3
    assert finished.result.curve[:1] == early.result.curve


def test_a_picked_trial_of_another_input_is_refused(trials):
    other = picked(trials[0]).model_copy(update={"input_sizes": (64,)})

    with pytest.raises(ConfigError, match="no input searched_image@32"):
        PickedTrial(other)


def test_networks_are_trained_within_the_limit_and_the_best_of_each_arm_longest(trials):
    arms = [trial.hyperparameters["arm"] for trial in trials]
    longest = [arm for arm, trial in zip(arms, trials, strict=True) if trial.reached == 3]

    assert set(arms) == set(longest) == {CONTROLLER, "plain", "separable"}
    assert len(longest) < len(trials)
    for trial in trials:
        genotype = parse(trial.hyperparameters["genotype"])
        assert parameters_of(genotype, 3, 3, FOLDS) <= 12_000


def test_the_weights_of_the_best_are_a_network_that_answers(trials):
    import paddle

    from stages.models.network import assemble

    best = choose(trials, CONFIG, 36)
    arrays = weights_in(unpack_arrays(best.result.arrays))
    stored = bytes(arrays["backbone.genotype"].astype(np.uint8)).decode()
    with paddle.no_grad():
        windows = paddle.to_tensor(problem().features[INPUT].values[:4])
        answers = assemble("searched_image", arrays)(windows).numpy()

    assert stored == best.hyperparameters["genotype"]
    assert answers.shape == (4, 3)
    assert np.isfinite(answers).all()


def test_the_record_compares_arms_at_computed_minutes(trials):
    minutes = minutes_of(CONFIG, 36, 0)

    record = architecture_record(trials, CONFIG, problem(), minutes)

    assert set(record["arms"]) == {CONTROLLER, "plain", "separable"}
    assert sum(arm["trials"] for arm in record["arms"].values()) == 6
    assert all(arm["minutes"] > 0 for arm in record["arms"].values())
    assert set(record["gains"]) == {"plain", "separable"}
    for arm in record["arms"].values():
        assert arm["interval"]["low"] <= arm["accuracy"] <= arm["interval"]["high"]
    gain = min(record["gains"].values(), key=lambda each: each["value"])
    assert record["verdict"].startswith("Do not search") == (gain["low"] <= 0)


def test_the_record_says_what_the_teacher_brought(trials):
    teacher = Distil(family="searched_image", teacher="efficientnet_lite0")
    config, found = CONFIG.model_copy(update={"distil": teacher}), problem()
    logits = 8 * np.eye(3, dtype=np.float32)[found.labels]
    best = choose([each for each in trials if each.reached == 3], CONFIG, 36)
    hyperparameters = {**best.hyperparameters, "arm": WITHOUT_TEACHER}
    alone = replace(best, number=len(trials), hyperparameters=hyperparameters)

    record = architecture_record(
        [*trials, alone],
        config,
        replace(found, teacher_logits=np.stack([logits] * FOLDS)),
        minutes_of(CONFIG, 36, 0),
    )

    assert WITHOUT_TEACHER not in record["arms"]
    brought = record["distillation"]
    assert (brought["teacher"], brought["of_teacher"]) == ("efficientnet_lite0", 1.0)
    assert brought["with"] == brought["without"]
    assert (brought["gain"]["value"], brought["verdict"]) == (0.0, "undecided")


def gain(value: float, spread: float) -> dict:
    bounds = {"value": value, "low": value - spread, "high": value + spread}
    verdict = "better" if value > spread else "worse" if value < -spread else "undecided"
    return {"gain": bounds, "verdict": verdict}


@pytest.mark.parametrize(
    ("plain", "text"),
    [
        (gain(0.05, 0.02), "The searched network is better"),
        (gain(0.01, 0.02), "Do not search: the hand design is within the interval"),
        (gain(-0.05, 0.02), "Do not search: the hand design is better"),
    ],
)
def test_the_verdict_follows_the_intervals(plain: dict, text: str):
    gains = {"separable": gain(0.1, 0.01), "plain": plain, "evolution": gain(-0.9, 0.1)}

    assert verdict(gains).startswith(f"{text}: gain over the hand design 'plain'")


def test_the_verdict_is_on_the_hand_design_that_is_hardest_to_beat():
    undecided, beaten, winning = gain(0.04, 0.05), gain(0.03, 0.01), gain(-0.01, 0.005)

    assert verdict({"plain": beaten, "separable": undecided}).startswith(
        "Do not search: the hand design is within the interval: gain over the hand design "
        "'separable'"
    )
    assert verdict({"plain": winning, "separable": gain(-0.02, 0.05)}).startswith(
        "Do not search: the hand design is better: gain over the hand design 'plain'"
    )


def test_the_verdict_names_rivals_that_are_not_beaten():
    won, even = gain(0.1, 0.05), gain(0.0, 0.05)

    assert "random" not in verdict({"plain": won, "random": won, "found@a": won})
    both = verdict({"plain": won, "random": even, "found@a": even})
    assert "not better than random search" in both
    assert "not better than found@a: +0.000 (-0.050 to +0.050)" in both
    assert verdict({}).startswith("There is no hand design")


def test_the_input_has_the_searched_family():
    assert inputs_by_name(CONFIG)[INPUT].initialised_family.searched
