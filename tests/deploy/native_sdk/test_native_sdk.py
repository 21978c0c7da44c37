"""The C library answers as the package's own Python does."""

from dataclasses import replace

import pytest

from stages.artifacts import Step
from stages.deploy.pack import unpack
from stages.runtime.predictor import Predictor
from tests.deploy import cells_network
from tests.deploy.conftest import _evaluated
from tests.deploy.native_sdk import samples
from tests.deploy.native_sdk.building import WARNINGS, arm64, built, needs_tools

pytestmark = [pytest.mark.slow, needs_tools]
CLOSE = 1e-3  # of a score in float32
PIXELS = 0.5  # of an edge of a box


@pytest.fixture(scope="session")
def program():
    return built(WARNINGS)


def opened(deployable, folder, **config):
    package = deployable.deploy(**config)
    return unpack(package, deployable.store, folder / "package")


def compared(folder, files, found):
    """Python's answers to `files` beside those that were `found`; their scores have to be close."""
    with Predictor.open(folder) as predictor:
        expected = [predictor.predict(path.read_bytes(), top=0) for path in files]
    for path, answer, other in zip(files, expected, found, strict=True):
        assert furthest(answer, other) <= CLOSE, path.name
    return list(zip(expected, found, strict=True))


def furthest(expected, found):
    """The largest difference of the scores of two answers with all labels."""
    scores = {entry["label"]: entry["score"] for entry in found["labels"]}
    assert expected["labels"][0]["label"] == found["labels"][0]["label"]
    assert len(scores) == len(expected["labels"])
    return max(abs(entry["score"] - scores[entry["label"]]) for entry in expected["labels"])


def test_pictures_of_every_kind_are_answered_as_by_python(deployable, program, tmp_path):
    folder = opened(deployable, tmp_path, ladder=("float32",))
    photos = list(samples.photos(tmp_path))

    for expected, answer in compared(folder, photos, program.answers(folder, photos)):
        assert answer["sure"] == expected["sure"]


def test_a_picture_and_its_mirror_image_are_answered_as_by_python(deployable, program, tmp_path):
    model = deployable.model.model_copy(
        update={
            "before": (*deployable.model.before, Step(step="mirrored")),
            "after": (Step(step="mean_of_windows"), *deployable.model.after),
        }
    )
    deployable.store.save(model)
    both = _evaluated(deployable.store, model, deployable.dataset)
    folder = opened(both, tmp_path, ladder=("float32",))
    photos = list(samples.photos(tmp_path))

    for _, answer in compared(folder, photos, program.answers(folder, photos)):
        assert "windows" not in answer
    assert program.run("--selftest", folder).returncode == 0


def test_sounds_and_their_windows_are_answered_as_by_python(hearing, program, tmp_path):
    folder = opened(hearing, tmp_path, ladder=("float32",))
    sounds = list(samples.sounds(tmp_path))

    for expected, answer in compared(folder, sounds, program.answers(folder, sounds)):
        spans = [(window["start"], window["end"]) for window in expected["windows"]]
        assert [(span["start"], span["end"]) for span in answer["windows"]] == spans


def test_boxes_are_found_as_by_python(detecting, program, tmp_path):
    folder = opened(detecting, tmp_path, ladder=("float32",))
    photos = list(samples.photos(tmp_path))
    scenes = sorted((folder / "golden").glob("*.[jp][pn]g"))
    found = program.answers(folder, [*photos, *scenes])

    with Predictor.open(folder) as predictor:
        assert sum(len(answer["boxes"]) for answer in found) > 0
        for path, answer in zip([*photos, *scenes], found, strict=True):
            expected = predictor.predict(path.read_bytes())
            assert len(answer["boxes"]) == len(expected["boxes"]), path.name
            for box, other in zip(expected["boxes"], answer["boxes"], strict=True):
                assert box["label"] == other["label"]
                assert box["score"] == pytest.approx(other["score"], abs=CLOSE)
                assert box["box"] == pytest.approx(other["box"], abs=PIXELS)


@pytest.mark.parametrize(
    ("fit", "cell"), [("stretch", 16), ("stretch", 4), ("letterbox", 16), ("letterbox", 4)]
)
def test_boxes_that_an_imported_network_places_are_found_as_by_python(fit, cell, program, tmp_path):
    model = cells_network.detector("rows last", cell)
    boxes = replace(cells_network.CENTRES, threshold=0.1)
    folder = cells_network.packed(model, tmp_path / "package", boxes, fit=fit)
    for width, height in ((64, 64), (131, 64), (64, 205)):
        (tmp_path / f"{width}.png").write_bytes(cells_network.photo(width, height))
    photos = sorted(tmp_path.glob("*.png"))

    found = program.answers(folder, photos)

    assert program.run("--selftest", folder).returncode == 0
    with Predictor.open(folder) as predictor:
        for path, answer in zip(photos, found, strict=True):
            expected = predictor.predict(path.read_bytes())["boxes"]
            assert [box["label"] for box in answer["boxes"]] == [box["label"] for box in expected]
            for box, other in zip(expected, answer["boxes"], strict=True):
                assert box["score"] == pytest.approx(other["score"], abs=CLOSE)
                assert box["box"] == pytest.approx(other["box"], abs=0.01)


@pytest.mark.parametrize("kind", ["deployable", "hearing", "detecting"])
def test_selftest_passes_and_refuses_a_changed_package(kind, program, request, tmp_path):
    folder = opened(request.getfixturevalue(kind), tmp_path, ladder=("float32",))
    done = program.run("--selftest", folder)
    assert done.returncode == 0, done.stderr
    assert "golden samples keep their answer" in done.stdout

    damaged = folder / "labels.txt"
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"x")
    done = program.run("--selftest", folder)
    assert done.returncode == 3
    assert "labels.txt in the package is not what was packed" in done.stderr


@pytest.mark.parametrize("kind", ["deployable", "hearing"])
def test_an_emulated_arm64_board_answers_as_this_machine(kind, request, tmp_path):
    board = arm64()
    if board is None:
        pytest.skip("no arm64 root with decoders (AIWF_ARM64), or no cross compiler here")
    folder = opened(request.getfixturevalue(kind), tmp_path, ladder=("float32",))
    make = samples.sounds if kind == "hearing" else samples.photos
    files = list(make(tmp_path))[:8]

    compared(folder, files, board.answers(folder, files, "--untested"))
    assert board.run("--selftest", folder).returncode == 0
