"""Predicts files: an answer or a problem for each file, and a drawing if one is requested."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from .errors import BadSample, ConfigError, WorkflowError
from .files import write
from .predictor import Predictor

MOST_BYTES = 500_000_000  # of one sample


class PredictOptions(NamedTuple):
    """The optional arguments of `Predictor.predict`."""

    top: int | None = None
    threshold: float | None = None


def answered(
    predictor: Predictor, path: Path, options: PredictOptions, drawing: Path | None = None
) -> tuple[dict[str, Any], int]:
    """The answer to the file at `path`, or {"problem", "remedy"} if it cannot be answered; and the
    exit code (0, or that of the error).

    The picture with the answer is written to the path `drawing`, unless that is None; never half
    of it."""
    found: dict[str, Any]
    code = 0
    try:
        found = _answer(predictor, path, options, drawing)
    except IsADirectoryError:
        found = {"problem": "It is a folder.", "remedy": f"Name the files in it: {path}/*"}
        code = BadSample.exit_code
    except OSError as error:
        found = {"problem": f"It cannot be read: {error.strerror}.", "remedy": "Check its name."}
        code = BadSample.exit_code
    except WorkflowError as error:
        found, code = {"problem": error.problem, "remedy": error.remedy}, error.exit_code
    return {"file": str(path), **found}, code


def _answer(
    predictor: Predictor, path: Path, options: PredictOptions, drawing: Path | None
) -> dict[str, Any]:
    data = _read(path)
    found = predictor.predict(data, options.top, options.threshold)
    if drawing is None:
        return found
    write(drawing, predictor.kind.draw(data, found))
    return {**found, "drawn": str(drawing)}


def _read(path: Path) -> bytes:
    """The bytes of the file at `path`. Reads at most MOST_BYTES + 1, as the file may be a pipe or
    device without an end. Raises BadSample for more than MOST_BYTES."""
    with path.open("rb") as file:
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise BadSample(
            f"The file has more than {MOST_BYTES} bytes.", "Make it smaller, or cut it into parts."
        )
    return data


def drawings(predictor: Predictor, files: Sequence[Path], place: Path | None) -> list[Path | None]:
    """The paths to which the answers to `files` are drawn: `place` itself for one file, files in
    the folder `place` for several or if it is a folder already, None for each if it is None.

    Raises ConfigError if this kind of answer cannot be drawn, or a drawing would overwrite one of
    `files`."""
    if place is None:
        return [None] * len(files)
    if not predictor.kind.draws:
        raise ConfigError("This package's answers cannot be drawn.", "Leave --draw away.")
    places = [place]
    if len(files) > 1 or place.is_dir():
        places = [place / name for name in _names(files)]
    for drawing in places:
        if any(drawing.resolve() == path.resolve() for path in files):
            raise ConfigError(
                f"--draw would write over {drawing}, which is to be read.", "Name another place."
            )
    return list(places)


def _names(files: Sequence[Path]) -> list[str]:
    """A file name for the drawing of each of `files`. If two stems are equal but for case, which
    some file systems ignore, all names get a number; all, because a file may be called a-1
    already."""
    stems = [path.stem for path in files]
    if len({stem.casefold() for stem in stems}) < len(stems):
        stems = [f"{stem}-{number}" for number, stem in enumerate(stems, 1)]
    return [f"{stem}.jpg" for stem in stems]
