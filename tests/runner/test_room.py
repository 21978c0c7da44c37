"""A run that would not fit is refused before it begins, with figures and what to change."""

import os
import subprocess
from pathlib import Path

import pytest

from stages.config import parse_pipeline
from stages.etl import source
from stages.opening import open_store
from stages.runner import run_pipeline
from stages.runner.room import FreeResources, check_room, occupied, room_of
from stages.runtime.errors import InfrastructureError
from stages.settings import Settings
from stages.train.cost.estimate import Estimate
from tests import makers
from tests.faults.disks import small_disk

GB = 10**9
WORK = [Estimate(1, 2 * GB, 3 * GB, GB), Estimate(1, 1 * GB, 2 * GB, 0)]
HERE = Path("/workspace")


def test_disk_is_needed_for_all_work_and_memory_for_the_most():
    check_room(WORK, FreeResources(5 * GB, GB, 2 * GB, same_disk=False), HERE)
    check_room(WORK, FreeResources(6 * GB, 0, 2 * GB, same_disk=True), HERE)


@pytest.mark.parametrize(
    ("room", "problem", "remedy"),
    [
        (
            FreeResources(4 * GB, GB, 2 * GB, False),
            "5.0 GB on the disk of /workspace",
            "AIWF_WORKSPACE",
        ),
        (
            FreeResources(5 * GB, 5 * GB, 2 * GB, True),
            "6.0 GB on the disk of /workspace",
            "AIWF_WORKSPACE",
        ),
        (FreeResources(5 * GB, 0, 2 * GB, False), "1.0 GB for temporary files, and 0 MB", "TMPDIR"),
        (
            FreeResources(5 * GB, GB, GB, False),
            "2.0 GB of memory, and 1.0 GB are free",
            "AIWF_THREADS",
        ),
    ],
)
def test_what_is_short_is_told_with_figures_and_what_to_change(room, problem, remedy):
    with pytest.raises(InfrastructureError) as raised:
        check_room(WORK, room, HERE)

    assert problem in raised.value.problem
    assert remedy in raised.value.remedy


def test_all_that_is_short_is_told_at_once():
    with pytest.raises(InfrastructureError) as raised:
        check_room(WORK, FreeResources(0, 0, 0, False), HERE)

    assert "memory" in raised.value.problem
    assert "disk" in raised.value.problem


def test_a_disk_that_can_have_no_more_files_is_told_with_both_counts():
    many = [Estimate(1, GB, GB, files=30_000)]
    check_room(many, FreeResources(GB, GB, GB, False, files=None), HERE)
    check_room(many, FreeResources(GB, GB, GB, False, files=30_000), HERE)

    with pytest.raises(InfrastructureError, match=r"30,000 files .* 29,999 more") as raised:
        check_room(many, FreeResources(GB, GB, GB, False, files=29_999), HERE)

    assert "df -i" in raised.value.remedy


def test_room_counts_blocks_and_files_of_a_real_disk(tmp_path):
    with small_disk(tmp_path / "disk", "1m", "nr_inodes=50") as disk:
        settings = Settings(workspace=disk / "workspace")

        before = room_of(settings)
        for number in range(10):
            (disk / str(number)).write_text("x")  # a byte each

        room = room_of(settings)
        assert room.files is not None
        assert before.files == room.files + 10
        assert before.disk - room.disk == occupied(10, 10, disk) - 10
        assert before.disk - room.disk > 10 * 1000


@pytest.mark.parametrize("version", ["memory.", "memory/"])
def test_a_container_has_no_more_than_its_limit(tmp_path, version):
    names = {"memory.": ("max", "current", "stat")}.get(
        version, ("memory.limit_in_bytes", "memory.usage_in_bytes", "memory.stat")
    )
    for name, text in zip(names, ("1000", "700", "anon 1\ninactive_file 200"), strict=True):
        path = tmp_path / (version + name)
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)

    assert room_of(Settings(workspace=tmp_path), tmp_path).memory == 500


def test_without_a_limit_the_machine_is_all_there_is(tmp_path):
    (tmp_path / "memory.max").write_text("max")

    assert room_of(Settings(workspace=tmp_path), tmp_path).memory > 10**8


YAML = """
name: shapes
task: image_classification
data: shapes
train: {families: [efficientnet_lite0], input_sizes: [64], trials: 1, epochs: 2}
"""


def test_a_run_keeps_what_was_foreseen_beside_what_it_took(tmp_path):
    from stages.runner import run_stage

    settings = makers.settings(tmp_path)
    source.add("shapes", makers.folder_of_pictures(tmp_path / "pictures", each=12), settings)

    config = parse_pipeline(YAML).model_dump(mode="json")
    run_stage("etl", config, {}, run="kept", settings=settings)

    note = open_store(settings).noted("estimates/kept")
    assert set(note["estimated"]) == {"etl", "train", "evaluate", "deploy"}
    etl = note["tasks"]["etl"]
    assert etl["estimated"]["minutes"] > 0
    assert etl["taken"]["minutes"] > 0
    assert etl["taken"]["memory"] > 10**8


@pytest.mark.slow
def test_a_full_disk_is_told_before_any_work(tmp_path):
    """On a real small disk, where the environment lets one be mounted."""
    place = tmp_path / "small"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(place)]
    if os.geteuid() or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("nothing can be mounted here")
    try:
        settings = Settings(workspace=place / "workspace", threads=1)
        source.add("shapes", makers.folder_of_pictures(tmp_path / "pictures", each=12), settings)
        with pytest.raises(InfrastructureError, match="would not fit") as raised:
            run_pipeline(parse_pipeline(YAML), run="full", settings=settings)

        assert str(place) in raised.value.problem
        assert not list((place / "workspace").rglob("records/*"))
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)  # MLflow keeps its file open
