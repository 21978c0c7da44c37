"""A run keeps the config that it began with."""

import pytest

from stages.config import parse_pipeline
from stages.opening import open_store
from stages.runner.lock import keep, new_lock
from stages.runner.pipeline import refuse_another, run_pipeline
from stages.runtime.errors import ConfigError
from stages.settings import Settings
from tests import makers

YAML = "name: shapes\ntask: image_classification\ndata: shapes@00\ntrain: {trials: 2}\n"


def begun(settings: Settings) -> None:
    keep(new_lock("known", parse_pipeline(YAML)), open_store(settings), settings)


def test_a_known_run_with_another_config_is_refused(tmp_path):
    settings = makers.settings(tmp_path)
    begun(settings)

    with pytest.raises(ConfigError, match=r"begun with another train\.trials"):
        run_pipeline(
            parse_pipeline(YAML, changes=("train.trials=3",)), run="known", settings=settings
        )


def test_what_is_left_open_is_as_the_run_pinned_it(tmp_path):
    settings = makers.settings(tmp_path)
    begun(settings)
    open_ones = parse_pipeline(YAML, changes=("data.revision=''", "train.trials=null"))

    refuse_another(open_ones, "known", settings)
