"""Says why a folder that looks annotated has no layout: never are its parts taken for labels."""

from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path, PurePosixPath

from stages.etl.readers.files import PICTURES, Files, json_of
from stages.etl.readers.rows import few
from stages.parts import READERS
from stages.runtime.errors import DataError
from stages.runtime.neutral import is_number

HEAD = 65_536  # bytes of an annotation by which it is recognised
SHARE = (
    0.5  # of the pictures that have an annotation of their own, from which a folder is annotated
)
PART_NAMES = (
    "images imgs img jpegimages pictures photos labels label annotations annotation xml xmls "
    "json imagesets masks boxes bboxes obj_train_data obj_valid_data txt ann"
)
PARTS = frozenset(PART_NAMES.split())
LABEL_STUDIO = (b'"rectanglelabels"', b'"original_width"', b'"annotation_id"', b'"annotator"')
COCO = (b'"bbox"', b'"categories"', b'"images"')
REMEDIES = {"label_studio": "Export them again, as JSON, JSON-MIN or CSV"}
LABELME = (b'"shapes"', b'"imagePath"')


def near_layout(files: Files, labels: Collection[str]) -> str:
    """The layout of boxes that `files`, which have none, come nearest to, if they can be read so;
    '' if they are near to none. Raises DataError with what is wrong if they cannot be read.

    `labels`: those that its folders would be. If they are more than parts of an annotated folder,
    at least half of the pictures have to be annotated; otherwise one is enough."""
    are_parts = all(label.lower() in PARTS for label in labels)
    is_divided = len(labels) > 1 and not are_parts
    needed = SHARE * len(files.pictures()) if is_divided else 1
    for name, found in (
        ("yolo", _beside(files, ".txt", _is_like_yolo)),
        ("voc", _beside(files, ".xml", _is_like_voc if is_divided else _is_text)),
        ("labelme", _beside(files, ".json", lambda data: _has(data, LABELME))),
        ("label_studio", _tables(files, LABEL_STUDIO)),
        ("coco", _tables(files, COCO)),
        ("box table", _box_tables(files)),
    ):
        enough = 1 if name in ("label_studio", "coco") else needed
        if found and len(found) >= enough:
            _check(name, found, files)
            return name
    if labels and are_parts:
        raise DataError(
            f"The folders of {files.folder.name} are {few(sorted(labels))}, which name parts of "
            "annotated data and no labels; there is no annotation that can be read.",
            "Put the samples of each label into a folder with the label's name, or boxes as COCO, "
            "Pascal VOC, YOLO or Label Studio's JSON beside the pictures. If these are labels: "
            "--layout class_folders.",
        )
    return ""


def _check(name: str, found: Sequence[str], files: Files) -> None:
    """Raise DataError unless the reader `name` reads the folder, whose annotations are the files
    `found`, without a problem."""
    folder = files.folder
    if name not in READERS:
        raise DataError(
            f"{folder.name} has boxes or shapes in a layout that is not read, as in {found[0]}.",
            "Export them as COCO, Pascal VOC, YOLO or Label Studio's JSON.",
        )
    if found[0].endswith(".json"):
        json_of(folder, found[0])
    rows = READERS[name]().read(files).rows
    problems = [row.problem for row in rows if row.problem]
    if problems or not any(row.boxes for row in rows):
        quarantine = f", or add the data with --layout {name}: then these pictures are quarantined"
        raise DataError(
            f"{folder.name} has annotations almost as in the layout '{name}': "
            f"{[*problems, *found][0]}.",
            f"{REMEDIES.get(name, 'Export them again')}{quarantine if rows else ''}.",
        )


def _beside(files: Files, suffix: str, is_like: Callable[[bytes], bool]) -> list[str]:
    """The annotations with `suffix` of single pictures that look so: those called like a
    picture."""
    annotations = files.ending(suffix)
    if not annotations:
        return []
    pictures = {_stem(name) for name in files.pictures()}
    candidates = [name for name in annotations if _stem(name) in pictures]
    return [name for name in candidates if is_like(_head(files.folder / name))]


def _stem(name: str) -> str:
    """The name without folders and suffixes: a for a.png, a.txt, a.xml.xml and a.png.json."""
    path = PurePosixPath(name)
    while path.suffix.lower() in (*PICTURES, ".txt", ".xml", ".json"):
        path = path.with_suffix("")
    return path.name


def _tables(files: Files, keys: Iterable[bytes]) -> list[str]:
    """The JSON files that have one of `keys` in their beginning."""
    heads = {name: _head(files.folder / name) for name in files.ending(".json")}
    return [name for name, head in heads.items() if any(key in head for key in keys)]


def _box_tables(files: Files) -> list[str]:
    """The CSV files whose first line has the corners of boxes."""
    heads = {name: _head(files.folder / name) for name in files.ending(".csv", ".tsv")}
    return [
        name
        for name, head in heads.items()
        if all(corner in head.lower().partition(b"\n")[0] for corner in (b"xmin", b"ymax"))
    ]


def _is_like_yolo(data: bytes) -> bool:
    """Whether the first line that is not empty has five numbers or more."""
    lines = data.decode("utf-8-sig", errors="replace").splitlines()
    fields = next((line.replace(",", " ").split() for line in lines if line.strip()), [])
    return len(fields) >= 5 and sum(map(is_number, fields)) >= len(fields) - 1


def _is_like_voc(data: bytes) -> bool:
    return b"annotation" in data or b"bndbox" in data or b"<object" in data


def _is_text(data: bytes) -> bool:
    """Whether there is something in an annotation beside a picture, whatever it says."""
    return bool(data.strip())


def _has(data: bytes, keys: Iterable[bytes]) -> bool:
    return all(key in data for key in keys)


def _head(path: Path) -> bytes:
    with path.open("rb") as data:
        return data.read(HEAD)
