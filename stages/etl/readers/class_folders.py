"""Class folders: a folder for each label, optionally in folders of splits or of folds."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from os.path import splitext
from pathlib import Path
from typing import ClassVar

from stages.etl.readers import NO_SAMPLES, Doubt, Reading, Row, few
from stages.etl.readers.files import Files
from stages.etl.readers.split_lists import splits_in_lists
from stages.etl.readers.split_names import is_filler, is_fold, split_named
from stages.runtime.errors import DataError

OUTSIDE = "files that are in no label's folder"
UNLABELLED = "files in a folder named after a split or fold, without labels' folders inside"
BESIDE = "files in folders beside those of splits or folds"
TRAIN = "train"  # also a vehicle: the only split's name that may be a label

Excluded = dict[str, list[str]]


class ClassFolders:
    """flowers/daisy/1.jpg, flowers/train/daisy/1.jpg, flowers/daisy/train/1.jpg or
    flowers/fold1/daisy/1.jpg: the label is a folder's name, the fold a group. Lists such as
    validation_list.txt beside the folders give splits, too."""

    loose: ClassVar[bool] = True

    def matches(self, files: Files) -> bool:
        return any("/" in name for name in files.names) or _has_folders(files.folder)

    def read(self, files: Files) -> Reading:
        """One row for each file below a label's folder.

        Raises DataError if there is none, or if folders of splits have no labels inside; Doubt if a
        folder may be a split or a label."""
        names = [name for name in files.names if _may_be_sample(name)]
        interpretation = _Interpretation(files.folder.name)
        rows = sorted(interpretation.rows(_tree(names)), key=lambda row: row.file)
        if not rows:
            raise _nothing(files.folder, interpretation.excluded)
        rows, lists = _with_lists(rows, files)
        rest = {*files.names} - {*names} - {*lists}
        reasons = {reason: tuple(sorted(some)) for reason, some in interpretation.excluded.items()}
        return Reading(
            tuple(rows), {name: name for name in sorted(lists)}, tuple(sorted(rest)), reasons
        )


class InnerFolders:
    """site1/cat/1.jpg, site1/dog/2.jpg, site2/cat/3.jpg: the folders have folders of the same
    names, and these are the labels. As the outer ones may be meant, a user is asked."""

    loose: ClassVar[bool] = True

    def matches(self, files: Files) -> bool:
        """Whether there are two folders or more, each with at least two folders and no files, and
        most names of inner folders occur in several."""
        names = [name for name in files.names if _may_be_sample(name)]
        branches = _Interpretation(files.folder.name).unwrapped(_tree(names)).folders
        inner = Counter(name for branch in branches.values() for name in branch.folders)
        shared = sum(count > 1 for count in inner.values())
        return (
            len(branches) > 1
            and all(len(branch.folders) > 1 and not branch.files for branch in branches.values())
            and not any(map(_is_division, [*branches, *inner]))
            and 2 * shared > len(inner)
        )

    def read(self, files: Files) -> Reading:
        """One row for each file of an inner folder. Raises DataError if `matches` is False."""
        if not self.matches(files):
            raise DataError(
                f"The folders of {files.folder.name} do not have the same folders inside.",
                "Give a folder for each label: --layout class_folders.",
            )
        names = [name for name in files.names if _may_be_sample(name)]
        interpretation = _Interpretation(files.folder.name)
        top = interpretation.unwrapped(_tree(names))
        rows = [
            Row(file, label.strip())
            for branch in top.folders.values()
            for label, inside in branch.folders.items()
            for file in inside.below()
        ]
        interpretation.excluded[OUTSIDE] += top.files
        reading = interpretation.reading(rows)
        return replace(reading, ignored=tuple(sorted({*files.names} - {*names})))


def _has_folders(folder: Path) -> bool:
    return any(path.is_dir() for path in folder.iterdir() if not path.name.startswith("."))


def _may_be_sample(name: str) -> bool:
    return splitext(name)[1].lower() not in NO_SAMPLES


@dataclass
class _Branch:
    """A folder: its own `files` by their whole names, and its folders with samples."""

    files: list[str] = field(default_factory=list)
    folders: "dict[str, _Branch]" = field(default_factory=dict)

    def below(self) -> Iterator[str]:
        """Every file below, in a walk of its own stack, as folders may be hundreds deep."""
        waiting = [self]
        while waiting:
            branch = waiting.pop()
            yield from branch.files
            waiting += branch.folders.values()


def _tree(names: Sequence[str]) -> _Branch:
    top = _Branch()
    for name in names:
        branch = top
        for part in name.split("/")[:-1]:
            branch = branch.folders.setdefault(part, _Branch())
        branch.files.append(name)
    return top


@dataclass
class _Interpretation:
    """Decides which folders of the data `name` are wrappers, divisions (splits or folds) and
    labels. `excluded` is filled with the files that get no row."""

    name: str
    excluded: Excluded = field(default_factory=lambda: defaultdict(list))

    def rows(self, top: _Branch) -> list[Row]:
        """The rows of all labels. Raises DataError, or Doubt for a folder that may be a split or a
        label."""
        top = self.unwrapped(top)
        self.excluded[OUTSIDE] += top.files
        divisions = [name for name in top.folders if _is_division(name)]
        labels = [name for name in top.folders if not _is_division(name)]
        divided = [name for name in divisions if _core(top.folders[name]).folders]
        self._check_inner(top, labels)
        if not divisions or (not divided and [*map(str.lower, divisions)] == [TRAIN] and labels):
            return self._labels(top)
        inner = {label for name in divided for label in _core(top.folders[name]).folders}
        if len(divided) == 1 and labels and not inner <= {*labels}:
            raise self._doubt(top, divided, labels)
        if labels and divided and not inner <= {*labels}:
            self._check_beside(top, divided, labels, inner)
            self._exclude(top, BESIDE, labels)
            labels = []
        if len(labels) == 1 and not divided:
            raise self._doubt(top, divisions, labels)
        self._exclude(top, UNLABELLED, [name for name in divisions if name not in divided])
        rows = self._labels(_Branch([], {name: top.folders[name] for name in labels}))
        return rows + [row for name in divided for row in self._inside(top.folders[name], name)]

    def unwrapped(self, top: _Branch) -> _Branch:
        """`top`, or the folder inside that has all other folders."""
        while len(top.folders) == 1:
            ((name, only),) = top.folders.items()
            if not only.folders or _is_division(name):
                break
            self.excluded[OUTSIDE] += top.files
            top = only
        return top

    def _check_beside(
        self, top: _Branch, divided: list[str], beside: list[str], inner: set[str]
    ) -> None:
        """Raise DataError if a folder beside those of splits has folders of the same labels."""
        similar = [name for name in beside if inner & {*_core(top.folders[name]).folders}]
        if similar:
            raise DataError(
                f"In {self.name}, {few(similar)} has folders of the same labels as "
                f"{few(divided)}, but names no split.",
                f"Rename it to train, validation or test, or add the data with --leave-out "
                f"{similar[0]}.",
            )

    def _exclude(self, top: _Branch, reason: str, names: list[str]) -> None:
        for name in names:
            self.excluded[reason] += top.folders[name].below()

    def _doubt(self, top: _Branch, divisions: list[str], labels: list[str]) -> Doubt:
        """The doubt whether `divisions` are splits, or labels as `labels` are."""
        theirs, ours = _Interpretation(self.name), _Interpretation(self.name)
        readings = {("splits", "ours"): ours.reading(ours._labels(top))}
        divided = [name for name in divisions if _core(top.folders[name]).folders]
        if divided:
            theirs._exclude(top, BESIDE, labels)
            rows = [row for name in divided for row in theirs._inside(top.folders[name], name)]
            readings["splits", "theirs"] = theirs.reading(rows)
        kind = "a split" if divided else "a split without labels"
        return Doubt(
            f"In {self.name}, {few(divisions)} may be {kind}, or a label like {few(labels)}:",
            readings,
        )

    def _check_inner(self, top: _Branch, labels: list[str]) -> None:
        """Raise DataError if the folders have splits with labels' folders inside."""
        for name in labels:
            inner = top.folders[name].folders
            splits = [folder for folder in inner if split_named(folder)]
            if len(splits) > 1 and all(inner[folder].folders for folder in splits):
                raise DataError(
                    f"In {self.name}, '{name}' has the splits {few(splits)} inside, and these have "
                    "the labels' folders.",
                    f"Add {name} alone, or move what is in its splits to splits at the top.",
                )

    def reading(self, rows: list[Row]) -> Reading:
        reasons = {reason: tuple(sorted(names)) for reason, names in self.excluded.items()}
        return Reading(tuple(sorted(rows, key=lambda row: row.file)), {}, (), reasons)

    def _inside(self, branch: _Branch, name: str) -> list[Row]:
        """The rows of the split or fold `name`, whose folders are labels, or folds of a split."""
        core, split, group = _core(branch), split_named(name), name if is_fold(name) else ""
        self.excluded[OUTSIDE] += core.files
        inner = [folder for folder in core.folders if _is_division(folder)]
        if inner and len(inner) == len(core.folders):
            if not split or not all(map(is_fold, inner)):
                raise DataError(
                    f"In {self.name}, '{name}' has no labels' folders inside, but {few(inner)}.",
                    f"Add the folder {inner[0]} in it alone, or write a labels.csv.",
                )
            return [
                replace(row, split=split, group=fold)
                for fold in inner
                for row in self._labels(_core(core.folders[fold]))
            ]
        return [replace(row, split=split, group=group) for row in self._labels(core)]

    def _labels(self, top: _Branch) -> list[Row]:
        """A row for each file below the folders of `top`, which are the labels. Folders inside may
        be folds, or splits if there is more than one."""
        inner = {split_named(name) for branch in top.folders.values() for name in branch.folders}
        has_splits = len(inner - {""}) > 1
        rows = []
        for label, branch in top.folders.items():
            for name, folder in branch.folders.items():
                split = split_named(name) if has_splits else ""
                group = name if is_fold(name) else ""
                rows += [Row(file, label.strip(), split, group) for file in folder.below()]
            rows += [Row(file, label.strip()) for file in branch.files]
        return rows


def _is_division(name: str) -> bool:
    """Whether a folder called `name` is a split or a fold, and no label."""
    return bool(split_named(name)) or is_fold(name)


def _core(branch: _Branch) -> _Branch:
    """`branch`, or the folder inside that only repeats it, as in seg_train/seg_train/forest or
    train/images/forest."""
    while len(branch.folders) == 1 and not branch.files:
        ((name, only),) = branch.folders.items()
        if not (split_named(name) or is_filler(name)):
            break
        branch = only
    return branch


def _with_lists(rows: list[Row], files: Files) -> tuple[list[Row], dict[str, str]]:
    """`rows` with the splits that lists beside the folders give them. Raises DataError if a folder
    gives another one."""
    splits, lists = splits_in_lists(files, (row.file for row in rows))
    differing = [
        row.file for row in rows if row.split and splits.get(row.file, row.split) != row.split
    ]
    if differing:
        raise DataError(
            f"{few(sorted(lists))} and the folders give different splits to {len(differing)} "
            f"files: {few(differing)}.",
            "Correct the lists, or add the data with --leave-out NAME for a list.",
        )
    return [replace(row, split=row.split or splits.get(row.file, "")) for row in rows], lists


def _nothing(folder: Path, excluded: Excluded) -> DataError:
    unlabelled = sorted(excluded[UNLABELLED])
    if unlabelled:
        return DataError(
            f"The folders of {folder.name} are called like splits or folds, and have no labels' "
            f"folders inside: {len(unlabelled)} files have no label, such as {few(unlabelled)}.",
            "Put the samples of each label into a folder with the label's name, inside of the "
            "split, or write a labels.csv with the columns file, label and split.",
        )
    return DataError(
        f"There are no samples in the folders of {folder.name}.",
        "Put the samples of each label into a folder with the label's name.",
    )
