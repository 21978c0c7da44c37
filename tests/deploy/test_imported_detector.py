"""A detector that was trained elsewhere becomes a package, whatever form its boxes have."""

import json

import numpy as np
import onnx
import pytest
from typer.testing import CliRunner

from stages.cli.app import app
from stages.deploy.imported import imported
from stages.deploy.onnx_detector import StatedBoxes
from stages.deploy.onnx_network import read_network
from stages.deploy.stated_preprocessing import stated
from stages.runtime.answers import furthest
from stages.runtime.boxes import decode_corners
from stages.runtime.errors import ConfigError, InfrastructureError
from stages.runtime.predictor import Predictor
from tests.deploy.cells_network import (
    CELLS,
    CENTRES,
    CORNERS,
    FORMS,
    OPTIONS,
    SIDE,
    detector,
    packed,
    photo,
)

SMALL_CELL = 4  # pixels, so that there are rows for several simulated objects


@pytest.fixture
def read(tmp_path):
    def from_file(model):
        path = tmp_path / "cells.onnx"
        path.write_bytes(model.SerializeToString())
        return read_network(path, detector=True)

    return from_file


@pytest.mark.parametrize("form", FORMS)
def test_boxes_of_every_form_are_where_the_network_places_them(form, read, tmp_path):
    options = {"logits": form == "logits"}
    folder = packed(read(detector(form)), tmp_path / "package", FORMS[form], **options)
    with Predictor.open(folder) as predictor:
        red = predictor.predict(photo(), threshold=0.4)["boxes"]
        blue = predictor.predict(photo(cell=(3, 0), colour=(0, 0, 255)), threshold=0.4)["boxes"]

    score = 0.5 if form == "with an object" else pytest.approx(1, abs=1e-3)
    assert [(box["label"], box["score"]) for box in (*red, *blue)] == [
        ("red", score),
        ("blue", score),
    ]
    assert red[0]["box"] == pytest.approx([16, 32, 32, 48], abs=0.01)
    assert blue[0]["box"] == pytest.approx([48, 0, 64, 16], abs=0.01)


def test_boxes_on_a_letterboxed_picture_are_moved_back(read, tmp_path):
    model = read(detector("rows last"))
    folder = packed(model, tmp_path / "package", CENTRES, fit="letterbox")
    with Predictor.open(folder) as predictor:
        answer = predictor.predict(photo(width=2 * SIDE, height=SIDE, cell=(2, 2)), threshold=0.2)

    # Half as large, with 16 pixels of grey above: the cell is a quarter of one, at (16, 32).
    [box] = [each for each in answer["boxes"] if each["score"] < 0.3]
    assert box["box"] == pytest.approx([32, 32, 64, 64], abs=0.01)


@pytest.mark.parametrize("fit", ["stretch", "letterbox"])
def test_golden_boxes_are_boxes_that_such_a_network_could_place(fit, read, tmp_path):
    folder = packed(read(detector("rows last", SMALL_CELL)), tmp_path / "p", CENTRES, fit=fit)
    golden = json.loads((folder / "golden/expected.json").read_text())

    for case in golden["cases"]:
        boxes = np.array(case["expected"]["boxes"])
        assert {0, 1} == set(boxes[:, 5])
        assert ((boxes[:, 4] > 0) & (boxes[:, 4] < 1)).all()
        lengths = boxes[:, 2:4] - boxes[:, :2]
        assert len(np.unique(boxes[:, :2], axis=0)) > 3  # side by side
        assert len(np.unique(lengths.round(1), axis=0)) > 1  # some reach across an edge
        assert (lengths.max(axis=0) > 20).all()


@pytest.mark.parametrize(
    "fault", [{"step": "suppress", "overlap": 0.9}, {"step": "decode_corners", "fit": "letterbox"}]
)
def test_a_device_that_handles_its_boxes_otherwise_fails_the_golden_ones(fault, read, tmp_path):
    folder = packed(read(detector("rows last", SMALL_CELL)), tmp_path / "package", CENTRES)
    case = json.loads((folder / "golden/expected.json").read_text())["cases"][0]

    with Predictor.open(folder) as predictor:
        for step in predictor.description["after"]:
            if step["step"] == fault["step"]:
                step["args"].update({k: value for k, value in fault.items() if k != "step"})
        found = predictor.kind.golden(predictor, (folder / case["file"]).read_bytes())

    assert furthest(case["expected"]["boxes"], found["boxes"]) > 0.1


def test_corners_need_a_row_for_each_score():
    with pytest.raises(InfrastructureError, match=r"\(3, 2\) and \(4, 4\)"):
        decode_corners((np.zeros((1, 3, 2)), np.zeros((1, 4, 4))), 64, {})


def test_photos_compress_it_and_say_how_many_boxes_stay(read):
    model = read(detector("rows last"))
    rng = np.random.default_rng(0)
    photos = [
        photo(cell=rng.integers(0, CELLS, 2), colour=(255, 0, 0) if k % 3 else (0, 0, 255))
        for k in range(80)
    ]

    found = imported(model, stated(model, {**OPTIONS, "boxes": CENTRES}), "cells", photos)

    assert (found.numeric, found.agreement.value, found.compared) == ("int8", 1.0, 40)
    assert found.agreement.low > 0.9
    nodes = onnx.load_from_string(found.files["model.onnx"]).graph.node
    makers = {output: node.op_type for node in nodes for output in node.output}
    concats = [node for node in nodes if node.op_type == "Concat"]
    assert concats
    assert all(makers.get(name) != "DequantizeLinear" for node in concats for name in node.input)


def test_photos_without_boxes_decide_nothing(read):
    model = read(detector("apart"))
    nothing = [photo(colour=(0, 0, 0)) for _ in range(10)]

    found = imported(model, stated(model, {**OPTIONS, "boxes": CORNERS}), "cells", nothing)

    assert found.numeric == "float32"
    assert "undecided" in found.why
    assert "of 0 boxes" in found.why


@pytest.mark.parametrize(
    ("form", "changes", "expected"),
    [
        ("apart", {"labels": ("a", "b", "c")}, "no way to give boxes with scores of 3 labels"),
        ("apart", {"boxes": StatedBoxes("corners", "shares")}, "not shares"),
        ("apart, shares", {"boxes": CORNERS}, "not pixels"),
        ("logits", {"boxes": CENTRES}, "go from 0 to 1"),
        ("apart", {"fit": "crop"}, "boxes on the whole picture"),
    ],
)
def test_what_was_stated_is_compared_with_what_the_network_answers(form, changes, expected, read):
    model = read(detector(form))
    with pytest.raises(ConfigError, match=expected):
        imported(model, stated(model, {**OPTIONS, "boxes": CORNERS, **changes}), "cells")


def test_a_classifier_is_no_detector_and_the_reverse(tmp_path):
    path = tmp_path / "cells.onnx"
    path.write_bytes(detector("apart").SerializeToString())
    with pytest.raises(ConfigError, match="with --boxes detectors"):
        read_network(path)


def test_the_command_packs_a_detector(tmp_path):
    (tmp_path / "cells.onnx").write_bytes(detector("rows last").SerializeToString())
    (tmp_path / "labels.txt").write_text("red\nblue\n")
    command = ["import", str(tmp_path / "cells.onnx"), "--out", str(tmp_path / "package")]
    command += ["--labels", str(tmp_path / "labels.txt"), "--mean", "0,0,0", "--std", "1,1,1"]
    command += ["--scores", "--boxes", "centres", "--threshold", "0.3", "--fit", "letterbox"]

    done = CliRunner().invoke(app, command)

    assert done.exit_code == 0, done.output
    description = json.loads((tmp_path / "package/package.json").read_text())
    assert description["answers"] == "boxes"
    assert description["threshold"] == 0.3
    with Predictor.open(tmp_path / "package") as predictor:
        assert predictor.predict(photo())["boxes"][0]["label"] == "red"


def test_an_unknown_form_of_boxes_is_named(tmp_path):
    (tmp_path / "cells.onnx").write_bytes(detector("apart").SerializeToString())
    command = ["import", str(tmp_path / "cells.onnx"), "--out", str(tmp_path / "p"), "--boxes", "x"]

    done = CliRunner().invoke(app, command)

    assert isinstance(done.exception, ConfigError) or "corners or centres" in done.output
    assert not (tmp_path / "p").exists()
