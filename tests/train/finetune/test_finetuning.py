"""Both phases of a search; slow: in a group of two workers, too."""

import json
from dataclasses import replace

import numpy as np
import pytest

from stages.config import TrainConfig, TrainSlice
from stages.config.search_space import FinetuneSearchSpace, Range, SearchSpace
from stages.config.train import Finetune
from stages.memo import SCOPES
from stages.models.arrays import unpack_arrays
from stages.tracking import QuietRun
from stages.train import train
from tests import makers

# heads learn next to nothing
SLOW = SearchSpace(head=("hidden",), learning_rate=Range(low=1e-6, high=1e-6))
SPACE = FinetuneSearchSpace(freeze=("most",), batch_size=(16,))
CONFIG = TrainConfig(
    families=("efficientnet_lite0",),
    input_sizes=(64,),
    epochs=2,
    trials=2,
    search_space=SLOW,
    folds=3,
    finetune=Finetune(trials=3, epochs=9, views=1, search_space=SPACE),
    metric="log_loss",
)


@pytest.fixture(scope="module")
def dataset(store):
    return makers.dataset(store, each=16, views=1)


@pytest.fixture(scope="module")
def trained(dataset, store, ray_running):
    return trained_by(1, CONFIG, dataset, store, ray_running)


def trained_by(workers, config, dataset, store, resources):
    slice_ = TrainSlice(train=config.model_copy(update={"workers": workers}))
    return train(dataset, slice_, store=store, run=QuietRun(), resources=resources)


@pytest.fixture(scope="module")
def rows(trained, store) -> list[dict]:
    return json.loads(store.get(trained.files["trials.json"]))


def test_trials_of_both_phases_are_in_the_table(rows):
    assert [row["number"] for row in rows] == list(range(5))
    assert [row["phase"] for row in rows] == [1, 1, 2, 2, 2]
    assert sum(row["chosen"] for row in rows) == 1


def test_weak_trials_are_stopped_after_the_first_rung(rows):
    tuned = [row for row in rows if row["phase"] == 2]

    assert sorted(row["rung"] for row in tuned) == [3, 3, 9]


@pytest.mark.slow
def test_two_workers_and_one_make_the_same_model(dataset, store, ray_running):
    finetune = Finetune(trials=1, epochs=3, views=1, search_space=SPACE)
    config = CONFIG.model_copy(update={"finetune": finetune})

    alone, both = (trained_by(count, config, dataset, store, ray_running) for count in (1, 2))

    assert alone.ref == both.ref


def test_a_tuned_model_differs_from_the_published_backbone(trained, rows, store):
    chosen = next(row for row in rows if row["chosen"])
    arrays = unpack_arrays(store.get(trained.files["weights.npz"]))
    from stages.parts import FAMILIES

    published = FAMILIES["efficientnet_lite0"].load()
    changed = [
        n for n, array in published.items() if not np.array_equal(array, arrays[f"backbone.{n}"])
    ]
    assert bool(changed) == (chosen["phase"] == 2)
    assert chosen["phase"] == 2, "fine-tuning beats a head that learnt next to nothing"


def test_out_of_fold_predictions_are_kept(trained, store, dataset):
    unseen = json.loads(store.get(trained.files["unseen.json"]))

    assert len(unseen["digests"]) == trained.selection["samples"]
    np.testing.assert_allclose(np.sum(unseen["answers"], axis=1), 1, atol=1e-4)


def test_there_are_no_more_validation_folds_than_groups(store, ray_running):
    few = makers.dataset(store, each=6, views=0)
    finetune = Finetune(trials=1, epochs=1, views=0, search_space=SPACE, folds=10)
    config = CONFIG.model_copy(update={"folds": 10, "finetune": finetune, "workers": 1})

    model = train(few, TrainSlice(train=config), store=store, run=QuietRun(), resources=ray_running)

    assert model.selection["samples"] == few.train_and_validation
    assert model.selection["folds"] < 10


def test_a_stage_that_is_killed_after_its_model_was_saved_finds_all_results_again(
    dataset, store, ray_running, tmp_path
):
    finetune = Finetune(trials=1, epochs=1, views=0, search_space=SPACE)
    slice_ = TrainSlice(train=CONFIG.model_copy(update={"finetune": finetune, "workers": 1}))
    fresh = replace(ray_running, scratch=tmp_path)
    blobs = store.blobs
    first = train(dataset, slice_, store=store, run=QuietRun(), resources=fresh)
    cached = {key: blobs.modified(key) for key in blobs.keys(SCOPES) if "/entry-" in key}

    again = train(dataset, slice_, store=store, run=QuietRun(), resources=fresh)

    assert cached, "the resume state of fine-tuning"
    after = {key: blobs.modified(key) for key in blobs.keys(SCOPES) if "/entry-" in key}
    assert after == cached, "nothing was trained"
    assert again.ref == first.ref
