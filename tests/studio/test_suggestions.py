"""What a model suggests for samples without a label, and the test samples that it never sees."""

import csv

import pytest

from stages.config import read_pipeline
from stages.etl import source
from stages.runner import run_pipeline
from stages.runtime.errors import ConfigError
from stages.studio.drafts import Drafts
from stages.studio.drawn_test import draw_test, drawn
from stages.studio.journal import Change
from stages.studio.planted_faults import planted_in
from stages.studio.sample_filter import Filter
from stages.studio.suggesting import suggestions_for
from tests import makers

LABELLED = 10  # of each label
EACH = 24


@pytest.fixture
def settings(tmp_path):
    """A workspace with pictures of which a part is labelled."""
    folder = tmp_path / "shapes"
    folder.mkdir()
    rows = []
    for number in range(EACH):
        for label in makers.LABELS:
            name = f"{label[0]}{number:02}.png"
            (folder / name).write_bytes(makers.picture(label, number))
            rows.append((name, label if number < LABELLED else ""))
    with (folder / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("file", "label"), *rows])
    settings = makers.settings(tmp_path)
    source.add("shapes", folder, settings)
    return settings


@pytest.fixture
def draft(settings):
    return Drafts(settings).of("shapes")


def waiting(draft, to_label, limit=200):
    return draft.page(Filter(to_label=to_label), limit=limit)


def test_a_random_part_becomes_the_test_once_and_is_kept_in_the_journal(draft, settings):
    count = draw_test(draft)
    again = draw_test(draft)

    assert 0.05 < count / (3 * EACH) < 0.3
    assert again == 0
    files = [row["file"] for row in draft.rows() if row["split"] == "test"]
    assert len(files) == count
    reopened = Drafts(settings).of("shapes")
    assert [row["file"] for row in reopened.rows() if row["split"] == "test"] == files


def test_neither_labels_nor_other_samples_decide_the_draw_and_groups_stay_whole():
    def rows(label, count):
        names = [f"{number}.png" for number in range(count)]
        return [
            {"file": name, "label": label, "group": f"g{place // 4}", "digest": name}
            for place, name in enumerate(names)
        ]

    many = [row["file"] for row in drawn(rows("a", 400), 0.2)]
    fewer = [row["file"] for row in drawn(rows("b", 200), 0.2)]

    assert [name for name in many if int(name[:-4]) < 200] == fewer
    assert 40 < len(many) < 120
    assert len({int(name[:-4]) // 4 for name in many}) == len(many) / 4


def test_suggestions_are_shown_in_their_order_and_never_for_the_test(draft):
    draw_test(draft)
    rows = [row for row in draft.rows() if not row["label"]]
    noted = {
        row["digest"]: {"label": "circle", "score": 0.6, "boxes": [], "rank": rank}
        for rank, row in enumerate(reversed(rows), 1)
    }
    draft.note_suggestions(noted)

    learn, test = waiting(draft, "learn"), waiting(draft, "test")
    names = [row["file"] for row in reversed(rows) if row["split"] != "test"]
    assert [sample["file"] for sample in learn] == names
    assert {(sample["suggestion"], sample["score"]) for sample in learn} == {("circle", 0.6)}
    assert test
    assert {(sample["suggestion"], sample["score"]) for sample in test} == {("", 0.0)}
    pages = [learn[:10], draft.page(Filter(to_label="learn"), learn[9]["number"], 10)]
    assert [sample["file"] for sample in pages[1]] == names[10:20]


def test_a_labelled_sample_leaves_the_list_and_comes_back_with_undo(draft):
    first = waiting(draft, "learn")[0]
    draft.act("a" * 8, "ann", [Change(first["file"], {"label": ""}, {"label": "circle"})])
    assert first["file"] not in [sample["file"] for sample in waiting(draft, "learn")]

    draft.undo("b" * 8, "ann")
    assert waiting(draft, "learn")[0]["file"] == first["file"]


def test_new_suggestions_replace_the_earlier_ones(draft):
    first, second = (row["digest"] for row in draft.rows()[-2:])
    found = {"label": "circle", "score": 0.6, "boxes": [], "rank": 1}
    draft.note_suggestions({first: found})
    draft.note_suggestions({second: found})

    suggested = [row["digest"] for row in draft.rows() if row["suggestion"]]
    assert suggested == [second]


@pytest.mark.slow
def test_a_trained_model_suggests_labels_and_finds_planted_faults(settings, draft):
    # given a model that learned from the third that is labelled
    path = makers.quick_pipeline(settings.root.parent, settings)
    run_pipeline(read_pipeline(path), run="first", settings=settings)
    draw_test(draft)
    tested = {row["digest"] for row in draft.rows() if row["split"] == "test"}

    # when it is asked, and asked again
    found = suggestions_for("shapes", settings)
    again = suggestions_for("shapes", settings)

    # then
    samples = found["samples"]
    truth = {row["digest"]: row["file"][0] for row in draft.rows()}
    assert again == found
    assert not tested & set(samples)
    assert len(samples) == len(waiting(draft, "learn"))
    right = [samples[digest]["label"][:1] == truth[digest] for digest in samples]
    assert sum(right) / len(right) > 0.6
    assert sorted(sample["rank"] for sample in samples.values()) == [*range(1, len(samples) + 1)]

    # and planted faults are found among the labelled ones
    planted = planted_in("shapes", settings, "flipped", 0.3)
    assert planted["samples"] < LABELLED * 3
    assert not planted["is_most"]
    assert sum(found["first"] for found in planted["rounds"]) > 0


def test_without_a_model_it_is_said_what_to_do(settings):
    with pytest.raises(ConfigError, match="Label some, save, and train"):
        suggestions_for("shapes", settings)
