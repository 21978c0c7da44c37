"""Annotations of boxes as people have them: every usual arrangement of folders and its meaning."""

import io

import pytest
from PIL import Image

from stages.artifacts import Box
from stages.etl.intake import take_in
from stages.etl.readers import read_folder
from stages.runtime.errors import DataError
from tests import layouts, makers

DOG = layouts.BOXES["b 日本.png"]
TEXT = layouts.lines(DOG).encode()


def boxes_in(folder) -> dict[str, tuple[Box, ...]]:
    return {row.file.rpartition("/")[2]: row.boxes for row in read_folder(folder).rows}


def splits_in(folder) -> dict[str, str]:
    return {row.file: row.split for row in read_folder(folder).rows}


@pytest.mark.parametrize("name", list(layouts.BOXED))
def test_every_layout_says_the_same_of_the_same_pictures(name, tmp_path):
    found = boxes_in(layouts.BOXED[name](tmp_path))

    assert list(found) == list(layouts.BOXES)
    for file, boxes in layouts.BOXES.items():
        assert [box.label for box in found[file]] == [box.label for box in boxes]
        for box, other in zip(found[file], boxes, strict=True):
            assert box[1:] == pytest.approx(other[1:], abs=1e-3)


@pytest.mark.parametrize("name", list(layouts.BOXED))
def test_every_layout_can_come_as_a_zip_with_a_folder_around_it(name, tmp_path):
    folder = layouts.BOXED[name](tmp_path / "raw" / "things")
    files = {path.relative_to(tmp_path / "raw").as_posix(): path.read_bytes()
             for path in folder.rglob("*") if path.is_file()}  # fmt: skip

    reading, copy = take_in(makers.zipped(tmp_path / "it.zip", files), tmp_path)

    assert reading.rows == read_folder(folder).rows == read_folder(copy).rows


def test_the_data_of_another_task_is_told_with_the_task_that_reads_it(tmp_path):
    layouts.coco(tmp_path / "coco")
    layouts.put(tmp_path / "folders" / "cat" / "1.png", layouts.picture())

    with pytest.raises(DataError, match=r"layout of coco is 'coco'.*\n.*task: object_detection"):
        read_folder(tmp_path / "coco", ("csv", "class_folders"))
    with pytest.raises(DataError, match=r"'class_folders'.*\n.*image_classification or sound"):
        read_folder(tmp_path / "folders", ("coco", "voc", "yolo", "label_studio"))


@pytest.mark.parametrize(
    ("table", "place"),
    [
        ("{}.json", "{}"),
        ("{}.json", "images"),
        ("{}/_annotations.coco.json", "{}"),
        ("annotations/instances_{}2017.json", "{}2017"),
        ("annotations/instances_{}.json", "images/{}"),
    ],
)
def test_coco_with_a_file_for_each_split(table, place, tmp_path):
    for seed, split in enumerate(("train", "val")):
        record = makers.CocoText(layouts.LABELS)
        record.add(f"{seed}.png", layouts.WIDTH, layouts.HEIGHT, DOG)
        layouts.put_json(tmp_path / table.format(split), record.record())
        layouts.put(tmp_path / place.format(split) / f"{seed}.png", layouts.picture(seed))
    layouts.put_json(tmp_path / "annotations" / "captions_val2017.json", {"info": 0})

    found = splits_in(tmp_path)

    assert found == {
        f"{place.format('train')}/0.png": "train",
        f"{place.format('val')}/1.png": "validation",
    }


def test_one_coco_file_named_after_a_split_divides_nothing(tmp_path):
    record = makers.CocoText(layouts.LABELS)
    record.add("a.png", layouts.WIDTH, layouts.HEIGHT, DOG)
    layouts.put_json(tmp_path / "annotations" / "instances_val2017.json", record.record())
    layouts.put(tmp_path / "a.png", layouts.picture())

    assert splits_in(tmp_path) == {"a.png": ""}


def test_coco_knows_groups_and_leaves_crowds_out(tmp_path):
    record = makers.CocoText(layouts.LABELS)
    record.add("C:\\photos\\A.PNG", layouts.WIDTH, layouts.HEIGHT, (*DOG, *DOG))
    record.images[0]["group"] = "clip 7"
    record.annotations[1]["iscrowd"] = 1
    layouts.put_json(tmp_path / "a.json", record.record())
    layouts.put(tmp_path / "photos" / "a.png", layouts.picture())

    (row,) = read_folder(tmp_path).rows

    assert (row.file, row.group, row.skipped_boxes) == ("photos/a.png", "clip 7", 1)
    assert row.boxes == DOG
    assert row.places == ("a.json, annotations[0] (id 1)",)
    assert row.size == (layouts.WIDTH, layouts.HEIGHT)


def test_voc_with_image_sets(tmp_path):
    folder = layouts.voc(tmp_path)
    sets = folder / "ImageSets" / "Main"
    layouts.put(sets / "trainval.txt", "a\nb 日本\nempty\n".encode())
    layouts.put(sets / "val.txt", b"empty\n")
    layouts.put(sets / "cat_train.txt", b"a -1\n")

    assert splits_in(folder) == {
        "JPEGImages/a.png": "train",
        "JPEGImages/b 日本.png": "train",
        "JPEGImages/empty.png": "validation",
    }


def test_voc_beside_the_pictures_with_names_of_before_they_were_renamed(tmp_path):
    for split in ("train", "test"):
        layouts.put(tmp_path / split / f"{split} ü.png", layouts.picture(len(split)))
        layouts.put(tmp_path / split / f"{split} ü.xml", layouts.xml("DSC_1.JPG", DOG).encode())

    assert splits_in(tmp_path) == {"train/train ü.png": "train", "test/test ü.png": "test"}


def test_voc_that_counts_from_nought_is_found_out(tmp_path):
    folder = layouts.voc(tmp_path, {"a.png": DOG})
    nought = layouts.xml("z.png", (Box("cat", -1.0, 4.0, 20.0, 20.0),))  # written as 0
    layouts.put(folder / "Annotations" / "z.xml", nought.encode())
    layouts.put(folder / "JPEGImages" / "z.png", layouts.picture(9))

    found = boxes_in(folder)

    assert found["z.png"] == (Box("cat", 0.0, 5.0, 20.0, 20.0),)
    assert found["a.png"][0].left == DOG[0].left + 1


@pytest.mark.parametrize("where", ["{split}/{kind}", "{kind}/{split}"])
def test_yolo_with_splits_above_or_below(where, tmp_path):
    for seed, split in enumerate(("train", "val", "test")):
        images = tmp_path / where.format(split=split, kind="images")
        labels = tmp_path / where.format(split=split, kind="labels")
        layouts.put(images / f"{seed}.png", layouts.picture(seed))
        layouts.put(labels / f"{seed}.txt", TEXT)
    layouts.put(tmp_path / "data.yaml", b"nc: 2\nnames: {0: cat, 1: dog}\n")

    rows = read_folder(tmp_path).rows

    assert sorted(row.split for row in rows) == ["test", "train", "validation"]
    assert {row.boxes for row in rows} == {DOG}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("data.yaml", "names: [cat, dog]\n"),
        ("sub/classes.txt", "cat\r\ndog\r\n"),
        ("obj.names", "cat\ndog"),
    ],
)
def test_yolo_with_each_txt_beside_its_picture(name, text, tmp_path):
    layouts.put(tmp_path / "sub" / "größe 1.png", layouts.picture())
    layouts.put(tmp_path / "sub" / "größe 1.txt", TEXT)
    layouts.put(tmp_path / "sub" / "nothing.png", layouts.picture(1))
    layouts.put(tmp_path / name, text.encode())

    assert boxes_in(tmp_path) == {"größe 1.png": DOG, "nothing.png": ()}


def test_yolo_means_shares_of_the_upright_picture(tmp_path):
    layouts.put(tmp_path / "turned.jpg", turned())
    layouts.put(tmp_path / "turned.txt", b"0 0.5 0.5 0.5 0.25\n")
    layouts.put(tmp_path / "classes.txt", b"cat\n")

    assert boxes_in(tmp_path)["turned.jpg"] == (Box("cat", 15.0, 30.0, 45.0, 50.0),)


def turned() -> bytes:
    """A photo of 80 by 60 stored pixels that is 60 by 80 upright."""
    exif = Image.Exif()
    exif[0x0112] = 6
    out = io.BytesIO()
    Image.open(io.BytesIO(layouts.picture())).save(out, "JPEG", exif=exif)
    return out.getvalue()


def test_label_studio_takes_the_annotation_that_counts(tmp_path):
    cat, dog = layouts.BOXES["a.png"]
    several = [
        {"id": 1, "result": [layouts.rectangle(cat)], "ground_truth": True},
        {"id": 2, "result": [layouts.rectangle(dog)]},
        {"id": 3, "result": [layouts.rectangle(cat)], "was_cancelled": True},
    ]
    other = {"id": 4, "type": "choices", "value": {"choices": ["x"]}}
    names = {"truth": several, "last": several[1:], "none": several[2:]}
    names["plain"] = [{"id": 5, "result": [other]}]
    tasks = []
    for seed, (name, annotations) in enumerate(names.items()):
        layouts.put(tmp_path / "pictures" / f"{name}.png", layouts.picture(seed))
        address = f"http://localhost:8080/data/local-files/?d=pictures/{name}.png"
        tasks.append({"id": seed, "data": {"photo": address}, "annotations": annotations})
    layouts.put_json(tmp_path / "export.json", tasks)

    found = boxes_in(tmp_path)

    assert {name: [box.label for box in boxes] for name, boxes in found.items()} == {
        "last.png": ["dog"],
        "plain.png": [],
        "truth.png": ["cat"],
    }


def test_a_turned_rectangle_becomes_the_box_around_it(tmp_path):
    box = Box("cat", 40.0, 10.0, 60.0, 20.0)
    result = layouts.rectangle(box, rotation=90)
    layouts.put(tmp_path / "a.png", layouts.picture())
    task = {"id": 1, "data": {"image": "a.png"}, "annotations": [{"result": [result]}]}
    layouts.put_json(tmp_path / "export.json", [task])

    (found,) = boxes_in(tmp_path)["a.png"]

    assert found[1:] == pytest.approx((30, 10, 40, 30))
