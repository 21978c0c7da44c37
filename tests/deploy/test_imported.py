"""A classifier that was trained elsewhere becomes a package; what is not stated is not guessed."""

import json

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from typer.testing import CliRunner

from stages.cli.app import app
from stages.cli.importing import _photo_paths
from stages.deploy.compressors import CannotCompress, float16
from stages.deploy.compressors.int8 import Int8
from stages.deploy.imported import _content, _prepared, imported
from stages.deploy.imported_agreement import why_not
from stages.deploy.model_info import with_model_info
from stages.deploy.onnx_network import read_network
from stages.deploy.pack import write_whole
from stages.deploy.packed import write_folder
from stages.deploy.stated_preprocessing import stated
from stages.metrics import proportion
from stages.runtime.backends.onnxruntime import OnnxRuntime
from stages.runtime.backends.sums import Sums
from stages.runtime.errors import ConfigError, DataError, InfrastructureError, WorkflowError
from stages.runtime.predictor import Predictor
from stages.runtime.processor import INSTRUCTION_SETS, instruction_set
from stages.runtime.verified import check_instruction_set
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


def with_loop(inside: bool) -> onnx.ModelProto:
    """The network with a loop that never ends behind it; `inside`: in a branch of an If."""
    model = network()
    float_of, bool_of = (
        (lambda name, kind=kind: helper.make_tensor_value_info(name, kind, []))
        for kind in (TensorProto.FLOAT, TensorProto.BOOL)
    )
    count = helper.make_tensor_value_info("i", TensorProto.INT64, [])
    always = helper.make_node(
        "Constant", [], ["go"], value=numpy_helper.from_array(np.array(True), "go")
    )
    body = helper.make_graph([always], "body", [count, bool_of("before")], [bool_of("go")])
    nodes = [always, helper.make_node("Loop", ["", "go"], [], body=body)]
    if inside:
        nodes = [nodes[0]]
        zero = numpy_helper.from_array(np.array(0, np.float32), "zero")
        loop = helper.make_node("Loop", ["", "go"], [], body=body)
        branch = helper.make_graph(
            [loop, helper.make_node("Constant", [], ["zero"], value=zero)], "branch", [],
            [float_of("zero")],
        )  # fmt: skip
        nodes.append(
            helper.make_node("If", ["go"], ["zero_out"], then_branch=branch, else_branch=branch)
        )
    model.graph.node.extend(nodes)
    return model


@pytest.mark.parametrize("inside", [False, True])
def test_a_loop_that_may_never_end_is_refused(saved_network, inside: bool):
    with pytest.raises(ConfigError, match="has the operator Loop"):
        read_network(saved_network(with_loop(inside)))


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

    result = imported(model, stated(model, OPTIONS), "colours", photos(80))

    assert (result.numeric, result.agreement, result.compared) == ("int8", proportion(40, 40), 40)
    assert json.loads(result.files["package.json"])["numeric"] == "int8"


def test_few_photos_decide_nothing_however_well_they_agree(saved_network, halving_all):
    model = read_network(saved_network(network()))

    result = imported(model, stated(model, OPTIONS), "colours", photos(2))

    assert (result.numeric, result.agreement, result.compared) == ("float32", None, 1)
    assert "undecided: int8 keeps 100.0% of 1 best labels" in result.why
    assert "undecided: float16 keeps 100.0% of 1 best labels" in result.why


@pytest.mark.parametrize(
    ("same", "compared", "ships"),
    [
        (34, 34, False),
        (35, 35, True),
        (64, 64, True),
        (63, 64, True),
        (62, 64, False),
        (1, 2, False),
    ],
)
def test_the_interval_of_the_agreement_decides(same, compared, ships):
    assert (why_not("int8", proportion(same, compared)) == "") is ships


@pytest.fixture
def halving_all(monkeypatch):
    """float16 also halves tensors as small as those of `network`."""
    monkeypatch.setattr(float16, "SMALLEST", 1)


def test_where_int8_answers_otherwise_float16_ships_and_says_so(
    saved_network, halving_all, monkeypatch
):
    model = read_network(saved_network(network()))

    def compressed(self, graph, calibration, out):
        spoilt = onnx.load(str(graph))
        for tensor in spoilt.graph.initializer:
            values = -numpy_helper.to_array(tensor)
            tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
        onnx.save(spoilt, str(out))

    monkeypatch.setattr(Int8, "compress", compressed)

    result = imported(model, stated(model, OPTIONS), "colours", photos(80))

    assert (result.numeric, result.agreement) == ("float16", proportion(40, 40))
    assert result.why.startswith("int8 keeps 0.0% (0.0% to 8.8%) of 40 best labels, 97%")
    assert json.loads(result.files["package.json"])["numeric"] == "float16"


def test_what_int8_cannot_compress_is_said(saved_network, halving_all, monkeypatch):
    model = read_network(saved_network(network()))

    def refused(self, graph, calibration, out):
        raise CannotCompress("It has no layer.")

    monkeypatch.setattr(Int8, "compress", refused)

    result = imported(model, stated(model, OPTIONS), "colours", photos(80))

    assert (result.numeric, result.why) == ("float16", "int8: It has no layer.")


def test_a_compressed_import_says_for_which_processors_it_was_verified(saved_network, tmp_path):
    model = read_network(saved_network(network()))

    result = imported(model, stated(model, OPTIONS), "colours", photos(80))

    sets = json.loads(result.files["instruction_sets.json"])
    here = sets["instruction_sets"].pop(instruction_set())
    assert here["statement"] == "measured here"
    assert here["agreement"]["n"] == 40
    assert set(sets["instruction_sets"]) == {*INSTRUCTION_SETS} - {instruction_set()}
    assert all(found["statement"] for found in sets["instruction_sets"].values())
    assert "## Processors" in result.files["README.md"].decode()
    write_folder(tmp_path / "package", dict(result.files))
    check_instruction_set(tmp_path / "package")


def test_an_import_in_float32_is_verified_for_every_processor(saved_network):
    model = read_network(saved_network(network()))

    result = imported(model, stated(model, OPTIONS), "colours")

    sets = json.loads(result.files["instruction_sets.json"])
    assert sets["others"]["statement"].startswith("computed")
    assert set(sets["instruction_sets"]) >= {*INSTRUCTION_SETS}


def test_int8_whose_sums_saturate_on_another_processor_does_not_ship(
    saved_network, halving_all, monkeypatch
):
    def sums(numeric, name):
        return Sums.FLOAT if numeric != "int8" else Sums.SATURATING_PAIRS

    monkeypatch.setattr(OnnxRuntime, "sums", staticmethod(sums))
    mixing = network()
    kernel = (6 + 2 * np.eye(3, dtype=np.float32)).reshape(3, 3, 1, 1)
    mixing.graph.initializer[0].CopyFrom(numpy_helper.from_array(kernel, "kernel"))
    model = read_network(saved_network(mixing))
    colours = [(230, 120, 10), (10, 230, 120), (120, 10, 230)]
    mixed = [saved(plain(colours[place % 3])) for place in range(80)]

    result = imported(model, stated(model, OPTIONS), "colours", mixed)

    assert result.numeric == "float16"
    assert result.why.startswith("int8 is not verified for ")
    assert "saturate" in result.why


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


@pytest.mark.parametrize("place", ["weight", "constant", "inner graph"])
def test_weights_in_other_files_are_refused_wherever_they_are(place, saved_network):
    model = network()
    kernel = model.graph.initializer[0]
    kernel.ClearField("raw_data")
    kernel.data_location = TensorProto.EXTERNAL
    kernel.external_data.add(key="location", value="../../etc/passwd")
    if place != "weight":
        model.graph.initializer.remove(kernel)
        node = helper.make_node("Constant", [], ["kernel"], value=kernel)
        branch = helper.make_graph([node], "branch", [], [])
        inner = helper.make_node("If", ["image"], [], then_branch=branch, else_branch=branch)
        model.graph.node.insert(0, node if place == "constant" else inner)

    with pytest.raises(DataError, match="weights in other files"):
        read_network(saved_network(model))


def test_what_the_checker_refuses_is_said_with_its_reason(saved_network):
    model = network()
    model.graph.node[0].op_type = "Wrong"

    with pytest.raises(DataError, match="Wrong"):
        read_network(saved_network(model))


@pytest.mark.parametrize("place", ["input", "output"])
def test_another_type_than_float32_is_refused(place, saved_network):
    model = network()
    [value] = getattr(model.graph, place)
    value.type.tensor_type.elem_type = TensorProto.UINT8

    with pytest.raises(ConfigError, match=rf"'{value.name}' of UINT8"):
        read_network(saved_network(model))


def test_an_operator_that_the_engine_lacks_is_no_fault_of_a_package(saved_network):
    model = network()
    model.graph.node[0].domain = "of.others"
    model.opset_import.append(helper.make_opsetid("of.others", 1))
    model = read_network(saved_network(model))

    with pytest.raises(ConfigError, match=r"cannot be run .*of\.others") as caught:
        imported(model, stated(model, OPTIONS), "colours")

    assert "package" not in caught.value.remedy


IMPOSSIBLE = {
    "two equal labels": ({"labels": ("red", "red", "blue")}, "label 'red' is named 2 times"),
    "control characters": ({"labels": ("red", "\x1b[31m", "blue")}, "labels is"),
    "a size without end": ({"size": 1 << 40}, "input_shape is"),
    "a mean of pixels of 0..255": ({"mean": (123.7, 116.3, 103.5)}, "pixels of 0..1"),
    "a mean that is no number": ({"mean": (float("nan"), 0, 0)}, "pixels of 0..1"),
    "a deviation of nothing": ({"std": (0.0, 1, 1)}, "std is"),
    "an unknown fit": ({"fit": "squash"}, "one of stretch, letterbox, crop"),
}


@pytest.mark.parametrize("name", list(IMPOSSIBLE))
def test_what_cannot_be_is_refused_as_a_statement_and_not_as_a_damaged_package(name, saved_network):
    options, problem = IMPOSSIBLE[name]
    model = read_network(saved_network(network()))

    with pytest.raises(ConfigError, match=problem) as caught:
        imported(model, stated(model, {**OPTIONS, **options}), "colours")

    assert "package" not in caught.value.remedy


def test_sides_that_are_no_sides_are_those_of_any_size(saved_network):
    model = network()
    for side in model.graph.input[0].type.tensor_type.shape.dim[2:]:
        side.dim_value = -1

    with pytest.raises(ConfigError, match="Nothing states the size"):
        stated(read_network(saved_network(model)), {**OPTIONS, "size": None})


def test_photos_are_taken_evenly_from_all_of_a_folder(tmp_path):
    for place in range(200):
        (tmp_path / f"{place:03}.jpg").write_bytes(b"")
    (tmp_path / "notes.txt").write_text("no photo")

    names = [path.stem for path in _photo_paths(tmp_path)]

    assert len(names) == len(set(names)) == 128
    assert names[0] == "000"
    assert int(names[-1]) >= 197


def test_no_more_photos_are_read_than_memory_has_room_for(saved_network):
    model = network()
    for side in model.graph.input[0].type.tensor_type.shape.dim[2:]:
        side.Clear()
    model = read_network(saved_network(model))
    content = _content(
        {"model.onnx": model.SerializeToString()},
        stated(model, {**OPTIONS, "size": 2000}),
        "a",
        "float32",
    )
    read = []

    _prepared(content, (read.append(place) or b"no photo" for place in range(40)))

    assert len(read) == 1_000_000_000 // (4 * 3 * 2000 * 2000)


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


@pytest.mark.parametrize("place", ["a file", "a link to nothing", "below a file"])
def test_a_place_that_cannot_hold_the_package_gets_nothing(place, saved_network, tmp_path):
    (tmp_path / "a file").write_text("mine")
    (tmp_path / "a link to nothing").symlink_to(tmp_path / "nothing")
    out = tmp_path / ("a file/made" if place == "below a file" else place)
    (tmp_path / "labels.txt").write_text("red\ngreen\nblue\n")
    options = ["--labels", str(tmp_path / "labels.txt"), "--mean", "0,0,0", "--std", "1,1,1"]
    before = sorted(tmp_path.iterdir())
    path = saved_network(network())

    done = CliRunner().invoke(app, ["import", str(path), "--out", str(out), "--logits", *options])

    assert isinstance(done.exception, WorkflowError)
    assert str(out) in done.exception.problem
    assert sorted(tmp_path.iterdir()) == sorted([*before, path])
    assert (tmp_path / "a file").read_text() == "mine"


def test_a_package_is_written_whole_or_not_at_all(tmp_path):
    files = {"package.json": b"{}", "package.json/below": b""}

    with pytest.raises(InfrastructureError, match="Cannot write"):
        write_whole(tmp_path / "made", files)

    assert not list(tmp_path.iterdir())


def test_a_file_of_labels_that_is_not_there_is_named_with_its_option(saved_network, tmp_path):
    options = ["--out", str(tmp_path / "made"), "--labels", str(tmp_path / "none.txt")]

    done = CliRunner().invoke(app, ["import", str(saved_network(network())), *options])

    assert isinstance(done.exception, ConfigError)
    assert done.exception.problem == (
        f"--labels: cannot read {tmp_path / 'none.txt'}: No such file or directory."
    )
