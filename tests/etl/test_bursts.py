"""Samples taken one after another: they are found by name, time and content, and asked about."""

import pytest

from stages.etl.bursts import in_bursts
from tests import makers


def found(files, labels=None, near_duplicates=None):
    labels = labels or ["cat"] * len(files)
    return in_bursts(files, labels, near_duplicates or list(range(len(files))))


@pytest.mark.parametrize(
    "name",
    [
        "cat/IMG_20240301_1200{:02}.jpg",
        "cat/2024-03-01 12.00.{:02}.jpg",
        "cat/PXL_20240301_1200{:02}123.jpg",
        "WhatsApp Image 2024-03-01 at 12.00.{:02}.jpeg",
    ],
)
def test_names_with_times_that_follow_each_other_are_a_burst(name):
    assert found([name.format(second) for second in range(0, 40, 4)]) == set(range(10))


def test_times_that_lie_apart_or_do_not_exist_are_none():
    apart = [f"IMG_20240301_{hour:02}0000.jpg" for hour in range(20)]
    impossible = [f"IMG_20241399_9900{second:02}.jpg" for second in range(20)]

    assert found(apart) == set()
    assert found(impossible) == set()


def test_clips_of_several_speakers_are_found_by_their_counters():
    files = [f"0/0_{name}_{k}.wav" for name in ("anna", "ben", "carl") for k in range(5)]

    assert found(files) == set(range(15))


def test_frames_of_one_video_are_found():
    assert found([f"yard_frame{k:05}.png" for k in range(30)]) == set(range(30))


@pytest.mark.parametrize("name", ["{:04}.png", "IMG_{:04}.jpg", "cat.{}.jpg"])
def test_a_plain_counter_is_no_burst(name):
    assert found([f"cat/{name.format(k)}" for k in range(50)]) == set()


def test_near_duplicates_count_only_where_there_are_many():
    files = [f"{k * 17 % 97}.png" for k in range(90)]

    assert found(files, near_duplicates=[k // 3 for k in range(90)]) == set(range(90))
    assert found(files, near_duplicates=[max(k, 3) for k in range(90)]) == set()


def test_the_data_page_asks_for_groups_unless_they_are_named(workshop):
    rows = ["file,label,group"]
    for label in makers.LABELS:
        for index in range(12):
            name = f"p/{label}_video{index // 4}_frame{index:03}.png"
            workshop.write(name, makers.picture(label, index))
            rows.append(f"{name},{label},{label} {index // 4}")
    table = "\n".join(rows)
    workshop.write("labels.csv", "\n".join(row.rpartition(",")[0] for row in rows).encode())

    unnamed = workshop.make()
    workshop.write("labels.csv", table.encode())
    named = workshop.make()

    (finding,) = [finding for finding in unnamed.findings if finding.check == "groups are named"]
    assert "look as if taken one after another" in finding.message
    assert "column &#39;group&#39; of a labels.csv" in workshop.text(unnamed, "page.html")
    assert "groups are named" not in [finding.check for finding in named.findings]
    assert sum(named.groups.values()) == 9
    assert f"train, {named.groups['train']} groups" in workshop.text(named, "page.html")
    assert unnamed.groups == {}
