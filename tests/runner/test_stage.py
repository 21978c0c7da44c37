"""One stage by itself, as another process asks for it."""

import re

import pytest

from stages.artifacts import Ref
from stages.etl import source
from stages.opening import open_store
from stages.runner import run_stage
from stages.runtime.errors import ConfigError
from stages.settings import Settings
from tests import makers

CONFIG = {"name": "shapes", "task": "image_classification", "data": {"name": "shapes"}}
ALL = {kind: Ref(kind, "0" * 64) for kind in ("model", "report", "dataset")}


@pytest.mark.parametrize(
    ("stage", "inputs", "message"),
    [
        ("train", {}, "needs a dataset"),
        ("evaluate", {"model": ALL["model"]}, "needs a dataset"),
        ("deploy", {}, "needs a model and a report and a dataset"),
        ("deploy", ALL, "needs a target, and '' is none"),
    ],
)
def test_what_a_stage_lacks_is_told_in_words(stage, inputs, message, tmp_path, monkeypatch):
    monkeypatch.setattr("stages.runner.stage.resolve", lambda pipeline, settings: pipeline)

    with pytest.raises(ConfigError, match=message):
        run_stage(stage, CONFIG, inputs, run="one", settings=Settings(workspace=tmp_path))


def test_the_data_page_in_mlflow_says_of_which_run_it_is_and_the_artifact_s_own_does_not(tmp_path):
    settings = makers.settings(tmp_path)
    source.add("shapes", makers.folder_of_pictures(tmp_path / "shapes", each=10), settings)

    ref = run_stage("etl", CONFIG, {}, run="monday", settings=settings)

    (page,) = (settings.root / "mlflow" / "files").rglob("page.html")
    assert '<b translate="no">shapes</b>' in page.read_text("utf-8")
    assert re.search(r"run <[^>]*>monday<", page.read_text("utf-8"))
    store = open_store(settings)
    assert "monday" not in store.get(store.load(ref).files["page.html"]).decode()
