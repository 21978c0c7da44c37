"""The data page: what is in a Dataset, what was found, what was set aside, how it is augmented."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stages.artifacts import Dataset, digest_of
from stages.etl.augment import augmented
from stages.etl.split import ORDER
from stages.pages import inline, render
from stages.runtime.errors import BadSample, Damaged

if TYPE_CHECKING:
    from stages.etl.inspecting import Task
    from stages.etl.judging import Judged
    from stages.etl.quarantine import Aside
    from stages.etl.table import Line
    from stages.store import Store

TEMPLATE = Path(__file__).with_name("page.html")
SIDE = 96  # of a thumbnail, in pixels
MOST_TILES = 240  # thumbnails of labels in all: about 1 MB
EACH = 12  # thumbnails a label, at most
MOST_ASIDES = 60
MOST_LABELS = 60
SHEET = 6  # samples in the augmentation sheet
VIEWS = 5


def page_of(dataset: Dataset, judged: "Judged", task: "Task", store: "Store") -> str:
    """The page as HTML; equal for equal arguments. `dataset` needs no files yet."""
    drawer = _Drawer(task, store)
    by_file = {line["file"]: line for line in judged.lines}
    by_file |= {one.line["file"]: one.line for one in judged.asides}
    return render(
        TEMPLATE,
        dataset=dataset,
        splits=ORDER,
        totals={split: sum(dataset.counts[split].values()) for split in ORDER},
        bars=_bars(dataset),
        more_labels=max(0, len(dataset.labels) - MOST_LABELS),
        findings=[_finding(one, by_file, drawer) for one in dataset.findings],
        remedies=judged.remedies,
        aside_checks={one.check for one in judged.asides},
        asides=[_aside(one, drawer) for one in judged.asides[:MOST_ASIDES]],
        asides_count=len(judged.asides),
        tiles=_tiles(dataset, judged.lines, drawer),
        sheet=_sheet(dataset, judged.lines, store),
    )


class _Drawer:
    """Draws a line's thumbnail, or says with '' that there is nothing to draw."""

    def __init__(self, task: "Task", store: "Store") -> None:
        self.task = task
        self.store = store

    def __call__(self, line: "Line") -> str:
        if line["problem"]:
            return ""
        try:
            return inline(self.task.thumbnail(self.store.get(line["digest"]), SIDE))
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


def _finding(finding: Any, by_file: dict[str, "Line"], drawer: _Drawer) -> dict[str, Any]:
    tiles = [(name, by_file[name]["label"], drawer(by_file[name])) for name in finding.samples[:6]]
    return {"finding": finding, "tiles": tiles}


def _aside(one: "Aside", drawer: _Drawer) -> dict[str, Any]:
    return {
        "file": one.line["file"],
        "label": one.line["label"],
        "reason": one.reason,
        "kind": one.kind,
        "picture": drawer(one.line),
    }


def _tiles(
    dataset: Dataset, lines: Sequence["Line"], drawer: _Drawer
) -> list[tuple[str, list[Any]]]:
    """A few thumbnails of each label: chosen by digest, so neither by name nor by chance."""
    each = max(2, min(EACH, MOST_TILES // max(1, len(dataset.labels))))
    by_label = defaultdict(list)
    for line in sorted(lines, key=lambda line: (digest_of(line["digest"].encode()), line["file"])):
        by_label[line["label"]].append(line)
    return [
        (label, [(line["file"], line["split"], drawer(line)) for line in by_label[label][:each]])
        for label in dataset.labels[:MOST_LABELS]
    ]


def _sheet(dataset: Dataset, lines: Sequence["Line"], store: "Store") -> list[dict[str, Any]]:
    """For some training samples the picture and its first views, as training will see them."""
    from stages.runtime.pictures import decode_picture
    from stages.media.pictures import small_jpeg

    if not dataset.augmentations:
        return []
    train = sorted(
        (line for line in lines if line["split"] == "train"), key=lambda line: line["digest"]
    )
    rows = []
    for line in train[:SHEET]:
        picture = decode_picture(store.get(line["digest"]))
        views = [augmented(picture, dataset, line["digest"], view) for view in range(VIEWS + 1)]
        rows.append(
            {"file": line["file"], "views": [inline(small_jpeg(one, SIDE)) for one in views]}
        )
    return rows
