"""Quarantines the samples that break a rule, each with its reason; the raw data keeps them."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

from stages.etl.checks import Outcome
from stages.etl.findings import reason_of
from stages.etl.table import Line, labels_of
from stages.runtime.neutral import cell

COLUMNS = ("file", "label", "digest", "kind", "check", "reason")
TABLE = "quarantine.csv"  # the file of a Dataset
UNLABELLED = "unlabelled"
OTHER_KINDS = ("duplicate", UNLABELLED)


@dataclass(frozen=True)
class Quarantined:
    """One quarantined sample. `kind`: "broken" counts towards etl.max_quarantine; "duplicate" and
    "unlabelled" do not, as a sample that waits for its label is no fault of the data."""

    line: Line
    kind: str
    check: str
    reason: str


def quarantine(
    lines: Sequence[Line], outcomes: Sequence[Outcome]
) -> tuple[list[Line], list[Quarantined]]:
    """Split `lines` into those that pass and the quarantined ones, each with its first reason."""
    first: dict[int, tuple[Outcome, Line]] = {}
    for outcome in outcomes:
        for record in outcome.bad:
            first.setdefault(record["row"], (outcome, record))
    remaining = [line for line in lines if line["row"] not in first]
    return remaining, [
        _quarantined(line, *first[line["row"]]) for line in lines if line["row"] in first
    ]


def table_of(quarantined: Sequence[Quarantined]) -> bytes:
    """The content of quarantine.csv: the quarantined samples with their reasons, sorted by file.
    No cell can be read as a formula, as the file is meant for spreadsheets."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for sample in sorted(quarantined, key=lambda sample: (sample.line["file"], sample.line["row"])):
        line = sample.line
        labels = ", ".join(sorted({*labels_of(line)}))
        texts = (line["file"], labels, line["digest"], sample.kind, sample.check, sample.reason)
        writer.writerow([cell(text) for text in texts])
    return text.getvalue().encode()


def unlabelled_in(table: bytes) -> list[str]:
    """The digests of the samples without a label that `table`, the content of quarantine.csv,
    names; their bytes are in the store, as those of the dataset's samples are."""
    rows = csv.DictReader(io.StringIO(table.decode()))
    return [row["digest"] for row in rows if row["kind"] == UNLABELLED and row["digest"]]


def _quarantined(line: Line, outcome: Outcome, record: Line) -> Quarantined:
    check = str(outcome.meta.get("check", outcome.expectation["type"]))
    kind = str(outcome.meta["quarantine"])
    return Quarantined(
        line,
        kind if kind in OTHER_KINDS else "broken",
        check,
        reason_of(outcome, {**line, **record}),
    )
