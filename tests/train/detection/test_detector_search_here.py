"""The decisions of the search over detectors, in this process: the same workers, without Ray."""

import json
from dataclasses import replace

import numpy as np
import pytest

from stages.tracking import QuietRun
from stages.train.detection import Detectors, detector_search
from stages.train.distributed.driver import CHECKPOINTS
from tests import makers
from tests.train import here
from tests.train.detection.conftest import config

CONFIG = config(trials=2, workers=1)


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch):
    monkeypatch.setattr(detector_search, "worker_pool", here.worker_pool)
    monkeypatch.setattr(detector_search, "cluster", here.cluster)


class Progresses(QuietRun):
    """Keeps what is reported."""

    def __init__(self):
        self.epochs = []

    def progress(self, what, done, total):
        if what == "epochs":
            self.epochs.append((done, total))


def test_the_better_of_two_is_trained_to_its_end_and_saved(dataset, store, tmp_path):
    run, resources = Progresses(), makers.resources(tmp_path)

    two_epochs = config(epochs=2, trials=2, workers=1)
    model = Detectors().train(dataset, two_epochs, store=store, run=run, resources=resources)

    trials = json.loads(store.get(model.files["trials.json"]))
    chosen, other = sorted(trials, key=lambda row: -row["rung"])
    assert (chosen["rung"], other["rung"]) == (2, 1)
    assert chosen["chosen"]
    assert chosen["curve"][0]["ap50"] >= other["curve"][0]["ap50"]
    assert [row["epoch"] for row in chosen["curve"]] == [1, 2]
    assert run.epochs == [(1, 3), (2, 3), (3, 3)]  # two first epochs, one more of the better one
    unseen = json.loads(store.get(model.files["unseen.json"]))
    assert len(unseen["answers"]) == len(unseen["digests"])
    remains = [path.name for path in (resources.scratch / CHECKPOINTS).iterdir() if path.is_dir()]
    assert not remains, "the checkpoint of a saved model is deleted"


def test_what_was_validated_is_not_trained_again(problem, tmp_path):
    resources, found = makers.resources(tmp_path), []
    few = replace(problem, scenes=replace(problem.scenes, training=problem.scenes.training[:8]))

    class Stopped(Exception):
        pass

    def stop(epochs):
        found.append(epochs)
        if len(found) == 2:
            raise Stopped

    search = (few, CONFIG, 2, resources, lambda _: None)
    store = makers.store(tmp_path / "own")
    with pytest.raises(Stopped):
        detector_search.search(*search, stop, store=store)
    reported, trained = [], []
    broken = detector_search.search(
        *search,
        trained.append,
        lambda *report: reported.append((report[0], report[2])),
        store=store,
    )
    whole = detector_search.search(*search, lambda _: None, store=makers.store(tmp_path / "other"))

    assert sum(trained) == 1 + 1 + 2  # what was found counts as done
    assert sorted(reported) == [(0, 1), (1, 1), *((whole.chosen.number, epoch) for epoch in (2, 3))]
    assert broken.answers == whole.answers
    assert [trial.result for trial in broken.trials] == [trial.result for trial in whole.trials]
    for name, array in whole.arrays.items():
        np.testing.assert_array_equal(broken.arrays[name], array)


def test_a_single_trial_is_trained_by_a_group_alone(problem, tmp_path):
    few = replace(problem, scenes=replace(problem.scenes, training=problem.scenes.training[:8]))
    rungs = []

    found = detector_search.search(
        few,
        config(epochs=1, workers=1),
        1,
        makers.resources(tmp_path),
        rungs.append,
        lambda _: None,
        store=makers.store(tmp_path / "own"),
    )

    assert len(rungs) == 1
    assert found.chosen.reached == 1
    assert found.chosen.score == found.chosen.result.measures["ap50"]
    assert len(found.answers) == len(few.scenes.validation)
