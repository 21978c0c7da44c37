"""Predictions are an input of judging: another gate is judged without answering again."""

import json
from dataclasses import replace

import numpy as np
import pytest

from stages.config import EvaluateConfig, EvaluateSlice
from stages.etl.manifest import samples_of, write_manifest
from stages.evaluate import evaluate, split_predictions
from stages.tracking import QuietRun
from tests import makers
from tests.evaluate import small
from tests.evaluate.test_stage import Remembering


@pytest.fixture
def stored(tmp_path):
    """A folder with a store of its own, so that nothing was predicted yet."""
    return tmp_path, *small.stored_shapes(tmp_path, each=15)


@pytest.fixture
def loads(monkeypatch):
    """The networks that were loaded, as the stage goes on."""
    real, loaded = split_predictions.predictor_of, []

    def counted(model, graph):
        loaded.append(graph)
        return real(model, graph)

    monkeypatch.setattr(split_predictions, "predictor_of", counted)
    return loaded


def report_of(stored, **config):
    folder, store, dataset, model = stored
    part = EvaluateSlice(evaluate=EvaluateConfig(**config))
    services = {"store": store, "run": QuietRun(), "resources": makers.resources(folder)}
    return evaluate(model, dataset, part, **services)


def test_a_changed_gate_is_judged_without_loading_the_network(stored, loads):
    first = report_of(stored, gate={"accuracy": 0.1})
    once = len(loads)
    second = report_of(stored, gate={"accuracy": 1.0})

    assert once == 1
    assert len(loads) == once
    assert (first.verdict, second.verdict) == ("undecided", "do not ship")  # 9 photos are few
    assert first.files["predictions.json"] == second.files["predictions.json"]


@pytest.mark.parametrize("config", [{"precision": 0.5}, {"worst": 3}])
def test_nor_does_another_setting_of_the_report_predict_again(stored, loads, config):
    report_of(stored)
    report_of(stored, **config)

    assert len(loads) == 1


def test_another_test_split_is_predicted(stored, loads):
    folder, store, dataset, model = stored
    report_of(stored)
    samples = samples_of(dataset, store)
    fewer = [
        replace(sample, split="train") if sample.file.endswith("14.png") else sample
        for sample in samples
    ]
    files = {**dataset.files, "manifest.csv": store.add(write_manifest(fewer))}
    other = dataset.model_copy(update={"files": files})

    report_of((folder, store, other, model))

    assert len(loads) == 2


def test_another_model_is_predicted(stored, loads):
    folder, store, dataset, model = stored
    report_of(stored)
    other = model.model_copy(update={"after": ()})

    report_of((folder, store, dataset, other))

    assert len(loads) == 2


def test_an_entry_of_the_cache_that_is_lost_is_made_again(stored, loads):
    _, store, _, _ = stored
    first = report_of(stored)
    for key in list(store.blobs.keys("memo/")):
        store.blobs.remove(key)

    assert report_of(stored).ref == first.ref
    assert len(loads) == 2


def test_of_a_given_test_no_share_is_divided_by(stored):
    folder, store, dataset, model = stored
    provided = dataset.model_copy(update={"provided_splits": ("train", "test")})
    texts = {}
    for name, sample in (("drawn", dataset), ("given", provided)):
        report = report_of((folder, store, sample, model), gate={"accuracy": 0.99})
        texts[name] = store.get(report.files["report.html"]).decode()

    assert "are tested)" in texts["drawn"]
    assert "are tested)" not in texts["given"]
    assert "train, test" in texts["given"]


def test_a_test_that_lacks_a_label_says_so_in_its_row_and_beside_the_means(stored):
    folder, store, dataset, model = stored
    samples = [
        replace(sample, split="validation")
        if (sample.label, sample.split) == ("circle", "test")
        else sample
        for sample in samples_of(dataset, store)
    ]
    files = {**dataset.files, "manifest.csv": store.add(write_manifest(samples))}
    lacking = dataset.model_copy(update={"files": files})

    report = report_of((folder, store, lacking, model))

    page = store.get(report.files["report.html"]).decode()
    assert "no test photos" in page
    assert "The test lacks 1 of 3 labels: balanced accuracy is the mean over the other 2" in page
    assert report.verdict == "undecided"
    assert any("&#39;circle&#39; has 0" in line for line in page.splitlines())


def test_a_drop_comes_before_the_gate_and_is_kept_in_the_report_and_the_run(stored):
    folder, store, dataset, model = stored
    trained_on = samples_of(dataset, store, "train")
    truth = [dataset.labels.index(sample.label) for sample in trained_on]
    record = {
        "digests": [sample.digest for sample in trained_on],
        "truth": truth,
        "answers": np.eye(3)[truth].tolist(),
    }
    unseen = {"unseen.json": store.add(json.dumps(record).encode())}
    swapped = {"circle": "square", "square": "circle"}
    samples = [
        replace(sample, label=swapped.get(sample.label, sample.label))
        if sample.split == "test"
        else sample
        for sample in samples_of(dataset, store)
    ]
    files = {**dataset.files, "manifest.csv": store.add(write_manifest(samples))}
    other = dataset.model_copy(update={"files": files})
    surer = model.model_copy(update={"files": {**model.files, **unseen}})
    run = Remembering()

    report = evaluate(
        *(surer, other, EvaluateSlice(evaluate=EvaluateConfig())),
        store=store,
        run=run,
        resources=makers.resources(folder),
    )

    advice = json.loads(store.get(report.files["metrics.json"]))["advice"]
    assert advice[0].startswith("Balanced accuracy drops by ")
    assert advice[1].startswith("Say what you need")
    assert report.held_out["balanced_accuracy"].value == 1.0
    assert run.metrics["held_out_balanced_accuracy"] == 1.0
    assert any("drops by" in reason for reason in report.reasons)
