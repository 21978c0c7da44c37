"""The train stage: from a Dataset to a Model that predicts as its backbone and head do."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from stages.blobs.folder import FolderBlobs
from stages.config import TrainConfig, TrainSlice
from stages.etl.manifest import samples_of
from stages.runtime import steps as runtime
from stages.runtime.errors import ConfigError, DataError
from stages.store import Store
from stages.tracking import QuietRun
from stages.train import train
from stages.train.heads.network import build
from tests import makers

CONFIG = TrainConfig(
    families=("efficientnet_lite0",), input_sizes=(64,), epochs=10, trials=5, batch=4, folds=3
)


class Listener(QuietRun):
    """Keeps the reports."""

    def __init__(self) -> None:
        self.reports: list[tuple[str, int, int]] = []
        self.trials: list = []

    def progress(self, what: str, done: int, total: int) -> None:
        self.reports.append((what, done, total))

    def log_trials(self, trials) -> None:
        self.trials += trials


@pytest.fixture(scope="module")
def dataset(store):
    return makers.dataset(store, each=20, views=1)


@pytest.fixture(scope="module")
def trained(dataset, store, ray_running):
    listener = Listener()
    model = train(
        dataset, TrainSlice(train=CONFIG), store=store, run=listener, resources=ray_running
    )
    return model, listener


def test_the_model_has_its_files_and_the_record_of_its_selection(trained, store, dataset):
    model, _ = trained

    assert set(model.files) == {
        "weights.npz",
        "graph.json",
        "graph.pdiparams",
        "learning_curve.json",
        "trials.json",
        "unseen.json",
    }
    assert store.whole(model.ref)
    assert model.parents == (dataset.ref,)
    assert model.input_shape == (3, 64, 64)
    held_out, _, guessed = model.selection["held_out"].partition("; ")
    assert held_out == "train and validation in 3 folds, groups kept whole"
    assert "look as if taken together" in guessed  # the drawn circles are much alike
    assert model.selection["trials"] == 5
    assert len(next(iter(model.weights.values()))) == 64


def test_it_says_what_it_was_validated_on_and_what_more_samples_would_bring(
    trained, store, dataset
):
    model, _ = trained
    learning_curve = json.loads(store.get(model.files["learning_curve.json"]))

    validated = {label: 16 for label in dataset.labels}
    assert model.selection["held_out_by_label"] == validated
    assert "Only 16 held-out samples" in model.selection["few"]
    assert model.selection["finalists"] == []  # there is but one input
    assert [point["share"] for point in learning_curve["points"]] == [0.25, 0.5, 0.75, 1.0]
    assert learning_curve["samples"] == sum(validated.values())
    assert learning_curve["points"][-1]["value"] > 0.9
    assert learning_curve["wrong"] < 5
    assert (
        0
        <= learning_curve["gain"]["low"]
        <= learning_curve["gain"]["value"]
        <= learning_curve["gain"]["high"]
        <= 1
    )
    assert learning_curve["first"]["label"] in dataset.labels


def test_it_learnt_something(trained):
    model, _ = trained

    assert model.selection["measures"]["balanced_accuracy"] > 0.5


def test_the_table_has_every_trial_and_marks_the_chosen(trained, store):
    model, _ = trained
    rows = json.loads(store.get(model.files["trials.json"]))

    (chosen,) = (row for row in rows if row["chosen"])

    assert [row["number"] for row in rows] == list(range(5))
    assert chosen["number"] == model.selection["trial"]
    assert chosen["measures"] == model.selection["measures"]
    best = max(row["measures"]["balanced_accuracy"] for row in rows)
    assert best == model.selection["highest"]


def test_scores_of_unseen_samples_are_those_that_were_measured(trained, store, dataset):
    model, _ = trained
    unseen = json.loads(store.get(model.files["unseen.json"]))

    used = {sample.digest for sample in samples_of(dataset, store) if sample.split != "test"}

    scores = np.array(unseen["answers"])
    assert set(unseen["digests"]) == used
    np.testing.assert_allclose(scores.sum(axis=1), 1, atol=1e-5)
    right = (scores.argmax(axis=1) == unseen["truth"]).mean()
    assert right == pytest.approx(model.selection["measures"]["accuracy"], abs=1e-6)


def test_the_network_predicts_what_it_was_trained_on(trained, store, dataset):
    import paddle

    model, _ = trained
    samples = samples_of(dataset, store, "train")
    before = [step.model_dump() for step in model.before]
    images = np.stack([runtime.run(before, store.get(sample.digest)) for sample in samples])

    with paddle.no_grad():
        logits = build(model, store)(paddle.to_tensor(images)).numpy()

    truth = [dataset.labels.index(sample.label) for sample in samples]
    assert (logits.argmax(axis=1) == truth).mean() > 0.8


def test_progress_is_reported_and_every_trial_is_kept(trained):
    _, listener = trained

    last = {what: (done, total) for what, done, total in listener.reports}
    assert set(last) == {"backbones", "features", "trials", "learning curve"}
    assert last["trials"] == (5, 5)
    assert last["learning curve"] == (32, 32)
    assert [trial.name for trial in listener.trials] == [f"trial {number}" for number in range(5)]
    assert [trial.tags["chosen"] for trial in listener.trials].count("yes") == 1
    assert all(trial.curve for trial in listener.trials)


@pytest.mark.slow
def test_the_same_again_is_the_same_model(trained, ray_running, tmp_path):
    model, _ = trained
    empty = Store(FolderBlobs(tmp_path / "store"), tmp_path)  # where no trial is kept
    elsewhere = {"store": empty, "resources": replace(ray_running, scratch=tmp_path)}
    dataset = makers.dataset(empty, each=20, views=1)

    again = train(dataset, TrainSlice(train=CONFIG), run=QuietRun(), **elsewhere)

    assert again.ref == model.ref


def test_a_dataset_without_a_split_that_is_needed_is_refused(store, ray_running, dataset):
    empty = dataset.model_copy(
        update={"files": {"manifest.csv": store.add(b"file,digest,label,split,group\n")}}
    )

    with pytest.raises(DataError, match="no samples in train"):
        train(empty, TrainSlice(train=CONFIG), store=store, run=QuietRun(), resources=ray_running)


def test_a_size_that_does_not_fit_is_refused_before_any_work(store, ray_running, dataset):
    config = CONFIG.model_copy(update={"input_sizes": (70,)})

    with pytest.raises(ConfigError, match="70 pixels"):
        train(dataset, TrainSlice(train=config), store=store, run=QuietRun(), resources=ray_running)


PROGRAM = """
import sys
from dataclasses import replace
from pathlib import Path
from stages.config import TrainSlice
from stages.opening import open_store, resources_of
from stages.settings import Settings
from stages.tracking import QuietRun
from stages.train import train
from tests import makers

settings = Settings(workspace=Path(sys.argv[1]), threads=int(sys.argv[2]))
store = open_store(settings)
config = TrainSlice.model_validate_json(sys.argv[3])
dataset = makers.dataset(store, each=20, views=1)
print(train(dataset, config, store=store, run=QuietRun(), resources=resources_of(settings)).ref.id)
"""


def start(workspace: Path, threads: int) -> subprocess.Popen:
    """Train in a process of its own, with a Ray of its own."""
    config = TrainSlice(train=CONFIG).model_dump_json()
    command = [sys.executable, "-c", PROGRAM, str(workspace), str(threads), config]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


@pytest.mark.slow
@pytest.mark.parametrize("threads", [1, 3])
def test_another_process_with_other_cores_makes_the_same_model(trained, tmp_path, threads):
    model, _ = trained

    output, _ = start(tmp_path, threads).communicate(timeout=300)

    assert output.strip() == model.ref.id


@pytest.mark.chaos
@pytest.mark.parametrize("what", ["features", "search"])
def test_killed_in_the_middle_the_same_command_ends_with_the_same_model(trained, tmp_path, what):
    import time

    model, _ = trained
    first = start(tmp_path, 1)
    awaited = "store/memo/scopes/*/entry-*.json" if what == "search" else "cache/files/*.onnx"
    while not list(tmp_path.glob(awaited)):
        time.sleep(0.05)
    time.sleep(6 if what == "search" else 0)
    first.kill()
    first.wait()

    output, _ = start(tmp_path, 1).communicate(timeout=300)

    assert output.strip() == model.ref.id
