"""A run keeps the config that it began with."""

import pytest

from stages.config import PipelineConfig, parse_pipeline
from stages.etl import source
from stages.opening import open_store
from stages.runner.lock import keep, load_lock, new_lock
from stages.runner.pipeline import refuse_another, run_pipeline
from stages.runner.stage import resolved_lock
from stages.runtime.errors import ConfigError
from stages.settings import Settings
from tests import makers

YAML = "name: shapes\ntask: image_classification\ndata: shapes@00\ntrain: {trials: 2}\n"


def begin_run(settings: Settings, **train) -> None:
    """The run `known`, for which `train` was pinned."""
    requested = parse_pipeline(YAML)
    config = requested.model_copy(update={"train": requested.train.model_copy(update=train)})
    keep(new_lock("known", config, requested), open_store(settings), settings)


def test_a_known_run_with_another_config_is_refused(tmp_path):
    settings = makers.settings(tmp_path)
    begin_run(settings)

    with pytest.raises(ConfigError, match=r"begun with another train\.trials"):
        run_pipeline(
            parse_pipeline(YAML, changes=("train.trials=3",)), run="known", settings=settings
        )


@pytest.mark.parametrize("minutes", [1, 10, 60])
@pytest.mark.parametrize("families", [[], ["efficientnet_lite0"]])
def test_what_minutes_decide_of_a_search_for_pictures_is_no_other_config(
    tmp_path, minutes, families
):
    settings = makers.settings(tmp_path)
    source.add("some", makers.folder_of_pictures(tmp_path / "data", each=12), settings)
    resolved_and_requested_again("image_classification", minutes, families, settings)


@pytest.mark.parametrize("minutes", [8, 60])
def test_what_minutes_decide_of_a_search_for_boxes_is_no_other_config(tmp_path, minutes):
    settings = makers.settings(tmp_path)
    source.add("some", makers.folder_of_boxes(tmp_path / "data"), settings)
    resolved_and_requested_again("object_detection", minutes, [], settings)


def resolved_and_requested_again(
    task: str, minutes: float, families: list[str], settings: Settings
) -> None:
    """A run is pinned; then the same is asked, as it was and as it was pinned."""
    train = {"budget_minutes": minutes, "families": families}
    table = {"name": "some", "task": task, "data": "some", "train": train}
    lock = resolved_lock("known", table, open_store(settings), settings)
    assert lock.config != lock.requested

    for config in (table, lock.config):
        refuse_another(PipelineConfig.model_validate(config), "known", settings)


def test_families_that_were_found_are_no_other_config(tmp_path):
    settings = makers.settings(tmp_path)
    weights = {"squeezenet": "0" * 64}
    begin_run(settings, families=("squeezenet",), weights=weights, excluded={"pp_lcnet": "none"})

    refuse_another(parse_pipeline(YAML), "known", settings)
    other = parse_pipeline(YAML, changes=("train.families=[pp_lcnet]",))
    with pytest.raises(ConfigError, match=r"begun with another train\.families"):
        refuse_another(other, "known", settings)


def test_a_lock_without_what_was_asked_knows_what_was_pinned(tmp_path):
    settings = makers.settings(tmp_path)
    begin_run(settings)
    store = open_store(settings)
    keep(load_lock("known", store).model_copy(update={"requested": {}}), store, settings)

    refuse_another(parse_pipeline(YAML), "known", settings)
    with pytest.raises(ConfigError, match=r"begun with another train\.trials"):
        refuse_another(parse_pipeline(YAML, changes=("train.trials=3",)), "known", settings)
