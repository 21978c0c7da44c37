"""A confusion matrix names its columns by their labels, and never by numbers of ours."""

import pytest

from stages.evaluate.matrix import MOST, matrix

DIGITS = [str(digit) for digit in range(10)]


def diagonal(count: int) -> list[list[int]]:
    return [[9 if row == column else row % 3 for column in range(count)] for row in range(count)]


def test_ten_digits_are_headed_0_to_9():
    found = matrix(diagonal(10), DIGITS, "photos")

    assert found.columns == DIGITS
    assert [name for name, _, _ in found.rows] == DIGITS
    assert not found.upright


@pytest.mark.parametrize(
    ("labels", "upright"),
    [
        (["cat", "dog"], False),
        (["cat", "a very long name of a label"], True),
        ([f"label {number}" for number in range(12)], True),
        ([f"{number}" for number in range(30)], False),
    ],
)
def test_names_that_are_wider_than_their_columns_stand_upright(labels, upright):
    found = matrix(diagonal(len(labels)), labels, "photos")

    assert found.columns == labels
    assert found.upright == upright


def test_of_many_labels_those_with_most_mistakes_keep_their_names():
    labels = [f"label {number}" for number in range(MOST + 20)]

    found = matrix(diagonal(len(labels)), labels, "photos")

    assert found.hidden == 20
    assert found.columns == [name for name, _, _ in found.rows]
    assert set(found.columns) < set(labels)


def test_what_is_no_label_has_a_name_of_its_own_in_row_and_column():
    found = matrix(diagonal(8), list("abcdefg"), "boxes", ("background", "nothing"))

    assert found.columns == [*"abcdefg", "nothing"]
    assert found.rows[-1][0] == "background"
