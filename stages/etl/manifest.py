"""The table of a dataset's samples: one CSV; equal samples give equal bytes."""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from stages.artifacts import Box, Dataset
from stages.store import Store

COLUMNS = ("file", "digest", "label", "split", "group", "facts", "boxes", "extra")
NAMED = "group:"  # begins the key of a group that the data names; others are near duplicates


@dataclass(frozen=True)
class Sample:
    """A photo or clip. `file`: its name in the raw data. `digest`: its blob. `label`: empty if
    boxes have the labels. `group`: the key that it shares with samples of its named group, or with
    its near duplicates. `facts`: those of its modality, such as width and height."""

    file: str
    digest: str
    label: str = ""
    split: str = ""
    group: str = ""
    facts: dict[str, float] = field(default_factory=dict)
    boxes: tuple[Box, ...] = ()
    extra: dict[str, str] = field(default_factory=dict)

    @property
    def labels(self) -> tuple[str, ...]:
        """The label of each annotation: the sample's own, or one for each of its boxes."""
        return (self.label,) if self.label else tuple(box.label for box in self.boxes)


def write_manifest(samples: Sequence[Sample]) -> bytes:
    """The samples as CSV (UTF-8), sorted by file name."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for sample in sorted(samples, key=lambda sample: (sample.file, sample.label)):
        columns = [_json(value) for value in (sample.facts, sample.boxes, sample.extra)]
        writer.writerow(
            [sample.file, sample.digest, sample.label, sample.split, sample.group, *columns]
        )
    return text.getvalue().encode()


def read_manifest(data: bytes) -> list[Sample]:
    """The samples of a CSV that `write_manifest` wrote."""
    csv.field_size_limit(max(csv.field_size_limit(), len(data)))  # a photo may have 5,000 boxes
    rows = csv.DictReader(io.StringIO(data.decode()))
    return [_sample(row) for row in rows]


def samples_of(dataset: Dataset, store: Store, split: str = "") -> list[Sample]:
    """The samples of `dataset`, or those of one split, in the manifest's order."""
    samples = read_manifest(store.get(dataset.files["manifest.csv"]))
    return [sample for sample in samples if split in ("", sample.split)]


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False) if value else ""


def _sample(row: dict[str, str]) -> Sample:
    texts = (row["file"], row["digest"], row["label"], row["split"], row["group"])
    facts, boxes, extra = (
        json.loads(row[name]) if row[name] else empty
        for name, empty in (("facts", {}), ("boxes", []), ("extra", {}))
    )
    return Sample(*texts, facts, tuple(Box(*box) for box in boxes), extra)
