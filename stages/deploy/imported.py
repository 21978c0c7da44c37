"""Packs a classifier or a detector of pictures that was trained elsewhere: an ONNX file with a
stated preprocessing becomes a device_sdk package, which is evaluated, benchmarked and served like
ours."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from math import prod
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.artifacts import Measure
from stages.deploy.compressors import CannotCompress
from stages.deploy.compressors.int8 import Int8BeforeBoxes
from stages.deploy.content import Content, libraries_of, requires, spelled
from stages.deploy.engines import Engine, Network
from stages.deploy.imported_agreement import same_answers, why_not
from stages.deploy.imported_processors import float_statements, imported_statements
from stages.deploy.instruction_sets import Statement, failures, verified
from stages.deploy.model_info import with_model_info
from stages.deploy.onnx_detector import with_corners
from stages.deploy.packed import write_folder
from stages.deploy.stated_preprocessing import NEEDED, StatedPreprocessing
from stages.deploy.targets import texts
from stages.deploy.targets.device_sdk import DeviceSdk
from stages.parts import ENGINES, MODALITIES, TASKS
from stages.runtime import steps
from stages.runtime.backends import BACKENDS
from stages.runtime.description import FORMAT, check_description
from stages.runtime.errors import BadSample, ConfigError, Damaged, InfrastructureError
from stages.runtime.predictor import Predictor
from stages.runtime.sealed import SEAL, seal
from stages.runtime.selftest import GOLDEN, expected
from stages.runtime.steps import PreparedSample
from stages.runtime.verified import FILE as INSTRUCTION_SETS

TASK, DETECTION = "image_classification", "object_detection"
ENGINE = "onnxruntime"
MOST_CALIBRATION = 64  # photos; as many more are compared
MOST_WINDOW_BYTES = 1_000_000_000  # of all preprocessed photos together
NUMERICS = ("int8", "float16")  # number formats that are tried, in this order
TOLERANCES = {"float32": 1e-3, "float16": 1e-3, "int8": 0.1}
SUPPRESSED = {"least": 0.02, "most": 300}  # arguments of the step suppress


@dataclass(frozen=True)
class Imported:
    """A finished package. `agreement`: the share of its answers to the `compared` photos that are
    those of the network before compressing, of best labels or of boxes; None if it ships in
    float32. `why`: what speaks against the number formats that were tried and do not ship."""

    files: Mapping[str, bytes]
    numeric: str
    agreement: Measure | None = None
    compared: int = 0
    why: str = ""


def imported(
    model: Any,
    preprocessing: StatedPreprocessing,
    name: str,
    photos: Iterable[bytes] | None = None,
) -> Imported:
    """The device_sdk package `name` of `model`. With `photos` it is compressed to int8, calibrated
    on half of them, and that ships if enough of the answers to the others stay and it is verified
    for every instruction set; if not, float16 likewise. The package is verified by its own
    selftest.

    Raises ConfigError if the network does not answer batches, or a detector no boxes as stated;
    AgreementNotMet if the selftest fails."""
    if preprocessing.boxes is not None:
        model = _with_corners(model, preprocessing)
    network: Network = {ENGINES[ENGINE].files[0]: model.SerializeToString(deterministic=True)}
    whole = _content(network, preprocessing, name, "float32")
    _check_batches(whole)
    if photos is None:
        return Imported(_packed(whole), "float32")
    return _smallest(whole, preprocessing, _prepared(whole, photos))


def _smallest(
    whole: Content, preprocessing: StatedPreprocessing, samples: Sequence[PreparedSample]
) -> Imported:
    """The package in the first of NUMERICS in which enough of the answers of `whole` stay, or in
    float32. Half of `samples` calibrate, and the others are compared."""
    calibration, compared = samples[::2], samples[1::2]
    if not compared:
        return Imported(_packed(whole), "float32", why="fewer than two photos can be read")
    windows, reasons = np.concatenate([sample.windows for sample in calibration]), list[str]()
    for numeric in NUMERICS:
        try:
            network = _compressed(whole, numeric, windows)
        except CannotCompress as error:
            reasons.append(f"{numeric}: {error.problem}")
            continue
        small = _content(network, preprocessing, whole.name, numeric)
        same = same_answers(whole, small, compared)
        if why := why_not(numeric, same, whole.description["answers"]):
            reasons.append(why)
            continue
        found = _statements(small, same, compared)
        if missing := failures(found):
            reasons.append(f"{numeric} is {'; '.join(missing)}")
            continue
        return Imported(_packed(small, found), numeric, same, len(compared), "; ".join(reasons))
    return Imported(_packed(whole), "float32", None, len(compared), "; ".join(reasons))


def _content(
    network: Network, preprocessing: StatedPreprocessing, name: str, numeric: str
) -> Content:
    engine: Engine = ENGINES[ENGINE]
    task = TASKS[TASK if preprocessing.boxes is None else DETECTION]
    modality = MODALITIES[task.modality]
    sides = list(preprocessing.sides)
    scaling = {"mean": list(preprocessing.mean), "std": list(preprocessing.std)}
    description: dict[str, Any] = {
        "package_format": FORMAT,
        "name": name,
        "task": task.name,
        "modality": task.modality,
        "answers": task.answers,
        "draws": preprocessing.boxes is not None,
        "noun": modality.noun,
        "types": list(modality.types),
        "labels": list(preprocessing.labels),
        "before": [
            {"step": "decode_picture", "args": {}},
            {"step": "resize", "args": {"size": _size(preprocessing), "fit": preprocessing.fit}},
            {"step": "normalise", "args": scaling},
            {"step": "to_channels_first", "args": {}},
        ],
        "after": _after(preprocessing),
        "backend": engine.backend,
        "format": engine.format,
        "model": engine.files[0],
        "numeric": numeric,
        "input_shape": [3, *sides],
        "made_of": {},
    }
    if preprocessing.boxes is not None:
        description["threshold"] = preprocessing.boxes.threshold
    description["requires"] = requires(libraries_of(description))
    try:
        check_description(description, "This network cannot be packed")
    except (ConfigError, Damaged) as error:  # its remedies are for packages
        raise ConfigError(
            error.problem, f"Correct what was stated, or what the file itself says: {NEEDED}."
        ) from error
    files = {engine.files[0]: with_model_info(network[engine.files[0]], description)}
    return Content(name, description, files, modality().golden())


def _size(preprocessing: StatedPreprocessing) -> int | list[int]:
    size = preprocessing.size
    return size if isinstance(size, int) else list(size)


def _after(preprocessing: StatedPreprocessing) -> list[dict[str, Any]]:
    """The steps behind the network."""
    boxes = preprocessing.boxes
    if boxes is None:
        return [{"step": "softmax", "args": {}}] if preprocessing.logits else []
    decoding = {"size": _size(preprocessing), "fit": preprocessing.fit}
    return [
        {"step": "decode_corners", "args": decoding},
        {"step": "suppress", "args": {"overlap": boxes.overlap, **SUPPRESSED}},
        {"step": "to_pixels", "args": {}},
    ]


def _with_corners(model: Any, preprocessing: StatedPreprocessing) -> Any:
    """The detector `model` with scores and corners as outputs. Raises what `with_corners` does."""
    assert preprocessing.boxes is not None  # noqa: S101
    data = model.SerializeToString(deterministic=True)
    [outputs] = _outputs({ENGINES[ENGINE].files[0]: data}, [_noise(preprocessing.sides)])
    about = (len(preprocessing.labels), preprocessing.boxes, preprocessing.sides)
    return with_corners(model, outputs, *about, preprocessing.logits)


def _check_batches(content: Content) -> None:
    """Raise ConfigError unless the network answers two windows as it answers each alone."""
    windows = _noise(content.description["input_shape"][1:])
    pair, *alone = _outputs(content.network, [windows, windows[:1], windows[1:]])
    labels, boxes = len(content.description["labels"]), content.description["answers"] == "boxes"
    for name, values in pair.items():
        single = np.concatenate([answer[name] for answer in alone])
        shape = values.shape if boxes else (2, labels)
        near = 1e-3 * max(1.0, float(np.abs(values).max())) if boxes else 1e-3  # edges in pixels
        if values.shape != shape or not np.allclose(values, single, atol=near, rtol=1e-3):
            raise ConfigError(
                f"The network answers {values.shape} for two pictures, (2, {labels}) are expected, "
                "each as if it were alone.",
                "Export it with a batch of any size, and name as many labels as it answers.",
            )


def _noise(sides: Sequence[int]) -> NDArray[np.float32]:
    """Two windows of noise."""
    return np.random.default_rng(0).standard_normal((2, 3, *sides)).astype(np.float32)


def _prepared(content: Content, photos: Iterable[bytes]) -> list[PreparedSample]:
    """The preprocessed photos that can be read, as many as memory allows."""
    size = 4 * prod(content.description["input_shape"])
    found = []
    for photo in islice(photos, min(2 * MOST_CALIBRATION, MOST_WINDOW_BYTES // size)):
        try:
            found.append(steps.prepared(content.description["before"], photo))
        except BadSample:
            continue
    return found


def _compressed(content: Content, numeric: str, calibration: NDArray[np.float32]) -> Network:
    """The network of `content` in `numeric`. Raises CannotCompress."""
    engine: Engine = ENGINES[ENGINE]
    if content.description["answers"] == "labels" or numeric != "int8":
        return engine.compress(content.network, numeric, [calibration])
    with TemporaryDirectory() as name:
        graph = engine.place(content.network, Path(name))
        return engine.written(lambda path: Int8BeforeBoxes().compress(graph, [calibration], path))


def _statements(
    small: Content, same: Measure, samples: Sequence[PreparedSample]
) -> list[Statement]:
    """How `small` was verified for each instruction set; it keeps `same` of the answers."""
    return imported_statements(
        ENGINES[ENGINE], small, same, samples, lambda on: same_answers(small, small, samples, on)
    )


def _outputs(
    network: Network, batches: Sequence[NDArray[np.float32]]
) -> list[dict[str, NDArray[np.float32]]]:
    """What the float32 `network` answers to each of `batches`, by the names of its outputs.

    Raises ConfigError if it cannot be run on them."""
    engine: Engine = ENGINES[ENGINE]
    with TemporaryDirectory() as folder:
        try:
            backend = BACKENDS[engine.backend](engine.place(network, Path(folder)), 1, "float32")
            return [dict(backend.run({backend.inputs[0]: batch})) for batch in batches]
        except InfrastructureError as error:
            raise ConfigError(
                f"The network cannot be run on pictures of {batches[0].shape}: {error.problem}",
                "State the size that it was exported for, and export it with a batch of any size "
                "and operators of ONNX alone.",
            ) from error


def _packed(content: Content, found: Sequence[Statement] = ()) -> dict[str, bytes]:
    """All files of the package, verified; `found`: how for each instruction set, if not by sums in
    floating point. Raises AgreementNotMet if its selftest fails."""
    target, numeric = DeviceSdk(), content.description["numeric"]
    files = target.files(content)
    found = found or float_statements(ENGINES[ENGINE], numeric)
    files[INSTRUCTION_SETS] = spelled(verified(numeric, found))
    files["README.md"] += texts.processors(found).encode()
    with TemporaryDirectory() as name:
        folder = Path(name)
        write_folder(folder, {**files, SEAL: seal(files)})
        tolerance = TOLERANCES[numeric]
        with Predictor.open(folder) as predictor:
            files[GOLDEN] = spelled(expected(predictor, content.golden, tolerance))
        files[SEAL] = seal(files)
        write_folder(folder, files)
        target.verify(folder, content)
    return files
