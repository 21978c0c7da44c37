"""Splits that a person or a tool wrote down are kept, or refused with their contradiction."""

import pytest

from stages.etl.readers import UNNAMED, Reading, read_folder
from stages.runtime.errors import DataError
from tests import layouts

TEXT = layouts.lines(layouts.BOXES["b 日本.png"]).encode()
LETTERS = {"train": "t", "validation": "v", "test": "e", "": "-"}
NAMES = "names: [cat, dog]\n"


def yolo(folder, where: dict[str, str], **texts: str) -> Reading:
    """Read YOLO with the pictures `where` (name -> folder of pictures) and further files."""
    for seed, (name, place) in enumerate(where.items()):
        labels = place.replace("images", "labels")
        layouts.put(folder / place / f"{name}.png", layouts.picture(seed))
        layouts.put(folder / labels / f"{name}.txt", TEXT)
    for name, text in texts.items():
        layouts.put(folder / name.replace("__", "/").replace("_dot_", "."), text.encode())
    return read_folder(folder)


def splits(reading: Reading) -> str:
    """A letter for the split of each picture, by name: train, validation, e for test; - for
    none."""
    named = sorted((row.file.rpartition("/")[2], row.split) for row in reading.rows)
    return "".join(LETTERS[split] for _, split in named)


YEARS = {"a": "images/train2017", "b": "images/train2017", "c": "images/val2017", "d": "images/t"}
HERE = "train: images/train2017\nval: images/val2017\ntest: images/t\n"


@pytest.mark.parametrize(
    "keys",
    [
        f"path: .\n{HERE}",
        f"path: ../datasets/mine\n{HERE}",
        f"path: C:\\data\\mine\n{HERE}".replace("images/", "images\\"),
        HERE.replace("images", "../images"),
        HERE.replace("images", "/home/me/sets/mine/images"),
        HERE.replace("images/train2017", "[images/train2017/]").replace("val:", "valid:"),
        HERE.replace("images/t\n", "images/t/*.png\n"),
        HERE.replace("images/t\n", "IMAGES/T\n"),
    ],
)
def test_data_yaml_gives_the_splits_whatever_the_folders_are_called(keys, tmp_path):
    reading = yolo(tmp_path, YEARS, data_dot_yaml=keys + NAMES)

    assert splits(reading) == "ttve"
    assert reading.notes == ()


def test_data_yaml_may_give_a_split_several_folders(tmp_path):
    keys = "train:\n - images/train2017\n - images/val2017\ntest: [images/t]\n"

    assert splits(yolo(tmp_path, YEARS, data_dot_yaml=keys + NAMES)) == "ttte"
    by_split = {row.file: row.split for row in read_folder(tmp_path).rows}
    assert by_split["images/val2017/c.png"] == "train"
    assert by_split["images/t/d.png"] == "test"


@pytest.mark.parametrize(
    "line", ["images/{}", "./images/{}", "/data/mine/images/{}", "{}", "D:\\x\\{}"]
)
def test_data_yaml_may_name_lists_of_paths(line, tmp_path):
    flat = dict.fromkeys("abcd", "images")
    lists = {key: "\n".join(line.format(f"{name}.png") for name in some) for key, some in
             {"first": "ab", "second": "c", "third": "d"}.items()}  # fmt: skip
    keys = "train: first.txt\nval: lists/second.txt\ntest: ./third.txt\n"

    reading = yolo(tmp_path, flat, data_dot_yaml=keys + NAMES, first_dot_txt=lists["first"],
                   lists__second_dot_txt=lists["second"], third_dot_txt=lists["third"])  # fmt: skip

    assert splits(reading) == "ttve"
    assert {"first.txt", "lists/second.txt", "third.txt"} <= set(reading.tables)


def test_the_export_of_cvat_in_yolo_gives_its_lists(tmp_path):
    place = {"a": "obj_Train_data", "b": "obj_Train_data", "c": "obj_Validation_data"}
    data = "classes = 2\ntrain = data/train.txt\nvalid = data/valid.txt\nnames = data/obj.names\n"

    reading = yolo(
        tmp_path,
        place,
        obj_dot_data=data + "backup = backup/\n",
        obj_dot_names="cat\ndog\n",
        train_dot_txt="data/obj_Train_data/a.png\ndata/obj_Train_data/b.png\n",
        valid_dot_txt="data/obj_Validation_data/c.png\n",
    )

    assert splits(reading) == "ttv"


@pytest.mark.parametrize(
    ("first", "second"),
    [("train.txt", "val.txt"), ("train_list.txt", "val_list.txt"), ("train-set.txt", "test.txt"),
     ("lists/Train.txt", "lists/Valid.txt")],
)  # fmt: skip
def test_lists_beside_the_pictures_give_the_splits(first, second, tmp_path):
    for seed, name in enumerate("abc"):
        layouts.put(tmp_path / f"{name}.png", layouts.picture(seed))
        layouts.put(tmp_path / f"{name}.txt", TEXT)
    layouts.put(tmp_path / "classes.txt", b"cat\ndog\n")
    layouts.put(tmp_path / first, b"a.png\r\nb.png\r\n")
    layouts.put(tmp_path / second, b"\xef\xbb\xbfc.png\r\n")

    assert splits(read_folder(tmp_path)) in ("ttv", "tte")
    assert {row.split for row in read_folder(tmp_path).rows} != {"train"}


@pytest.mark.parametrize(
    ("keys", "expected", "note"),
    [
        ("train: images\nval: images\n", "ttv-", "train and validation are the same pictures, 4"),
        ("train: images\nval: images\ntest: images\n", "ttv-", "train and validation are the same"),
        (
            "train: images/train2017\nval: images/t\ntest: images/t\n",
            "tt-e",
            "they are used as test",
        ),
        (
            HERE.replace("images/t\n", "images/gone\n"),
            "ttv-",
            "there is no 'images/gone', which it",
        ),
        ("train: images\n", "ttv-", "all pictures are listed for train, which is no split"),
        ("train: images/train2017\nval: images/val2017\n", "ttv-", "in no split: 1 picture"),
    ],
)
def test_splits_that_do_not_divide_or_are_not_there_are_said(keys, expected, note, tmp_path):
    reading = yolo(tmp_path, YEARS, data_dot_yaml=keys + NAMES)

    assert splits(reading) == expected
    assert note in "; ".join(reading.notes)


@pytest.mark.parametrize(
    "keys",
    [
        "train: images\nval: images/val2017\n",
        "train: [images/train2017, images/t]\ntest: images/t\n",
        "train: l.txt\nval: images/val2017\n",
    ],
)
def test_a_picture_in_two_splits_is_refused(keys, tmp_path):
    with pytest.raises(DataError, match=r"in more than one split: 1 picture \('images/") as raised:
        yolo(tmp_path, YEARS, data_dot_yaml=keys + NAMES, l_dot_txt="a.png\nc.png\n")

    assert "train (" in str(raised.value)


def test_a_list_with_names_of_other_pictures_is_said(tmp_path):
    lists = {"train_dot_txt": "a.png\nb.png\nz.png\n", "val_dot_txt": "c.png\n# d.png\n"}

    reading = yolo(tmp_path, YEARS, data_dot_yaml=NAMES, **lists)

    assert splits(reading) == "ttv-"
    assert "named for train, but not here: 1 picture ('z.png')" in reading.notes[0]


def test_a_split_whose_pictures_have_no_txt_is_left_out_and_that_is_said(tmp_path):
    where = {name: place for name, place in YEARS.items() if name != "d"}
    layouts.put(tmp_path / "images" / "t" / "d.png", layouts.picture(9))

    reading = yolo(tmp_path, where, data_dot_yaml=HERE + NAMES)

    assert splits(reading) == "ttv"
    assert reading.excluded[UNNAMED] == ("images/t/d.png",)
    assert reading.notes == (
        "data.yaml: named for test, but without annotation, so left out: 1 picture "
        "('images/t/d.png')",
    )


def voc(folder, **sets: str) -> Reading:
    layouts.voc(folder, dict.fromkeys(["a.png", "b c.png", "d.png"], ()))
    for name, text in sets.items():
        layouts.put(folder / "ImageSets" / "Main" / f"{name}.txt", text.encode())
    return read_folder(folder)


@pytest.mark.parametrize(
    ("sets", "expected"),
    [
        ({"train": "a\nb c\n", "val": "d\n"}, "ttv"),
        ({"train": "a.png\nb c.png\n", "test": "d.png\n"}, "tte"),
        ({"train": "JPEGImages/a.png\r\n", "val": "d\r\n", "test": "b c\r\n"}, "tev"),
        ({"trainval": "a\nd\n", "val": "d\n", "test": "b c"}, "tev"),
        ({"trainval": "a\nb c\nd\n"}, "---"),
        ({"train": "a  1\nb c\n", "Val": "d -1"}, "ttv"),
    ],
)
def test_image_sets_give_the_splits(sets, expected, tmp_path):
    assert splits(voc(tmp_path, **sets)) == expected


@pytest.mark.parametrize(
    "sets", [{"train": "a\n", "val": "a\n", "test": "d"}, {"trainval": "a\nd\n", "test": "d\n"}]
)
def test_a_picture_in_two_image_sets_is_refused(sets, tmp_path):
    sets = {**sets, "train": sets.get("train", "") + "b c\n"} if "val" in sets else sets

    with pytest.raises(DataError, match="ImageSets/Main: in more than one split: 1 picture"):
        voc(tmp_path, **sets)


def test_names_of_image_sets_that_have_no_picture_are_said(tmp_path):
    reading = voc(tmp_path, train="a\nz\n", val="d\n")

    assert splits(reading) == "t-v"
    assert reading.notes == (
        "ImageSets/Main: named for train, but not here: 1 picture ('z')",
        "ImageSets/Main: in no split: 1 picture ('JPEGImages/b c.png'); etl adds them to train, or "
        "to a split that has no list",
    )
