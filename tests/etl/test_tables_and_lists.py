"""Tables and lists as tools and public data sets write them: columns, folds and splits are kept."""

from pathlib import Path

import pytest

from stages.etl.readers import Reading, read_folder
from stages.etl.readers.rows import label_counts
from stages.runtime.errors import DataError
from tests import layouts


def tree(folder: Path, *names: str, texts: dict[str, str]) -> Path:
    for name in names:
        layouts.put(folder / name, name.encode())
    for name, text in texts.items():
        layouts.put(folder / name, text.encode())
    return folder


def counts(reading: Reading) -> dict[str, int]:
    return dict(label_counts(reading.rows))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Data.csv", "File,Label\n1.png,cat\n2.png,dog\n"),
        ("x.csv", "\ufefffilename;class\n1.png;cat\n2.png;dog\n"),
        ("labels", "path\tcategory\n1.png\tcat\n2.png\tdog\n"),
        ("annotations.txt", "image_name|label_name\n1.png|cat\n2.png|dog\n"),
        ("excel.csv", "sep=;\nImage Path;Class Name\n1.png;cat\n2.png;dog\n"),
        ("mac.csv", "file,label\r1.png,cat\r2.png,dog\r"),
        ("ids.csv", "image_id,label\n1,cat\n2,dog\n"),
        ("both.tsv", "fname\ttarget\tclass\n1.png\t0\tcat\n2.png\t1\tdog\n"),
    ],
)
def test_columns_are_found_whatever_they_are_called(name, text, tmp_path):
    reading = read_folder(tree(tmp_path, "1.png", "2.png", texts={name: text}))

    assert [(row.file, row.label) for row in reading.rows] == [("1.png", "cat"), ("2.png", "dog")]


def test_columns_with_other_names_are_told(tmp_path):
    text = "filename,class\n1.png,cat\n2.png,dog\n"

    reading = read_folder(tree(tmp_path, "1.png", "2.png", texts={"x.csv": text}))

    assert "'filename' is the file, 'class' is the label" in reading.notes[0]


def test_two_columns_that_may_be_the_label_are_asked_about(tmp_path):
    text = "file,class,category\n1.png,cat,tabby\n2.png,dog,hound\n"

    with pytest.raises(DataError, match=r"class and category may each be the label"):
        read_folder(tree(tmp_path, "1.png", "2.png", texts={"x.csv": text}))


def test_a_label_with_a_comma_is_read_in_quotes_and_told_without(tmp_path):
    tree(tmp_path, "1.png", texts={"labels.csv": 'file,label\n1.png,"cat, wild"\n'})

    assert counts(read_folder(tmp_path)) == {"cat, wild": 1}
    (tmp_path / "labels.csv").write_text("file,label\n1.png,cat, wild\n")
    with pytest.raises(DataError, match=r"line 2: 3 fields under 2 columns"):
        read_folder(tmp_path)


def test_a_column_that_is_there_twice_is_told(tmp_path):
    with pytest.raises(DataError, match=r"several columns are called 'label'"):
        read_folder(tree(tmp_path, "1.png", texts={"labels.csv": "file,label,Label\n1.png,a,b\n"}))


def esc50() -> tuple[list[str], dict[str, str]]:
    names = [f"{fold}-{number}.wav" for fold in (1, 2, 3) for number in (0, 1)]
    lines = [f"{name},{name[0]},{name[2]},{'cat' if name[2] == '0' else 'dog'}" for name in names]
    table = "\n".join(["filename,fold,target,category", *lines])
    return [f"audio/{name}" for name in names], {"meta/esc50.csv": table}


def urban_sound() -> tuple[list[str], dict[str, str]]:
    names = [f"{fold}-{number}.wav" for fold in (1, 2, 3) for number in (0, 1)]
    lines = [f"{name},9,{name[0]},{name[2]},{'cat' if name[2] == '0' else 'dog'}" for name in names]
    table = "\n".join(["slice_file_name,fsID,fold,classID,class", *lines])
    places = [f"audio/fold{name[0]}/{name}" for name in names]
    return places, {"metadata/UrbanSound8K.csv": table}


@pytest.mark.parametrize("written", [esc50(), urban_sound()], ids=["ESC-50", "UrbanSound8K"])
def test_folds_of_a_public_set_are_groups(written, tmp_path):
    names, texts = written

    reading = read_folder(tree(tmp_path, *names, texts=texts))

    assert counts(reading) == {"cat": 3, "dog": 3}
    assert sorted({row.group for row in reading.rows}) == ["fold 1", "fold 2", "fold 3"]
    assert all(row.group == f"fold {row.file.rpartition('/')[2][0]}" for row in reading.rows)


def test_a_column_group_is_preferred_to_folds(tmp_path):
    text = "file,label,fold,group\n1.png,cat,1,anna\n2.png,dog,2,ben\n"

    reading = read_folder(tree(tmp_path, "1.png", "2.png", texts={"labels.csv": text}))

    assert [row.group for row in reading.rows] == ["anna", "ben"]
    assert reading.rows[0].extra == {"fold": "1"}


def test_tables_of_splits_are_read_together(tmp_path):
    texts = {
        "train.csv": "image,label\n1.png,cat\n2.png,dog\n",
        "test.csv": "image,label\n3.png,dog\n",
    }

    reading = read_folder(tree(tmp_path, *(f"all/{k}.png" for k in (1, 2, 3)), texts=texts))

    assert [row.split for row in reading.rows] == ["train", "train", "test"]


def test_a_table_in_each_folder_of_a_split_is_read(tmp_path):
    texts = {f"{split}/_classes.csv": "filename,class\n1.png,cat\n" for split in ("train", "valid")}

    reading = read_folder(tree(tmp_path, "train/1.png", "valid/1.png", texts=texts))

    assert {row.file: row.split for row in reading.rows} == {
        "train/1.png": "train",
        "valid/1.png": "validation",
    }


def test_two_tables_that_are_no_splits_are_asked_about(tmp_path):
    text = "image,label\n1.png,cat\n2.png,dog\n"

    with pytest.raises(DataError, match=r"2 tables have columns of files and labels"):
        read_folder(tree(tmp_path, "1.png", "2.png", texts={"x.csv": text, "y.csv": text}))


def test_lists_of_speech_commands_are_its_splits(tmp_path):
    names = [f"{label}/{number}.wav" for label in ("no", "yes") for number in range(4)]
    texts = {
        "validation_list.txt": "no/0.wav\nyes/0.wav\n",
        "testing_list.txt": "no/1.wav\nyes/1.wav\n",
    }

    reading = read_folder(tree(tmp_path, *names, texts=texts))

    splits = {row.file: row.split for row in reading.rows}
    assert [splits[f"no/{number}.wav"] for number in range(4)] == [
        "validation",
        "test",
        "train",
        "train",
    ]
    assert set(reading.tables) == {*texts}


def test_lists_without_suffixes_in_a_side_folder_are_splits(tmp_path):
    names = [f"images/{label}/{number}.jpg" for label in ("pie", "soup") for number in range(2)]
    texts = {"meta/train.txt": "pie/0\nsoup/0\n", "meta/test.txt": "pie/1\nsoup/1\n"}

    reading = read_folder(tree(tmp_path, *names, texts=texts))

    assert counts(reading) == {"pie": 2, "soup": 2}
    assert {row.file: row.split for row in reading.rows} == {
        "images/pie/0.jpg": "train",
        "images/pie/1.jpg": "test",
        "images/soup/0.jpg": "train",
        "images/soup/1.jpg": "test",
    }


@pytest.mark.parametrize("root", ["./", "data/mine/", "/home/me/mine/", ".\\"])
def test_lists_may_be_written_from_further_out(root, tmp_path):
    names = [f"{label}/{number}.jpg" for label in ("pie", "soup") for number in range(2)]
    lines = {
        f"{split}.txt": f"{root}pie/{number}.jpg\n{root}soup/{number}.jpg\n"
        for number, split in enumerate(("train", "test"))
    }

    reading = read_folder(tree(tmp_path, *names, texts=lines))

    assert [row.split for row in reading.rows] == ["train", "test", "train", "test"]


def test_numbers_in_lists_that_stand_for_folders_are_called_like_the_folders(tmp_path):
    names = [f"{label}/{number}.jpg" for label in ("pie", "soup") for number in range(2)]
    texts = {"train.txt": "pie/0.jpg 0\nsoup/0.jpg 1\n", "val.txt": "pie/1.jpg 0\nsoup/1.jpg 1\n"}

    reading = read_folder(tree(tmp_path, *names, texts=texts))

    assert counts(reading) == {"pie": 2, "soup": 2}
    assert {row.split for row in reading.rows} == {"train", "validation"}


def test_numbered_splits_are_kept(tmp_path):
    names = ["images/001.Auk/a.jpg", "images/002.Owl/b.jpg", "images/002.Owl/c.jpg"]
    texts = {
        "images.txt": "1 001.Auk/a.jpg\n2 002.Owl/b.jpg\n3 002.Owl/c.jpg\n",
        "train_test_split.txt": "1 1\n2 1\n3 0\n",
    }

    reading = read_folder(tree(tmp_path, *names, texts=texts))

    assert [row.split for row in reading.rows] == ["train", "train", "test"]


@pytest.mark.parametrize(
    ("train", "labels", "found"),
    [
        ("jpg/1.jpg 0\njpg/2.jpg 1\n", "rose\ntulip\n", {"rose": 1, "tulip": 1}),
        ("jpg/1.jpg\t0\njpg/2.jpg\t1\n", "0 rose\n1 tulip\n", {"rose": 1, "tulip": 1}),
        ("1.jpg,red rose\n2.jpg,tulip\n", "", {"red rose": 1, "tulip": 1}),
    ],
)
def test_lists_with_labels_are_a_layout(train, labels, found, tmp_path):
    texts = {"train_list.txt": train} | ({"labels.txt": labels} if labels else {})

    reading = read_folder(tree(tmp_path, "jpg/1.jpg", "jpg/2.jpg", texts=texts))

    assert reading.layout == "lists"
    assert counts(reading) == found


@pytest.mark.parametrize(
    ("texts", "phrase"),
    [
        ({"test.txt": "no/0.wav\nno/9.wav\n"}, "test.txt, line 2: no/9.wav"),
        ({"test.txt": "no/0.wav\n", "train.txt": "no/0.wav\n"}, "is in a list of test, too"),
        ({"train_list.txt": "no/0.wav 0\n", "labels.txt": "a\n", "val_list.txt": "no/1.wav 7\n"},
         "class '7' is not in labels.txt"),
    ],
)  # fmt: skip
def test_a_list_that_cannot_be_kept_is_refused_with_its_line(texts, phrase, tmp_path):
    names = [f"{label}/{number}.wav" for label in ("no", "yes") for number in range(2)]

    with pytest.raises(DataError) as error:
        read_folder(tree(tmp_path, *names, texts=texts))

    assert phrase in str(error.value)


@pytest.mark.parametrize("name", ["a.jfif", "a.JPG", "a.jpeg", "a.JPE"])
def test_pictures_with_unusual_suffixes_are_samples(name, tmp_path):
    layouts.voc(tmp_path, {name: layouts.BOXES["a.png"]})

    assert counts(read_folder(tmp_path)) == {"cat": 1, "dog": 1}


def test_an_annotation_with_a_doubled_suffix_is_read(tmp_path):
    for path in sorted((layouts.voc(tmp_path) / "Annotations").iterdir()):
        path.rename(path.with_name(f"{path.name}.xml"))

    assert counts(read_folder(tmp_path)) == {"cat": 1, "dog": 2}
