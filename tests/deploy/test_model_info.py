"""The network's own file says its labels and preprocessing, as other tools read them."""

import json

import numpy as np
import onnx
import pytest

from stages.deploy.model_info import model_info, with_model_info
from stages.runtime import steps
from tests.engines import relu

PICTURES = {
    "labels": ["red kite", "buzzard"],
    "answers": "labels",
    "before": [
        {"step": "decode_picture", "args": {}},
        {"step": "resize", "args": {"size": 8}},
        {"step": "normalise", "args": {"mean": [0.485, 0.456, 0.406], "std": [0.2, 0.3, 0.25]}},
        {"step": "to_channels_first"},
    ],
    "after": [{"step": "softmax"}],
}


def read(data: bytes) -> dict[str, str]:
    """The entries as Model API reads them: a key's words are a path."""
    pairs = [entry.key.split() for entry in onnx.load_model_from_string(data).metadata_props]
    values = [entry.value for entry in onnx.load_model_from_string(data).metadata_props]
    return {
        key[1]: value for key, value in zip(pairs, values, strict=True) if key[0] == "model_info"
    }


def test_labels_and_steps_are_under_the_names_of_model_api():
    found = read(with_model_info(relu().SerializeToString(), PICTURES))

    assert found["labels"].split() == ["red_kite", "buzzard"]
    assert found["model_type"] == "Classification"
    assert found["resize_type"] == "standard"
    assert found["output_raw_scores"] == "True"
    assert json.loads(found["steps"])["before"] == PICTURES["before"]


def test_a_threshold_is_there_where_the_package_has_one():
    assert "confidence_threshold" not in model_info(PICTURES)
    assert model_info({**PICTURES, "threshold": 0.25})["confidence_threshold"] == "0.25"


def test_mean_and_scale_do_what_the_step_does():
    info = model_info(PICTURES)
    picture = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    mean, scale = (
        np.array([float(value) for value in info[key].split()])
        for key in ("mean_values", "scale_values")
    )

    expected = steps.normalise(picture, **PICTURES["before"][2]["args"])

    np.testing.assert_allclose((picture - mean) / scale, expected, atol=1e-5)


@pytest.mark.parametrize(
    ("fit", "kind"), [("letterbox", "fit_to_window_letterbox"), ("crop", "crop")]
)
def test_each_way_to_resize_has_a_name(fit, kind):
    resize = {"step": "resize", "args": {"size": 8, "fit": fit, "fill": 114}}
    info = model_info({**PICTURES, "before": [PICTURES["before"][0], resize]})

    assert info["resize_type"] == kind
    assert info.get("pad_value") == ("114" if fit == "letterbox" else None)


def test_entries_are_replaced_and_those_of_others_stay():
    model = relu()
    model.metadata_props.add(key="author", value="somebody")
    once = with_model_info(model.SerializeToString(), PICTURES)

    again = with_model_info(once, {**PICTURES, "labels": ["a", "b"]})

    assert read(again)["labels"] == "a b"
    remaining = [e for e in onnx.load_model_from_string(again).metadata_props if e.key == "author"]
    assert [entry.value for entry in remaining] == ["somebody"]
    assert with_model_info(once, PICTURES) == once


def test_a_package_carries_them_and_answers_as_before(deployable, package):
    network = deployable.store.get(package.files["model.onnx"])
    description = json.loads(deployable.store.get(package.files["package.json"]))

    found = read(network)

    assert found["labels"].split() == description["labels"]
    assert json.loads(found["steps"])["after"] == description["after"]
