"""Samples without a label can be found again, by the table of quarantined ones."""

from stages.etl.quarantine import Quarantined, table_of, unlabelled_in


def quarantined(digest: str, kind: str) -> Quarantined:
    line = {"file": f"{digest}.png", "row": 0, "label": "", "boxes": [], "digest": digest}
    return Quarantined(line, kind, "check", "reason")


def test_unlabelled_samples_are_found_in_the_table():
    kinds = {"a1": "unlabelled", "b2": "broken", "c3": "duplicate", "d4": "unlabelled"}
    table = table_of([quarantined(digest, kind) for digest, kind in kinds.items()])

    assert unlabelled_in(table) == ["a1", "d4"]
