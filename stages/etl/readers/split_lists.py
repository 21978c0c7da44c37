"""Lists of files: train.txt, val_list.txt, testing_list.txt, with a path a line and perhaps a class
number or label behind it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from stages.etl.readers.files import Files, refuse, text_of
from stages.etl.readers.rows import few
from stages.etl.readers.split_names import split_named

SUFFIXES = (".txt", ".lst", ".list")
NAMES = ("labels", "classes", "label_list", "class_names", "labels_list", "label_names")


@dataclass(frozen=True)
class Entry:
    """A line of a list: the file that it names, and the label behind it, if there is one."""

    place: str
    called: str
    label: str = ""


def list_names(files: Files) -> dict[str, str]:
    """The lists in `files`, each with the split that it is named after."""
    found = {name: split_named(PurePosixPath(name).stem) for name in files.ending(*SUFFIXES)}
    return {name: split for name, split in found.items() if split}


def entries(files: Files, name: str, paths: "Paths") -> list[Entry]:
    """The lines of the list `name`. What stands behind the last space, tab or comma of a line is a
    label, if only the rest names a file."""
    lines = enumerate(text_of(files.folder, name).splitlines(), 1)
    return [
        _entry(f"{name}, line {number}", line.strip(), paths)
        for number, line in lines
        if line.strip()
    ]


def _entry(place: str, line: str, paths: "Paths") -> Entry:
    if not paths.find(line):
        for separator in ("\t", ",", " "):
            called, _, label = line.rpartition(separator)
            if called and paths.find(called.strip()):
                return Entry(place, called.strip(), label.strip())
    return Entry(place, line)


class Paths:
    """Finds files by the paths that lists give them: with or without suffix, and from any folder
    that holds all samples."""

    def __init__(self, names: Iterable[str]) -> None:
        self._by_path: dict[str, str] = {}
        ordered = sorted(names)
        depth = _shared_depth(ordered)
        for name in ordered:
            parts = PurePosixPath(name).parts
            for start in range(min(depth, len(parts) - 1) + 1):
                path = PurePosixPath(*parts[start:])
                self._by_path.setdefault(str(path), name)
                self._by_path.setdefault(str(path.with_suffix("")), name)

    def find(self, called: str) -> str:
        """The file that `called` names, or ''."""
        parts = PurePosixPath(called.replace("\\", "/")).parts
        for start in range(len(parts)):  # the list may have been written further out
            if found := self._by_path.get("/".join(parts[start:])):
                return found
        return ""


def _shared_depth(ordered: list[str]) -> int:
    """How many folders all of the sorted paths share."""
    if not ordered:
        return 0
    first, last = (PurePosixPath(name).parts[:-1] for name in (ordered[0], ordered[-1]))
    same = [part == opposite for part, opposite in zip(first, last, strict=False)]
    return same.index(False) if False in same else len(same)


def splits_in_lists(files: Files, samples: Iterable[str]) -> tuple[dict[str, str], dict[str, str]]:
    """The split of each of `samples` that a list names, and the lists with their split.

    A sample that no list names is for training, if the lists are of other splits only. Raises
    DataError if a list names files that are not there, or two lists name one file."""
    if not files.ending(*SUFFIXES):
        return {}, {}
    samples = list(samples)
    paths = Paths(samples)
    read = {name: entries(files, name, paths) for name in list_names(files)}
    lists = {
        name: split for name, split in list_names(files).items() if _names_any(read[name], paths)
    }
    found: dict[str, str] = {}
    problems = []
    for name, split in lists.items():
        gone = [entry for entry in read[name] if not paths.find(entry.called)]
        if gone:
            problems.append(
                f"{name}: {len(gone)} of {len(read[name])} lines name no sample: "
                f"{few([f'{entry.place}: {entry.called}' for entry in gone])}."
            )
        for entry in read[name]:
            file = paths.find(entry.called)
            if file and found.setdefault(file, split) != split:
                problems.append(f"{entry.place}: '{file}' is in a list of {found[file]}, too.")
    refuse(problems, "Correct the lists, or add the data with --leave-out NAME for a list.")
    if found and "train" not in lists.values():
        found = dict.fromkeys(samples, "train") | found
    return (found, lists) if lists else _numbered_splits(files, paths)


def _numbered_splits(files: Files, paths: "Paths") -> tuple[dict[str, str], dict[str, str]]:
    """The splits of train_test_split.txt, whose lines are the number of a picture in images.txt and
    1 for training; and both files. None without them."""
    last = {PurePosixPath(name).name: name for name in files.ending(".txt")}
    tables = [last.get("images.txt", ""), last.get("train_test_split.txt", "")]
    if not all(tables):
        return {}, {}
    called, training = (
        dict(
            line.split(None, 1) for line in text_of(files.folder, name).splitlines() if " " in line
        )
        for name in tables
    )
    found = {
        paths.find(called[number].strip()): "train" if flag.strip() == "1" else "test"
        for number, flag in training.items()
        if number in called
    }
    wrong = len({*called} ^ {*training}) + ("" in found)
    refuse(
        [f"{tables[1]} and {tables[0]} do not name the same pictures."] if wrong else [],
        "Correct them, or add the data with --leave-out train_test_split.txt.",
    )
    return found, {name: "" for name in tables}


def _names_any(lines: list[Entry], paths: Paths) -> bool:
    return any(paths.find(entry.called) for entry in lines)


def label_names(files: Files) -> tuple[str, Mapping[str, str]]:
    """The file that names the labels of class numbers, and the names; '' and none if there is
    none."""
    for name in files.ending(".txt", ".names"):
        path = PurePosixPath(name)
        if path.stem.lower() in NAMES or path.suffix == ".names":
            lines = [line.strip() for line in text_of(files.folder, name).splitlines()]
            return name, _numbered([line for line in lines if line])
    return "", {}


def _numbered(lines: list[str]) -> dict[str, str]:
    """The label of each class number: the line's number from 0, or the number that begins it."""
    pairs = [line.split(None, 1) for line in lines]
    if all(len(pair) == 2 and pair[0].isdecimal() for pair in pairs):
        return {number: label.strip() for number, label in pairs}
    return {str(number): label for number, label in enumerate(lines)}
