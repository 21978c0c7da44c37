"""Raw data by name and revision: kept whole, given back as it was, never taken from the person."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

import pytest

from stages.config import DataConfig
from stages.etl import catalogue, shards, source
from stages.runtime.errors import ConfigError, Damaged, InfrastructureError
from tests import makers

NAMED = DataConfig(name="shapes")
ADD = """
import sys
from pathlib import Path
from stages.etl import source
from stages.settings import Settings
made = source.add(sys.argv[1], Path(sys.argv[2]), Settings(workspace=Path(sys.argv[3])))
print(made.revision)
"""
LIGHT = "import sys, stages.etl.source; print(*sys.modules)"


def content(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def opened(settings, revision: str = "") -> dict[str, str]:
    with source.opened(DataConfig(name="shapes", revision=revision), settings) as folder:
        return content(folder)


def test_what_was_added_comes_back_and_the_persons_files_stay(workshop):
    workshop.shapes(3)
    before = content(workshop.raw)

    revision = workshop.add()

    assert revision.samples == 9
    assert opened(workshop.settings) == before == content(workshop.raw)


def test_equal_content_has_an_equal_revision_wherever_it_comes_from(workshop, tmp_path):
    workshop.shapes(3)
    wrapped = {f"top/{name}": (workshop.raw / name).read_bytes() for name in content(workshop.raw)}
    archive = makers.zipped(tmp_path / "shapes.zip", {**wrapped, "__MACOSX/top/._x.png": b"x"})

    first, again = workshop.add(), workshop.add()
    from_zip = source.add("shapes", archive, workshop.settings)

    assert first.revision == again.revision == from_zip.revision
    assert source.revisions("shapes", workshop.settings) == [from_zip]


def test_an_older_revision_stays_and_the_newest_is_the_default(workshop):
    workshop.shapes(3)
    old = workshop.add()
    workshop.write("circle/new.png", makers.picture("circle", 77))
    new = workshop.add()

    revisions = source.revisions("shapes", workshop.settings)

    assert [revision.revision for revision in revisions] == [old.revision, new.revision]
    assert source.find(NAMED, workshop.settings) == new
    assert "circle/new.png" not in opened(workshop.settings, old.revision[:8])
    assert "circle/new.png" in opened(workshop.settings)


def test_two_adds_at_once_do_not_hinder_each_other(workshop, tmp_path):
    makers.folder_of_pictures(tmp_path / "a", 5)
    makers.folder_of_pictures(tmp_path / "b", 6)
    place = str(workshop.settings.workspace)
    command = [sys.executable, "-c", ADD, "shapes"]

    running = [
        subprocess.Popen([*command, str(tmp_path / name), place], stdout=subprocess.PIPE, text=True)
        for name in ("a", "b", "a", "b")
    ]
    outputs = [process.communicate()[0].strip() for process in running]

    listed = {revision.revision for revision in source.revisions("shapes", workshop.settings)}
    assert listed == set(outputs)
    assert len(listed) == 2


def test_no_revision_is_lost_when_many_are_noted_at_once(workshop):
    noted = [catalogue.Revision("shapes", f"{i:032}.dir", 1, 1, "") for i in range(60)]

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda revision: catalogue.append(revision, workshop.settings), noted))

    assert set(source.revisions("shapes", workshop.settings)) == set(noted)


def test_a_killed_adds_workspace_is_swept_by_the_next(workshop):
    left = workshop.settings.root / "data" / "work" / "dead"
    (left / "data").mkdir(parents=True)
    (left / "lock").touch()
    workshop.shapes(2)

    workshop.add()

    assert not left.exists()


def test_many_files_are_kept_as_few_tars_and_come_back_loose(workshop):
    many = shards.LOOSE_FILES + 1
    for index in range(many):
        workshop.write(f"{index % 3}/{index}", str(index).encode())

    revision = workshop.add()

    cached = list((workshop.settings.root / "data" / "cache").rglob("*"))
    assert len([path for path in cached if path.is_file()]) < 50
    assert revision.samples == many
    assert opened(workshop.settings) == content(workshop.raw)


def test_one_file_more_changes_few_tars(tmp_path):
    first, second = (makers.folder_of_pictures(tmp_path / name, 40) for name in "ab")
    (second / "circle" / "0155.png").write_bytes(b"one more")

    shards.pack(first, each=8)
    shards.pack(second, each=8)

    tars = [content(folder) for folder in (first, second)]
    assert len(tars[0]) > 8
    assert len(set(tars[1].values()) - set(tars[0].values())) <= 3  # its tar, a cut, the manifest


def test_another_machine_gets_a_revision_from_the_remote(workshop, tmp_path):
    workshop.shapes(3)
    remote = {"dvc_remote": str(tmp_path / "remote")}
    here = workshop.settings.model_copy(update=remote)
    there = makers.settings(tmp_path / "there").model_copy(update=remote)
    revision = source.add("shapes", workshop.raw, here)

    found = source.find(DataConfig(name="shapes", revision=revision.revision), there)

    assert found.revision == revision.revision
    assert opened(there, revision.revision) == content(workshop.raw)


def test_a_file_changed_in_the_cache_is_found_out(workshop):
    workshop.shapes(2)
    workshop.add()
    files = (workshop.settings.root / "data" / "cache").rglob("*")
    victim = next(path for path in sorted(files) if path.is_file() and path.suffix != ".dir")
    victim.chmod(0o644)
    victim.write_bytes(b"changed")

    with pytest.raises((Damaged, InfrastructureError)):
        opened(workshop.settings)


def test_files_missing_from_the_cache_are_told_with_what_to_do(workshop):
    workshop.shapes(2)
    workshop.add()
    for path in (workshop.settings.root / "data" / "cache").rglob("*"):
        if path.is_file():
            path.unlink()

    with pytest.raises(InfrastructureError, match=r"aiwf data add"):
        opened(workshop.settings)


@pytest.mark.parametrize("name", ["Shapes", "../x", "a b", "cache", "", "9lives", "a" * 51])
def test_a_name_that_cannot_be_a_folder_is_refused(workshop, name):
    workshop.shapes(1)

    with pytest.raises(ConfigError, match=r"cannot be a name"):
        source.add(name, workshop.raw, workshop.settings)


@pytest.mark.parametrize("revision", ["ffff", "0" * 32 + ".dir"])
def test_an_unknown_revision_is_told_with_those_there_are(workshop, revision):
    workshop.shapes(2)
    added = workshop.add()

    with pytest.raises(ConfigError, match=added.revision[:8]):
        source.find(DataConfig(name="shapes", revision=revision), workshop.settings)


def test_a_misspelt_name_is_told_with_the_nearest(workshop):
    workshop.shapes(2)
    workshop.add()

    with pytest.raises(ConfigError, match=r"Did you mean 'shapes'"):
        source.find(DataConfig(name="shaeps"), workshop.settings)


def test_what_is_no_sample_is_left_out_and_said_so(workshop):
    workshop.shapes(2)
    workshop.write("circle/notes.txt", b"hello")
    workshop.write("outside.png", makers.picture())
    workshop.write(".DS_Store", b"x")

    revision = workshop.add()

    assert revision.samples == 6
    summary = "\n".join(revision.summary)
    assert "left out: 1 file: documents, tables and archives" in summary
    assert all(f"'{name}'" in summary for name in ("circle/notes.txt", "outside.png", ".DS_Store"))


def test_a_workspace_that_cannot_be_written_is_told(workshop):
    workshop.shapes(2)
    workshop.settings.root.parent.mkdir(exist_ok=True)
    workshop.settings.root.write_text("a file where the workspace should be")

    with pytest.raises(InfrastructureError, match=r"AIWF_WORKSPACE"):
        workshop.add()


def test_a_list_of_revisions_that_was_spoilt_is_told_not_overwritten(workshop):
    workshop.shapes(2)
    workshop.add()
    listed = catalogue.folder_of(workshop.settings) / "shapes" / "revisions.json"
    listed.write_text("[{")

    with pytest.raises(Damaged, match=r"revisions.json"):
        workshop.add()

    assert listed.read_text() == "[{"


def test_planning_loads_nothing_heavy():
    shown = subprocess.run(
        [sys.executable, "-c", LIGHT], capture_output=True, text=True, check=True
    )

    loaded = {name.partition(".")[0] for name in shown.stdout.split()}
    assert not loaded & {"dvc", "pandas", "great_expectations", "numpy", "PIL", "scipy"}
