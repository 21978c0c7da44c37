"""Labels and copies: what cannot be learnt from is told, copies are used once."""

import pytest

from stages.runtime.errors import DataError
from tests import makers


def with_table(workshop, lines: list[str], header: str = "file,label,split") -> None:
    workshop.write("labels.csv", "\n".join([header, *lines]).encode())


def pictures(workshop, count: int = 30) -> list[tuple[str, str]]:
    """`count` pictures of each of two labels in one folder; their names and labels."""
    named = [(f"p/{label}{i}.png", label) for label in ("circle", "square") for i in range(count)]
    for name, label in named:
        workshop.write(name, makers.picture(label, int(name[8:-4])))
    return named


def test_one_label_only_is_not_enough(workshop):
    for index in range(10):
        workshop.write(f"circle/{index}.png", makers.picture("circle", index))

    with pytest.raises(DataError, match=r"Usable labels: 1 \('circle'\).*another label"):
        workshop.make()


def test_a_label_with_two_photos_is_told_with_its_count(workshop):
    workshop.shapes(10)
    for index in range(2):
        workshop.write(f"rare/{index}.png", makers.picture("rare", index))

    with pytest.raises(DataError, match=r"label 'rare' has 2 samples.*min_samples asks for 8"):
        workshop.make()


def test_a_label_of_which_nothing_is_left_is_told_not_dropped(workshop):
    workshop.shapes(10)
    workshop.write("rare/1.png", b"no picture")

    with pytest.raises(DataError, match=r"No usable samples are left of these labels: 'rare'"):
        workshop.make()


def test_the_same_photo_under_two_labels_is_quarantined_in_all_its_copies(workshop):
    workshop.shapes(12)
    copy = (workshop.raw / "circle" / "003.png").read_bytes()
    workshop.write("square/copy.png", copy)

    dataset = workshop.make()

    quarantined = workshop.quarantined(dataset)
    assert set(quarantined) == {"circle/003.png", "square/copy.png"}
    assert all("circle, square" in row["reason"] for row in quarantined.values())


def test_a_photo_stored_in_another_format_is_the_same_photo(workshop):
    workshop.shapes(12)
    workshop.write("square/copy.bmp", makers.picture("circle", 3, format="BMP"))

    dataset = workshop.make()

    assert set(workshop.quarantined(dataset)) == {"circle/003.png", "square/copy.bmp"}


def test_a_repeated_photo_is_used_once_and_not_counted_as_broken(workshop):
    workshop.shapes(12)
    copy = (workshop.raw / "circle" / "003.png").read_bytes()
    for index in range(5):
        workshop.write(f"circle/copy {index}.png", copy)

    dataset = workshop.make(max_quarantine=0)

    quarantined = workshop.quarantined(dataset)
    assert {row["kind"] for row in quarantined.values()} == {"duplicate"}
    assert len(quarantined) == 5
    assert "circle/003.png" not in quarantined
    assert [finding.severity for finding in dataset.findings] == ["warning"]


def test_the_same_photo_in_train_and_test_stays_in_test_only(workshop):
    named = pictures(workshop)
    splits = ["train"] * 20 + ["validation"] * 5 + ["test"] * 5
    lines = [f"{name},{label},{splits[i % 30]}" for i, (name, label) in enumerate(named)]
    workshop.write("p/again.png", makers.picture("circle", 29))
    with_table(workshop, [*lines, "p/again.png,circle,train"])

    dataset = workshop.make()

    assert "p/circle29.png" in workshop.quarantined(dataset)["p/again.png"]["reason"]
    by_file = {sample.file: sample.split for sample in workshop.samples(dataset)}
    assert by_file["p/circle29.png"] == "test"
    assert [(finding.check, finding.severity) for finding in dataset.findings] == [
        ("nothing shared between splits", "critical")
    ]


def test_too_much_shared_between_train_and_test_stops_the_stage(workshop):
    named = pictures(workshop, 20)
    lines = [
        f"{name},{label},{'test' if i % 2 else 'train'}" for i, (name, label) in enumerate(named)
    ]
    workshop.write("p/again.png", makers.picture("circle", 1))
    with_table(workshop, [*lines, "p/again.png,circle,train"])

    with pytest.raises(DataError, match=r"in two of the given splits: 'p/again.png'"):
        workshop.make(max_quarantine=0)


def test_a_given_test_that_lacks_a_label_is_used_and_told(workshop):
    named = pictures(workshop, 20)
    lines = [f"{name},{label},{'test' if label == 'circle' and i < 5 else 'train'}"
             for i, (name, label) in enumerate(named)]  # fmt: skip
    with_table(workshop, lines)

    dataset = workshop.make()

    assert {finding.check: finding.message for finding in dataset.findings} == {
        "each label in test": "Labels without a sample in test: 'square'"
    }
    assert dataset.counts["test"] == {"circle": 5, "square": 0}
    assert dataset.provided_splits == ("train", "test")


def test_a_given_validation_that_lacks_a_label_is_used_without_a_word(workshop):
    named = pictures(workshop, 20)
    turns = {"circle": ("train", "test", "validation"), "square": ("train", "test", "train")}
    lines = [f"{name},{label},{turns[label][i % 3]}" for i, (name, label) in enumerate(named)]
    with_table(workshop, lines)

    dataset = workshop.make()

    assert dataset.counts["validation"]["square"] == 0
    assert not dataset.findings


def test_a_label_that_is_only_in_the_given_test_is_refused_by_name_and_split(workshop):
    named = pictures(workshop, 20)
    lines = [
        f"{name},{label},{'test' if label == 'square' or i % 2 else 'train'}"
        for i, (name, label) in enumerate(named)
    ]
    with_table(workshop, lines)

    with pytest.raises(DataError, match=r"'square' is only in the split test"):
        workshop.make()


def test_a_sample_without_a_label_is_quarantined(workshop):
    named = pictures(workshop)
    workshop.write("p/what.png", makers.picture("triangle", 1))
    with_table(workshop, [f"{name},{label}," for name, label in named] + ["p/what.png,,"])

    dataset = workshop.make()

    assert workshop.quarantined(dataset)["p/what.png"]["reason"] == "It has no label."


def test_data_of_which_a_third_is_labelled_can_begin(workshop):
    named = pictures(workshop, 30)
    lines = [f"{name},{label if i % 3 == 0 else ''}," for i, (name, label) in enumerate(named)]
    with_table(workshop, lines)

    dataset = workshop.make(max_quarantine=0)

    waiting = workshop.quarantined(dataset).values()
    assert {row["kind"] for row in waiting} == {"unlabelled"}
    assert len(waiting) == sum(line.endswith(",,") for line in lines)


def test_data_without_any_label_are_refused(workshop):
    with_table(workshop, [f"{name},," for name, _ in pictures(workshop)])

    with pytest.raises(DataError, match=r"without a label.*\n?.*Label them"):
        workshop.make()


def test_labels_that_differ_in_capitals_only_are_told(workshop):
    workshop.shapes(10)
    for index in range(10):
        workshop.write(f"Circle/{index}.png", makers.picture("circle", 200 + index))

    dataset = workshop.make()

    assert [finding.check for finding in dataset.findings] == ["one spelling a label"]
    assert "'Circle', 'circle'" in dataset.findings[0].message


def test_odd_names_come_through_unchanged(workshop):
    workshop.shapes(10)
    odd = [
        "-rf.png",
        "two message.png",
        'it\'s "quoted".png',
        "größe 日本.png",
        "a,b;c.png",
        "#1%20.png",
    ]
    for index, name in enumerate(odd):
        workshop.write(f"circle/{name}", makers.picture("circle", 100 + index))
    for index in range(8):
        workshop.write(f"-étoile 'x'/{index}.png", makers.picture("étoile", index))

    dataset = workshop.make(augmentations=["noise"])

    files = {sample.file for sample in workshop.samples(dataset)}
    assert {f"circle/{name}" for name in odd} < files
    assert "-étoile 'x'" in dataset.labels
    assert "-étoile &#39;x&#39;" in workshop.text(dataset, "page.html")
