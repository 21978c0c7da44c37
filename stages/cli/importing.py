"""aiwf import: a network for pictures that was trained elsewhere becomes a package."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from stages.artifacts import Measure
    from stages.deploy.onnx_detector import StatedBoxes

MOST_BYTES = 50_000_000  # of one photo
PHOTOS = {".jpg", ".jpeg", ".png", ".webp", ".bmp"}


def import_model(
    model: Annotated[
        Path, typer.Argument(metavar="MODEL.onnx", help="A classifier or a detector of pictures.")
    ],
    out: Annotated[Path, typer.Option(help="Folder for the package; it must not exist.")],
    labels: Annotated[
        Path | None, typer.Option(help="A file with one label on each line, in their order.")
    ] = None,
    size: Annotated[int | None, typer.Option(min=1, max=4096, help="Side of its pictures.")] = None,
    mean: Annotated[
        str | None, typer.Option(help="Of red, green, blue, for pixels of 0..1: 0.5,0.5,0.5.")
    ] = None,
    std: Annotated[str | None, typer.Option(help="Divides after the mean, as 0.5,0.5,0.5.")] = None,
    fit: Annotated[str | None, typer.Option(help="stretch, letterbox or crop.")] = None,
    logits: Annotated[
        bool | None,
        typer.Option(
            "--logits/--scores",
            help="Whether its outputs still need a softmax, or those of a detector a sigmoid.",
        ),
    ] = None,
    boxes: Annotated[
        str | None,
        typer.Option(
            help="For a detector: corners (left, top, right, bottom) or centres (x, y, width, "
            "height), as its boxes are before suppression."
        ),
    ] = None,
    unit: Annotated[
        str, typer.Option(help="Of a detector's boxes: pixels of its input, or shares of it.")
    ] = "pixels",
    overlap: Annotated[
        float,
        typer.Option(min=0, max=1, help="Of two boxes of a label, above which the worse goes."),
    ] = 0.5,
    threshold: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="The least score of a box that is shown; 0.5 if omitted."),
    ] = None,
    photos: Annotated[
        Path | None,
        typer.Option(help="A folder of photos, to compress it to int8 or float16."),
    ] = None,
) -> None:
    """Pack an ONNX classifier or detector with a stated preprocessing, as a package like ours."""
    from stages.deploy.imported import imported
    from stages.deploy.onnx_network import read_network
    from stages.deploy.pack import write_whole
    from stages.deploy.stated_preprocessing import stated
    from stages.runtime.errors import ConfigError

    if os.path.lexists(out):
        raise ConfigError(f"{out} is there already.", "Name a folder that does not exist.")
    network = read_network(model, detector=boxes is not None)
    options = {
        "boxes": None if boxes is None else _boxes(boxes, unit, overlap, threshold),
        "labels": _labels(labels) if labels else None,
        "size": size,
        "mean": _numbers(mean, "--mean") if mean else None,
        "std": _numbers(std, "--std") if std else None,
        "fit": fit,
        "logits": logits,
    }
    paths = None if photos is None else _photo_paths(photos)
    pictures = None if paths is None else (path.read_bytes() for path in paths)
    result = imported(network, stated(network, options), _name(model), pictures)
    write_whole(out, result.files)
    print(f"Made {out}: {result.numeric}, {sum(map(len, result.files.values())) / 1e6:.2f} MB")
    if result.agreement is not None:
        same = _agreement(result.agreement, boxes is not None, result.compared)
        print(f"  {result.numeric} keeps {same}")
    if result.why:
        print(f"  {'not compressed' if result.numeric == 'float32' else 'not int8'}: {result.why}")
    print(f"Its accuracy is not known yet: aiwf evaluate {out} FOLDER_OF_LABELLED_PHOTOS")
    print(f"What it costs here, in every engine: aiwf bench {out}")


def _agreement(same: "Measure", boxes: bool, photos: int) -> str:
    what = f"of the boxes in {photos} photos" if boxes else f"of the best labels of {photos} photos"
    return f"{same.value:.1%} ({same.low:.1%} to {same.high:.1%}) {what}"


def _boxes(form: str, unit: str, overlap: float, threshold: float | None) -> "StatedBoxes":
    from typing import get_args, get_type_hints

    from stages.deploy.onnx_detector import StatedBoxes
    from stages.runtime.errors import ConfigError

    hints = get_type_hints(StatedBoxes)
    for option, name, value in (("--boxes", "form", form), ("--unit", "unit", unit)):
        if value not in get_args(hints[name]):
            raise ConfigError(
                f"{option}: '{value}' is none.", f"Write {' or '.join(get_args(hints[name]))}."
            )
    return StatedBoxes(form, unit, overlap, threshold)  # type: ignore[arg-type]


def _labels(path: Path) -> tuple[str, ...]:
    from stages.config.text_file import decoded
    from stages.runtime.errors import ConfigError

    try:
        lines = [line.strip() for line in decoded(path.read_bytes()).splitlines()]
    except OSError as error:
        raise ConfigError(
            f"--labels: cannot read {path}: {error.strerror}.",
            "Name a text file with one label on each line.",
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"--labels: cannot read {path}: {error}.", "Save it as UTF-8 text."
        ) from error
    return tuple(line for line in lines if line)


def _numbers(text: str, option: str) -> tuple[float, ...]:
    from stages.runtime.errors import ConfigError

    try:
        values = tuple(float(part) for part in text.split(","))
    except ValueError:
        values = ()
    if len(values) != 3:
        raise ConfigError(f"{option}: '{text}' is not three numbers.", "Write 0.485,0.456,0.406.")
    return values


def _name(model: Path) -> str:
    """The package's name: the file's, as small letters, digits and underscores."""
    name = "".join(c if c.isascii() and c.isalnum() else "_" for c in model.stem.lower())
    return name[:50] if name[:1].isalpha() else f"model_{name}"[:50]


def _photo_paths(folder: Path) -> list[Path]:
    """The photos in `folder` that compressing may use: in the order of their names, evenly from all
    of them, as they are often sorted by label. Raises ConfigError if there are none."""
    from stages.deploy.imported import MOST_CALIBRATION
    from stages.runtime.errors import ConfigError

    paths = [
        path
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in PHOTOS and path.is_file() and path.stat().st_size <= MOST_BYTES
    ]
    if not paths:
        raise ConfigError(
            f"--photos: there are no photos in {folder}.",
            f"Name a folder with files {', '.join(sorted(PHOTOS))}.",
        )
    count = min(2 * MOST_CALIBRATION, len(paths))
    return [paths[place * len(paths) // count] for place in range(count)]
