"""What a YOLO folder says of itself: the labels' names and the splits, in data.yaml (Ultralytics),
obj.data (darknet, CVAT), classes.txt or obj.names."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from stages.etl.readers import SPLITS
from stages.etl.readers.boxes import is_whole, whole
from stages.etl.readers.files import Files, refuse, text_of
from stages.runtime.errors import DataError

LISTS = ("classes.txt", "labels.txt", "names.txt", "class_names.txt", "predefined_classes.txt")
NAMED = (".names", ".labels")
LONGEST_YAML = 5_000_000  # characters: 100,000 names


@dataclass(frozen=True)
class Description:
    """The labels by class number, from the file `table`. `splits`: for each split the folders or
    lists that it names; `home`: where these begin. `keypoints`: how many, and the numbers of
    each."""

    table: str
    labels: Mapping[int, str]
    splits: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    home: str = ""
    keypoints: tuple[int, int] | None = None
    further: tuple[str, ...] = ()  # further files that were read
    notes: tuple[str, ...] = ()


def description(files: Files) -> Description:
    """What the first data.yaml with names says, else a list of names. Raises DataError if there is
    neither."""
    lists = sorted((name for name in files.names if _is_list(name)), key=_depth)
    for name in sorted(files.ending(".yaml", ".yml"), key=_depth):
        record = _record(files, name)
        names = record.get("names")
        if isinstance(names, list | dict) and names:
            return _from_yaml(files, name, record, names, lists)
    if not lists:
        raise DataError(
            f"{files.folder.name} has boxes in YOLO's format, but no file names their classes.",
            "Write a classes.txt with one label a line, the label of class 0 first.",
        )
    table = lists[0]
    labels = _listed(files, table)
    notes = [
        f"{table} names the classes; {name} names others and is not used"
        for name in lists[1:]
        if _listed(files, name) != labels
    ]
    darknet = sorted(files.ending(".data"), key=_depth)
    splits = dict(_darknet(text_of(files.folder, darknet[0]))) if darknet else {}
    home = str(PurePosixPath(darknet[0]).parent) if darknet else ""
    further = (*lists[1:], *darknet[:1])
    return Description(table, labels, splits, home, None, further, tuple(notes))


def _from_yaml(
    files: Files, name: str, record: Mapping[str, Any], names: Any, lists: list[str]
) -> Description:
    labels = _checked(name, dict(enumerate(names)) if isinstance(names, list) else names)
    notes = [
        f"{name} names the classes; {other} names others and is not used"
        for other in lists
        if _listed(files, other) != labels
    ]
    if (count := whole(record.get("nc"))) is not None and count != len(labels):
        notes.append(f"{name}: nc is {count}, and there are {len(labels)} names")
    home = PurePosixPath(name).parent
    splits = {
        split: paths
        for key, value in record.items()
        if (split := SPLITS.get(key.lower())) and (paths := tuple(_paths(value)))
    }
    path = record.get("path") if isinstance(record.get("path"), str) else ""
    within = {split: tuple(f"{path}/{place}" if path else place for place in paths)
              for split, paths in splits.items()}  # fmt: skip
    shape = record.get("kpt_shape")
    sides = [whole(side) for side in shape] if isinstance(shape, list) else []
    keypoints = (sides[0], sides[1]) if len(sides) == 2 and sides[0] and sides[1] else None
    return Description(name, labels, within, str(home), keypoints, tuple(lists), tuple(notes))


def _record(files: Files, name: str) -> Mapping[str, Any]:
    """The table in the YAML `name`, with every scalar as text; empty if it is no table."""
    from stages.config.safe_yaml import YamlProblem, parse_as_text

    try:
        record = parse_as_text(text_of(files.folder, name), LONGEST_YAML)
    except YamlProblem as error:
        line = f", line {error.line}" if error.line else ""
        raise DataError(
            f"{name}{line}: this is not YAML: {error.problem}.", "Correct it."
        ) from None
    return record if isinstance(record, dict) else {}


def _paths(value: Any) -> Iterator[str]:
    """The folders or lists that a split names: one, or several."""
    for path in value if isinstance(value, list) else [value]:
        if isinstance(path, str) and path.strip() not in ("", "~", "null", "None"):
            yield path.strip()


def _darknet(text: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The splits that an obj.data names, in lines such as train = data/train.txt."""
    for line in text.splitlines():
        key, _, value = line.partition("=")
        if (split := SPLITS.get(key.strip().lower())) and value.strip():
            yield split, (value.strip(),)


def _is_list(name: str) -> bool:
    return name.lower().endswith(NAMED) or PurePosixPath(name).name.lower() in LISTS


def _depth(name: str) -> tuple[int, str]:
    return name.count("/"), name


def _listed(files: Files, name: str) -> dict[int, str]:
    return _checked(name, dict(enumerate(text_of(files.folder, name).splitlines())))


def _checked(name: str, names: Mapping[Any, Any]) -> dict[int, str]:
    """`names` by class number, without empty names. Raises DataError for invalid ones."""
    lists = [key for key, label in names.items() if not isinstance(label, str)]
    refuse([f"{name}: the name of class {key} is no text." for key in lists], f"Correct {name}.")
    labels = {str(key): label.strip() for key, label in names.items() if label.strip()}
    wrong = [f"{name}: '{key}' is not a class number." for key in labels if not is_whole(key)]
    refuse(wrong, f"Correct {name} and add the folder again.")
    numbers = Counter(map(int, labels))
    wrong = [f"{name}: class {number} has {count} names." for number, count in numbers.items()
             if count > 1]  # fmt: skip
    counts = Counter(labels.values())
    wrong += [
        f"{name}: the label '{label}' is there {'twice' if count == 2 else f'{count} times'}."
        for label, count in sorted(counts.items())
        if count > 1
    ]
    refuse(wrong, f"Correct {name} and add the folder again.")
    return {int(key): label for key, label in labels.items()}
