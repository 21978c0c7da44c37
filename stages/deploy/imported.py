"""Packs a classifier of pictures that was trained elsewhere: an ONNX file with a stated
preprocessing becomes a device_sdk package, which is evaluated, benchmarked and served like ours.

The preprocessing is stated by options, or in the file itself under the names of OpenVINO's Model
API (model_info.py). Nothing is guessed: a wrong mean changes answers without an error."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from math import prod
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.deploy.compressors import CannotCompress
from stages.deploy.content import Content, libraries_of, requires, spelled
from stages.deploy.engines import Engine
from stages.deploy.model_info import LEVELS, PREFIX, RESIZE_TYPES, with_model_info
from stages.deploy.onnx_classifier import pictures_of, sides_of
from stages.deploy.packed import write_folder
from stages.deploy.targets.device_sdk import DeviceSdk
from stages.metrics import proportion
from stages.parts import ENGINES, MODALITIES, TASKS
from stages.runtime import steps
from stages.runtime.backends import BACKENDS
from stages.runtime.description import FORMAT, check_description
from stages.runtime.errors import BadSample, ConfigError, Damaged, InfrastructureError
from stages.runtime.predictor import Predictor
from stages.runtime.sealed import SEAL, seal
from stages.runtime.selftest import GOLDEN, expected

TASK = "image_classification"
ENGINE = "onnxruntime"
MOST_CALIBRATION = 64  # photos; as many more are compared
MOST_WINDOW_BYTES = 1_000_000_000  # of all preprocessed photos together
LEAST_AGREEMENT = 0.97  # share of the compared photos whose best label int8 has to keep
LEAST_SURE = (
    0.9  # the lower end of that share's interval has to reach it: 35 photos, if all keep it
)
LARGEST = {"mean": 1.0, "std": 10.0}  # of pixels of 0..1
TOLERANCES = {"float32": 1e-3, "int8": 0.1}
NEEDED = "--labels FILE --size N --mean R,G,B --std R,G,B and --logits or --scores"


@dataclass(frozen=True)
class StatedPreprocessing:
    """What the network expects, and what it answers. `size`: the side of its pictures, or height
    and width. `fit`: as of the step resize. `mean` and `std`: of red, green, blue, for pixels of
    0..1. `logits`: whether its outputs are to be turned into scores by a softmax."""

    labels: tuple[str, ...]
    size: int | tuple[int, int]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    logits: bool
    fit: str = "stretch"


@dataclass(frozen=True)
class Imported:
    """A finished package. `agreement`: the share of `compared` photos whose best label is that of
    the network before compressing; None if nothing was compared."""

    files: Mapping[str, bytes]
    numeric: str
    agreement: float | None = None
    compared: int = 0
    why: str = ""


def stated(model: Any, options: Mapping[str, Any]) -> StatedPreprocessing:
    """The preprocessing of `model`: `options`, by the fields' names (None: not stated), before what
    its file says.

    Raises ConfigError, naming it, if something is stated nowhere."""
    found = {
        **_in_file(model),
        **{key: value for key, value in options.items() if value is not None},
    }
    height, width = sides_of(pictures_of(model)[0])[2:]
    if height and width:
        found.setdefault("size", height if height == width else (height, width))
    missing = [key for key in ("labels", "size", "mean", "std", "logits") if key not in found]
    if missing:
        raise ConfigError(
            f"Nothing states the {', '.join(missing)} of this network.",
            f"Give {NEEDED}, as its publisher documents them.",
        )
    (_, count) = sides_of(model.graph.output[0])
    if count and count != len(found["labels"]):
        raise ConfigError(
            f"The network answers {count} labels, and {len(found['labels'])} are named.",
            "Give a file with one label on each line, in the network's order.",
        )
    _check_stated(found)
    return StatedPreprocessing(**found)


def _check_stated(found: Mapping[str, Any]) -> None:
    """Raise ConfigError for labels that are equal, and for a mean or deviation that can only be of
    pixels of 0..255."""
    twice = [label for label, count in Counter(found["labels"]).items() if count > 1]
    if twice:
        raise ConfigError(
            f"The label '{twice[0][:80]}' is named {found['labels'].count(twice[0])} times.",
            "Give each label a name of its own, in the network's order.",
        )
    for key, most in LARGEST.items():
        if not all(abs(value) <= most for value in found[key]):
            raise ConfigError(
                f"{key}: {', '.join(f'{value:g}' for value in found[key])} cannot be of pixels "
                f"of 0..1: {most:g} is the largest.",
                f"Divide what is documented for pixels of 0..{LEVELS} by {LEVELS}.",
            )


def imported(
    model: Any,
    preprocessing: StatedPreprocessing,
    name: str,
    photos: Iterable[bytes] | None = None,
) -> Imported:
    """The device_sdk package `name` of `model`. With `photos` it is compressed to int8, calibrated
    on half of them, and that ships if the best label of enough of the others stays. The package is
    verified by its own selftest.

    Raises ConfigError if the network does not answer batches, AgreementNotMet if the selftest
    fails."""
    whole = _content(model.SerializeToString(deterministic=True), preprocessing, name, "float32")
    _check_batches(whole)
    if photos is None:
        return Imported(_packed(whole), "float32")
    windows = _windows(whole, photos)
    calibration, compared = windows[::2], windows[1::2]
    if not len(compared):
        return Imported(_packed(whole), "float32", why="fewer than two photos can be read")
    engine: Engine = ENGINES[ENGINE]
    try:
        network = engine.compress(whole.network, "int8", [calibration])
    except CannotCompress as error:
        return Imported(_packed(whole), "float32", why=error.problem)
    small = _content(network[engine.files[0]], preprocessing, name, "int8")
    same = _best(small, compared) == _best(whole, compared)
    agreement = float(np.mean(same))
    if why := why_not_int8(int(same.sum()), len(same)):
        return Imported(_packed(whole), "float32", agreement, len(compared), why)
    return Imported(_packed(small), "int8", agreement, len(compared))


def why_not_int8(same: int, compared: int) -> str:
    """Why int8 is not shipped if it keeps the best label of `same` of the `compared` photos; "" if
    it is. Few photos decide nothing, however many of them agree."""
    share = proportion(same, compared)
    if share.value < LEAST_AGREEMENT:
        return f"int8 keeps the best label of {share.value:.1%}, {LEAST_AGREEMENT:.0%} are needed"
    if share.low < LEAST_SURE:
        return (
            f"undecided: int8 keeps the best label of {same} of {compared} photos, which shows "
            f"that it keeps {share.low:.1%} at least, and {LEAST_SURE:.0%} are needed: give more"
        )
    return ""


def _content(
    network: bytes, preprocessing: StatedPreprocessing, name: str, numeric: str
) -> Content:
    engine: Engine = ENGINES[ENGINE]
    task, size = TASKS[TASK], preprocessing.size
    modality = MODALITIES[task.modality]
    resize = {"size": size if isinstance(size, int) else list(size), "fit": preprocessing.fit}
    scaling = {"mean": list(preprocessing.mean), "std": list(preprocessing.std)}
    sides = [size, size] if isinstance(size, int) else list(size)
    description: dict[str, Any] = {
        "package_format": FORMAT,
        "name": name,
        "task": TASK,
        "modality": task.modality,
        "answers": task.answers,
        "noun": modality.noun,
        "types": list(modality.types),
        "labels": list(preprocessing.labels),
        "before": [
            {"step": "decode_picture", "args": {}},
            {"step": "resize", "args": resize},
            {"step": "normalise", "args": scaling},
            {"step": "to_channels_first", "args": {}},
        ],
        "after": [{"step": "softmax", "args": {}}] if preprocessing.logits else [],
        "backend": engine.backend,
        "format": engine.format,
        "model": engine.files[0],
        "numeric": numeric,
        "input_shape": [3, *sides],
        "made_of": {},
    }
    description["requires"] = requires(libraries_of(description))
    try:
        check_description(description, "This network cannot be packed")
    except (ConfigError, Damaged) as error:  # its remedies are for packages
        raise ConfigError(
            error.problem, f"Correct what was stated, or what the file itself says: {NEEDED}."
        ) from error
    files = {engine.files[0]: with_model_info(network, description)}
    return Content(name, description, files, modality().golden())


def _check_batches(content: Content) -> None:
    """Raise ConfigError unless the network answers two windows as it answers each alone."""
    shape = (2, *content.description["input_shape"])
    windows = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    pair, alone = _outputs(content, [windows]), _outputs(content, [windows[:1], windows[1:]])
    labels = len(content.description["labels"])
    if pair.shape != (2, labels) or not np.allclose(pair, alone, atol=1e-3, rtol=1e-3):
        raise ConfigError(
            f"The network answers {pair.shape} for two pictures, (2, {labels}) are expected, "
            "each as if it were alone.",
            "Export it with a batch of any size, and name as many labels as it answers.",
        )


def _windows(content: Content, photos: Iterable[bytes]) -> NDArray[np.float32]:
    """The preprocessed photos that can be read, as many as memory allows, [n, 3, height, width]."""
    shape = content.description["input_shape"]
    most = min(2 * MOST_CALIBRATION, MOST_WINDOW_BYTES // (4 * prod(shape)))
    found = [np.zeros((0, *shape), np.float32)]
    for photo in islice(photos, most):
        try:
            found.append(steps.prepared(content.description["before"], photo).windows)
        except BadSample:
            continue
    return np.concatenate(found).astype(np.float32)


def _best(content: Content, windows: NDArray[np.float32]) -> NDArray[np.int64]:
    """The best label of each of `windows`, which are answered one at a time."""
    outputs = _outputs(content, [windows[place : place + 1] for place in range(len(windows))])
    best: NDArray[np.int64] = outputs.argmax(axis=1)
    return best


def _outputs(content: Content, batches: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    with TemporaryDirectory() as folder:
        write_folder(Path(folder), content.network)
        model = Path(folder) / content.description["model"]
        try:
            backend = BACKENDS[content.backend](model, 1, content.description["numeric"])
            answers = [backend.run({backend.inputs[0]: batch}) for batch in batches]
        except InfrastructureError as error:
            raise ConfigError(
                f"The network cannot be run on pictures of {batches[0].shape}: {error.problem}",
                "State the size that it was exported for, and export it with a batch of any size "
                "and operators of ONNX alone.",
            ) from error
    return np.concatenate([answer[backend.outputs[0]] for answer in answers])


def _packed(content: Content) -> dict[str, bytes]:
    """All files of the package, verified. Raises AgreementNotMet if its selftest fails."""
    target = DeviceSdk()
    files = target.files(content)
    with TemporaryDirectory() as name:
        folder = Path(name)
        write_folder(folder, {**files, SEAL: seal(files)})
        tolerance = TOLERANCES[content.description["numeric"]]
        with Predictor.open(folder) as predictor:
            files[GOLDEN] = spelled(expected(predictor, content.golden, tolerance))
        files[SEAL] = seal(files)
        write_folder(folder, files)
        target.verify(folder, content)
    return files


def _in_file(model: Any) -> dict[str, Any]:
    """What the entries of the file state, by the names of StatedPreprocessing.

    Raises ConfigError for an entry that cannot be, or that no step does."""
    entries = {entry.key.removeprefix(f"{PREFIX} "): entry.value for entry in model.metadata_props}
    found: dict[str, Any] = {}
    if entries.get("reverse_input_channels", "False").lower() in ("true", "yes", "1"):
        raise ConfigError(
            "The network takes pictures as blue, green, red, and no step reorders them.",
            "Export it for red, green, blue.",
        )
    if "labels" in entries:
        found["labels"] = tuple(entries["labels"].split())
    try:
        for key, entry in {"mean": "mean_values", "std": "scale_values"}.items():
            if entry in entries:
                found[key] = tuple(float(text) / LEVELS for text in entries[entry].split())
    except ValueError as error:
        raise ConfigError(
            f"The file's {PREFIX} has no numbers: {error}.", f"Give {NEEDED}."
        ) from None
    fits = {name: fit for fit, name in RESIZE_TYPES.items()}
    if entries.get("resize_type") in fits:
        found["fit"] = fits[entries["resize_type"]]
    if "output_raw_scores" in entries:
        found["logits"] = entries["output_raw_scores"].lower() in ("true", "yes", "1")
    return found
