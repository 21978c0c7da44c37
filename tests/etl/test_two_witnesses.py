"""Two places that should say the same and do not: told, never settled silently."""

import json
import unicodedata

import pytest

from stages.etl.placing import placed
from stages.etl.readers import read_folder
from stages.runtime.errors import DataError
from tests import layouts

CAT, DOG = layouts.BOXES["a.png"]
TEXT = layouts.lines((CAT,)).encode()
COMPOSED, DECOMPOSED = (unicodedata.normalize(form, "größe") for form in ("NFC", "NFD"))


def pictures(folder, *names: str) -> None:
    for seed, name in enumerate(names):
        layouts.put(folder / name, layouts.picture(seed))


def refusal(folder) -> str:
    with pytest.raises(DataError) as problem:
        read_folder(folder)
    return str(problem.value)


@pytest.mark.parametrize(
    ("there", "xml", "called"),
    [
        (["a.png", "b.png"], "a.xml", "b.png"),
        (["JPEGImages/a.png", "JPEGImages/b.png"], "Annotations/a.xml", "b.png"),
        (["x/images/a.png", "x/images/b.jpg"], "x/annotations/a.xml", "B.JPG"),
        (["JPEGImages/s/a.png", "JPEGImages/s/b.png"], "Annotations/s/a.xml", "s/b.png"),
    ],
)
def test_a_voc_file_that_names_another_picture_than_its_own_is_refused(
    there, xml, called, tmp_path
):
    pictures(tmp_path, *there)
    layouts.put(tmp_path / xml, layouts.xml(called, (CAT,)).encode())

    message = refusal(tmp_path)

    assert f"{xml}: <filename> says '{called}', and the XML is named after '{there[0]}'" in message


@pytest.mark.parametrize(
    ("there", "xml", "called", "expected"),
    [
        (["a.png", "b.png"], "a.xml", "gone.png", "a.png"),
        (["a.png", "b.png"], "old.xml", "b.png", "b.png"),
        (["a.jpg", "a.png"], "a.xml", "a.png", "a.png"),
        (["A.png"], "a.xml", "a.PNG", "A.png"),
        (["a.png"], "a.xml.xml", "", "a.png"),
        (["a.png"], "a.png.xml", "", "a.png"),
        (["images/s/a.png", "images/t/a.png"], "Annotations/t/a.xml", "", "images/t/a.png"),
        ([f"{DECOMPOSED}.png"], f"{COMPOSED}.xml", f"{COMPOSED}.png", f"{DECOMPOSED}.png"),
    ],
)  # fmt: skip
def test_a_voc_file_has_the_picture_that_its_witnesses_agree_on(
    there, xml, called, expected, tmp_path
):
    pictures(tmp_path, *there)
    layouts.put(tmp_path / xml, layouts.xml(called, (CAT,)).encode())

    assert [row.file for row in read_folder(tmp_path).rows] == [expected]


@pytest.mark.parametrize("called", ["", "gone.bmp"])
def test_a_voc_file_for_two_pictures_of_its_name_is_refused(called, tmp_path):
    pictures(tmp_path, "a.jpg", "a.png")
    layouts.put(tmp_path / "a.xml", layouts.xml(called, (CAT,)).encode())

    assert "a.xml: its picture may be any of 'a.jpg', 'a.png'" in refusal(tmp_path)


@pytest.mark.parametrize(
    ("there", "texts"),
    [
        (["a.jpg", "a.png"], ["a.txt"]),
        (["images/a.jpg", "images/a.bmp"], ["labels/a.txt"]),
        ([f"{COMPOSED}.png", f"{DECOMPOSED}.png"], [f"{COMPOSED}.txt"]),
        (["images/a.png"], ["labels/A.txt", "labels/a.TXT"]),
    ],
)
def test_a_txt_for_two_pictures_or_two_for_one_set_them_aside(there, texts, tmp_path):
    pictures(tmp_path, *there, "good.png")
    for text in [*texts, "good.txt"]:
        layouts.put(tmp_path / text, TEXT)
    layouts.put(tmp_path / "classes.txt", b"cat\ndog\n")

    rows = {row.file: row for row in read_folder(tmp_path).rows}

    assert len(rows["good.png"].boxes) == 1
    for name in there:
        assert rows[name].boxes == ()
        assert "may be" in rows[name].problem


def test_a_txt_in_another_unicode_form_than_its_picture_is_its_txt(tmp_path):
    pictures(tmp_path, f"images/{DECOMPOSED}.png", "images/B.png")
    layouts.put(tmp_path / f"labels/{COMPOSED}.txt", TEXT)
    layouts.put(tmp_path / "labels/b.txt", TEXT)
    layouts.put(tmp_path / "classes.txt", b"cat\ndog\n")

    assert [len(row.boxes) for row in read_folder(tmp_path).rows] == [1, 1]


@pytest.mark.parametrize("layout", ["coco", "label_studio"])
def test_a_name_that_may_mean_two_unicode_forms_is_refused_unless_it_is_one_of_them(
    layout, tmp_path
):
    folder = layouts.BOXED[layout](tmp_path, {f"{COMPOSED}.png": (CAT,)})
    assert read_folder(folder).rows[0].file == f"images/{COMPOSED}.png"
    (folder / "images" / f"{COMPOSED}.png").rename(folder / "images" / f"{COMPOSED.upper()}.png")
    pictures(folder, f"images/{DECOMPOSED}.png")

    message = refusal(folder)

    assert "may be any of" in message or "there is no picture" in message


@pytest.mark.parametrize(
    ("of", "category"),
    [("1", 1), (1.0, 1.0), ("1.0", "2"), (" 1 ", 1), ("0001", 2)],
)
def test_ids_of_coco_that_are_written_in_two_ways_are_matched_and_that_is_said(
    of, category, tmp_path
):
    folder = layouts.coco(tmp_path, {"a.png": (CAT,)})
    change(folder, lambda r: r["annotations"][0].update(image_id=of, category_id=category))

    reading = read_folder(folder)

    assert [box.label for box in reading.rows[0].boxes] == [
        "cat" if float(category) == 1 else "dog"
    ]
    assert "1 annotation writes an id in another way than the list of images" in reading.notes[0]


def test_numbers_of_images_as_text_are_matched_by_numbers(tmp_path):
    folder = layouts.coco(tmp_path)
    change(folder, lambda r: [image.update(id=f"{image['id']:06}") for image in r["images"]])

    reading = read_folder(folder)

    assert [len(row.boxes) for row in reading.rows] == [2, 1, 0]
    assert "3 annotations write an id in another way" in reading.notes[0]


@pytest.mark.parametrize("wrong", [True, float("nan"), "one", None, [1], 1.5, "1e0x", ""])
def test_an_id_of_coco_that_matches_none_is_refused(wrong, tmp_path):
    folder = layouts.coco(tmp_path)
    change(folder, lambda r: r["annotations"][0].update(image_id=wrong))

    assert "annotations[0] (id 1): there is no image with the id" in refusal(folder)


def test_an_id_that_may_mean_two_is_refused(tmp_path):
    folder = layouts.coco(tmp_path)
    change(folder, lambda r: r["images"][1].update(id="1"))
    change(folder, lambda r: [note.update(image_id="01") for note in r["annotations"]])

    assert "there is no image with the id '01'" in refusal(folder)


def change(folder, how) -> None:
    record = json.loads((folder / "annotations.json").read_text())
    how(record)
    layouts.put_json(folder / "annotations.json", record)


@pytest.mark.parametrize("width", [160, "160", 160.0])
def test_a_size_that_is_not_that_of_the_picture_is_told(width, tmp_path):
    folder = layouts.coco(tmp_path)
    change(folder, lambda r: [image.update(width=width, height=120) for image in r["images"]])

    (row, *_) = read_folder(folder).rows

    found = placed(row, {"width": layouts.WIDTH, "height": layouts.HEIGHT})
    assert "are for 160 × 120 pixels, and the picture has 80 × 60" in found.problem


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('{"images": [], "annotations": [], "categories": [], "images": []}', "'images'"),
        ('{"images": [{"id": 1, "file_name": "a", "id": 2}], "annotations": []}', "'id'"),
        ('{"images": 1, "annotations": [{"id": 7, "b": 1, "b": 2}]}', "'b' is twice in one"),
    ],
)  # fmt: skip
def test_a_key_that_is_twice_in_json_is_refused(text, key, tmp_path):
    layouts.put(tmp_path / "a.json", text.encode())

    message = refusal(tmp_path)

    assert "a.json: the key" in message
    assert key in message


@pytest.mark.parametrize(
    ("files", "note"),
    [
        ({"data.yaml": "names: [cat, dog]", "classes.txt": "dog\ncat"}, "classes.txt names others"),
        ({"data.yaml": "nc: 3\nnames: [cat, dog]"}, "nc is 3, and there are 2 names"),
        ({"classes.txt": "cat\ndog", "sub/obj.names": "cat"}, "sub/obj.names names others"),
    ],
)  # fmt: skip
def test_names_of_yolo_that_disagree_are_told(files, note, tmp_path):
    layouts.yolo(tmp_path)
    (tmp_path / "classes.txt").unlink()
    for name, text in files.items():
        layouts.put(tmp_path / name, text.encode())

    reading = read_folder(tmp_path)

    assert note in "; ".join(reading.notes)
    assert [box.label for box in reading.rows[0].boxes] == ["cat", "dog"]


@pytest.mark.parametrize("names", ["{0: cat, 00: dog}", "{0: cat, '0': dog}", "{1: a, 01: b}"])
def test_a_class_of_yolo_with_two_names_is_refused(names, tmp_path):
    layouts.yolo(tmp_path)
    layouts.put(tmp_path / "data.yaml", f"names: {names}".encode())

    assert "data.yaml" in refusal(tmp_path)


def test_categories_of_coco_with_one_name_are_told(tmp_path):
    folder = layouts.coco(tmp_path)
    change(folder, lambda r: r["categories"][1].update(name="cat"))

    assert "annotations.json: several categories are called 'cat'" in read_folder(folder).notes
