"""One stage by itself, as another process asks for it."""

import pytest

from stages.artifacts import Ref
from stages.runner import run_stage
from stages.runtime.errors import ConfigError
from stages.settings import Settings

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
