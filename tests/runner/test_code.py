"""Which code makes which stage run again."""

from stages.runner.code import ROOT, _imports, _source, code_digest, reached

CONFIG = {"train": {"families": ["efficientnet_lite0"], "searcher": "random"}}


def test_a_stage_reaches_its_own_files_and_what_they_import():
    modules = reached("train", CONFIG)

    assert {"stages.train", "stages.runtime.steps", "stages.models.weights"} <= set(modules)


def test_only_the_parts_that_the_config_names_count():
    named = reached("train", CONFIG)

    assert "stages.train.search.searchers.random" in named
    assert "stages.train.search.searchers.tpe" not in named


def test_only_the_parts_that_the_task_names_count():
    named = reached("train", CONFIG, "image_classification")

    assert "stages.train.heads.head_search" in named
    assert "stages.tasks.image_classification" in named
    assert not [name for name in named if name.startswith("stages.train.detection")]
    assert "stages.tasks.object_detection" not in named


def test_services_do_not_decide_what_is_made():
    assert not [name for name in reached("etl", {}) if name.startswith("stages.store")]


def test_another_room_does_not_count():
    assert not [name for name in reached("etl", {}) if name.startswith("stages.deploy")]


def test_the_digest_is_the_same_every_time():
    assert code_digest("etl", {}) == code_digest("etl", {})


def test_relative_imports_are_followed():
    path = _source("stages.runtime.registry")

    assert path == ROOT / "stages" / "runtime" / "registry.py"
    assert "stages.runtime.errors" in _imports("stages.runtime.registry", path)
