"""The manifest as a table for expectations: one line a sample, and what the others say about it."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from stages.etl.inspecting import Seen

Line = dict[str, Any]
FIRST = {"test": 0, "validation": 1, "train": 2, "": 3}  # the split that keeps a shared sample


def lines_of(seen: Sequence[Seen]) -> list[Line]:
    """A line for each of `seen`, with the columns that the suite and a person may ask about."""
    return [_line(index, one) for index, one in enumerate(seen)]


def _line(index: int, one: Seen) -> Line:
    width, height = one.facts.get("width"), one.facts.get("height")
    line: Line = {
        "row": index,
        "file": one.row.file,
        "label": one.row.label,
        "split": one.row.split,
        "group": one.row.group,
        "digest": one.digest,
        "bytes": one.size,
        "width": width,
        "height": height,
        "short_side": min(width, height) if width and height else None,
        "long_side": max(width, height) if width and height else None,
        "same": one.facts.get("same", one.digest) if not one.problem else None,
        "problem": one.problem or None,
    }
    return line | {f"extra.{key}": value for key, value in one.row.extra.items()}


def note_copies(lines: Sequence[Line]) -> None:
    """Note on each line which labels its content has, and which other copy of it is kept."""
    for line in lines:
        line |= {"labels_of_sample": None, "labels": "", "kept_as": None}
        line |= {"kept_in_split": None, "repeats": None}
    for copies in _by(lines, "same").values():
        ordered = sorted(copies, key=lambda line: (FIRST[line["split"]], line["file"], line["row"]))
        labels = sorted({line["label"] for line in copies} - {""})
        kept = ordered[0]
        for line in copies:
            again = line is not kept
            line["labels_of_sample"] = len(labels)
            line["labels"] = ", ".join(labels)
            line["kept_as"] = kept["file"] if again else None
            shared = again and line["split"] not in ("", kept["split"])
            line["kept_in_split"] = (kept["split"] or None) if shared else None
            line["repeats"] = kept["file"] if again and not shared and len(labels) < 2 else None


def note_labels(lines: Sequence[Line]) -> None:
    """Note on each line its label's number of samples, of splits, and of spellings."""
    counts = Counter(line["label"] for line in lines)
    spellings = Counter(_plain(label) for label in counts)
    splits = defaultdict(set)
    for line in lines:
        splits[line["label"]].add(line["split"])
    for line in lines:
        line["label_samples"] = counts[line["label"]]
        line["label_splits"] = len(splits[line["label"]])
        line["spellings_of_label"] = spellings[_plain(line["label"])]


def _plain(label: str) -> str:
    return "".join(letter for letter in label.casefold() if letter not in " -_\t")


def note_looks(lines: Sequence[Line]) -> None:
    """Note on each line in how many splits and under how many labels its look is found."""
    for alike in _by(lines, "look").values():
        for line in alike:
            line["splits_of_look"] = len({one["split"] for one in alike})
            line["labels_of_look"] = len({one["label"] for one in alike})


def _by(lines: Iterable[Line], column: str) -> dict[Any, list[Line]]:
    found: dict[Any, list[Line]] = defaultdict(list)
    for line in lines:
        if line[column] is not None:
            found[line[column]].append(line)
    return found
