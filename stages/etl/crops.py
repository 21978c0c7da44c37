"""Makes a data set for a classifier out of annotated boxes: each box a picture of its own.

The crops are cut by the function that chains of packages use (runtime/crops.py). All crops of a
photo are of one group, which is that of the photo if it has one, else the photo's digest: so no
split has crops of a photo that another has, and a chain can tell whose photos its classifier was
trained on. Photos of a test split give crops of the test split."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from numpy.typing import NDArray

from stages.artifacts import Box, Dataset, digest_of
from stages.etl.manifest import NAMED, Sample, samples_of
from stages.etl.placing import placed
from stages.etl.raw_data import RawData
from stages.etl.readers import Row, read_revision
from stages.etl.writers.csv_writer import CsvWriter
from stages.etl.writers.file_names import FileNames
from stages.media.levels import decode_arguments
from stages.runtime.crops import LARGEST_MARGIN, crop
from stages.runtime.errors import BadSample, ConfigError, DataError
from stages.runtime.pictures import decode_picture
from stages.runtime.registry import nearest
from stages.store import Store

MOST_CROPS = 500_000
MOST_PIXELS = 20_000_000_000  # of all crops together: with a margin they overlap
LEAST_SIDE = 2  # pixels of a box
MARGIN_COLUMN = "margin"  # of the table of crops: that with which they were cut out
PROGRESS = 50  # photos between two reports


class AnnotatedPhoto(NamedTuple):
    """A photo with boxes. `read` gives its bytes. `boxes`: those by the facts of the decoded
    picture, or the reason why they cannot be used."""

    file: str
    read: Callable[[], bytes]
    boxes: Callable[[Mapping[str, Any]], Sequence[Box] | str]
    split: str
    group: str
    decoding: Mapping[str, Any] = {}


class CropCounts(NamedTuple):
    """What was cut out. `unusable`: photos that were left out, each with the reason; `tiny`: boxes
    that were too small."""

    crops: int
    photos: int
    unusable: tuple[str, ...]
    tiny: int


def photos_in(folder: Path) -> list[AnnotatedPhoto]:
    """The photos of a revision in `folder`, with the splits that the data name."""
    return [
        AnnotatedPhoto(
            row.file,
            (folder / row.file).read_bytes,
            _boxes_of(row),
            row.split,
            row.group,
        )
        for row in read_revision(folder).rows
    ]


def photos_of(dataset: Dataset, store: Store) -> list[AnnotatedPhoto]:
    """The photos of `dataset`, with the splits that a pipeline gave them."""
    return [
        AnnotatedPhoto(
            sample.file,
            _reader(store, sample.digest),
            _fixed(sample.boxes),
            sample.split,
            sample.group.removeprefix(NAMED) if sample.group.startswith(NAMED) else "",
            decode_arguments(dataset.facts),
        )
        for sample in samples_of(dataset, store)
    ]


@contextmanager
def opened_photos(raw: RawData) -> Iterator[list[AnnotatedPhoto]]:
    """The photos of the revision `raw`, as long as the block lasts."""
    with raw.opened() as folder:
        yield photos_in(folder)


@contextmanager
def cropped(
    photos: Sequence[AnnotatedPhoto],
    margin: float,
    labels: Sequence[str] = (),
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Iterator[tuple[Path, CropCounts]]:
    """A temporary folder with the crops of all boxes of `photos`, or of those with one of `labels`,
    and labels.csv; and what was cut out.

    Raises ConfigError for a margin out of range or a label that no box has, DataError if there is
    nothing to cut out, or too much."""
    _check_margin(margin)
    with TemporaryDirectory(prefix="aiwf-crops-") as name:
        folder, names = Path(name), FileNames(distinct_stems=False)
        rows: list[Row] = []
        unusable, tiny, used, pixels = [], 0, 0, 0
        found_labels: set[str] = set()
        for done, photo in enumerate(photos):
            if done % PROGRESS == 0:
                progress(done, len(photos))
            try:
                found = _decoded(photo)
            except BadSample as error:
                unusable.append(f"{photo.file}: {error.problem}")
                continue
            found_labels |= {box.label for box in found.boxes}
            wanted = [box for box in found.boxes if not labels or box.label in labels]
            parts = [(box, crop(found.picture, box[1:], margin)) for box in wanted]  # views
            pixels += sum(part.shape[0] * part.shape[1] for _, part in parts)
            _check_count(len(rows) + len(parts), pixels)
            tiny += found.tiny
            used += bool(wanted)
            rows += _written(photo, found.digest, parts, margin, folder, names)
        _check_labels(labels, found_labels)
        if not rows:
            raise DataError(
                "There is no box to cut out." + "".join(f" {line}" for line in unusable[:1]),
                "Name data whose photos are annotated with boxes.",
            )
        CsvWriter().annotate(rows, folder)
        yield folder, CropCounts(len(rows), used, tuple(unusable), tiny)


class _Decoded(NamedTuple):
    """A decoded photo; `boxes`: those that are large enough, `tiny`: how many are not."""

    digest: str
    picture: NDArray[Any]
    boxes: list[Box]
    tiny: int


def _decoded(photo: AnnotatedPhoto) -> _Decoded:
    """The picture and the boxes of `photo`. Raises BadSample if it cannot be decoded, or its boxes
    are no boxes of this picture."""
    data = photo.read()
    facts: dict[str, Any] = {}
    picture = decode_picture(data, facts=facts, **photo.decoding)
    boxes = photo.boxes(facts)
    if isinstance(boxes, str):
        raise BadSample(f"{boxes}.", "Correct its annotation.")
    large = [box for box in boxes if min(box[3] - box[1], box[4] - box[2]) >= LEAST_SIDE]
    return _Decoded(digest_of(data), picture, large, len(boxes) - len(large))


def _written(
    photo: AnnotatedPhoto,
    digest: str,
    crops: Iterable[tuple[Box, NDArray[Any]]],
    margin: float,
    folder: Path,
    names: FileNames,
) -> list[Row]:
    """The rows of the `crops`, each of which is written to the folder of its label."""
    from PIL import Image

    rows, stem = [], Path(photo.file).stem
    for number, (box, part) in enumerate(crops):
        path = names.path(box.label.replace("/", "_"), f"{stem}_{number:03}.png")
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(part).save(folder / path, "PNG")
        place = " ".join(f"{edge:g}" for edge in box[1:])
        extra = {"photo": photo.file, "box": place, MARGIN_COLUMN: f"{margin:g}"}
        rows.append(Row(path, box.label, photo.split, photo.group or digest, extra=extra))
    return rows


def margin_of(samples: Sequence[Sample]) -> float | None:
    """The margin with which the crops `samples` were cut out; None if they do not say, or if there
    are several."""
    found = {sample.extra.get(MARGIN_COLUMN, "") for sample in samples}
    try:
        return float(found.pop()) if len(found) == 1 else None
    except ValueError:
        return None


def _boxes_of(row: Row) -> Callable[[Mapping[str, Any]], Sequence[Box] | str]:
    def boxes(facts: Mapping[str, Any]) -> Sequence[Box] | str:
        found = placed(row, facts)
        return found.problem or found.boxes

    return boxes


def _fixed(boxes: Sequence[Box]) -> Callable[[Mapping[str, Any]], Sequence[Box] | str]:
    return lambda facts: boxes


def _reader(store: Store, digest: str) -> Callable[[], bytes]:
    return lambda: store.get(digest)


def _check_margin(margin: float) -> None:
    if not 0 <= margin <= LARGEST_MARGIN:  # NaN is neither
        raise ConfigError(
            f"The margin is {margin}.",
            f"Give a share of a box's sides from 0 to {LARGEST_MARGIN:g}.",
        )


def _check_count(count: int, pixels: int) -> None:
    if pixels > MOST_PIXELS:
        raise DataError(
            f"The crops have more than {MOST_PIXELS / 1e9:g} thousand million pixels together.",
            "Cut out fewer: name their --labels, or give a smaller --margin.",
        )
    if count > MOST_CROPS:
        raise DataError(
            f"There are more than {MOST_CROPS:,} boxes.", "Cut out fewer: name their --labels."
        )


def _check_labels(labels: Sequence[str], found: set[str]) -> None:
    for label in labels:
        if label not in found:
            raise ConfigError(
                f"No box has the label '{label}'.",
                f"{nearest(label, sorted(found))}There are: {', '.join(sorted(found)) or 'none'}.",
            )
