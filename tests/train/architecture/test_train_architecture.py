"""The train stage with a search of architectures: a Model like any other, with its genotype."""

import json

import numpy as np
import pytest

from stages.config import TrainConfig, TrainSlice
from stages.config.device import Device
from stages.config.train import Picked
from stages.etl.manifest import samples_of
from stages.models.genotype import parameters_of, parse
from stages.runtime import steps as runtime
from stages.tracking import QuietRun
from stages.train import train
from stages.train.heads.network import arrays_of, build
from tests import makers

MOST = 9_000
CONFIG = TrainConfig(
    families=("searched_image",),
    architecture="search",
    input_sizes=(32,),
    epochs=3,
    trials=5,
    batch=5,
    folds=1,
    growth=False,
    device=Device(parameters=MOST),
)


@pytest.fixture(scope="module")
def dataset(store):
    return makers.dataset(store, each=12, views=0)


@pytest.fixture(scope="module")
def model(dataset, store, ray_running):
    sliced = TrainSlice(train=CONFIG)
    return train(dataset, sliced, store=store, run=QuietRun(), resources=ray_running)


def test_the_genotype_stands_in_the_model_and_keeps_the_limit(model, store):
    genotype = parse(model.hyperparameters["genotype"])
    arrays = arrays_of(model, store)

    assert model.family == "searched_image"
    assert bytes(arrays["backbone.genotype"].astype(np.uint8)).decode() == genotype.text
    assert parameters_of(genotype, 3, len(model.labels)) <= MOST
    rows = json.loads(store.get(model.files["trials.json"]))
    assert len({row["hyperparameters"]["genotype"] for row in rows}) > 1


def test_the_model_says_what_hand_designs_came_to(model):
    record = model.selection["architecture"]

    # five trials, of which the first five of the seven arms have one each
    assert {"hierarchical_ppo", "plain", "separable"} < set(record["arms"])
    assert record["verdict"]


def test_a_picked_trial_is_a_model_of_its_own(model, dataset, store, ray_running):
    rows = json.loads(store.get(model.files["trials.json"]))
    row = next(row for row in rows if not row["chosen"])
    facts = {name: row[name] for name in ("hyperparameters",)} | {"trial": row["number"]}
    record = Picked.model_validate({"model": model.ref.id, **facts})
    sliced = TrainSlice(train=CONFIG.model_copy(update={"picked": record, "trials": 1}))

    picked = train(dataset, sliced, store=store, run=QuietRun(), resources=ray_running)

    [trial] = json.loads(store.get(picked.files["trials.json"]))
    assert trial["hyperparameters"] == row["hyperparameters"]
    assert trial["measures"] == row["measures"]
    assert picked.selection["picked"] == {"model": model.ref.id, "trial": row["number"]}
    assert f"trial {row['number']}" in picked.selection["rule"]
    assert "architecture" not in picked.selection


def test_a_found_network_is_trained_as_a_family(model, dataset, store, ray_running):
    genotype = model.hyperparameters["genotype"]
    changes = {"architecture": "off", "genotypes": {"found@a": genotype}, "trials": 2}
    config = CONFIG.model_copy(update={**changes, "device": Device()})

    found = train(
        dataset, TrainSlice(train=config), store=store, run=QuietRun(), resources=ray_running
    )

    assert found.family == "searched_image"
    assert found.hyperparameters["genotype"] == genotype
    assert bytes(arrays_of(found, store)["backbone.genotype"].astype(np.uint8)).decode() == genotype


def test_the_saved_network_answers_as_it_was_measured(model, store, dataset):
    import paddle

    unseen = json.loads(store.get(model.files["unseen.json"]))
    before, after = ([step.model_dump() for step in steps] for steps in (model.before, model.after))
    windows = np.concatenate(
        [np.stack([runtime.run(before, store.get(digest))]) for digest in unseen["digests"]]
    )
    with paddle.no_grad():
        logits = build(model, store)(paddle.to_tensor(windows.reshape(-1, 3, 32, 32))).numpy()
    answers = [runtime.run(after, row[None])[0] for row in logits]

    np.testing.assert_allclose(answers, unseen["answers"], atol=1e-4)
    assert set(unseen["digests"]) == {
        each.digest for each in samples_of(dataset, store, "validation")
    }


@pytest.mark.slow
def test_five_samples_a_label_are_searched_in_as_many_folds_as_there_are(store, ray_running):
    few = makers.dataset(store, each=5, views=0)
    changes = {"folds": 5, "trials": 3, "epochs": 1, "device": Device(parameters=5 * MOST)}
    config = CONFIG.model_copy(update=changes)

    model = train(few, TrainSlice(train=config), store=store, run=QuietRun(), resources=ray_running)

    folds = model.selection["folds"]
    assert 2 <= folds < 5
    genotype = parse(model.hyperparameters["genotype"])
    assert parameters_of(genotype, 3, len(model.labels), folds) <= 5 * MOST


@pytest.mark.slow
def test_equal_searches_give_equal_models(model, ray_running, tmp_path):
    elsewhere = makers.store(tmp_path / "other")  # nothing is cached there
    dataset = makers.dataset(elsewhere, each=12, views=0)

    again = train(
        dataset,
        TrainSlice(train=CONFIG),
        store=elsewhere,
        run=QuietRun(),
        resources=ray_running,
    )

    assert again.ref == model.ref
