"""The tables that expectations check: a line for each sample, a record for each annotation."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from statistics import median_low
from typing import Any

from stages.etl.inspection import Inspected
from stages.etl.placing import placed

Line = dict[str, Any]
OF_MEDIAN = "_of_median"
OF_LINE = ("row", "file", "label", "split", "group")
OF_LABEL = (
    "label_samples",
    "label_annotations",
    "label_share",
    "label_in_train",
    "label_in_validation",
    "label_in_test",
    "label_in_train_or_validation",
    "spellings_of_label",
)
OF_BOX = ("box_width", "box_height", "box_side", "box_aspect")
ANNOTATION = (*OF_LINE, *OF_LABEL, *OF_BOX)  # the columns of a record
FIRST = {"test": 0, "validation": 1, "train": 2, "": 3}  # the split that keeps a shared sample


def lines_of(inspected: Sequence[Inspected], columns: Iterable[str] = ()) -> list[Line]:
    """A line for each of `inspected`, with the columns that suites and users may check.

    `columns` that a line does not have are empty. A column such as seconds_of_median is computed:
    the line's seconds divided by the median."""
    empty = dict.fromkeys(columns)
    lines = [{**empty, **_line(index, sample)} for index, sample in enumerate(inspected)]
    for column in empty:
        _note_median(lines, column.removesuffix(OF_MEDIAN), column)
    return lines


def _note_median(lines: Sequence[Line], fact: str, column: str) -> None:
    lines_with_fact = [line for line in lines if fact != column and line.get(fact)]
    middle = median_low(line[fact] for line in lines_with_fact) if lines_with_fact else 1
    for line in lines_with_fact:
        line[column] = line[fact] / middle


def _line(index: int, sample: Inspected) -> Line:
    unlisted = ("same", "fingerprint")
    row, noted = sample.row, {key: sample.facts[key] for key in sample.facts if key not in unlisted}
    found = placed(row, sample.facts)
    return {
        **noted,
        "row": index,
        "file": row.file,
        "label": row.label,
        "split": row.split,
        "group": row.group,
        "digest": sample.digest,
        "bytes": sample.size,
        "facts": noted,
        "boxes": found.boxes,
        "boxes_count": len(found.boxes),
        "boxes_clipped": found.clipped,
        "boxes_repeated": found.repeated,
        "boxes_skipped": row.skipped_boxes,
        "wrong_boxes": None if sample.problem else found.problem or None,
        "same": sample.facts.get("same", sample.digest) if not sample.problem else None,
        "problem": sample.problem or None,
        "remedy": sample.remedy or None,
        **{f"extra.{key}": value for key, value in row.extra.items()},
    }


def labels_of(line: Line) -> tuple[str, ...]:
    """The label of each annotation of `line`: the line's own, or one for each of its boxes."""
    return (line["label"],) if line["label"] else tuple(box.label for box in line["boxes"])


def labels_in(lines: Iterable[Line]) -> list[str]:
    """All labels of `lines`, sorted."""
    return sorted({label for line in lines for label in labels_of(line)})


def note_copies(lines: Sequence[Line]) -> None:
    """Note on each line the labels of all copies of its content, and which copy is used."""
    for line in lines:
        line |= {"labels_of_sample": None, "labels": "", "kept_as": None, "boxes_of_sample": None}
        line |= {"kept_in_split": None, "repeats": None}
    for copies in _by(lines, "same").values():
        ordered = sorted(copies, key=_first)
        labels = sorted({line["label"] for line in copies} - {""})
        boxes = len(
            {tuple(sorted(copied["boxes"])) for copied in copies if not copied["wrong_boxes"]}
        )
        first = ordered[0]
        for line in copies:
            again = line is not first
            line["labels_of_sample"], line["boxes_of_sample"] = len(labels), boxes
            line["labels"] = ", ".join(labels)
            line["kept_as"] = first["file"] if again else None
            again = again and len(labels) < 2 and boxes < 2  # else another check reports it
            shared = again and line["split"] not in ("", first["split"])
            line["kept_in_split"] = (first["split"] or None) if shared else None
            line["repeats"] = first["file"] if again and not shared else None


def _first(line: Line) -> tuple[bool, int, str, int]:
    """The sort key by which the copy to use is chosen: not one with a wrong annotation."""
    return bool(line["wrong_boxes"]), FIRST[line["split"]], line["file"], line["row"]


def annotations_of(lines: Sequence[Line]) -> list[Line]:
    """A record for each annotation of `lines`, with its own facts and those of its label.

    A sample with a label of its own has one record, a sample without boxes none."""
    records = [record for line in lines for record in _records(line)]
    with_label = defaultdict(list)
    for record in records:
        with_label[record["label"]].append(record)
    spellings = Counter(_plain(label) for label in with_label)
    most = max(map(len, with_label.values()), default=1)
    for label, same_label in with_label.items():
        splits = Counter({line["row"]: line["split"] for line in same_label}.values())
        noted = (
            splits.total(),
            len(same_label),
            len(same_label) / most,
            *(splits[name] for name in ("train", "validation", "test")),
            splits["train"] + splits["validation"],
            spellings[_plain(label)],
        )
        for record in same_label:
            record |= dict(zip(OF_LABEL, noted, strict=True))
    return records


def _records(line: Line) -> list[Line]:
    whole = {name: line[name] for name in OF_LINE}
    if line["label"]:
        return [whole]
    records = []
    for box in line["boxes"]:
        wide, high = box.right - box.left, box.bottom - box.top
        noted = (wide, high, min(wide, high), max(wide, high) / min(wide, high))
        records.append({**whole, "label": box.label, **dict(zip(OF_BOX, noted, strict=True))})
    return records


def _plain(label: str) -> str:
    return "".join(letter for letter in label.casefold() if letter not in " -_\t")


def note_similar(lines: Sequence[Line]) -> None:
    """Note on each line the number of splits and of labels among its near duplicates."""
    for similar in _by(lines, "look").values():
        for line in similar:
            line["splits_of_look"] = len({line["split"] for line in similar})
            line["labels_of_look"] = len({line["label"] for line in similar})


def _by(lines: Iterable[Line], column: str) -> dict[Any, list[Line]]:
    found: dict[Any, list[Line]] = defaultdict(list)
    for line in lines:
        if line[column] is not None:
            found[line[column]].append(line)
    return found
