"""YOLO: a txt for each picture, a line for each box: class x y width height, as shares of the
picture (J. Redmon's darknet; docs.ultralytics.com/datasets/detect)."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import ClassVar

from stages.config.text_file import coding_of
from stages.etl.readers import Reading, Row, few
from stages.etl.readers.files import Files, refuse, size_of, split_of, text_of
from stages.etl.readers.shapes import Tally
from stages.etl.readers.written_splits import (
    Listed,
    WrittenSplits,
    add_list,
    names_pictures,
    parts_of,
    settled,
    split_called,
)
from stages.etl.readers.yolo_lines import is_line_of_numbers, shape_of
from stages.etl.readers.yolo_names import Description, description

PICTURE_FOLDERS = ("images", "jpegimages")
HEAD = 4096  # bytes in which the first line ends


class Yolo:
    """Reads images/ beside labels/, above or below train, val and test, or each txt beside its
    picture; the labels' names are in data.yaml, classes.txt or obj.names, the splits in data.yaml,
    obj.data, train.txt or the folders' names. A picture without a txt is a negative."""

    loose: ClassVar[bool] = False

    def matches(self, files: Files) -> bool:
        texts = (text for _, found in _pairs(files) for text in found)
        return any(_is_label_file(files.folder / text) for text in texts)

    def read(self, files: Files) -> Reading:
        """Read a row for each picture; boxes are shares of the size of the upright picture.

        Raises DataError if there are no names, or for splits that contradict each other; a wrong
        line is a problem of its picture's row."""
        tally, described = Tally(), description(files)
        pairs = dict(_pairs(files))
        texts = {text for found in pairs.values() for text in found}
        homes = {_home(picture) for picture in pairs}
        pictures = sorted(name for name in files.pictures() if _home(name) in homes)
        splits, lists = _splits(files, described, pictures, texts)
        refuse(splits.problems, "Correct the lists, or remove them: etl divides the pictures.")
        doubted = _doubted(pairs)
        rows = []
        for picture in pictures:
            split = splits.of.get(picture, "") if splits.of else split_of(picture)
            if picture in doubted:
                rows.append(Row(picture, split=split, place=picture, problem=doubted[picture]))
            else:
                text = pairs.get(picture, ("",))[0]
                rows.append(_row(files.folder, picture, text, described, split, tally))
        tables = sorted({described.table, *described.further, *lists, *texts})
        return files.reading(rows, tables, (*tally.notes(), *described.notes, *splits.notes))


def _home(name: str) -> str:
    return str(PurePosixPath(name).parent)


def _pairs(files: Files) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield each picture that has a txt, with its txt; with several if their names differ only in
    Unicode form or case."""
    for picture in files.pictures():
        for name in _texts(picture):
            if found := files.at(name):
                yield picture, (name,) if name in found else tuple(found)
                break


def _texts(picture: str) -> list[str]:
    """The possible paths of the txt of `picture`: in labels/ if it is in images/, or beside it."""
    path = PurePosixPath(picture).with_suffix(".txt")
    folders = [part.lower() for part in path.parts[:-1]]
    at = [index for index, part in enumerate(folders) if part in PICTURE_FOLDERS]
    within = [[*path.parts[:index], "labels", *path.parts[index + 1 :]] for index in at[-1:]]
    return [*("/".join(parts) for parts in within), str(path)]


def _doubted(pairs: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """What is doubtful about the pictures that share a txt, or have several."""
    pictures = defaultdict(list)
    for picture, texts in pairs.items():
        for text in texts:
            pictures[text].append(picture)
    shared = {
        picture: f"{text}: it may be of any of {few(found)}"
        for text, found in pictures.items()
        if len(found) > 1
        for picture in found
    }
    several = {
        picture: f"{picture}: its boxes may be in any of {few(texts)}"
        for picture, texts in pairs.items()
        if len(texts) > 1
    }
    return shared | several


def _is_label_file(text: Path) -> bool:
    """Whether the first line that is not empty has a class and at least four numbers."""
    with text.open("rb") as data:
        head = data.read(HEAD)
    lines = head.decode(coding_of(head), errors="replace").split("\n")
    return is_line_of_numbers(next((line for line in lines if line.strip()), ""))


def _splits(
    files: Files, described: Description, pictures: Sequence[str], texts: Iterable[str]
) -> tuple[WrittenSplits, list[str]]:
    """The splits that data.yaml or obj.data names, else those of train.txt and so on; and the
    lists that were read."""
    if described.splits:
        found, lists, gone = _named(files, described)
        splits = settled(found, pictures, described.table)
        notes = (*(f"{described.table}: there is no {name}" for name in gone), *splits.notes)
        return WrittenSplits(splits.of, notes, splits.problems), lists
    not_lists = set(texts) | {described.table, *described.further}
    lists = [
        name
        for name in files.ending(".txt", ".lst")
        if name not in not_lists and split_called(name) and names_pictures(files, name)
    ]
    found = defaultdict(Listed)
    for name in lists:
        add_list(files, name, found[split_called(name)])
    return (settled(found, pictures, " and ".join(lists)) if lists else WrittenSplits({})), lists


def _named(files: Files, described: Description) -> tuple[dict[str, Listed], list[str], list[str]]:
    """The pictures of each split by the folders and lists that it names, the lists, and what is
    not there."""
    found: dict[str, Listed] = defaultdict(Listed)
    lists, gone = [], []
    folders = _folders(files)
    for split, paths in described.splits.items():
        for path in paths:
            name = _list_at(files, described.home, path)
            inside = _pictures_at(folders, described.home, path)
            if name:
                add_list(files, name, found[split])
                lists.append(name)
            elif inside is not None:
                found[split].pictures |= dict.fromkeys(inside, path)
            else:
                gone.append(f"'{path}', which it names for {split}")
    return found, lists, gone


def _folders(files: Files) -> dict[str, list[str]]:
    """The pictures in and below each folder, whose name is in small letters."""
    found = defaultdict(list)
    for picture in files.pictures():
        for parent in PurePosixPath(picture).parents:
            found["" if str(parent) == "." else str(parent).lower()].append(picture)
    return found


def _endings(home: str, path: str) -> Iterator[str]:
    """The places that `path` may mean, which may begin on another computer: its ends, the longest
    first, from `home` and from the folder that was added."""
    parts = parts_of(path)
    for start in range(len(parts) + (not parts)):
        for base in [parts_of(home), []] if parts_of(home) else [[]]:
            yield "/".join([*base, *parts[start:]])


def _list_at(files: Files, home: str, path: str) -> str:
    if not path.lower().endswith((".txt", ".lst")):
        return ""
    return next((files.at(ending)[0] for ending in _endings(home, path) if files.at(ending)), "")


def _pictures_at(folders: Mapping[str, list[str]], home: str, path: str) -> list[str] | None:
    """The pictures in the folder `path`, also if it ends with a pattern such as *.jpg."""
    plain = path.rpartition("/")[0] if "*" in path else path
    found = (
        folders[ending.lower()] for ending in _endings(home, plain) if ending.lower() in folders
    )
    return next(found, None)


def _row(
    folder: Path, picture: str, text: str, described: Description, split: str, tally: Tally
) -> Row:
    size = size_of(folder / picture)
    if not text or size is None:
        return Row(picture, split=split, place=text or picture)
    lines = enumerate(text_of(folder, text).splitlines(), 1)
    shapes = [
        shape_of(f"{text}, line {number}", line, described.labels, size, described.keypoints)
        for number, line in lines
        if line.strip()
    ]
    outcome = tally.outcome(shapes, text)
    return Row(
        picture,
        split=split,
        boxes=outcome.boxes,
        place=text,
        places=outcome.places,
        problem=outcome.problem,
    )
