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


def lock_with(settings: Settings, **train) -> None:
    """The run `known`, whose families were found when it was pinned."""
    pipeline = parse_pipeline(YAML)
    pinned = pipeline.model_copy(update={"train": pipeline.train.model_copy(update=train)})
    keep(new_lock("known", pinned), open_store(settings), settings)


def test_families_that_were_found_are_no_other_config(tmp_path):
    settings = makers.settings(tmp_path)
    found = {"families": ("squeezenet",), "weights": {"squeezenet": "0" * 64}}
    lock_with(settings, **found, left_out={"pp_lcnet": "no weights at hand"})

    refuse_another(parse_pipeline(YAML), "known", settings)
    named = "train.families=[squeezenet, pp_lcnet]"
    refuse_another(parse_pipeline(YAML, changes=(named,)), "known", settings)


def test_other_families_than_those_that_took_part_are_another_config(tmp_path):
    settings = makers.settings(tmp_path)
    lock_with(settings, families=("squeezenet", "efficientnet_lite0"))

    with pytest.raises(ConfigError, match=r"begun with another train\.families"):
        refuse_another(
            parse_pipeline(YAML, changes=("train.families=[squeezenet]",)), "known", settings
        )
