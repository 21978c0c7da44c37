"""What every sample data set promises. Those that are fetched run where there is a network."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from stages.etl import source
from stages.etl.readers import read_folder
from stages.fetching import Archive, index_for_pip
from stages.parts import SAMPLES
from stages.runtime.errors import Damaged, InfrastructureError, UnknownPart
from stages.samples import get
from tests import makers

FETCHED = [name for name in SAMPLES if SAMPLES[name].archive]
HERE = [name for name in SAMPLES if not SAMPLES[name].archive]
EVERY = [*HERE, *(pytest.param(name, marks=pytest.mark.slow) for name in FETCHED)]


def get_solar_cells(folder: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """Run the command with no package index but what `env` says."""
    place = {"AIWF_WORKSPACE": str(folder), "HOME": str(folder), "PATH": "/usr/bin:/bin"}
    pip = {"PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": "/dev/null"}
    return subprocess.run(
        [str(Path(sys.executable).parent / "aiwf"), "samples", "get", "solar_cells"],
        env={**place, **pip, **env}, capture_output=True, text=True, check=False,
    )  # fmt: skip


def wheel(folder: Path, archive: Archive) -> None:
    """A package of the archive's name and version with nothing in it."""
    folder.mkdir()
    home = f"{archive.package.replace('-', '_')}-{archive.version}.dist-info"
    facts = f"Metadata-Version: 2.1\nName: {archive.package}\nVersion: {archive.version}\n"
    with zipfile.ZipFile(folder / archive.file, "w") as package:
        package.writestr(f"{home}/METADATA", facts)
        package.writestr(f"{home}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        package.writestr(f"{home}/RECORD", "")


@pytest.mark.parametrize("name", list(SAMPLES))
def test_it_states_where_it_comes_from_and_under_which_licence(name):
    sample = SAMPLES[name]

    assert sample.name == name
    assert sample.licence
    assert sample.source
    assert sample.archive is None or len(sample.archive.sha256) == 64


@pytest.mark.parametrize("name", EVERY)
def test_it_is_laid_out_as_etl_reads_it_and_twice_alike(name, tmp_path):
    settings = makers.settings(tmp_path)

    revisions = []
    for folder in (tmp_path / "one", tmp_path / "two"):
        sample = get(name, folder, settings)
        revisions.append(source.add(name, folder, settings))

    assert len(read_folder(tmp_path / "one").rows) == sample.samples == revisions[0].samples
    assert revisions[0].revision == revisions[1].revision


@pytest.mark.slow
def test_solar_cells_are_labelled_as_published(tmp_path):
    get("solar_cells", tmp_path / "cells", makers.settings(tmp_path))

    rows = read_folder(tmp_path / "cells").rows

    defective = [row for row in rows if row.label == "defective"]
    assert (len(rows), len(defective)) == (2624, 821)
    assert {row.extra["probability"] for row in defective} == {"0.67", "1.00"}
    assert {row.extra["cell_type"] for row in rows} == {"mono", "poly"}


def test_without_a_package_index_it_says_what_to_check(tmp_path):
    message = get_solar_cells(tmp_path)

    assert message.returncode == InfrastructureError.exit_code
    assert "cannot be fetched" in message.stderr
    assert "pip config list" in message.stderr
    assert "Traceback" not in message.stderr
    assert not list(tmp_path.rglob("*.part"))


def test_another_package_than_the_pinned_one_is_refused(tmp_path):
    wheel(tmp_path / "index", SAMPLES["solar_cells"].archive)

    message = get_solar_cells(tmp_path, PIP_FIND_LINKS=str(tmp_path / "index"))

    assert message.returncode == Damaged.exit_code
    assert "does not have the pinned digest" in message.stderr
    assert not list((tmp_path / "cache").rglob("*.whl"))


def test_a_misspelt_name_is_told_with_the_nearest(tmp_path: Path):
    with pytest.raises(UnknownPart, match=r"Did you mean 'digits'"):
        get("digit", tmp_path, makers.settings(tmp_path))


def test_an_index_named_to_uv_alone_is_named_to_pip_too():
    assert index_for_pip({"UV_DEFAULT_INDEX": "a"})["PIP_INDEX_URL"] == "a"
    assert index_for_pip({"UV_DEFAULT_INDEX": "a", "PIP_INDEX_URL": "b"})["PIP_INDEX_URL"] == "b"
    assert "PIP_INDEX_URL" not in index_for_pip({})


@pytest.mark.slow
def test_trees_of_one_photo_are_in_one_split(tmp_path):
    get("trees", tmp_path / "trees", makers.settings(tmp_path))

    rows = read_folder(tmp_path / "trees").rows

    assert {(row.group, row.split) for row in rows} == {
        ("2019_YELL_2_528000_4978000_image_crop2", "train"),
        ("2019_YELL_2_541000_4977000_image_crop", "test"),
        ("OSBS_029", "validation"),
        ("SOAP_061", "validation"),
    }
    assert {box.label for row in rows for box in row.boxes} == {"tree"}
    assert 951 <= sum(len(row.boxes) for row in rows) <= 1100  # a cut crown is in two tiles
