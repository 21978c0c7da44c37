"""Another point of a search's Pareto front: which one, the pipeline that packs it, and what is no
such run."""

import json

import pytest

from stages.artifacts import Model
from stages.config import parse_pipeline
from stages.opening import open_store
from stages.runner.lock import keep, new_lock
from stages.runner.pick import Wanted, picked_pipeline, picked_point, searched_run
from stages.runtime.errors import ConfigError
from stages.train.cost.compatibility import check_compatibility
from tests import makers
from tests.evaluate.test_pareto import RECORD, SHAPE, TRIALS

PIPELINE = parse_pipeline(
    "{name: shapes, task: image_classification, data: shapes@r1, train: {architecture: search, "
    "families: [searched_image], input_sizes: [32], device: {parameters: 30000, macs: 900000}}}"
)
TRAINED = {"head": "linear", "learning_rate": 0.003, "weight_decay": 0.1, "batch_size": 32}


@pytest.fixture
def settings(tmp_path):
    return makers.settings(tmp_path)


def save_run(settings, run="first", saved=True, **selection) -> None:
    """A run of PIPELINE that made a Model with the trials of a search."""
    store = open_store(settings)
    trials = [
        {**each, "hyperparameters": {**each["hyperparameters"], **TRAINED, "class_balance": "auto"}}
        for each in TRIALS
    ]
    model = Model(
        task="image_classification",
        labels=("a", "b", "c"),
        family="searched_image",
        input_shape=SHAPE,
        before=(),
        after=(),
        hyperparameters={"genotype": trials[2]["hyperparameters"]["genotype"]},
        selection={"metric": "accuracy", "rule": "best", "folds": 2, **selection},
        files={"trials.json": store.add(json.dumps(trials).encode())},
    )
    ref = store.save(model) if saved else model.ref
    lock = new_lock(run, PIPELINE, PIPELINE).model_copy(update={"artifacts": {"train": ref}})
    keep(lock, store, settings)


def test_the_best_point_within_the_limits_is_picked(settings):
    save_run(settings, architecture=RECORD)
    found = searched_run("first", settings)
    small, middle, large = found.pareto_front

    assert picked_point(found, Wanted(parameters=large.parameters - 1), settings) == middle
    assert picked_point(found, Wanted(macs=middle.macs - 1), settings) == small


def test_the_pipeline_trains_that_trial_alone_within_these_limits(settings):
    save_run(settings, architecture=RECORD)
    found, wanted = searched_run("first", settings), Wanted(size_kb=80, parameters=9000)
    point = found.pareto_front[0]

    pipeline = picked_pipeline(found, point, wanted)

    check_compatibility(pipeline)
    train = pipeline.train
    assert train.picked.trial == 0
    assert train.picked.model == found.model.ref.id
    own = next(trial for trial in found.pareto_front if trial.row.number == 0).row.hyperparameters
    expected = {**own, "input": "searched_image@32"}
    assert train.picked.hyperparameters.model_dump(exclude_none=True) == expected
    assert (train.device.size_mb, train.device.parameters, train.device.macs) == (
        0.08,
        9000,
        900_000,
    )
    unchanged = {"picked", "trials", "device"}
    assert pipeline.train.model_dump(exclude=unchanged) == PIPELINE.train.model_dump(
        exclude=unchanged
    )


def test_what_nothing_keeps_is_said_with_the_smallest_networks_figures(settings):
    save_run(settings, architecture=RECORD)
    found = searched_run("first", settings)
    smallest = found.pareto_front[0]

    with pytest.raises(ConfigError, match=f"smallest has {smallest.parameters:,} parameters"):
        picked_point(found, Wanted(parameters=10), settings)


def test_what_the_run_packed_itself_is_not_packed_again(settings):
    save_run(settings, architecture=RECORD)
    found = searched_run("first", settings)

    with pytest.raises(ConfigError, match=r"Trial 2, .* packed itself"):
        picked_point(found, Wanted(parameters=10**6), settings)


def test_a_run_without_a_search_has_no_other_points(settings):
    save_run(settings)
    save_run(settings, "second", picked={"model": "0" * 64, "trial": 3})

    with pytest.raises(ConfigError, match="searched no architecture"):
        searched_run("first", settings)
    with pytest.raises(ConfigError, match="made model@000000000000"):
        searched_run("second", settings)
    with pytest.raises(ConfigError, match="no run or lock"):
        searched_run("third", settings)


def test_a_run_whose_model_was_removed_is_refused(settings):
    save_run(settings, saved=False, architecture=RECORD)

    with pytest.raises(ConfigError, match="no trained model any more"):
        searched_run("first", settings)


def test_a_trial_without_a_search_of_architectures_is_refused(settings):
    save_run(settings, architecture=RECORD)
    found = searched_run("first", settings)
    picked = picked_pipeline(found, found.pareto_front[0], Wanted())
    off = picked.model_copy(
        update={"train": picked.train.model_copy(update={"architecture": "off"})}
    )

    with pytest.raises(ConfigError, match=r"train\.picked"):
        check_compatibility(off)


def test_a_limit_on_the_file_is_measured_on_the_packed_network(settings):
    save_run(settings, architecture=RECORD)
    found = searched_run("first", settings)
    small = found.pareto_front[0]

    fits = Wanted(size_kb=small.kilobytes * 10, parameters=small.parameters)
    assert picked_point(found, fits, settings) == small
    with pytest.raises(ConfigError, match=r"fits into 1 KB: packed, the smallest has \d+\.\d KB"):
        picked_point(found, Wanted(size_kb=1, parameters=small.parameters), settings)


def test_a_limit_of_the_run_is_not_lifted(settings):
    save_run(settings, architecture=RECORD)
    found = searched_run("first", settings)

    pipeline = picked_pipeline(found, found.pareto_front[0], Wanted(parameters=10**9, macs=10))

    assert (pipeline.train.device.parameters, pipeline.train.device.macs) == (30_000, 10)


@pytest.mark.parametrize("size", [float("nan"), float("inf")])
def test_what_is_no_size_is_refused_before_anything_is_packed(size, settings):
    save_run(settings, architecture=RECORD)

    with pytest.raises(ConfigError, match=r"--size-kb: .* is no size"):
        picked_point(searched_run("first", settings), Wanted(size_kb=size), settings)


@pytest.mark.parametrize("run", ["../first", "", "a\nb"])
def test_a_name_that_is_no_runs_is_refused(run, settings):
    save_run(settings, architecture=RECORD)

    with pytest.raises(ConfigError, match=r"no run or lock|no trained model|not a run's lock"):
        searched_run(run, settings)
