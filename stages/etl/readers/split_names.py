"""The words by which people and tools name splits and folds, in folders, files and columns."""

import re
from pathlib import PurePosixPath

SPLITS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("validation", "val", "valid", "dev"), "validation"),
    **dict.fromkeys(("test", "testing"), "test"),
}
_FILLING = (
    "set sets data dataset split images image imgs img pictures pics photos samples sounds audio "
    "clips wavs files filenames names list lists folder seg"
)
_FILLERS = frozenset(_FILLING.split())
_NAME = re.compile(
    r"(trainval|training|train|testing|test|validation|valid|val|dev)(set|data|images|imgs)?"
)
_ASSIGNING = frozenset(["split", "splits", "fold", "folds", "partition", "partitions", "subset"])
_TEXTS = (".txt", ".csv", ".tsv", ".json", ".lst", ".list", ".mat", ".xlsx")
_FOLD = re.compile(r"(?:k|cv)?[ _-]*(?:fold|split)s?[ _-]*[0-9]{1,3}")


def split_named(name: str) -> str:
    """The split that a folder or a list called `name` is named after, as in Train, test_set,
    val2017 or train_images; '' for every other name."""
    parts = [part for part in re.split(r"[^a-z]+", name.lower()) if part and part not in _FILLERS]
    found = _NAME.fullmatch(parts[0]) if len(parts) == 1 else None
    if found is None:
        return ""
    return SPLITS.get(found[1], "train")  # trainval: what is not test


def is_fold(name: str) -> bool:
    """Whether a folder called `name` is one of several folds, as in fold1 or Fold-03."""
    return _FOLD.fullmatch(name.lower()) is not None


def is_filler(name: str) -> bool:
    """Whether a folder called `name` says only that it has samples, as images or data."""
    parts = [part for part in re.split(r"[^a-z]+", name.lower()) if part]
    return bool(parts) and all(part in _FILLERS for part in parts)


def is_about_splits(name: str) -> bool:
    """Whether a document called `name` seems to assign splits or folds, as train.csv, folds.json or
    train_test_split.txt do."""
    path = PurePosixPath(name)
    parts = re.split(r"[^a-z]+", path.stem.lower())
    names = any(part in _ASSIGNING for part in parts) or bool(split_named(path.stem))
    return names and path.suffix.lower() in _TEXTS


def is_column_of_splits(name: str) -> bool:
    """Whether a column called `name` seems to assign splits, as is_valid or Subset do."""
    parts = [part for part in re.split(r"[^a-z]+", name.lower()) if part and part != "is"]
    return len(parts) == 1 and (parts[0] in _ASSIGNING or _NAME.fullmatch(parts[0]) is not None)
