"""Rows of one or more windows are drawn from, and taken whole."""

import numpy as np

from stages.train.heads.windows import Windows

WINDOWS = Windows.of([np.full((count, 2), row, np.float32) for row, count in enumerate((1, 3, 2))])


def test_all_windows_of_rows_come_with_their_places():
    values, places = WINDOWS.all_of(np.array([2, 0, 1]))

    assert values[:, 0].tolist() == [2, 2, 0, 1, 1, 1]
    assert places.tolist() == [0, 0, 1, 2, 2, 2]


def test_of_no_rows_there_are_no_windows():
    values, places = WINDOWS.all_of(np.zeros(0, np.int64))

    assert values.shape == (0, 2)
    assert places.shape == (0,)


def test_one_window_of_each_row_is_drawn():
    drawn = WINDOWS.random_windows(np.array([1, 2]), np.random.default_rng(0))

    assert drawn[:, 0].tolist() == [1, 2]
