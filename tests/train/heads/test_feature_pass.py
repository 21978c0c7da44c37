"""The pieces of a feature pass: none is lost, progress never falls back or runs ahead, and rows are
cached together."""

import numpy as np
import pytest

from stages.blobs.memory import MemoryBlobs
from stages.memo import Memo, Scope
from stages.train.heads import features
from stages.train.heads.features import ENTRY_ROWS, PIECE_ROWS, FeaturePass, SampleView

VIEWS = [SampleView(f"{number:064x}") for number in range(40)]


@pytest.fixture
def scope() -> Scope:
    return Memo(MemoryBlobs()).scope(["features"])


def rows(piece: list[SampleView]) -> list[np.ndarray]:
    return [np.full(3, int(view.digest, 16), np.float32) for view in piece]


def cached(scope: Scope) -> list[list[str]]:
    """The names of the rows of each entry."""
    return [list(content.facts) for content in scope.contents()]


def test_views_are_given_out_once_in_pieces_of_the_asked_size(scope):
    feature_pass = FeaturePass(VIEWS, scope, {}, lambda done: None)

    pieces = [feature_pass.next() for _ in range(4)]

    assert [len(piece) if piece else None for piece in pieces] == [PIECE_ROWS, PIECE_ROWS, 8, None]
    assert [view for piece in pieces if piece for view in piece] == VIEWS
    assert len(FeaturePass(VIEWS, scope, {}, lambda done: None).next(30) or ()) == 30


def test_progress_counts_each_row_once_though_a_piece_is_done_again(scope):
    heard: list[int] = []
    feature_pass = FeaturePass(VIEWS, scope, {"an earlier one": np.zeros(3)}, heard.append)
    first, second = feature_pass.next(), feature_pass.next()
    assert first
    assert second

    feature_pass.on_report(first, 5)
    feature_pass.on_report(second, 2)
    assert feature_pass.resume(first) == first
    feature_pass.on_report(second, 3)
    feature_pass.on_result(second, rows(second))
    feature_pass.on_report(first, 1)
    feature_pass.on_result(first, rows(first))
    third = feature_pass.next()
    assert third
    feature_pass.on_report(third, 1)

    assert heard == [1, 6, 8, 4, 1 + PIECE_ROWS + 1, 1 + 2 * PIECE_ROWS + 1]


def test_rows_are_cached_once_there_are_enough_for_an_entry_and_at_the_end(scope, monkeypatch):
    monkeypatch.setattr(features, "ENTRY_ROWS", 2 * PIECE_ROWS)
    row_of: dict[str, np.ndarray] = {}
    feature_pass = FeaturePass(VIEWS, scope, row_of, lambda done: None)
    entries = []
    while piece := feature_pass.next():
        feature_pass.on_result(piece, rows(piece))
        entries.append([len(names) for names in cached(scope)])

    feature_pass.flush()
    feature_pass.flush()

    assert ENTRY_ROWS % PIECE_ROWS == 0
    assert entries == [[], [2 * PIECE_ROWS], [2 * PIECE_ROWS]]
    assert sorted(len(names) for names in cached(scope)) == [8, 2 * PIECE_ROWS]
    assert list(row_of) == [view.name for view in VIEWS]
    assert [row[0] for row in row_of.values()] == list(range(40))
