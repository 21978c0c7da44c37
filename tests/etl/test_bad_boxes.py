"""Boxes that do not fit their picture: clipped, reported or quarantined."""

import json

import pytest

from stages.artifacts import Box
from stages.etl.placing import placed
from stages.etl.readers import Row
from stages.pages.translation import missing_texts
from stages.runtime.errors import DataError
from tests import layouts, makers

GOOD = layouts.BOXES["a.png"][0]
SIZE = {"width": layouts.WIDTH, "height": layouts.HEIGHT}


@pytest.mark.parametrize(
    ("box", "problem", "clipped"),
    [
        (Box("cat", 10.0, 10.0, 20.0, 20.0), "", 0),
        (Box("cat", -1.0, 0.0, 80.5, 61.0), "", 1),
        (Box("cat", 10.0, 10.0, 120.0, 20.0), "is not on the picture of 80 × 60", 0),
        (Box("cat", 81.0, 10.0, 81.5, 20.0), "is not on the picture of 80 × 60", 0),
        (Box("cat", 10.0, 62.0, 30.0, 75.0), "as it is stored, 60 × 80 pixels, not upright", 0),
    ],
)
def test_a_box_beyond_the_edge_is_clipped_by_a_pixel_and_else_told(box, problem, clipped):
    found = placed(Row("a.png", boxes=(box,), place="x.xml", places=("x.xml, line 7",)), SIZE)

    assert problem in found.problem
    assert bool(found.problem) == bool(problem)
    assert found.problem.startswith("x.xml") or not problem
    assert found.clipped == clipped
    for corners in found.boxes:
        assert 0 <= corners.left < corners.right <= 80
        assert 0 <= corners.top < corners.bottom <= 60


@pytest.mark.parametrize(
    ("size", "message"),
    [((60, 80), "ignored its EXIF"), ((160, 120), "are for 160 × 120 pixels"), ((80, 60), "")],
)
def test_boxes_for_a_picture_of_another_size_are_told(size, message):
    found = placed(Row("a.png", boxes=(GOOD,), place="x.json", size=size), SIZE)

    assert message in found.problem
    assert bool(found.problem) == bool(message)


def test_a_box_that_is_there_twice_is_used_once():
    again = Box("cat", 10.0, 20.0, 40.0, 50.4)
    other = Box("dog", 10.0, 20.0, 40.0, 50.0)

    found = placed(Row("a.png", boxes=(GOOD, again, other)), SIZE)

    assert found.boxes == (GOOD, other)
    assert found.repeated == 1


def test_wrong_boxes_are_quarantined_with_their_place_and_odd_ones_are_told(workshop):
    makers.folder_of_boxes(workshop.raw, 48)
    path = workshop.raw / "annotations.json"
    record = json.loads(path.read_text())
    notes = record["annotations"]
    at = {
        of: next(annotation for annotation in notes if annotation["image_id"] == of)
        for of in range(1, 8)
    }
    at[1]["bbox"][2] = -5
    at[2]["bbox"][0] += 500
    at[3]["category_id"] = "nine"
    at[4]["iscrowd"] = 1
    at[5]["bbox"] = [0, 10, 96.5, 3]  # flat, thin, and a little too wide
    notes.append({**at[6], "id": 999})
    layouts.put_json(path, record)

    dataset = workshop.make(task="object_detection", max_quarantine=0.2)

    quarantined = workshop.quarantined(dataset)
    assert {name: row["reason"].partition(": ")[0] for name, row in quarantined.items()} == {
        f"images/{of - 1:03}.png": (
            f"annotations.json, annotations[{notes.index(at[of])}] (id {at[of]['id']})"
        )
        for of in (1, 2, 3)
    }
    messages = {finding.check: finding.message for finding in dataset.findings}
    assert "annotations[0] (id 1): its box is -5 wide" in messages["valid annotations"]
    assert "1 box of crowds" in messages["no boxes of crowds"]
    assert "1 box in 1 file beyond the edge" in messages["boxes within the picture"]
    assert "1 box in 1 file with the label" in messages["each box once"]
    assert (
        "1 box in 1 file with a side under etl.min_box, 4 pixels" in messages["boxes not too small"]
    )
    assert "more than 20 times" in messages["plausible proportions"]
    assert missing_texts(workshop.text(dataset, "page.html"), "zh") == []
    samples = {sample.file: sample for sample in workshop.samples(dataset)}
    assert samples["images/007.png"].boxes == ()  # a negative
    assert len(samples["images/005.png"].boxes) == len(makers.scene(5)[1])
    counted = [sum(counts.values()) for counts in dataset.counts.values()]
    assert sum(counted) == sum(len(sample.boxes) for sample in samples.values())
    assert sum(dataset.samples.values()) == len(samples) == 45


def test_nothing_but_wrong_boxes_is_refused_with_a_reason(workshop):
    makers.folder_of_boxes(workshop.raw, 10)
    path = workshop.raw / "annotations.json"
    record = json.loads(path.read_text())
    for annotation in record["annotations"]:
        annotation["bbox"] = [str(side) for side in annotation["bbox"]]
    layouts.put_json(path, record)

    message = r"9 of 10 samples.*\n.*invalid annotation"
    with pytest.raises(DataError, match=message) as raised:
        workshop.make(task="object_detection")

    assert "annotations[0] (id 1): bbox is ['" in str(raised.value)


def test_a_picture_with_five_thousand_boxes_works_and_is_told(workshop):
    makers.folder_of_boxes(workshop.raw, 30)
    path = workshop.raw / "annotations.json"
    record = json.loads(path.read_text())
    places = [(x, y) for x in range(0, 92) for y in range(0, 92)][:5000]
    many_boxes = [
        {"id": 10_000 + at, "image_id": 8, "category_id": 1 + at % 3, "bbox": [x, y, 4, 4]}
        for at, (x, y) in enumerate(places)
    ]
    layouts.put_json(path, {**record, "annotations": record["annotations"] + many_boxes})

    dataset = workshop.make(task="object_detection", augmentations=["horizontal_flip"])

    many = {sample.file: len(sample.boxes) for sample in workshop.samples(dataset)}
    assert many["images/007.png"] == 5000
    messages = {finding.check: finding.message for finding in dataset.findings}
    assert "1 file with more than 1000 boxes: 'images/007.png'" in messages["not too many boxes"]
    assert len(workshop.text(dataset, "page.html")) < 6_000_000


def coco_folders(workshop, labels_of_split) -> None:
    """A COCO file for each split, with 24 scenes and the boxes of its labels alone."""
    for place, (name, labels) in enumerate(labels_of_split.items()):
        record = makers.CocoText(makers.LABELS)
        for index in range(50 * place, 50 * place + 24):
            data, boxes = makers.scene(index)
            remaining = tuple(box for box in boxes if box.label in labels)
            layouts.put(workshop.raw / name / f"{index}.png", data)
            record.add(f"{name}/{index}.png", 96, 96, remaining)
        layouts.put_json(workshop.raw / f"{name}.json", record.record())


def test_a_label_that_is_only_in_the_given_test_split_is_refused(workshop):
    coco_folders(workshop, {"train": ("circle",), "test": ("circle", "square")})

    with pytest.raises(DataError, match=r"'square' is only in the split test"):
        workshop.make(task="object_detection")


def test_a_rare_label_that_validation_and_test_lack_is_used_and_told(workshop):
    most = ("circle", "square")
    coco_folders(workshop, {"train": makers.LABELS, "val": most, "test": most})

    dataset = workshop.make(task="object_detection", augmentations=["horizontal_flip"])

    messages = {finding.check: finding.message for finding in dataset.findings}
    assert messages["each label in validation"].endswith("without a box in validation: 'triangle'")
    assert messages["each label in test"].endswith("without a box in test: 'triangle'")
    assert dataset.provided_splits == ("train", "validation", "test")
    assert dataset.samples == {"train": 24, "validation": 24, "test": 24}


def test_a_given_validation_without_a_box_cannot_choose_a_detector(workshop):
    coco_folders(workshop, {"train": makers.LABELS, "val": (), "test": makers.LABELS})

    with pytest.raises(DataError, match=r"There is no box in 'validation'"):
        workshop.make(task="object_detection")


def test_the_same_picture_under_other_boxes_is_quarantined(workshop):
    makers.folder_of_boxes(workshop.raw, 40)
    path = workshop.raw / "annotations.json"
    record = json.loads(path.read_text())
    for name, of in (("same", 1), ("other", 2)):
        layouts.put(workshop.raw / f"{name}.png", makers.scene(of - 1)[0])
        record["images"].append(
            {**record["images"][of - 1], "id": name, "file_name": f"{name}.png"}
        )
    copied = [{**annotation, "image_id": "same", "id": 1000 + annotation["id"]}
              for annotation in record["annotations"] if annotation["image_id"] == 1]  # fmt: skip
    layouts.put_json(path, {**record, "annotations": record["annotations"] + copied})

    dataset = workshop.make(task="object_detection")

    quarantined = {name: row["kind"] for name, row in workshop.quarantined(dataset).items()}
    assert quarantined == {
        "same.png": "duplicate",
        "other.png": "broken",
        "images/001.png": "broken",
    }


def test_of_two_copies_the_one_that_is_annotated_rightly_is_kept(workshop):
    makers.folder_of_boxes(workshop.raw, 40)
    path = workshop.raw / "annotations.json"
    record = json.loads(path.read_text())
    layouts.put(workshop.raw / "a.png", makers.scene(0)[0])  # its name comes first
    record["images"].append({**record["images"][0], "id": "a", "file_name": "a.png"})
    wrong = {"id": 999, "image_id": "a", "category_id": 1, "bbox": [1, 1, -5, 5]}
    layouts.put_json(path, {**record, "annotations": [*record["annotations"], wrong]})

    dataset = workshop.make(task="object_detection")

    assert list(workshop.quarantined(dataset)) == ["a.png"]
