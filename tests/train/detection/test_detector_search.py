"""The search over detectors on Ray, and the Model that comes of it."""

import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from stages.blobs.folder import FolderBlobs
from stages.evaluate.native import graph_of, predictor_of
from stages.metrics.boxes import ap50
from stages.store import Store
from stages.tracking import QuietRun
from stages.train.detection import Detectors
from stages.train.detection.detector_search import search
from stages.train.detection.first_rung_worker import FirstRungPiece, FirstRungWorker
from stages.train.detection.progress import Progress, is_validated
from stages.train.detection.training_loop import DetectorTraining, load_training, loop
from stages.train.distributed import run_distributed
from stages.train.heads.network import arrays_of
from stages.train.search.successive_halving import RungBudget
from tests import makers
from tests.train.detection.conftest import config, hyperparameters
from tests.train.here import finish

BUDGET = RungBudget(0, 2, hyperparameters())


# Its search takes a minute or more, so what uses it is in the slow set.
@pytest.fixture(scope="module", params=[pytest.param("searched", marks=pytest.mark.slow)])
def model(dataset, store, ray_running):
    wanted = config(epochs=14, trials=2, search_space={"batch_size": (4,)})
    return Detectors().train(dataset, wanted, store=store, run=QuietRun(), resources=ray_running)


def test_a_detector_finds_shapes_that_it_was_not_trained_on(model, store):
    unseen = json.loads(store.get(model.files["unseen.json"]))

    assert ap50(unseen["truth"], unseen["answers"], len(model.labels)) > 0.3


def test_the_best_of_all_trials_is_trained_to_the_end(model, store):
    trials = json.loads(store.get(model.files["trials.json"]))

    assert sorted(row["rung"] for row in trials) == [1, 14]
    (chosen,) = (row for row in trials if row["chosen"])
    raced = [row["curve"][0]["ap50"] for row in trials]
    assert chosen["rung"] == 14
    assert chosen["curve"][0]["ap50"] == max(raced)
    minutes = [row["minutes"] for row in chosen["curve"]]
    assert minutes == sorted(minutes)
    assert chosen["curve"][-1]["epoch"] == 14


def test_the_graph_predicts_what_the_detector_did_in_validation(model, store, dataset):
    unseen = json.loads(store.get(model.files["unseen.json"]))

    with graph_of(model, store) as graph, predictor_of(model, graph) as predictor:
        answers = predictor.answers([store.get(digest) for digest in unseen["digests"][:4]])

    for answer, wanted in zip(answers, unseen["answers"], strict=False):
        np.testing.assert_allclose(answer[:3], wanted[:3], rtol=0.05, atol=0.2)


def test_arrays_are_those_of_the_whole_network(model, store):
    names = {name.partition(".")[0] for name in arrays_of(model, store)}

    assert names == {"backbone", "neck", "head"}


def alone(problem, rung=BUDGET, progress=None) -> Progress:
    """The progress after one worker has trained `rung`."""
    piece = FirstRungPiece(rung, progress or Progress())
    found: Progress = finish(FirstRungWorker(problem), piece)
    return found


def on_disk(folder: Path) -> Store:
    return Store(FolderBlobs(folder / "store"), folder)


def in_group(problem, resources, workers, name="together", progress=None) -> Progress:
    """The progress after a process group of `workers` has trained BUDGET."""
    training = DetectorTraining(problem, BUDGET, progress or Progress())
    folder = run_distributed(
        loop,
        training,
        workers=workers,
        name=name,
        store=on_disk(resources.scratch),
        resources=resources,
        on_report=lambda _: 0,
    )
    return load_training(folder)[0]


@pytest.fixture(scope="module")
def whole(problem):
    """BUDGET, trained without a break by one worker."""
    return alone(problem)


def test_a_trial_resumes_where_it_was_validated(problem, whole, tmp_path):
    first = alone(problem, BUDGET._replace(epochs=1))
    first.save(tmp_path)
    resumed = alone(problem, progress=Progress.load(tmp_path))

    assert_equal(resumed, whole)


def test_one_worker_in_a_group_comes_to_the_same(problem, whole, tmp_path):
    assert_equal(in_group(problem, makers.resources(tmp_path), 1), whole)


@pytest.mark.slow
def test_two_workers_in_a_group_come_to_the_same(problem, ray_running, whole, tmp_path):
    resources = replace(ray_running, scratch=tmp_path)

    assert_equal(in_group(problem, resources, 2), whole)


@pytest.mark.chaos
def test_a_search_that_was_killed_goes_on_and_comes_to_the_same(problem, ray_running, tmp_path):
    searches = []
    for place in ("one", "other"):
        resources = replace(ray_running, scratch=tmp_path / place)
        arguments = (problem, config(trials=2), 2, resources, lambda _: None)
        searches.append(partial(search, *arguments, store=on_disk(tmp_path / place)))
    unbroken, broken = searches
    first: list = []
    second: list = []

    def stop(epochs: int) -> None:
        first.append(epochs)
        if len(first) == 3:  # the race is over
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        broken(stop)
    reports: list = []
    found = broken(second.append, lambda *report: reports.append((report[0], report[2])))
    expected = unbroken(lambda _: None)

    assert sum(second) == 1 + 1 + 2  # what was found counts as done
    assert len(reports) == len(set(reports))
    assert found.answers == expected.answers
    assert [trial.result for trial in found.trials] == [t.result for t in expected.trials]
    for name, array in expected.arrays.items():
        np.testing.assert_array_equal(found.arrays[name], array)


def assert_equal(progress: Progress, other: Progress) -> None:
    assert progress.curve == other.curve
    assert progress.answers == other.answers
    np.testing.assert_array_equal(progress.state["values"], other.state["values"])


def test_trials_are_validated_evenly_and_at_the_end_of_every_rung():
    assert [epoch for epoch in range(1, 21) if is_validated(epoch, 3, 20)] == [
        2,
        3,
        *range(4, 21, 2),
    ]
    assert [epoch for epoch in range(1, 4) if is_validated(epoch, 3, 3)] == [1, 2, 3]
