"""package.json is a schema: whatever else it says, sealed again, is refused in plain words, or the
answer is right; never a traceback, never a wait."""

import copy
import json
import signal

import pytest

from stages.deploy.packed import write_folder
from stages.runtime.errors import WorkflowError
from stages.runtime.predictor import Predictor
from stages.runtime.sealed import SEAL, seal
from stages.runtime.selftest import GOLDEN, selftest
from tests.runtime.networks import scene, tune
from tests.runtime.painting import plain, saved

PATIENCE = 60  # seconds; none takes one
DESCRIPTION = "package.json"
GONE = object()
NAN, INFINITE = float("nan"), float("inf")


def every(path, values, message):
    return [(path, value, message) for value in values]


# Each: where in package.json, what is written there, what the message has to name (None: it is no
# harm, and the answer is as before).
ANY = [
    *every("labels", [[], None, "red", 3, {}, ["red", "red", "blue"]], "labels"),
    *every("labels", [["red", "", "blue"], ["red", None, "blue"], [1, 2, 3]], "labels"),
    *every("labels", [["a" * 2000, "b", "c"], ["a\x1b[31m", "b", "c"]], "labels"),
    *every("labels", [GONE, [["red"], "b", "c"]], "labels"),
    *every("before", [GONE, None, [], {}, "decode", [None], [[]], ["softmax"]], "before"),
    *every("before", [[{}], [{"step": 3}], [{"step": ["x"]}], [{"name": "resize"}]], "before"),
    *every("before", [[{"step": "softmax", "args": {}}]], "softmax"),
    *every("before", [[{"step": "resise"}], [{"step": "__class__"}]], "No step is called"),
    *every("after", [GONE, None, {}, "softmax", [None], [{"args": {}}]], "after"),
    *every("after", [[{"step": "decode_picture"}]], "decode_picture"),
    *every("backend", [GONE, None, 1, [], ""], "backend"),
    *every("backend", ["tensorflow", "os:system"], "No backend"),
    *every("model", [GONE, None, 1, "", "../model.onnx", "/etc/passwd", "a/b", ".."], "model"),
    *every("model", ["other.onnx", "labels.txt\0", "SHA256SUMS"], r"model|other|SHA256SUMS"),
    *every("model", ["labels.txt"], "labels.txt"),
    *every("answers", [None, 1, [], ""], "answers"),
    *every("answers", ["label", "sums"], "No kind of answer"),
    *every("threshold", [NAN, INFINITE, -INFINITE], "NaN|Infinity"),
    *every("threshold", [-0.1, 1.1, "0.5", [], True, 1e300], "threshold"),
    *every("threshold", [None, 0, 1], None),
    *every("types", [GONE, None, "image/", [], [3]], "types"),
    *every("input_shape", [None, 3, [], [0], [-1], ["3"], [3.5], [True]], "input_shape"),
    *every("input_shape", [[10**9, 10**9], [100000, 100000]], "input_shape"),
    *every("name", [GONE, None, 1, "", "a\nb", {}], "name"),
    *every("task", [GONE, None, 7], "task"),
    *every("modality", [GONE, None, 7], "modality"),
    *every("noun", [GONE, None, 7], "noun"),
    *every("numeric", [GONE, None, 8], "numeric"),
    *every("format", [GONE, None, 8], "format"),
    *every("package_format", [0, -1, "1", 1.5, None, True], "package_format"),
    *every("package_format", [2, 99], "reads 1"),
    *every("requires", [[], "numpy", {"numpy": 1}, {"numpy": "new"}, {"numpy": ""}], "requires"),
    *every("requires", [{"numpy": "999"}], r"numpy .* needs 999"),
    *every("requires", [{"python": "9.9"}], r"python .* needs 9\.9"),
    *every("requires", [{"never-heard-of": "1.0"}, {}, GONE], None),
    *every("made_of", [[], "x", {"dataset": 3}], "made_of"),
    *every("unknown_field", [None, {"a": [1, 2]}, "x"], None),
    *every("unknown_field", [NAN, [[INFINITE]]], "NaN|Infinity"),
]
PICTURES = [
    *every("before/0/args/most_pixels", [0, -1, 10**12, "1", None], "most_pixels"),
    *every("before/0/args/facts", [{}, None], "facts"),
    *every("before/0/args", [None, [], "x", 3], "args"),
    *every("before/0/else", [1], "before"),
    *every("before/1/args/size", [40000, 0, -8, 8.0, "8", None, [], [8], [8, 8, 8]], "size"),
    *every("before/1/args/size", [[8, 40000], True, {"a": 1}, 10**30], "size"),
    *every("before/1/args", [{}], "size"),
    *every("before/1/args/fit", ["fill", "", None, 3], "fit"),
    *every("before/1/args/fill", [-1, 256, 1.5, None], "fill"),
    *every("before/1/args/sise", [8], "sise"),
    *every("before/2/args/mean", [NAN, [NAN, 0, 0], [INFINITE, 0, 0]], "NaN|Infinity"),
    *every("before/2/args/mean", [GONE, 0, [], [0, 0], [0, 0, 0, 0], ["0", 0, 0]], "mean"),
    *every("before/2/args/std", [[0, 1, 1], [-1, 1, 1], [1e-300, 1, 1], None, [1]], "std"),
    *every("before/3/args/axis", [1], "axis"),
    *every("before/1", [{"step": "decode_picture"}], "decode_picture"),
    *every("before/3", [{"step": "normalise", "args": {"mean": [0] * 3, "std": [1] * 3}}], "norm"),
    *every("before/3", [{"step": "softmax"}], "softmax"),
]
COLOURS = [
    *ANY,
    *PICTURES,
    *every("labels", [["red"], ["red", "green"], ["a", "b", "c", "d"]], "labels"),
    *every("answers", ["boxes"], "boxes"),
    *every("after/0/args/axis", [0], "axis"),
    *every("after", [[{"step": "softmax"}] * 2], "softmax"),
    *every("after", [[{"step": "reject"}]], "other|packed"),
]
SPOTS = [
    *PICTURES[:8],
    *every("threshold", [None, GONE, 0.5], None),
    *every("labels", [["one"], ["a", "b", "c"]], "label|network answers|steps give"),
    *every("answers", ["labels", GONE], "boxes|candidates"),
    *every("after/0/args/size", [40000, 0, None, "64", 2048, [64, 32]], "size|network answers"),
    *every("after/0/args/strides", [[], [0], 16, None, [-16], [16] * 99, ["16"]], "strides"),
    *every("after/0/args/strides", [[8], [16, 32], [1]], "network answers"),
    *every("after/0/args/bins", [0, -1, 10**9, None, 1.5], "bins"),
    *every("after/0/args/bins", [2, 64], "network answers"),
    *every("after/1/args/overlap", [-1, 2, None, "0.5"], "overlap"),
    *every("after/1/args/overlap", [NAN], "NaN"),
    *every("after/1/args/least", [-1, 2, None], "least"),
    *every("after/1/args/most", [0, -1, 10**9, 1.5], "most"),
    *every("after/1", [{"step": "to_pixels"}], "to_pixels"),
    *every("after/2", [GONE], "boxes"),
    *every("after", [[{"step": "softmax"}]], "scores"),
]
TONES = [
    *every("before/0/args/rate", [0, 10**9, -1, "8000", None, 8000.0, GONE], "rate"),
    *every("before/0/args/most_seconds", [0, -1, 10**9, "x"], "most_seconds"),
    *every("before/1/args/window", [0, 1, -1, 10**9, None], "window"),
    *every("before/1/args/hop", [0, -1, 10**9, 1, 2.5], "hop"),
    *every("before/1/args/fft", [1, 100, 10**9, "x"], "fft"),
    *every("before/1/args/bands", [0, 10**9, None], "bands"),
    *every("before/1/args/bands", [8], "cannot run"),
    *every("before/1/args/low", [-1, 4000, 9000, None, "0"], "low|Hz"),
    *every("before/1/args/high", [0, 10**9, 4001], "high|Hz"),
    *every("before/1/args/power", [0, -1, 99, "2"], "power"),
    *every("before/1/args/scale", ["mel", 3], "scale"),
    *every("before/1/args/norm", ["yes", 1], "norm"),
    *every("before/1/args/log", ["log2", None], "log"),
    *every("before/1/args/floor", [0, -1], "floor"),
    *every("before/1/args/floor", [NAN], "NaN"),
    *every("before/2/args/frames", [0, -1, 10**9, 50.0, None, GONE], "frames"),
    *every("before/2/args/overlap", [1, -0.5, 2, None, "0"], "overlap"),
    *every("before/2/args/hop_seconds", [0, -1, 1e9], "hop_seconds"),
    *every("before/2/args/silence", ["x", [], None, ["a"]], "silence"),
    *every("before/2/args/silence", [[0.0] * 3], "silence"),
    *every("before/2", [{"step": "as_picture", "args": {}}], "as_picture"),
    *every("before/2", [GONE], "spectrogram"),
    *every("after/0", [GONE], "scores|network answers|selftest|steps|None"),
]


def changed(description, path, value):
    """`description` with `value` at `path`."""
    found = copy.deepcopy(description)
    *way, last = [int(part) if part.isdigit() else part for part in path.split("/")]
    place = found
    for part in way:
        place = place[part]
    if value is GONE:
        place.pop(last, None) if isinstance(place, dict) else place.pop(last)
    else:
        place[last] = value
    return json.dumps(found).encode()


def resealed(files, name, data, folder):
    whole = {**files, name: data}
    write_folder(folder, {**whole, SEAL: seal({k: v for k, v in whole.items() if k != SEAL})})
    return folder


@pytest.fixture(autouse=True)
def not_for_ever():
    def over(*_):
        raise TimeoutError(f"This took more than {PATIENCE} seconds.")

    before = signal.signal(signal.SIGALRM, over)
    signal.alarm(PATIENCE)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def answer_of(folder, sample):
    with Predictor.open(folder) as predictor:
        answer = predictor.predict(sample)
    selftest(folder)
    return answer


def check(files, variant, sample, folder):
    path, value, message = variant
    expected = answer_of(resealed(files, "note.txt", b"", folder / "whole"), sample)
    data = changed(json.loads(files[DESCRIPTION]), path, value)
    package = resealed(files, DESCRIPTION, data, folder / "changed")

    if message is None:
        assert answer_of(package, sample) == expected
        return
    with pytest.raises(WorkflowError, match=message) as caught:
        answer_of(package, sample)
    assert caught.value.remedy
    assert "\n" not in caught.value.problem
    assert len(caught.value.problem) < 500


def names(variants):
    shown = ["GONE" if value is GONE else str(value)[:30] for _, value, _ in variants]
    return [f"{path}={text!r}" for (path, _, _), text in zip(variants, shown, strict=True)]


@pytest.mark.parametrize("variant", COLOURS, ids=names(COLOURS))
def test_labels_of_pictures(sealed_files, variant, tmp_path):
    check(sealed_files, variant, saved(plain((0, 0, 255))), tmp_path)


@pytest.mark.parametrize("variant", SPOTS, ids=names(SPOTS))
def test_boxes(spots_files, variant, tmp_path):
    check(spots_files, variant, scene(("red", (0, 0, 16, 16))), tmp_path)


@pytest.mark.parametrize("variant", TONES, ids=names(TONES))
def test_labels_of_sounds(tones_files, variant, tmp_path):
    check(tones_files, variant, tune(500), tmp_path)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "no JSON"),
        (b"\xff\xfe{}", "no JSON"),
        (b"{", "no JSON"),
        (b"[" * 100_000, "nested too deeply"),
        (b"[]", "has to be an object"),
        (b"null", "has to be an object"),
        (b"NaN", "NaN is not a number"),
        (b'{"labels": [1e999]}', "not a finite number"),
        (b'{"labels": ' + b"9" * 5000 + b"}", "no JSON"),
        (b'{"labels": ["a"], "labels": ["b"]}', '"labels" stands twice'),
        (b'{"labels": "\\ud800"}', "labels|package.json"),
    ],
    ids=range(11),
)
@pytest.mark.parametrize("name", [DESCRIPTION, GOLDEN])
def test_what_is_no_json(sealed_files, name, data, message, tmp_path):
    package = resealed(sealed_files, name, data, tmp_path / "package")

    with pytest.raises(WorkflowError, match=message if name == DESCRIPTION else name) as caught:
        answer_of(package, saved(plain()))

    assert name in caught.value.problem


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        *every("tolerance", [GONE, None, NAN, -1, 2, "x"], "tolerance|NaN"),
        *every("cases", [GONE, None, [], {}, [None], [[]], [{}]], "case"),
        *every("cases/0/file", [GONE, None, 3, "", "../../etc/passwd", "/etc/passwd"], "file"),
        *every("cases/0/file", ["not there", "golden", "labels.txt"], "not there|golden|picture"),
        *every("cases/0/expected", [GONE], "expected"),
        *every("cases/0/expected", [None, [], {}, "x", [1], [[1], 2], 1, ["a"]], "golden"),
    ],
)
def test_golden_samples_that_are_none(sealed_files, path, value, message, tmp_path):
    data = changed(json.loads(sealed_files[GOLDEN]), path, value)
    package = resealed(sealed_files, GOLDEN, data, tmp_path / "package")

    with pytest.raises(WorkflowError, match=message):
        selftest(package)
