"""A classifier that was trained elsewhere becomes a package; what is not stated is not guessed."""

import json

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from typer.testing import CliRunner

from stages.cli.app import app
from stages.deploy.imported import imported, read_network, stated
from stages.deploy.model_info import with_model_info
from stages.deploy.packed import write_folder
from stages.runtime.errors import ConfigError, DataError
from stages.runtime.predictor import Predictor
from tests.runtime.conftest import DESCRIPTION
from tests.runtime.painting import plain, saved

COLOURS = ("red", "green", "blue")
OPTIONS = {"labels": COLOURS, "size": 16, "mean": (0.5,) * 3, "std": (0.5,) * 3, "logits": True}


def network(batch="n", entries=None) -> onnx.ModelProto:
    """Pictures of 16 x 16 to the mean of each channel, by a convolution that int8 can hold."""
    kernel = np.zeros((3, 3, 1, 1), np.float32)
    kernel[range(3), range(3)] = 8
    nodes = [
        helper.make_node("Conv", ["image", "kernel"], ["c"]),
        helper.make_node("GlobalAveragePool", ["c"], ["mean"]),
        helper.make_node("Flatten", ["mean"], ["logits"]),
    ]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [batch, 3, 16, 16])
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, [batch, 3])
    constants = [numpy_helper.from_array(kernel, "kernel")]
    graph = helper.make_graph(nodes, "colours", [image], [logits], constants)
    opset = [helper.make_opsetid("", 17)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=8)
    for key, value in (entries or {}).items():
        model.metadata_props.add(key=f"model_info {key}", value=value)
    return model


@pytest.fixture
def saved_network(tmp_path):
    def write(model) -> object:
        path = tmp_path / "colours.onnx"
        path.write_bytes(model.SerializeToString())
        return path

    return write


def photos(count: int = 8) -> list[bytes]:
    pure = [(230, 20, 10), (10, 220, 30), (20, 10, 240)]
    return [saved(plain(pure[place % 3])) for place in range(count)]


def test_a_network_with_a_stated_preprocessing_answers_as_a_package(saved_network, tmp_path):
    path = saved_network(network(batch=1))  # a batch of one, as exporters often write
    model = read_network(path)

    result = imported(model, stated(model, OPTIONS), "colours")

    write_folder(tmp_path / "package", dict(result.files))
    with Predictor.open(tmp_path / "package") as predictor:
        answer = predictor.predict(saved(plain((10, 220, 30))))
    assert answer["labels"][0]["label"] == "green"
    assert result.numeric == "float32"
    assert result.agreement is None


def test_photos_compress_it_and_say_how_many_labels_stay(saved_network):
    model = read_network(saved_network(network()))

    result = imported(model, stated(model, OPTIONS), "colours", photos())

    assert (result.numeric, result.agreement, result.compared) == ("int8", 1.0, 4)
    assert json.loads(result.files["package.json"])["numeric"] == "int8"


def test_photos_that_cannot_be_read_compress_nothing(saved_network):
    model = read_network(saved_network(network()))

    result = imported(model, stated(model, OPTIONS), "colours", [b"no photo"] * 4)

    assert (result.numeric, result.why) == ("float32", "fewer than two photos can be read")


def test_the_file_itself_may_state_it_under_the_names_of_model_api(saved_network):
    description = {**DESCRIPTION, "after": [{"step": "softmax"}]}
    path = saved_network(
        onnx.load_model_from_string(with_model_info(network().SerializeToString(), description))
    )

    found = stated(read_network(path), {})

    assert (found.labels, found.size, found.logits) == (COLOURS, 16, True)
    assert (found.mean, found.std) == ((0, 0, 0), (1, 1, 1))


@pytest.mark.parametrize("key", ["labels", "mean", "std", "logits"])
def test_what_is_stated_nowhere_is_asked_for_by_name(key, saved_network):
    model = read_network(saved_network(network()))

    with pytest.raises(ConfigError, match=f"Nothing states the {key} of") as caught:
        stated(model, {**OPTIONS, key: None})

    assert "--mean R,G,B" in caught.value.remedy


def test_too_few_labels_are_refused(saved_network):
    model = read_network(saved_network(network()))

    with pytest.raises(ConfigError, match="answers 3 labels, and 2 are named"):
        stated(model, {**OPTIONS, "labels": ("a", "b")})


def test_swapped_channels_are_refused(saved_network):
    model = read_network(saved_network(network(entries={"reverse_input_channels": "True"})))

    with pytest.raises(ConfigError, match="blue, green, red"):
        stated(model, OPTIONS)


def test_another_size_than_the_networks_is_refused(saved_network):
    model = read_network(saved_network(network()))

    with pytest.raises(ConfigError, match="cannot be run on pictures"):
        imported(model, stated(model, {**OPTIONS, "size": 24}), "colours")


@pytest.mark.parametrize("data", [b"", b"no network", b"\x08\x08" * 40])
def test_what_is_no_network_is_refused(data, tmp_path):
    (tmp_path / "a.onnx").write_bytes(data)

    with pytest.raises(DataError, match="is no ONNX file"):
        read_network(tmp_path / "a.onnx")


def test_weights_in_other_files_are_refused(saved_network):
    model = network()
    kernel = model.graph.initializer[0]
    kernel.ClearField("raw_data")
    kernel.data_location = TensorProto.EXTERNAL
    kernel.external_data.add(key="location", value="../../etc/passwd")

    with pytest.raises(DataError, match=r"is no ONNX file|weights in other files"):
        read_network(saved_network(model))


def test_the_command_writes_the_package_and_says_what_comes_next(saved_network, tmp_path):
    path = saved_network(network())
    (tmp_path / "labels.txt").write_text("red\ngreen\nblue\n")
    options = ["--labels", str(tmp_path / "labels.txt"), "--mean", "0,0,0", "--std", "1,1,1"]
    out = tmp_path / "made"

    done = CliRunner().invoke(app, ["import", str(path), "--out", str(out), "--logits", *options])

    assert done.exception is None, done.exception
    assert "float32" in done.output
    assert f"aiwf evaluate {out}" in done.output
    assert (out / "SHA256SUMS").is_file()
