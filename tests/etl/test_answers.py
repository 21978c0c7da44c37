"""A user's answers about raw data: asked for, kept with the revision, used by every reader."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from stages.config import DataConfig
from stages.etl import catalogue, source
from stages.etl.readers import Doubt, read_folder, read_revision
from stages.etl.readers.choices import ANSWERS, Choices
from stages.runtime.errors import ConfigError, Damaged, DataError
from tests import layouts, makers

SITES = ("north", "south")


def write_sites(workshop, each=6):
    """Pictures of three labels, taken at two sites: north/circle, south/circle and so on."""
    for place, site in enumerate(SITES):
        for label in makers.LABELS:
            for number in range(each):
                data = makers.picture(label, 100 * place + number)
                workshop.write(f"{site}/{label}/{number}.png", data)


def add(workshop, **answers):
    return source.add("shapes", workshop.raw, workshop.settings, choices=Choices(**answers))


def test_the_stage_reads_the_data_as_the_user_answered(workshop):
    write_sites(workshop)
    with pytest.raises(Doubt):
        workshop.add()
    add(workshop, layout="inner_folders")

    dataset = workshop.etl()

    assert set(dataset.labels) == set(makers.LABELS)


def test_the_answer_travels_with_the_revision_to_another_machine(workshop, tmp_path):
    write_sites(workshop, 2)
    remote = {"dvc_remote": str(tmp_path / "remote")}
    here = makers.settings(tmp_path / "here").model_copy(update=remote)
    there = makers.settings(tmp_path / "there").model_copy(update=remote)

    choices = Choices(layout="inner_folders")
    revision = source.add("shapes", workshop.raw, here, choices=choices).revision
    with source.opened(DataConfig(name="shapes", revision=revision), there) as folder:
        reading = read_folder(folder)

    assert {row.label for row in reading.rows} == set(makers.LABELS)


def test_equal_content_with_another_answer_is_another_revision(workshop):
    write_sites(workshop, 2)

    inner = add(workshop, layout="inner_folders")
    outer = add(workshop, layout="class_folders")
    again = add(workshop, layout="inner_folders")

    assert inner.revision == again.revision != outer.revision


def test_without_answers_nothing_is_kept_beside_the_data(workshop):
    workshop.shapes(2)
    revision = workshop.add()

    with source.opened(DataConfig(name="shapes"), workshop.settings) as folder:
        names = {path.name for path in folder.iterdir()}

    assert names == set(makers.LABELS)
    assert revision.answers == ""


def test_ours_splits_are_ours_in_the_stage_too(workshop):
    for split in ("train", "test"):
        for label in makers.LABELS:
            for number in range(8):
                data = makers.picture(label, number + 50 * (split == "test"))
                workshop.write(f"{split}/{label}/{number}.png", data)
    add(workshop, splits="ours")

    files = {sample.file: sample.split for sample in workshop.samples(workshop.etl())}

    assert any(split == "train" for file, split in files.items() if file.startswith("test/"))


@pytest.mark.parametrize("pattern", ["star", "star/*", "*.gif"])
def test_what_is_to_be_left_out_is_no_sample(pattern, workshop):
    workshop.shapes(2)
    for number in range(2):
        workshop.write(f"star/{number}.gif", b"x")

    revision = add(workshop, exclude=(pattern,))

    assert revision.samples == 6
    assert f"--leave-out {pattern}" in revision.answers.replace("'", "")
    assert any("--leave-out" in text and "star/0.gif" in text for text in revision.summary)


def test_a_row_of_a_table_can_be_left_out(workshop):
    workshop.shapes(2)
    lines = [
        f"{label}/{label}{number:02}.png,{label}" for label in makers.LABELS for number in (0, 1)
    ]
    names = sorted(
        path.relative_to(workshop.raw).as_posix() for path in workshop.raw.rglob("*.png")
    )
    lines = [f"{name},{name.partition('/')[0]}" for name in names]
    workshop.write("labels.csv", "\n".join(["file,label", *lines]).encode())

    revision = add(workshop, exclude=(names[0],))
    with source.opened(DataConfig(name="shapes"), workshop.settings) as folder:
        reading = read_folder(folder)

    assert revision.samples == len(names) - 1
    assert names[0] not in {row.file for row in reading.rows}


@pytest.mark.parametrize(
    ("answers", "phrase"),
    [
        ({"layout": "class_folder"}, "Did you mean 'class_folders'"),
        ({"splits": "mine"}, "theirs"),
        ({"exclude": ("nothing*",)}, "matches no file"),
    ],
)
def test_an_answer_that_cannot_be_is_told(answers, phrase, workshop):
    workshop.shapes(2)

    with pytest.raises(ConfigError) as error:
        add(workshop, **answers)

    assert phrase in str(error.value)
    assert source.revisions("shapes", workshop.settings) == []


def test_an_old_list_of_revisions_is_read(workshop):
    workshop.shapes(2)
    workshop.add()
    path = catalogue.folder_of(workshop.settings) / "shapes" / "revisions.json"
    record = '[{"revision": "x.dir", "samples": 6, "bytes": 1, "note": "", "tested": 0}]'
    path.write_text(record)

    (revision,) = source.revisions("shapes", workshop.settings)

    assert (revision.samples, revision.summary, revision.answers) == (6, (), "")


def test_old_data_that_would_be_asked_about_are_read_as_before_and_it_is_said(tmp_path):
    for site in SITES:
        for label in ("cat", "dog"):
            layouts.put(tmp_path / site / label / "1.png", f"{site} {label}".encode())

    reading = read_revision(tmp_path)

    assert {row.label for row in reading.rows} == set(SITES)
    assert "read with --layout class_folders" in reading.notes[-1]


def test_answers_that_were_changed_are_told(tmp_path):
    (tmp_path / ANSWERS).write_text('{"layout": 1')

    with pytest.raises(Damaged, match=r"cannot be read"):
        read_folder(tmp_path)


@pytest.mark.parametrize("labels", [("kiwi",), ("kiwi", "lime")])
def test_labels_that_are_only_in_test_are_told_by_name_and_split(labels, workshop):
    for name in ("train/cat/1.png", "train/dog/2.png", "val/cat/3.png", "test/cat/4.png"):
        workshop.write(name, name.encode())
    for label in labels:
        workshop.write(f"test/{label}/1.png", label.encode())

    with pytest.raises(DataError) as error:
        workshop.add()

    assert all(f"'{label}'" in str(error.value) for label in labels)
    assert "only in the split test" in str(error.value)


def test_a_label_that_is_not_in_validation_or_test_is_no_mistake(workshop):
    for name in ("train/cat/1.png", "train/dog/2.png", "val/cat/3.png", "test/cat/4.png"):
        workshop.write(name, name.encode())

    revision = workshop.add()

    assert "not in your split test, so the report cannot measure them: 'dog'" in revision.summary


@pytest.mark.parametrize(
    ("name", "option"), [("folds.csv", "--splits"), ("split.json", "--splits")]
)
def test_a_file_of_splits_that_is_not_read_is_asked_about(name, option, workshop):
    workshop.shapes(2)
    workshop.write(name, b"name,fold\n1.png,3")

    with pytest.raises(DataError, match=name) as error:
        workshop.add()

    assert option in str(error.value)
    assert add(workshop, splits="ours").samples == 6


@pytest.mark.parametrize("column", ["is_valid", "Subset", "train"])
def test_a_column_of_splits_that_is_not_read_is_asked_about(column, workshop):
    workshop.shapes(2)
    names = sorted(
        path.relative_to(workshop.raw).as_posix() for path in workshop.raw.rglob("*.png")
    )
    lines = [f"{name},{name.partition('/')[0]},{place % 2}" for place, name in enumerate(names)]
    workshop.write("labels.csv", "\n".join([f"file,label,{column}", *lines]).encode())

    with pytest.raises(DataError, match=f"the column {column}"):
        workshop.add()

    table = workshop.raw / "labels.csv"
    added = source.add("shapes", table, workshop.settings, choices=Choices(splits="ours"))
    assert (added.samples, added.answers) == (6, "--splits ours")


@pytest.mark.parametrize("name", ["README.md", "__MACOSX/shapes/._0.png", ".DS_Store"])
def test_what_is_beside_the_only_folder_is_said_to_be_left_out(name, workshop):
    for label in makers.LABELS:
        for number in range(2):
            workshop.write(f"shapes/{label}/{number}.png", makers.picture(label, number))
    workshop.write(name, b"x")

    revision = workshop.add()

    assert revision.samples == 6
    assert any(f"'{name.partition('/')[0]}'" in text for text in revision.summary)


def aiwf(folder: Path, *command: str, **streams: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [str(Path(sys.executable).parent / "aiwf"), *command],
        env={**os.environ, "AIWF_WORKSPACE": str(folder / "workspace"), "COLUMNS": "200"},
        cwd=folder,
        text=True,
        **streams,
    )


def test_without_a_terminal_the_error_names_the_options_and_says_all(workshop, tmp_path):
    write_sites(workshop, 2)
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL}

    refused = aiwf(tmp_path, "data", "add", "shapes", "raw", **streams)
    problem = refused.communicate()[1]
    layout = ("--layout", "inner_folders", "--leave-out", "south/circle/0.png")
    shown = aiwf(tmp_path, "data", "add", "shapes", "raw", *layout, **streams).communicate()[0]

    assert refused.returncode == 3
    assert "--layout class_folders: north 6, south 6" in problem
    assert "--layout inner_folders: circle 4, square 4, triangle 4" in problem
    assert "layout: inner_folders" in shown
    assert "circle 3, square 4, triangle 4" in shown
    assert "splits: ours" in shown
    assert "left out: 1 file: left out as --leave-out says: 'south/circle/0.png'" in shown


def test_at_a_terminal_it_asks(workshop, tmp_path):
    write_sites(workshop, 2)
    ours, theirs = pty.openpty()
    os.write(ours, b"7\n2\n")

    process = aiwf(
        tmp_path, "data", "add", "shapes", "raw", stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    shown = ""
    try:
        while data := os.read(ours, 4096):
            shown += data.decode()
    except OSError:  # the other end was closed: it has ended
        pass

    assert process.wait() == 0
    assert "--layout class_folders: north 6, south 6" in shown
    assert "layout: inner_folders" in shown
