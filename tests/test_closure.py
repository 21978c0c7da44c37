"""Which code makes which stage run again, and a cached value anew."""

import os
import shutil
import subprocess
import sys
from collections import Counter

import pytest

from stages import closure, parts
from stages.closure import ROOT, _source, code_digest, code_of, packages, reached
from stages.runner.work import STAGE_FACTS

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


def test_c_files_count_with_the_target_that_ships_them():
    templates = "stages.deploy.c_source.templates"

    with_c = reached("deploy", {"deploy": {"targets": ["microcontroller"]}})
    without = reached("deploy", {"deploy": {"targets": ["device_sdk"]}})

    assert templates in with_c
    assert templates not in without
    assert "tmpl" in closure.BESIDE
    assert list((ROOT / templates.replace(".", "/")).glob("*.tmpl"))


def test_services_do_not_decide_what_is_made():
    assert not [name for name in reached("etl", {}) if name.startswith("stages.store")]


def test_another_room_does_not_count():
    assert not [name for name in reached("etl", {}) if name.startswith("stages.deploy")]


def test_the_digest_is_the_same_every_time():
    assert code_digest("etl", {}) == code_digest("etl", {})


def test_relative_imports_are_followed():
    source = _source("stages.runtime.registry")

    assert source.path == ROOT / "stages" / "runtime" / "registry.py"
    assert "stages.runtime.errors" in source.imports


def test_a_source_is_parsed_once_however_many_closures_it_is_in():
    parsed = Counter()

    def count(frame, event, function):
        if event == "c_call" and function is compile:
            parsed[frame.f_locals["source"]] += 1

    closure._source.cache_clear()
    sys.setprofile(count)
    try:
        code_digest("etl", {"etl": {"suites": ["pictures"]}})
        code_digest("train", CONFIG)
        packages(reached("evaluate", {}))
    finally:
        sys.setprofile(None)

    repeated = [source for source, count in parsed.items() if count > 1 and len(source) > 100]
    assert len(parsed) > 100
    assert not repeated  # but for packages without code, which are all alike


def in_a_copy(folder, change=None) -> str:
    """The digest of the steps' code as a process of a copy of `stages` computes it; `change`: the
    name of a file to which a line is added first."""
    if not folder.exists():
        shutil.copytree(
            ROOT / "stages", folder / "stages", ignore=shutil.ignore_patterns("__pycache__")
        )
    if change:
        with (folder / "stages" / change).open("a") as source:
            source.write("\n# changed\n")
    program = "from stages.closure import code_of; print(code_of('stages.runtime.steps').digest)"
    return subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(folder)},
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def test_a_changed_file_inside_the_closure_changes_the_code_and_one_outside_does_not(tmp_path):
    folder = tmp_path / "copy"
    before = in_a_copy(folder)

    assert in_a_copy(folder, "deploy/ladder.py") == before
    assert in_a_copy(folder, "runtime/resampling.py") != before  # that the steps import


def test_the_code_of_a_process_stays_what_it_was_when_it_was_first_asked(tmp_path, monkeypatch):
    before = code_of("stages.runtime.steps")
    monkeypatch.setattr(closure, "_digest", lambda path: "changed")

    assert code_of("stages.runtime.steps") == before


def test_the_version_of_an_imported_package_counts_and_that_of_another_does_not(monkeypatch):
    def code(changed: str):
        closure._code.cache_clear()
        version = closure.version
        with monkeypatch.context() as patch:
            patch.setattr(
                closure, "version", lambda name: "0" if name == changed else version(name)
            )
            return code_of("stages.train.distributed.single_threaded")

    before = code("")

    assert code("onnxruntime") != before
    assert code("ray") == before
    closure._code.cache_clear()


def test_of_a_table_only_the_named_parts_count():
    def reach(*names: str) -> set[str]:
        return set(closure.closure(["stages.runtime.steps"], {*names}, own_tables=True))

    assert "stages.runtime.pictures" in reach("decode_picture", "softmax")
    assert "stages.runtime.sounds" not in reach("decode_picture", "softmax")
    assert {"stages.runtime.pictures", "stages.runtime.sounds"} <= reach("of no table")


def test_code_knows_whether_it_is_still_the_code():
    code = code_of("stages.runtime.steps")

    assert code.current
    assert not code._replace(digest="another").current
    assert not code._replace(modules=("stages.runtime.no_such_module",)).current


def test_packages_are_named_as_they_are_installed():
    found = packages(["stages.runtime.pictures", "stages.train.distributed.single_threaded"])

    assert {"pillow", "numpy", "onnxruntime"} <= set(found)
    assert all(found.values())


@pytest.mark.parametrize("stage", list(STAGE_FACTS))
def test_the_libraries_of_a_stage_are_those_that_its_code_imports(stage):
    served = ("httptools", "uvloop", "python-multipart")  # that uvicorn and fastapi use, if there
    wanted = set(STAGE_FACTS[stage].libraries) - set(served)

    assert wanted <= set(packages(reached(stage, {})))


@pytest.mark.parametrize("task", list(parts.TASKS))
def test_all_code_and_libraries_that_make_a_model_decide_what_a_search_caches(task):
    counted = closure.closure(["stages.train"], set(), own_tables=True)

    assert reached("train", {}, task).items() <= counted.items()
    assert set(STAGE_FACTS["train"].libraries) <= set(packages(counted))
