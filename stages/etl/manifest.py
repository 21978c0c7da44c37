"""The table of a dataset's samples: one CSV, the same bytes for the same samples."""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from stages.artifacts import Dataset
from stages.store import Store

COLUMNS = ("file", "digest", "label", "split", "group", "width", "height", "extra")


@dataclass(frozen=True)
class Sample:
    """One picture with its label. `file` is its name in the raw data, `digest` its blob."""

    file: str
    digest: str
    label: str
    split: str = ""
    group: str = ""
    width: int = 0
    height: int = 0
    extra: dict[str, str] = field(default_factory=dict)


def write_manifest(samples: Sequence[Sample]) -> bytes:
    """The samples as CSV (UTF-8), sorted by file name."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for one in sorted(samples, key=lambda one: (one.file, one.label)):
        extra = json.dumps(one.extra, sort_keys=True, ensure_ascii=False) if one.extra else ""
        writer.writerow(
            [one.file, one.digest, one.label, one.split, one.group, one.width, one.height, extra]
        )
    return text.getvalue().encode()


def read_manifest(data: bytes) -> list[Sample]:
    """The samples of a CSV that `write_manifest` wrote."""
    rows = csv.DictReader(io.StringIO(data.decode()))
    return [_sample(row) for row in rows]


def samples_of(dataset: Dataset, store: Store, split: str = "") -> list[Sample]:
    """The samples of `dataset`, or those of one split, in the manifest's order."""
    samples = read_manifest(store.get(dataset.files["manifest.csv"]))
    return [one for one in samples if split in ("", one.split)]


def _sample(row: dict[str, str]) -> Sample:
    extra = json.loads(row["extra"]) if row["extra"] else {}
    width, height = int(row["width"]), int(row["height"])
    texts = (row["file"], row["digest"], row["label"], row["split"], row["group"])
    return Sample(*texts, width, height, extra)
