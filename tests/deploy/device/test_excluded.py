"""A family that breaks a hard limit costs no training step, as MLflow shows of a real run."""

import json

import pytest

from stages.config import read_pipeline
from stages.memo import ENTRIES
from stages.memo.entry import CacheEntry
from stages.opening import open_store
from stages.runner.lock import load_lock
from stages.runner.pipeline import refuse_another, run_pipeline
from stages.runner.planning import plan
from stages.runner.resolve import resolve
from stages.runner.watch import LogWatch
from stages.runtime.errors import ConfigError
from stages.tracking.server import connect
from tests import makers

PIPELINE = makers.QUICK.replace(
    "families: [efficientnet_lite0]",
    "families: [efficientnet_lite0, efficientnet_lite2], finetune: {trials: 0}, "
    "device: {size_mb: 6.8, latency_ms_p95: 10000}",
)
INCLUDED, EXCLUDED = "efficientnet_lite0@64", "efficientnet_lite2@64"


class Recorder(LogWatch):
    """Keeps the messages to the user."""

    def __init__(self):
        super().__init__()
        self.messages = []

    def notify(self, text):
        self.messages.append(text)


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    folder = tmp_path_factory.mktemp("excluded")
    settings, watch = makers.settings(folder), Recorder()
    pipeline = read_pipeline(makers.quick_pipeline(folder, settings, PIPELINE))
    artifacts = run_pipeline(pipeline, run="tight", watch=watch, settings=settings)
    return pipeline, settings, artifacts, watch.messages


@pytest.mark.slow
def test_no_training_step_of_an_input_that_does_not_fit_ever_ran(ran):
    _, settings, _, _ = ran

    trials, train = _tracked(settings)

    assert len(trials) == 3
    assert {trial.data.params["input"] for trial in trials} == {INCLUDED}
    assert json.loads(train.data.params["inputs"]) == [INCLUDED]
    why = train.data.tags[f"excluded.{EXCLUDED}".replace("@", "_")]
    assert why.endswith("MB, 6.8 allowed")


@pytest.mark.slow
def test_nor_was_anything_computed_for_it(ran):
    _, settings, _, _ = ran
    store = open_store(settings)

    backbones = [
        record.facts["family"]
        for key in store.blobs.keys(ENTRIES)
        if (record := CacheEntry(store.blobs, key.removesuffix(".json")).record())
        and isinstance(record.facts, dict)
        and "family" in record.facts
    ]

    assert backbones == ["efficientnet_lite0"]  # without which there are no features


@pytest.mark.slow
def test_the_lock_has_the_table_the_rule_and_the_figures_that_decided(ran):
    pipeline, settings, artifacts, messages = ran
    store = open_store(settings)
    lock = load_lock("tight", store)

    device = lock.config["train"]["device"]
    assert device["excluded"] == [EXCLUDED]
    assert [row["input"] for row in device["measured"]] == [INCLUDED, EXCLUDED]
    assert lock.selection["rule"] == store.load(artifacts["train"]).selection["rule"]
    [line] = [line for line in messages if "left out" in line]
    assert line.startswith(f"{EXCLUDED} left out: ")
    assert line in resolve(pipeline, settings).train.device.notices()
    assert {row.action for row in plan(pipeline, settings)} == {"reuse"}


@pytest.mark.slow
def test_the_same_run_is_taken_up_again_and_one_with_other_limits_is_another(ran):
    pipeline, settings, _, _ = ran
    device = pipeline.train.device.model_copy(update={"size_mb": 7.2})
    train = pipeline.train.model_copy(update={"device": device})

    refuse_another(pipeline, "tight", settings)

    with pytest.raises(ConfigError, match=r"train\.device\.size_mb"):
        refuse_another(pipeline.model_copy(update={"train": train}), "tight", settings)


@pytest.mark.slow
def test_the_pages_tell_of_the_trials_and_of_the_limits(ran):
    _, settings, artifacts, _ = ran
    store = open_store(settings)

    report = store.get(store.load(artifacts["evaluate"]).files["report.html"]).decode()
    packed = store.get(store.load(artifacts["deploy_device_sdk"]).files["report.html"]).decode()
    _, train = _tracked(settings)

    assert "The search" in report
    assert EXCLUDED in report
    assert "Within the limits of the device" in packed
    assert "trials.html" in {
        file.path for file in connect(settings).list_artifacts(train.info.run_id)
    }


def _tracked(settings):
    """The runs of all trials, and that of the stage above them."""
    client = connect(settings)
    home = client.get_experiment_by_name("shapes").experiment_id
    trials = client.search_runs([home], "tags.`aiwf.part` = 'trial'")
    [train] = client.search_runs([home], "tags.`aiwf.stage` = 'train'")
    return trials, train
