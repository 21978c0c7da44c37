"""A network as C computes what the numpy engine, and in 8 bits the integer reference, computes."""

import numpy as np
import onnxruntime
import pytest

from stages.deploy.c_source import builds, lowering
from stages.deploy.c_source.builds import WINDOW, GoldenSample, run_samples, samples_file
from stages.deploy.c_source.graph import read_graph
from stages.deploy.c_source.integer_reference import reference_outputs
from stages.deploy.c_source.library import c_library
from stages.deploy.c_source.lowering import lowered
from stages.deploy.c_source.memory import layout
from stages.deploy.c_source.verification import STEPS_ALLOWED, output_scale
from stages.deploy.c_source.writer import number, quoted
from stages.deploy.exporters.numpy_network import packed
from stages.deploy.packed import write_folder
from stages.runtime.backends.numpy_engine import NumpyEngine
from stages.runtime.errors import ConfigError
from tests.deploy.c_source.compiling import STRICT, needs_compiler
from tests.deploy.c_source.networks import (
    CHANNELS,
    LABELS,
    SIDE,
    Builder,
    every_operator,
    integer_network,
    windows,
)
from tests.runtime.conftest import DESCRIPTION

SHAPE = (CHANNELS, SIDE, SIDE)


@pytest.fixture
def rng():
    return np.random.default_rng(1)


def found_in_c(model: bytes, inputs: np.ndarray, folder) -> np.ndarray:
    """What the compiled network computes for each window."""
    description = {**DESCRIPTION, "labels": list("abcd"), "input_shape": list(SHAPE)}
    library = folder / "library"
    write_folder(library, c_library(description, {"model.onnx": model}).files)
    nothing = np.zeros(LABELS, np.float32)
    samples = samples_file([GoldenSample(WINDOW, window, nothing) for window in inputs], 1.0)
    return run_samples(builds.host_build(library, folder, STRICT), samples, folder)


@needs_compiler
def test_every_operator_in_float_is_computed_as_the_numpy_engine_does(rng, tmp_path):
    model, inputs = every_operator(), windows(rng, 5)
    (tmp_path / "model.onnx").write_bytes(model)
    (tmp_path / "model.npz").write_bytes(packed(tmp_path / "model.onnx"))
    expected = NumpyEngine(tmp_path / "model.npz").run({"image": inputs})["scores"]

    found = found_in_c(model, inputs, tmp_path)

    assert np.abs(found - expected).max() < 1e-5
    assert expected.std() > 0.05  # the inputs matter


@needs_compiler
def test_8_bits_are_computed_within_a_step_of_the_integer_reference(rng, tmp_path):
    model, inputs = integer_network(tmp_path, rng), windows(rng, 12)
    graph = read_graph({"model.onnx": model}, SHAPE)
    expected = np.concatenate([reference_outputs(graph, window[None]) for window in inputs])
    session = onnxruntime.InferenceSession(model)
    engine = session.run(None, {"image": inputs})[0]
    step = output_scale(graph)

    found = found_in_c(model, inputs, tmp_path)

    assert np.abs(found - expected).max() <= STEPS_ALLOWED * step
    assert np.mean(np.abs(found - expected) < step / 2) > 0.95
    assert np.abs(engine - expected).max() <= STEPS_ALLOWED * step  # the reference itself is right
    assert len(np.unique(np.rint(expected / step))) > 20


def test_layers_between_quantizations_are_computed_in_whole_numbers(rng, tmp_path):
    plan = lowered(read_graph({"model.onnx": integer_network(tmp_path, rng)}, SHAPE))

    kernels = [operation.kernel for operation in plan.operations]

    assert {"conv_u8", "max_pool_u8", "average_pool_u8", "add_u8", "lookup_u8"} <= set(kernels)
    assert [kernel for kernel in kernels if kernel.endswith("f32")] == ["dequantize_f32"]


@pytest.mark.parametrize("make", [lambda *_: every_operator(), integer_network])
def test_buffers_that_are_needed_at_the_same_time_do_not_overlap(make, rng, tmp_path):
    plan = lowered(read_graph({"model.onnx": make(tmp_path, rng)}, SHAPE))

    arena = layout(plan)

    last = {plan.input.buffer: -1, plan.output.buffer: len(plan.operations)}
    for place, operation in enumerate(plan.operations):
        last.update(dict.fromkeys([*operation.reads, operation.output], place))
    last[plan.output.buffer] = len(plan.operations)
    owner = {plan.input.buffer: region(plan, arena, plan.input.buffer)}
    for place, operation in enumerate(plan.operations):
        owner[operation.output] = region(plan, arena, operation.output)
        needed = [name for name in owner if last[name] > place and name != operation.output]
        reads = operation.reads[1:] if operation.in_place else operation.reads
        for name in {*needed, *reads} - {operation.output}:
            assert not owner[name] & owner[operation.output], (operation, name)
    assert arena.size < sum(plan.sizes.values()) / 2
    assert arena.size >= max(plan.sizes.values())


def region(plan, arena, name) -> set[int]:
    """The bytes of a buffer."""
    return set(range(arena.offsets[name], arena.offsets[name] + plan.sizes[name]))


def test_an_operator_without_a_kernel_is_refused_by_name():
    builder = Builder()
    builder.constants["rows"] = np.array([1, 0])
    builder.add("Gather", "image", "rows", out="picked", axis=1)
    builder.add("Tile", "picked", "rows", out="tiled")

    with pytest.raises(ConfigError, match="operator Gather") as caught:
        c_library(
            {**DESCRIPTION, "input_shape": list(SHAPE)},
            {"model.onnx": Builder.built(_only(builder, 1), {"picked": ["n", 2, SIDE, SIDE]})},
        )
    assert "train.families" in caught.value.remedy


def _only(builder: Builder, count: int) -> Builder:
    del builder.nodes[count:]
    return builder


def test_every_operator_on_the_table_has_a_kernel_of_the_numpy_engine():
    from stages.deploy.c_source import operators  # noqa: F401 - they register
    from stages.runtime.backends.numpy_layers import LAYERS

    assert set(lowering.OPERATORS) <= set(LAYERS)


def test_answers_other_than_labels_are_refused():
    with pytest.raises(ConfigError, match="kind boxes"):
        c_library({**DESCRIPTION, "answers": "boxes"}, {})


def test_a_network_in_another_format_is_refused():
    with pytest.raises(ConfigError, match=r"net\.bin"):
        c_library(DESCRIPTION, {"net.bin": b"", "net.param": b""})


def test_a_network_that_is_too_large_is_refused_with_its_size(monkeypatch):
    monkeypatch.setattr("stages.deploy.c_source.library.MOST_WEIGHTS", 100)

    with pytest.raises(ConfigError, match=r"weights take 0\.0 MB"):
        c_library(
            {**DESCRIPTION, "labels": list("abcd"), "input_shape": list(SHAPE)},
            {"model.onnx": every_operator()},
        )


@pytest.mark.parametrize("value", [0.0, 1.0, -2.5, 1e-30, 3.4e38, 1 / 3, float("inf")])
def test_numbers_are_written_with_all_their_digits(value):
    text = number(value)

    assert text.endswith(("f", "INFINITY"))
    assert "." in text or "e" in text or "INF" in text
    assert np.float32(text.removesuffix("f") if "INF" not in text else "inf") == np.float32(value)


def test_a_label_cannot_end_its_string():
    assert quoted('a"; exit(1); //\\\n猫') == (
        '"a\\042; exit(1); \\057\\057\\134\\012\\347\\214\\253"'
    )
