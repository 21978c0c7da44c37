"""The data page: a Dataset's content, findings, quarantined samples and augmentations."""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from stages.artifacts import Box, Dataset, digest_of
from stages.etl.augment import boxes_of, view_of
from stages.etl.split import ORDER
from stages.etl.table import labels_of
from stages.media.boxes import palette
from stages.pages import render
from stages.runtime.errors import BadSample, Damaged

if TYPE_CHECKING:
    from stages.artifacts import Finding
    from stages.etl.table import Line
    from stages.etl.validation import Validated
    from stages.media import Modality
    from stages.store import Store

TEMPLATE = Path(__file__).with_name("page.html")
SIDE = 128  # of a thumbnail, in pixels
BOXED = 192  # of a thumbnail with boxes, which may be small, or of one that a person compares
MOST_TILES = 240  # thumbnails of all labels: about 1 MB
EACH = 12  # thumbnails of a label at most
OPEN, MOST_SUSPECTS = 12, 120  # thumbnails of a finding: shown at once; with those that unfold
MOST_NAMES = 1000  # files of a finding that are named where they have no thumbnail
MOST_LABELS = 60
SHEET = 6  # samples in the augmentation sheet
VIEWS = 5


def page_of(
    dataset: Dataset,
    validated: "Validated",
    modality: "Modality",
    store: "Store",
    notes: Sequence[str] = (),
) -> str:
    """The page as HTML; equal for equal arguments. `dataset` needs no files yet. `notes`: how its
    annotations were understood."""
    sizes = _sizes(validated.lines)
    drawer = _Drawer(modality, store, BOXED if sizes else SIDE)
    large_drawer = _Drawer(modality, store, BOXED)
    by_file = {line["file"]: line for line in validated.lines}
    by_file |= {sample.line["file"]: sample.line for sample in validated.quarantined}
    return render(
        TEMPLATE,
        dataset=dataset,
        splits=ORDER,
        noun=modality.noun,
        counted="Boxes" if sizes else "Samples",
        sizes=sizes,
        palette=palette(dataset.labels) if sizes else "",
        bars=_bars(dataset),
        more_labels=max(0, len(dataset.labels) - MOST_LABELS),
        notes=notes,
        findings=[
            _finding(finding, validated, by_file, large_drawer) for finding in dataset.findings
        ],
        remedies=validated.remedies,
        quarantined_checks={sample.check for sample in validated.quarantined},
        quarantined_count=len(validated.quarantined),
        tiles=_tiles(dataset, validated.lines, drawer),
        sheet=_sheet(dataset, validated.lines, drawer),
    )


class _Drawer:
    """Draws a line's thumbnail as HTML; '' if its sample cannot be drawn."""

    def __init__(self, modality: "Modality", store: "Store", side: int) -> None:
        self.modality = modality
        self.store = store
        self.side = side

    def __call__(self, line: "Line") -> str:
        if line["problem"]:
            return ""
        try:
            data = self.store.get(line["digest"])
            return self.modality.preview(data, self.side, line["boxes"])
        except (BadSample, Damaged):
            return ""


def _bars(dataset: Dataset) -> list[dict[str, Any]]:
    """Each label's counts, with the widths of its bars in percent of the longest."""
    totals = {
        label: sum(dataset.counts[split][label] for split in ORDER) for label in dataset.labels
    }
    longest = max(totals.values(), default=1)
    return [
        {
            "label": label,
            "total": totals[label],
            "parts": [
                (
                    split,
                    dataset.counts[split][label],
                    f"{100 * dataset.counts[split][label] / longest:.2f}",
                )
                for split in ORDER
            ],
        }
        for label in dataset.labels[:MOST_LABELS]
    ]


def _sizes(lines: Sequence["Line"]) -> dict[str, str]:
    """By label, the 10th, 50th and 90th percentile of the square root of a box's area, as text."""
    sides = defaultdict(list)
    for box in (box for line in lines for box in line["boxes"]):
        sides[box.label].append(((box.right - box.left) * (box.bottom - box.top)) ** 0.5)
    return {label: " – ".join(f"{np.quantile(some, share):.0f}" for share in (0.1, 0.5, 0.9))
            for label, some in sides.items()}  # fmt: skip


def _finding(
    finding: "Finding", validated: "Validated", by_file: dict[str, "Line"], drawer: _Drawer
) -> dict[str, Any]:
    """What was found, in words, and its suspects: look-alikes in one group, the others alone."""
    groups = validated.offenders[finding.check]
    reasons = {sample.line["file"]: sample.reason for sample in validated.quarantined}
    drawn, count = [], 0
    for files in groups:
        if count >= MOST_SUSPECTS:
            break
        lines = [by_file[name] for name in files[: MOST_SUSPECTS - count]]
        drawn.append(
            [
                (line["file"], _labels(line), reasons.get(line["file"], ""), drawer(line))
                for line in lines
            ]
        )
        count += len(lines)
    unfolded = _open(drawn)
    names = [name for files in groups for name in files]
    return {
        "finding": finding,
        "title": _title(finding),
        "groups": drawn,
        "open": unfolded,
        "folded": f"{len(names) - sum(map(len, drawn[:unfolded])):,}",
        "names": names[count : count + MOST_NAMES],
        "unnamed": max(0, len(names) - count - MOST_NAMES),
    }


def _title(finding: "Finding") -> str:
    """The finding's message without the names of files, which have thumbnails below it."""
    first = finding.samples[0] if finding.samples else ""
    found = finding.message.partition(f": '{first}'")[0] if first else finding.message
    found = re.sub(r"(\d[\d,]*) such as '.*?': ", r"\1 × ", found)  # counts of reasons
    return found[:1].upper() + found[1:]


def _open(groups: Sequence[Sequence[Any]]) -> int:
    """How many of `groups` are shown before the others unfold: about OPEN thumbnails."""
    shown = 0
    for place, group in enumerate(groups):
        shown += len(group)
        if place and shown > OPEN:
            return place
    return len(groups)


def _tiles(
    dataset: Dataset, lines: Sequence["Line"], drawer: _Drawer
) -> list[tuple[str, list[Any]]]:
    """A few thumbnails of each label, chosen by digest: a reproducible random choice."""
    each = max(2, min(EACH, MOST_TILES // max(1, len(dataset.labels))))
    by_label = defaultdict(list)
    for line in sorted(lines, key=lambda line: (digest_of(line["digest"].encode()), line["file"])):
        for label in dict.fromkeys(labels_of(line)):
            by_label[label].append(line)
    return [
        (label, [(line["file"], line["split"], drawer(line)) for line in by_label[label][:each]])
        for label in dataset.labels[:MOST_LABELS]
    ]


def _labels(line: "Line") -> str:
    counts = Counter(labels_of(line))
    texts = [label if count == 1 else f"{count} × {label}" for label, count in counts.items()]
    return ", ".join(texts)


def _sheet(dataset: Dataset, lines: Sequence["Line"], drawer: _Drawer) -> list[dict[str, Any]]:
    """Some training samples, each with its first augmented views, as used for training."""
    if not dataset.augmentations:
        return []
    train = sorted(
        (line for line in lines if line["split"] == "train"), key=lambda line: line["digest"]
    )
    return [
        {"file": line["file"], "views": _views(line, dataset, drawer)} for line in train[:SHEET]
    ]


def _views(line: "Line", dataset: Dataset, drawer: _Drawer) -> list[str]:
    boxes, drawn = boxes_of(line["boxes"], dataset.labels), []
    modality, data = drawer.modality, drawer.store.get(line["digest"])
    decoding = modality.decoding(dataset.facts)
    for number in range(VIEWS + 1):
        view = view_of(decoding, data, dataset, line["digest"], number, boxes)
        shown = [Box(dataset.labels[int(row[4])], *row[:4].tolist()) for row in view.boxes]
        drawn.append(modality.drawn(view.windows[0], drawer.side, shown))
    return drawn
