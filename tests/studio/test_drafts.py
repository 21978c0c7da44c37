"""A draft is the newest revision with every change; saved, it is the next revision."""

import json
import shutil

import pytest

from stages.artifacts import Box
from stages.config import DataConfig
from stages.etl import source
from stages.etl.cached_files import read_cached
from stages.etl.readers import read_revision
from stages.runtime.errors import DataError
from stages.studio.drafts import Drafts
from stages.studio.journal import Change, Conflict
from stages.studio.revise import revise
from stages.studio.sample_filter import Filter
from tests import layouts, makers


@pytest.fixture
def settings(tmp_path, monkeypatch):
    """Settings whose child processes run in this process: their protocol has tests of its own."""
    from stages.studio import drafts, work

    monkeypatch.setattr(
        drafts, "called", lambda name, request, own: work.FUNCTIONS[name](own, **request)
    )
    return makers.settings(tmp_path)


@pytest.fixture(scope="module")
def added(tmp_path_factory):
    """A folder with a data set, and a workspace to which it was added once."""
    folder = tmp_path_factory.mktemp("added")
    makers.folder_of_pictures(folder / "shapes", 4)
    source.add("shapes", folder / "shapes", makers.settings(folder))
    return folder


@pytest.fixture
def shapes(settings, tmp_path, added):
    shutil.copytree(added / "shapes", tmp_path / "shapes")
    shutil.copytree(makers.settings(added).root, settings.root)
    return settings


def draft_of(settings, name="shapes"):
    return Drafts(settings).of(name)


def change(draft, files, **after):
    """Change the same fields of `files`."""
    changes = []
    for file in files:
        current = draft.journal.current(file)
        changes.append(Change(file, {key: current[key] for key in after}, after))
    return draft.act(f"action-{draft.journal.number}", "ann", changes)


def files_of(draft, **wanted):
    return [sample["file"] for sample in draft.page(Filter(**wanted))]


def reading_of(settings, name="shapes"):
    with source.opened(DataConfig(name=name), settings) as folder:
        return {row.file: row for row in read_revision(folder).rows}


def test_a_draft_has_the_samples_of_the_newest_revision(shapes):
    draft = draft_of(shapes)

    assert draft.labels() == dict.fromkeys(makers.LABELS, 4)
    assert draft.counts()["samples"] == 12
    first = draft.page(Filter())[0]
    _, place = draft.place(first["number"])
    assert read_cached(place, shapes).startswith(b"\x89PNG")


def test_pages_follow_each_other_without_gaps(shapes):
    draft = draft_of(shapes)
    found, after = [], 0
    while page := draft.page(Filter(), after, 5):
        found += [sample["file"] for sample in page]
        after = page[-1]["number"]

    assert found == sorted(found)
    assert len(set(found)) == draft.count(Filter()) == 12


def test_every_filter_sees_changes(shapes):
    draft = draft_of(shapes)
    a, b, c = files_of(draft)[:3]
    change(draft, [a], label="square", reviewed=True)
    change(draft, [b], split="test")
    change(draft, [c], excluded=True)

    assert a in files_of(draft, label="square")
    assert files_of(draft, reviewed=True) == [a]
    assert files_of(draft, split="test") == [b]
    assert files_of(draft, excluded=True) == [c]
    assert files_of(draft, find=a.upper()) == [a]
    assert files_of(draft, find="%") == files_of(draft, find="circle_0") == []
    assert draft.count(Filter()) == 11
    assert draft.counts()["changed"] == 3


def test_changes_are_there_in_another_process_and_after_a_restart(shapes):
    first, second = draft_of(shapes), draft_of(shapes)
    file = files_of(first)[0]
    change(first, [file], label="square")

    second.sync()
    assert second.samples([file])[0]["label"] == "square"
    assert draft_of(shapes).samples([file])[0]["label"] == "square"
    with pytest.raises(Conflict):
        second.act("other-one", "bob", [Change(file, {"label": "circle"}, {"label": "triangle"})])


def test_undo_reaches_the_index(shapes):
    draft = draft_of(shapes)
    file = files_of(draft)[0]
    change(draft, [file], label="square")
    draft.undo("undo-1234", "ann")

    assert draft.samples([file])[0]["label"] == "circle"
    assert draft.counts()["changed"] == 0
    assert files_of(draft, label="square")[0] != file


@pytest.mark.parametrize(
    "after",
    [
        {"label": " cat"},
        {"label": "a\nb"},
        {"label": 3},
        {"split": "dev"},
        {"excluded": 1},
        {"boxes": [["cat", 0, 0, 0.5, 9]]},
        {"boxes": [["cat", 0, 0, float("nan"), 9]]},
        {"boxes": [["", 0, 0, 9, 9]]},
        {"colour": "red"},
    ],
)
def test_a_value_that_cannot_be_is_refused(shapes, after):
    draft = draft_of(shapes)
    file = files_of(draft)[0]

    with pytest.raises(DataError):
        draft.act("action-1", "ann", [Change(file, after, after)])
    assert draft.journal.entry(draft.journal.number).kind == "base"


def test_a_saved_draft_is_read_back_as_it_was(shapes):
    draft = draft_of(shapes)
    a, b, c, d = files_of(draft)[:4]
    label = 'say "cheese", 日本; a'
    change(draft, [a], label=label)
    change(draft, [b], split="test")
    change(draft, [c], excluded=True)
    change(draft, [d], reviewed=True)

    saved = revise(draft, shapes, "four changes")

    found = reading_of(shapes)
    assert (found[a].label, found[b].split, c in found) == (label, "test", False)
    assert len(found) == 11
    assert saved.revision.note == "four changes"
    after = draft_of(shapes)
    assert after.revision == saved.revision.revision
    assert after.counts() == {**after.counts(), "changed": 0, "excluded": 1, "reviewed": 1}


def test_undo_goes_on_across_a_save_even_of_what_was_left_out(shapes):
    draft = draft_of(shapes)
    a, b = files_of(draft)[:2]
    change(draft, [a], excluded=True)
    change(draft, [b], label="square")
    revise(draft, shapes, "")

    after = draft_of(shapes)
    after.undo("undo-0001", "ann")
    after.undo("undo-0002", "ann")

    assert after.counts()["changed"] == 2
    revise(after, shapes, "")
    found = reading_of(shapes)
    assert (found[a].label, found[b].label) == ("circle", "circle")


def test_changes_that_came_while_a_revision_was_saved_stay(shapes, monkeypatch):
    draft = draft_of(shapes)
    a, b = files_of(draft)[:2]
    change(draft, [a], label="square")
    add = source.add

    def slow(*arguments):
        change(draft, [a], label="triangle")
        change(draft, [b], label="square")
        return add(*arguments)

    monkeypatch.setattr(source, "add", slow)
    revise(draft, shapes, "")

    after = draft_of(shapes)
    assert after.dropped == []
    assert [sample["label"] for sample in after.samples([a, b])] == ["triangle", "square"]
    assert after.counts()["changed"] == 2


def test_a_revision_from_elsewhere_counts_and_what_it_contradicts_is_named(shapes, tmp_path):
    draft = draft_of(shapes)
    a, b = files_of(draft)[:2]
    change(draft, [a, b], label="square")
    (tmp_path / "shapes" / a).rename(tmp_path / "shapes" / "triangle" / "new.png")
    rest = [file for file in files_of(draft) if file not in (a, b)]
    rows = f"{b},triangle\n" + "".join(f"{file},circle\n" for file in rest)
    (tmp_path / "shapes" / "labels.csv").write_text(f"file,label\n{rows}")
    source.add("shapes", tmp_path / "shapes", shapes)

    after = draft_of(shapes)

    assert sorted(after.dropped) == [a, b]
    assert after.samples([b])[0]["label"] == "triangle"
    assert after.samples([a]) == []


def test_splits_groups_and_further_columns_survive(settings, tmp_path):
    folder = tmp_path / "data"
    rows = ["file,label,split,group,weather"]
    for number in range(8):
        layouts.put(folder / f"{number}.png", layouts.picture(number))
        split = ("train", "test")[number % 2]
        rows.append(f"{number}.png,{'ab'[number % 4 // 2]},{split},g{number % 4},sun {number}")
    (folder / "labels.csv").write_text("\n".join(rows))
    source.add("cards", folder, settings)
    before = reading_of(settings, "cards")
    draft = draft_of(settings, "cards")
    change(draft, ["0.png"], label="b")

    revise(draft, settings, "")

    after = reading_of(settings, "cards")
    assert after["0.png"].label == "b"
    for file in before.keys() - {"0.png"}:
        assert after[file] == before[file]


def test_boxes_are_changed_and_saved(settings, tmp_path):
    source.add("boxed", layouts.coco(tmp_path / "boxed"), settings)
    draft = draft_of(settings, "boxed")
    assert draft.facts.kind == "boxes"
    assert draft.labels() == {"cat": 1, "dog": 2}
    files = files_of(draft)
    boxes = [["cow", 1, 2, 30.5, 40.25]]
    change(draft, [files[0]], boxes=boxes)
    assert files_of(draft, label="cow") == [files[0]]

    revise(draft, settings, "")

    found = reading_of(settings, "boxed")
    assert found[files[0]].boxes == (Box("cow", 1, 2, 30.5, 40.25),)
    assert [row.boxes for file, row in found.items() if file.endswith("empty.png")] == [()]
    assert draft_of(settings, "boxed").counts()["changed"] == 0


def test_splits_of_boxes_survive(settings, tmp_path):
    source.add("boxed", layouts.coco(tmp_path / "boxed"), settings)
    draft = draft_of(settings, "boxed")
    first, second, third = files_of(draft)
    change(draft, [first], split="train")
    change(draft, [second], split="test")
    change(draft, [first], boxes=[["dog", 1, 2, 30, 40]])

    revise(draft, settings, "")

    found = reading_of(settings, "boxed")
    assert [found[file].split for file in (first, second, third)] == ["train", "test", ""]


def test_packed_revisions_are_read_in_place(settings, tmp_path, monkeypatch):
    monkeypatch.setattr("stages.etl.shards.LOOSE_FILES", 5)
    makers.folder_of_pictures(tmp_path / "shapes", 4)
    source.add("shapes", tmp_path / "shapes", settings)
    draft = draft_of(settings)

    for sample in draft.page(Filter()):
        file, place = draft.place(sample["number"])
        assert read_cached(place, settings) == (tmp_path / "shapes" / file).read_bytes()
    change(draft, files_of(draft)[:1], label="square")
    revise(draft, settings, "")
    assert reading_of(settings)[files_of(draft)[0]].label == "square"


def test_an_annotation_with_a_problem_is_left_out_until_a_person_mends_it(settings, tmp_path):
    folder = layouts.coco(tmp_path / "boxed")
    record = json.loads((folder / "annotations.json").read_text())
    record["annotations"][0]["bbox"] = [5, 5, -3, 4]
    (folder / "annotations.json").write_text(json.dumps(record))
    source.add("boxed", folder, settings)
    draft = draft_of(settings, "boxed")
    (bad,) = [sample["file"] for sample in draft.page(Filter()) if sample["problem"]]

    assert revise(draft, settings, "").unusable == [bad]
    assert bad not in reading_of(settings, "boxed")


def test_doubts_order_the_suspects_and_spare_the_test(shapes):
    draft = draft_of(shapes)
    rows = draft.rows()
    doubts = {row["digest"]: ("square", 0.5 + number / 100) for number, row in enumerate(rows[:5])}
    draft.note_doubts("model", doubts)
    files = [row["file"] for row in rows]
    change(draft, [files[4]], split="test")
    change(draft, [files[3]], reviewed=True)

    assert files_of(draft, suspects=True) == [files[2], files[1], files[0]]
    pages = [draft.page(Filter(suspects=True), 0, 2), None]
    pages[1] = draft.page(Filter(suspects=True), pages[0][-1]["number"], 2)
    assert [sample["file"] for page in pages for sample in page] == files[2::-1]
    assert draft.samples([files[4]])[0]["suggestion"] == ""
    assert draft.samples([files[0]])[0]["suggestion"] == "square"
