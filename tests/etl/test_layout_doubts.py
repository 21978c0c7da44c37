"""Which folders are labels, which are splits, and when a user has to say so."""

from pathlib import Path

import pytest

from stages.etl.readers import Doubt, Reading, read_folder
from stages.etl.readers.choices import Choices
from stages.etl.readers.rows import label_counts
from stages.runtime.errors import DataError
from tests import layouts


def tree(folder: Path, *names: str, **texts: str) -> Path:
    """Write a file for each of `names`, and each of `texts` as NAME.txt."""
    for name in names:
        layouts.put(folder / name, name.encode())
    for name, text in texts.items():
        layouts.put(folder / f"{name}.txt", text.encode())
    return folder


def animals(*places: str) -> list[str]:
    """Two pictures of each of two labels, in each of `places`."""
    return [
        f"{place}{label}/{place.replace('/', '-')}{label}{number}.jpg"
        for place in places
        for label in ("cat", "dog")
        for number in (1, 2)
    ]


def counts(reading: Reading) -> dict[str, int]:
    return dict(label_counts(reading.rows))


def splits(reading: Reading) -> set[str]:
    return {row.split for row in reading.rows}


@pytest.mark.parametrize(
    ("places", "found"),
    [
        (("training_set/", "test_set/"), {"train", "test"}),
        (("Train/", "VALID/", "dev_set/"), {"train", "validation"}),
        (("train_images/", "test1/"), {"train", "test"}),
        (("seg_train/seg_train/", "seg_test/seg_test/"), {"train", "test"}),
        (("archive/data/train/", "archive/data/val2017/"), {"train", "validation"}),
        (("train/images/", "test/images/"), {"train", "test"}),
    ],
)
def test_folders_of_splits_are_no_labels_whatever_they_are_called(places, found, tmp_path):
    reading = read_folder(tree(tmp_path, *animals(*places)))

    assert {*counts(reading)} == {"cat", "dog"}
    assert splits(reading) == found


@pytest.mark.parametrize(
    "places", [("train/", "validation/"), ("",), ("training_set/", "validation_set/")]
)
def test_a_test_folder_without_labels_is_left_out_and_said(places, tmp_path):
    tree(tmp_path, *animals(*places), "test/1.jpg", "test/2.jpg")

    reading = read_folder(tmp_path)

    assert {*counts(reading)} == {"cat", "dog"}
    ((reason, names),) = reading.excluded.items()
    assert "named after a split" in reason
    assert names == ("test/1.jpg", "test/2.jpg")


@pytest.mark.parametrize("names", [("train/1.jpg", "test/2.jpg"), ("fold1/1.jpg", "fold2/2.jpg")])
def test_splits_and_folds_without_labels_are_refused(names, tmp_path):
    with pytest.raises(DataError, match=r"2 files have no label"):
        read_folder(tree(tmp_path, *names))


def test_a_label_may_have_the_name_of_a_split_in_it(tmp_path):
    reading = read_folder(tree(tmp_path, "train station/1.jpg", "test tube/2.jpg", "valley/3.jpg"))

    assert {*counts(reading)} == {"train station", "test tube", "valley"}


def test_a_side_folder_is_no_label(tmp_path):
    reading = read_folder(tree(tmp_path, *animals("train/", "test/"), "docs/logo.png"))

    assert counts(reading) == {"cat": 4, "dog": 4}
    assert list(reading.excluded.values()) == [("docs/logo.png",)]


def test_a_side_folder_with_the_same_labels_is_asked_about(tmp_path):
    tree(tmp_path, *animals("train/", "test/", "more/"))

    with pytest.raises(DataError, match=r"'more' has folders of the same labels.*\n.*--leave-out"):
        read_folder(tmp_path)
    reading = read_folder(tmp_path, choices=Choices(exclude=("more",)))

    assert counts(reading) == {"cat": 4, "dog": 4}


@pytest.mark.parametrize("place", ["fold{}/", "Fold-{}/", "cv_fold_{}/images/"])
def test_folds_are_groups(place, tmp_path):
    reading = read_folder(tree(tmp_path, *animals(*(place.format(number) for number in (1, 2, 3)))))

    assert counts(reading) == {"cat": 6, "dog": 6}
    assert len({row.group for row in reading.rows}) == 3


def test_folds_within_labels_are_groups(tmp_path):
    names = [f"{label}/fold{number}/{label}.jpg" for label in ("cat", "dog") for number in (1, 2)]

    reading = read_folder(tree(tmp_path, *names))

    assert counts(reading) == {"cat": 2, "dog": 2}
    assert {row.group for row in reading.rows} == {"fold1", "fold2"}


def test_splits_within_labels_are_kept(tmp_path):
    names = [f"{label}/{split}/a.jpg" for label in ("cat", "dog") for split in ("train", "test")]

    reading = read_folder(tree(tmp_path, *names))

    assert counts(reading) == {"cat": 2, "dog": 2}
    assert splits(reading) == {"train", "test"}


def test_splits_within_folds_are_refused(tmp_path):
    tree(tmp_path, *animals("fold1/train/", "fold1/test/", "fold2/train/", "fold2/test/"))

    with pytest.raises(DataError, match=r"no labels' folders inside, but 'test', 'train'"):
        read_folder(tmp_path)


def test_a_test_folder_with_labels_beside_the_labels_is_the_test_split(tmp_path):
    reading = read_folder(tree(tmp_path, *animals("", "test/")))

    assert counts(reading) == {"cat": 4, "dog": 4}
    assert splits(reading) == {"", "test"}


def test_one_folder_that_may_be_a_split_or_a_label_is_asked_about(tmp_path):
    tree(tmp_path, "train/steam/1.jpg", "train/diesel/2.jpg", "car/3.jpg", "bus/4.jpg")

    with pytest.raises(Doubt) as doubt:
        read_folder(tmp_path)
    theirs = read_folder(tmp_path, choices=Choices(splits="theirs"))
    ours = read_folder(tmp_path, choices=Choices(splits="ours"))

    assert "--splits theirs: diesel 1, steam 1" in str(doubt.value)
    assert "--splits ours: bus 1, car 1, train 2" in str(doubt.value)
    assert counts(theirs) == {"diesel": 1, "steam": 1}
    assert counts(ours) == {"bus": 1, "car": 1, "train": 2}


@pytest.mark.parametrize("names", [("valid", "invalid"), ("dev", "ops"), ("test", "control")])
def test_a_label_called_like_a_split_beside_one_other_is_asked_about(names, tmp_path):
    tree(tmp_path, *(f"{name}/1.jpg" for name in names))

    with pytest.raises(Doubt, match=r"--splits ours"):
        read_folder(tmp_path)

    assert {*counts(read_folder(tmp_path, choices=Choices(splits="ours")))} == {*names}


def test_splits_inside_folders_that_are_no_labels_are_refused(tmp_path):
    tree(tmp_path, *animals("2020/train/", "2020/test/", "2021/train/", "2021/test/"))

    with pytest.raises(DataError, match=r"'2020' has the splits 'test', 'train' inside"):
        read_folder(tmp_path)


def test_folders_with_the_same_folders_inside_are_asked_about(tmp_path):
    tree(tmp_path, *animals("north/", "south/"))

    with pytest.raises(Doubt) as doubt:
        read_folder(tmp_path)
    inner = read_folder(tmp_path, choices=Choices(layout="inner_folders"))

    assert {value for _, value in doubt.value.readings} == {"class_folders", "inner_folders"}
    assert counts(inner) == {"cat": 4, "dog": 4}


@pytest.mark.parametrize("wrapper", ["flowers/", "a/b/c/"])
def test_a_wrapper_beside_a_readme_or_notes_is_no_label(wrapper, tmp_path):
    tree(tmp_path, *animals(wrapper), README="Licence: none", notes="Taken in May")

    reading = read_folder(tmp_path)

    assert counts(reading) == {"cat": 2, "dog": 2}


def test_ours_drops_the_splits_and_theirs_needs_some(tmp_path):
    tree(tmp_path / "with", *animals("train/", "test/"))
    tree(tmp_path / "without", *animals(""))

    assert splits(read_folder(tmp_path / "with", choices=Choices(splits="ours"))) == {""}
    with pytest.raises(DataError, match=r"Nothing in without assigns samples"):
        read_folder(tmp_path / "without", choices=Choices(splits="theirs"))


def test_two_layouts_of_boxes_that_differ_are_asked_about(tmp_path):
    layouts.coco(tmp_path)
    layouts.yolo(tmp_path, {name: boxes[:1] for name, boxes in layouts.BOXES.items()})

    with pytest.raises(Doubt) as doubt:
        read_folder(tmp_path)

    assert "--layout coco: cat 1, dog 2" in str(doubt.value)
    assert "--layout yolo: cat 1, dog 1" in str(doubt.value)
    assert counts(read_folder(tmp_path, choices=Choices(layout="yolo"))) == {"cat": 1, "dog": 1}


def test_two_layouts_that_say_the_same_are_no_doubt(tmp_path):
    layouts.coco(tmp_path)
    layouts.yolo(tmp_path)

    assert read_folder(tmp_path).layout == "coco"


def test_a_table_that_disagrees_with_the_folders_is_asked_about(tmp_path):
    tree(tmp_path, "a/1.jpg", "b/2.jpg")
    (tmp_path / "breeds.csv").write_text("filename,class\na/1.jpg,hound\nb/2.jpg,tabby\n")

    with pytest.raises(Doubt) as doubt:
        read_folder(tmp_path)

    assert {value for _, value in doubt.value.readings} == {"csv", "class_folders"}


def test_a_table_that_almost_fits_is_told_and_not_passed_over(tmp_path):
    tree(tmp_path, "a/1.jpg", "b/2.jpg")
    (tmp_path / "breeds.csv").write_text("filename,class\na/1.jpg,hound\nb/3.jpg,tabby\n")

    with pytest.raises(DataError, match=r"1 of 2 files are not there: 'b/3.jpg'"):
        read_folder(tmp_path)


def broken_voc(folder: Path) -> None:
    for path in (layouts.voc(folder) / "Annotations").iterdir():
        path.write_text("<annot")


def truncated_coco(folder: Path) -> None:
    path = layouts.coco(folder) / "annotations.json"
    path.write_text(path.read_text()[:60])


def yolo_of_three_numbers(folder: Path) -> None:
    for path in (layouts.yolo(folder) / "labels").iterdir():
        path.write_text("cat 0.1 0.2 0.3 0.4\n")


def json_min(folder: Path) -> None:
    layouts.coco(folder)
    label = {"x": 1, "y": 1, "width": 5, "height": 5, "rectanglelabels": ["cat"]}
    layouts.put_json(folder / "annotations.json", [{"image": "a.png", "id": 1, "label": [label]}])


def box_table(folder: Path) -> None:
    layouts.put(folder / "images" / "a.png", layouts.picture())
    (folder / "boxes.csv").write_text("filename,class,xmin,ymin,xmax,ymax\na.png,cat,1,2,3,4\n")


def unreadable_masks(folder: Path) -> None:
    for name in ("images/a.png", "masks/a.png"):
        layouts.put(folder / name, layouts.picture())


@pytest.mark.parametrize(
    ("write", "phrase"),
    [
        (broken_voc, "Annotations/a.xml"),
        (truncated_coco, "annotations.json, line 1"),
        (yolo_of_three_numbers, "labels/a.txt, line 1"),
        (json_min, "JSON-MIN"),
        (box_table, "boxes.csv"),
        (unreadable_masks, "'images', 'masks'"),
    ],
)
def test_parts_of_annotated_data_are_never_labels(write, phrase, tmp_path):
    write(tmp_path)

    with pytest.raises(DataError) as error:
        read_folder(tmp_path)

    assert phrase in str(error.value)
