"""An architecture search with real trainings: the best network of it ships as any other."""

import numpy as np
import pytest

from stages.config import TrainConfig
from stages.config.device import Device
from stages.models.arrays import unpack_arrays
from stages.models.genotype import parameters_of, parse
from stages.train.architecture.arms import SEARCHED, ArchitectureSearch
from stages.train.architecture.comparison import architecture_record
from stages.train.architecture.counted_limits import limits_of
from stages.train.cost.minutes import minutes_of
from stages.train.heads.out_of_fold import weights_in
from stages.train.search.search_space import inputs_by_name
from stages.train.search.selection import choose
from stages.train.search.successive_halving import SuccessiveHalving
from stages.train.search.trial_worker import TrialPiece, TrialWorker
from tests.train.heads.test_scratch import FOLDS, colours

CONFIG = TrainConfig(
    families=("searched_image",),
    input_sizes=(32,),
    architecture="search",
    folds=FOLDS,
    metric="accuracy",
    device=Device(parameters=12_000),
)
INPUT = "searched_image@32"


def problem():
    """Pictures of colours, as windows of the searched family's input."""
    found = colours()
    [windows] = found.features.values()
    found.features.clear()
    found.features[INPUT] = windows
    return found


@pytest.fixture(scope="module")
def trials():
    data = problem()
    searcher = ArchitectureSearch(CONFIG, limits_of(CONFIG, (3, 32, 32), 3, FOLDS))
    halving = SuccessiveHalving(
        searcher,
        [],
        total=6,
        size=6,
        keep=3,
        rungs=(1, 3),
        ahead=0,
        kind=lambda hyperparameters: hyperparameters["arm"],
    )
    worker, states = TrialWorker((data, 10)), {}
    while not halving.finished:
        rung = halving.next()
        work = worker.work(TrialPiece(rung, states.get(rung.number)))
        try:
            while True:
                next(work)
        except StopIteration as done:
            result, states[rung.number] = done.value
        halving.report(rung, result.measures["accuracy"], result)
    return halving.trials


def test_networks_are_trained_within_the_limit_and_the_best_of_each_arm_longest(trials):
    arms = [trial.hyperparameters["arm"] for trial in trials]
    longest = [arm for arm, trial in zip(arms, trials, strict=True) if trial.reached == 3]

    assert set(arms) == set(longest) == {SEARCHED, "plain", "separable"}
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

    assert set(record["arms"]) == {SEARCHED, "plain", "separable"}
    assert sum(arm["trials"] for arm in record["arms"].values()) == 6
    assert all(arm["minutes"] > 0 for arm in record["arms"].values())
    assert set(record["gains"]) == {"plain", "separable"}
    gain = min(record["gains"].values(), key=lambda each: each["value"])
    assert record["verdict"].startswith("do not search") == (gain["low"] <= 0)


def test_the_input_has_the_searched_family():
    assert inputs_by_name(CONFIG)[INPUT].initialised_family.searched
