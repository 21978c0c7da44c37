"""The stage as a whole: a checked Dataset out of a folder of pictures."""

import subprocess
import sys
from collections import Counter

import pytest

from stages.etl import source
from stages.runtime.errors import ConfigError, DataError
from tests import makers

AGAIN = """
import sys
from pathlib import Path
from tests.etl.conftest import Workshop
shop = Workshop(Path(sys.argv[1]))
shop.shapes(10)
print(shop.make(augmentations=[{"rotate": {}}, {"noise": {}}], views=2).ref.id)
"""


def test_a_folder_becomes_a_dataset_whose_counts_are_those_of_its_manifest(workshop):
    workshop.shapes(10)

    dataset = workshop.make()

    samples = workshop.samples(dataset)
    counted = Counter((sample.split, sample.label) for sample in samples)
    assert len(samples) == 30
    assert dataset.labels == makers.LABELS
    assert {split: {label: counted[split, label] for label in dataset.labels} for split in
            ("train", "validation", "test")} == dataset.counts  # fmt: skip
    assert all(workshop.store.get(sample.digest) for sample in samples)
    assert {(sample.facts["width"], sample.facts["height"]) for sample in samples} == {(64, 64)}


def test_equal_data_gives_an_equal_id_in_another_process_and_workspace(tmp_path):
    ids = [
        subprocess.run(
            [sys.executable, "-W", "ignore", "-c", AGAIN, str(tmp_path / name)],
            check=True, capture_output=True, text=True,
            env={"PYTHONHASHSEED": seed, "HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
        ).stdout.split()[-1]
        for name, seed in (("one", "1"), ("two", "2"))
    ]  # fmt: skip

    assert ids[0] == ids[1]
    assert len(ids[0]) == 64


def test_equal_data_under_another_name_gives_an_equal_id(workshop):
    workshop.shapes(10)
    source.add("forms", workshop.raw, workshop.settings)

    assert workshop.make().ref == workshop.etl(data="forms").ref


def test_nothing_of_the_place_is_in_what_is_made(workshop):
    workshop.shapes(10)
    workshop.write("circle/broken.png", b"no picture")

    dataset = workshop.make(augmentations=["horizontal_flip"])

    for name in dataset.files:
        assert str(workshop.raw.parent) not in workshop.text(dataset, name)


def test_another_augmentation_makes_another_dataset_of_the_same_samples(workshop):
    workshop.shapes(10)

    plain, noisy = workshop.make(), workshop.etl(augmentations=[{"noise": {"deviation": 3}}])

    assert plain.ref != noisy.ref
    assert noisy.augmentations == ({"noise": {"deviation": 3}},)
    assert plain.files["manifest.csv"] == noisy.files["manifest.csv"]


def test_an_unknown_argument_of_an_augmentation_is_told_before_any_work(workshop):
    workshop.shapes(10)

    with pytest.raises(ConfigError, match=r"no argument 'degree'.*\n.*'degrees'"):
        workshop.make(augmentations=[{"rotate": {"degree": 5}}])


def test_data_that_was_never_added_is_told_with_what_to_do(workshop):
    with pytest.raises(ConfigError, match=r"no data called 'shapes'.*\n.*aiwf data add shapes"):
        workshop.etl()


def test_every_broken_rule_is_told_at_once(workshop):
    workshop.shapes(5)
    workshop.write("circle/broken.png", b"no picture")

    with pytest.raises(DataError) as raised:
        workshop.make(max_quarantine=0)

    for message in ("circle/broken.png", "'circle' has 5 samples", "etl.min_samples asks for 8",
                  "Nothing was deleted"):  # fmt: skip
        assert message in str(raised.value)


def test_an_expectation_of_ones_own_is_held_against_the_data(workshop):
    workshop.shapes(10)
    narrow = {"column": "width", "max_value": 32}
    own = {"type": "expect_column_values_to_be_between", "kwargs": narrow}

    with pytest.raises(DataError, match=r"expect_column_values_to_be_between.*30 samples"):
        workshop.make(expectations=[own])
    warned = workshop.etl(expectations=[{**own, "severity": "warning"}])

    assert [finding.count for finding in warned.findings] == [30]
    assert len(workshop.validation(warned)["expect_column_values_to_be_between"]["files"]) == 30


@pytest.mark.parametrize(
    ("expectation", "message"),
    [
        ({"type": "expect_column_value_to_be_between"}, "Did you mean 'expect_column_values_to_be"),
        ({"type": "expect_column_values_to_be_null", "kwargs": {"column": "hue"}}, "hue"),
        ({"type": "expect_column_values_to_be_null", "severty": "warning"}, "'severity'"),
        ({"type": "expect_column_values_to_be_null", "kwargs": {"colum": "label"}}, "colum"),
    ],
)
def test_an_expectation_that_cannot_be_checked_is_a_config_error(workshop, expectation, message):
    workshop.shapes(8)

    with pytest.raises(ConfigError) as raised:
        workshop.make(expectations=[expectation])

    assert message in str(raised.value)
