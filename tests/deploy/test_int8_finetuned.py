"""Fine-tuning in 8 bits: nearer to the float network, or refused with both errors."""

import shutil

import numpy as np
import onnx
import paddle
import pytest
from onnx import TensorProto, helper, numpy_helper

from stages.deploy.compressors import CannotCompress, finetuning, int8_finetuned
from stages.deploy.compressors.finetuning import BATCH, EPOCHS, answers_of, dealt, finetune
from stages.deploy.compressors.int8 import Int8
from stages.deploy.compressors.int8_finetuned import Int8Finetuned
from stages.deploy.compressors.layer_sensitivity import output_error
from stages.deploy.compressors.paddle_network import SCALE_UNIT, PaddleNetwork
from stages.runtime.errors import InfrastructureError
from tests.deploy.test_calibrations import WIDTH, chain, matrix

RNG = np.random.default_rng(0)
SAMPLES = RNG.random((40, WIDTH)).astype(np.float32)


@pytest.fixture
def graph(tmp_path):
    return chain(tmp_path / "graph.onnx", *(matrix() for _ in range(4)))


@pytest.fixture
def int8(graph, tmp_path):
    """The file of int8, calibrated on all samples."""
    Int8().compress(graph, [SAMPLES], tmp_path / "int8.onnx")
    return tmp_path / "int8.onnx"


def disturbed(path, out, share):
    """Write the int8 network of `path` to `out` with scales of activations that are larger by
    `share`."""
    model = onnx.load(str(path))
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if tensor.name.endswith("_scale") and values.ndim == 0:
            moved = np.asarray(values * (1 + share), np.float32)
            tensor.CopyFrom(numpy_helper.from_array(moved, tensor.name))
    out.write_bytes(model.SerializeToString(deterministic=True))
    return out


def test_training_widens_ranges_that_cut_off_too_much(graph, int8):
    network, wanted = PaddleNetwork(onnx.load(str(int8))), answers_of(graph, SAMPLES)
    for growth in network.growth.values():
        growth.set_value(np.full(1, np.log(0.8) / SCALE_UNIT, np.float32))
    before = error_of(network, wanted)

    finetune(network, SAMPLES, wanted)

    assert error_of(network, wanted) < 0.5 * before


def error_of(network, wanted):
    """The error of the outputs of `network`, computed in Paddle."""
    with paddle.no_grad():
        found = network.run(paddle.to_tensor(SAMPLES))
    return output_error(wanted, [output.numpy() for output in found])


def test_training_ends_where_the_error_is_no_number(graph, int8):
    network = PaddleNetwork(onnx.load(str(int8)))
    before = network.arrays()

    finetune(network, SAMPLES, [np.full((len(SAMPLES), WIDTH), np.nan, np.float32)])

    for name, values in network.arrays().items():
        np.testing.assert_array_equal(values, before[name])


def test_each_sample_is_shown_once_an_epoch():
    rows = np.concatenate(list(dealt(24, numbers=1)))

    assert len(rows) == 24 * EPOCHS
    for start in range(0, len(rows), 24):
        assert sorted(rows[start : start + 24]) == list(range(24))


def test_a_large_network_is_shown_fewer_samples_at_once_and_in_all():
    batches = list(dealt(48, numbers=int(finetuning.MOST_IN_STEP / 3)))

    assert {len(rows) for rows in batches} == {3}
    assert 3 * len(batches) <= finetuning.MOST_IN_ALL / (finetuning.MOST_IN_STEP / 3)
    assert [len(rows) for rows in dealt(48, numbers=10**12)] == [1]
    assert [len(rows) for rows in dealt(1, numbers=1)] == [1] * EPOCHS
    assert {len(rows) for rows in dealt(48, numbers=1)} == {BATCH}


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_a_network_that_is_not_nearer_than_int8_is_refused(share, graph, tmp_path, monkeypatch):
    def finetuned(graph, quantised, windows, folder):
        return disturbed(quantised, folder / finetuning.FINETUNED, share)

    monkeypatch.setattr(int8_finetuned, "_finetuned", finetuned)

    with pytest.raises(CannotCompress, match=r"no nearer .* error \S+ of their variance, as int8"):
        Int8Finetuned().compress(graph, [SAMPLES], tmp_path / "out.onnx")


def test_a_network_that_is_nearer_on_samples_that_it_did_not_learn_from_ships(
    graph, int8, tmp_path, monkeypatch
):
    shown = []

    def compress(self, graph, calibration, out):
        disturbed(int8, out, 0.5)

    def finetuned(graph, quantised, windows, folder):
        shown.append(windows)
        shutil.copyfile(int8, folder / finetuning.FINETUNED)
        return folder / finetuning.FINETUNED

    monkeypatch.setattr(Int8, "compress", compress)
    monkeypatch.setattr(int8_finetuned, "_finetuned", finetuned)

    Int8Finetuned().compress(graph, [SAMPLES[:25], SAMPLES[25:]], tmp_path / "out.onnx")

    assert (tmp_path / "out.onnx").read_bytes() == int8.read_bytes()
    np.testing.assert_array_equal(shown[0], SAMPLES[np.arange(40) % 4 != 3])


@pytest.mark.parametrize("answers", [np.nan, np.inf])
def test_what_answers_no_numbers_is_refused(answers, graph, tmp_path, monkeypatch):
    def finetuned(graph, quantised, windows, folder):
        model = onnx.load(str(quantised))
        for tensor in model.graph.initializer:
            if numpy_helper.to_array(tensor).dtype == np.float32:
                values = np.full(list(tensor.dims), answers, np.float32)
                tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
        onnx.save(model, str(folder / finetuning.FINETUNED))
        return folder / finetuning.FINETUNED

    monkeypatch.setattr(int8_finetuned, "_finetuned", finetuned)

    with pytest.raises(CannotCompress, match="no nearer"):
        Int8Finetuned().compress(graph, [SAMPLES], tmp_path / "out.onnx")


def test_one_sample_is_too_few(graph, tmp_path):
    with pytest.raises(CannotCompress, match="Fine-tuning needs two samples or more"):
        Int8Finetuned().compress(graph, [SAMPLES[:1]], tmp_path / "out.onnx")


def test_no_sample_is_what_int8_says(graph, tmp_path):
    with pytest.raises(CannotCompress, match="no training samples to calibrate int8_finetuned"):
        Int8Finetuned().compress(graph, [], tmp_path / "out.onnx")


def test_equal_inputs_give_equal_bytes_and_the_same_size_as_int8(graph, int8, tmp_path):
    found = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        tuned = int8_finetuned._finetuned(graph, int8, SAMPLES, tmp_path / name)
        found.append(tuned.read_bytes())

    assert found[0] == found[1] != int8.read_bytes()
    assert len(found[0]) == len(int8.read_bytes())


def test_an_operator_that_cannot_be_trained_is_named(tmp_path):
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["product"]),
        helper.make_node("Erf", ["product"], ["y"]),
    ]
    ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["n", WIDTH]) for n in "xy"]
    weights = numpy_helper.from_array(matrix().astype(np.float32), "w")
    body = helper.make_graph(nodes, "g", ends[:1], ends[1:], [weights])
    model = helper.make_model(body, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    (tmp_path / "graph.onnx").write_bytes(model.SerializeToString())

    with pytest.raises(CannotCompress, match=r"^Fine-tuning cannot compute Erf\."):
        Int8Finetuned().compress(tmp_path / "graph.onnx", [SAMPLES], tmp_path / "out.onnx")


def test_a_process_that_fails_is_told_with_its_last_lines(graph, tmp_path, monkeypatch):
    monkeypatch.setattr(finetuning, "__name__", "tests.deploy.no_such_module")

    with pytest.raises(InfrastructureError, match=r"ended with code 1\. .*no_such_module"):
        Int8Finetuned().compress(graph, [SAMPLES], tmp_path / "out.onnx")
