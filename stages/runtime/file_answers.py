"""Asks a predictor of files: an answer or a problem for each, and a drawing where one is wanted."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from .errors import BadSample, ConfigError, WorkflowError
from .files import write
from .predictor import Predictor

MOST_BYTES = 500_000_000  # of one sample


class PredictOptions(NamedTuple):
    """What `Predictor.predict` is asked beside the file."""

    top: int | None = None
    threshold: float | None = None


def answered(
    predictor: Predictor, path: Path, options: PredictOptions, drawing: Path | None = None
) -> tuple[dict[str, Any], int]:
    """The answer to the file at `path`, or the problem with it and its remedy; an exit code.

    The answer is drawn to `drawing`, if that is given: whole, or not at all."""
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
    """The bytes of the file at `path`, which may be a pipe or a device without an end. Raises
    BadSample for more than MOST_BYTES."""
    with path.open("rb") as file:
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise BadSample(
            f"The file has more than {MOST_BYTES} bytes.", "Make it smaller, or cut it into parts."
        )
    return data


def drawings(predictor: Predictor, files: Sequence[Path], place: Path | None) -> list[Path | None]:
    """Where the answer to each of `files` is to be drawn: at `place`; in the folder `place` if
    there are several files or it is a folder already; nowhere if it is None.

    Raises ConfigError if this kind of answer is not drawn, or a drawing would take a file's own
    place."""
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
    """A name for each of `files`; all with their numbers, if two would have the same: a disk may
    not tell capitals apart, and a-1 may be there beside two a."""
    stems = [path.stem for path in files]
    if len({stem.casefold() for stem in stems}) < len(stems):
        stems = [f"{stem}-{number}" for number, stem in enumerate(stems, 1)]
    return [f"{stem}.jpg" for stem in stems]
