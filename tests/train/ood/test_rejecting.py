"""From a Dataset to a report, with a label for samples that have none: what was measured is
shipped."""

import json

import numpy as np
import pytest

from stages.config import EvaluateConfig, EvaluateSlice, TrainConfig, TrainSlice
from stages.evaluate import evaluate
from stages.evaluate.native import graph_of, predictor_of
from stages.tracking import QuietRun
from stages.train import train
from stages.train.ood import pictures
from stages.train.ood.negative_spec import NegativeSpec, generator_for
from tests import makers

CONFIG = TrainConfig(
    families=("efficientnet_lite0",),
    input_sizes=(64,),
    epochs=12,
    trials=2,
    folds=3,
    finetune={"trials": 0},
    other="auto",
)


@pytest.fixture(scope="module")
def artifacts(store, backbone, ray_running):
    services = {"store": store, "run": QuietRun(), "resources": ray_running}
    dataset = makers.dataset(store, each=20, views=0)
    model = train(dataset, TrainSlice(train=CONFIG), **services)
    report = evaluate(model, dataset, EvaluateSlice(evaluate=EvaluateConfig()), **services)
    return dataset, model, report


@pytest.mark.slow
def test_the_model_has_the_label_the_step_and_a_record_of_the_cost(artifacts):
    dataset, model, _ = artifacts
    record = model.selection["other"]

    assert model.labels == (*dataset.labels, "other")
    assert model.after[0].step == "reject"
    assert model.after[0].args == {"other": 3, "threshold": record["threshold"]}
    assert record["known"] == 48 == model.selection["samples"]
    assert record["unknown"] == 2 * len(pictures.KINDS)
    assert record["cost"] <= 0.005
    assert (record["made"], record["yours"]) == (record["unknown"], 0)


@pytest.mark.slow
def test_what_the_report_counts_is_what_the_threshold_was_chosen_on(artifacts, store):
    _, model, report = artifacts
    unseen = json.loads(store.get(model.files["unseen.json"]))
    numbers = json.loads(store.get(report.files["metrics.json"]))["unknown_samples"]
    answers = np.array(unseen["answers"]).argmax(axis=1)[np.array(unseen["truth"]) == 3]

    assert set(numbers["kinds"]) == set(pictures.KINDS)
    assert numbers["recall"]["value"] == pytest.approx((answers == 3).mean())
    assert 1 - numbers["recall"]["value"] == pytest.approx(
        model.selection["other"]["false_accepts"], abs=1e-4
    )
    assert "other" not in report.labels_measured
    assert "What has none of the labels" in store.get(report.files["report.html"]).decode()


@pytest.mark.slow
def test_a_new_negative_is_answered_other_and_a_photo_is_not(artifacts, store):
    _, model, _ = artifacts
    unknown = [
        pictures.negative(
            kind, generator_for(NegativeSpec(kind, 99), 1), lambda: makers.picture("square", 70)
        )
        for kind in ("noise", "stripes", "clouds", "letters")
    ]
    photos = [makers.picture(label, 50) for label in makers.LABELS]

    with graph_of(model, store) as graph:
        answers = np.array(predictor_of(model, graph).answers([*unknown, *photos]))

    assert (answers[:4].argmax(axis=1) == 3).all()
    assert (answers[4:].argmax(axis=1) != 3).all()
    assert np.allclose(answers.sum(axis=1), 1, atol=1e-4)
