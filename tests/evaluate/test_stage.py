"""The stage on a real small model: what the Report says, holds, and that it is always the same."""

import json
import subprocess
import sys
from html.parser import HTMLParser

import numpy as np
import pytest

from stages.artifacts import Report
from stages.config import EvaluateConfig, EvaluateSlice
from stages.etl.manifest import samples_of
from stages.evaluate import evaluate
from stages.evaluate.native import graph_of, predictor_of
from stages.metrics import measure
from stages.runtime.errors import ConfigError, DataError
from stages.tracking import QuietRun
from tests import makers


class Remembering(QuietRun):
    """A Run that keeps what it hears."""

    def __init__(self):
        self.metrics, self.tags, self.files, self.calls = {}, {}, {}, []

    def log_metrics(self, metrics, step=0):
        self.metrics.update(metrics)

    def log_tags(self, tags):
        self.tags.update(tags)

    def log_file(self, name, data):
        self.files[name] = data

    def progress(self, what, done, total):
        self.calls.append((what, done, total))


def evaluated(trained, run=None, **config) -> Report:
    folder, store, dataset, model = trained
    wanted = EvaluateSlice(evaluate=EvaluateConfig(**config))
    services = {"store": store, "run": run or QuietRun(), "resources": makers.resources(folder)}
    return evaluate(model, dataset, wanted, **services)


def test_predictions_are_those_of_the_models_own_graph_in_the_manifests_order(trained):
    _, store, dataset, model = trained

    predictions = json.loads(store.get(evaluated(trained).files["predictions.json"]))

    samples = samples_of(dataset, store, "test")
    with graph_of(model, store) as graph:
        scores = predictor_of(model, graph).answers(
            [store.get(sample.digest) for sample in samples]
        )
    assert predictions["files"] == [sample.digest for sample in samples]
    assert predictions["names"] == [sample.file for sample in samples]
    assert [predictions["labels"][index] for index in predictions["truth"]] == [
        sample.label for sample in samples
    ]
    np.testing.assert_allclose(predictions["answers"], scores, atol=1e-6)


def test_what_the_report_says_can_be_counted_again_from_its_predictions(trained):
    report = evaluated(trained)

    predictions = json.loads(trained[1].get(report.files["predictions.json"]))
    again = measure(predictions["truth"], predictions["answers"], predictions["labels"])

    assert report.overall == again.overall
    assert report.labels_measured == again.labels


def test_the_report_is_saved_with_its_parents(trained):
    _, store, dataset, model = trained

    report = evaluated(trained)

    assert store.load(report.ref) == report
    assert report.parents == (model.ref, dataset.ref)
    assert set(report.files) == {"report.html", "metrics.json", "predictions.json"}


def test_other_processes_and_other_threads_make_the_same_report(trained):
    command = [sys.executable, "-m", "tests.evaluate.small", str(trained[0])]

    outputs = [
        subprocess.run([*command, threads], capture_output=True, text=True, check=True).stdout
        for threads in ("1", "3")
    ]

    assert outputs == [f"{evaluated(trained).ref.id}\n"] * 2


def test_mlflow_hears_the_numbers_and_gets_the_same_page(trained):
    run = Remembering()

    report = evaluated(trained, run)

    assert run.metrics["accuracy"] == report.overall["accuracy"].value
    assert run.metrics["accuracy_low"] == report.overall["accuracy"].low
    assert run.metrics["recall/circle"] == report.labels_measured["circle"]["recall"].value
    assert (report.verdict, report.gate) == ("ship", {})
    assert run.tags["verdict"] == "better than guessing; no minimum was set"
    assert run.files["report.html"] == trained[1].get(report.files["report.html"])
    assert run.calls[-1] == ("predictions", 24, 24)


@pytest.mark.parametrize(
    ("gate", "verdict"),
    [
        ({"accuracy": 0.0}, "ship"),
        ({"accuracy": 1.0}, "do not ship"),
        ({"macro_f1": 0.5}, "undecided"),
    ],
)
def test_the_gate_of_the_config_decides(trained, gate, verdict):
    assert evaluated(trained, gate=gate).verdict == verdict


def test_a_gate_on_a_label_that_is_not_there_names_the_nearest(trained):
    with pytest.raises(ConfigError, match="Did you mean 'circle'"):
        evaluated(trained, gate={"recall of circel": 0.5})


def test_a_model_of_other_labels_is_turned_away(trained):
    folder, store, dataset, model = trained
    stranger = model.model_copy(update={"labels": ("cat", "dog", "bird")})

    with pytest.raises(DataError, match="cat, dog, bird"):
        evaluated((folder, store, dataset, stranger))


def test_without_a_test_split_there_is_nothing_to_measure(trained):
    folder, store, dataset, model = trained
    lines = store.get(dataset.files["manifest.csv"]).decode().replace(",test,", ",train,")
    untested = dataset.model_copy(update={"files": {"manifest.csv": store.add(lines.encode())}})

    with pytest.raises(DataError, match=r"test split .* is empty"):
        evaluated((folder, store, untested, model))


class Page(HTMLParser):
    """What a page loads, and whether its tags are closed."""

    VOID = frozenset(("meta", "link", "br", "img", "input", "hr"))

    def __init__(self, text):
        super().__init__()
        self.loads, self.open, self.images, self.texts = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        named = dict(attributes)
        self.loads += [named[key] for key in ("src", "href", "srcset", "data") if named.get(key)]
        if tag == "img":
            self.images.append(named)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        pass

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data.strip())


def test_the_page_opens_alone(trained):
    _, store, dataset, model = trained
    text = store.get(evaluated(trained).files["report.html"]).decode()

    page = Page(text)

    assert not page.open
    assert all(address.startswith("data:image/jpeg;base64,") for address in page.loads)
    assert "http://" not in text
    assert "https://" not in text
    assert "@import" not in text
    assert "url(" not in text
    assert all("alt" in image for image in page.images)
    assert text.count("<svg") > 10
    assert {model.ref.id, dataset.ref.id} <= {*page.texts}


def test_the_page_shows_as_many_mistakes_as_asked_for(trained):
    _, store, _, _ = trained
    counts = {}

    for worst in (0, 2, 200):
        report = evaluated(trained, worst=worst)
        page = Page(store.get(report.files["report.html"]).decode())
        counts[worst] = len(page.images)

    wrong = json.loads(store.get(report.files["metrics.json"]))["mistakes"]
    assert counts == {0: 0, 2: 2, 200: len(wrong)}
