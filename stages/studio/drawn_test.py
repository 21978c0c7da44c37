"""Draws the test samples of data without a test split, before anybody labels in an order that a
model chose: what such an order finds is no random part of the data, and a figure measured on it
would be bent. They are drawn by the hash of a sample's group or bytes, which neither a label nor
another sample decides, as the etl stage draws splits."""

from collections.abc import Sequence
from sqlite3 import Row
from uuid import uuid4

from stages.config.etl import Splits
from stages.etl.split import place_of
from stages.studio.drafts import Draft
from stages.studio.journal import Change
from stages.studio.sample_fields import MOST_CHANGES

AUTHOR = "studio"  # who a drawn split is by, in the journal


def draw_test(draft: Draft) -> int:
    """Put a random part of the samples of `draft` into the test split, unless some are in it;
    return how many."""
    rows = [row for row in draft.rows() if not row["excluded"]]
    if any(row["split"] == "test" for row in rows):
        return 0
    changes = [
        Change(row["file"], {"split": row["split"]}, {"split": "test"})
        for row in drawn(rows, Splits().test)
    ]
    for start in range(0, len(changes), MOST_CHANGES):
        draft.act(str(uuid4()), AUTHOR, changes[start : start + MOST_CHANGES])
    return len(changes)


def drawn(rows: Sequence[Row], share: float) -> list[Row]:
    """A random `share` of `rows`, groups whole; at least one group, if there are two."""
    keys = {row["file"]: row["group"] or row["digest"] for row in rows}
    places = {key: place_of(key) for key in keys.values() if key}
    chosen = {key for key, place in places.items() if place >= 1 - share}
    if not chosen and len(places) > 1:
        chosen = {max(places, key=lambda key: places[key])}
    return [row for row in rows if keys[row["file"]] in chosen]
