"""Statistics of inner maps are features of the same forward pass, in Paddle and in ONNX."""

from pathlib import Path

import numpy as np
import pytest

from stages.deploy.compressors.int8 import Int8
from stages.models.export import export_network
from stages.models.family import STATISTICS
from stages.parts import FAMILIES
from stages.runtime.backends.onnxruntime import OnnxRuntime
from stages.runtime.errors import Damaged
from tests.models.exporting import arrays_of

DEEPER = [name for name in FAMILIES if FAMILIES[name].feature_maps]
NAME = "efficientnet_lite0"
FAMILY = FAMILIES[NAME]
LABELS = 3
RNG = np.random.default_rng(5)
WINDOWS = RNG.normal(size=(3, 3, 64, 64)).astype(np.float32)


def backbone_of(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The backbone's `arrays` by their names in it."""
    return {name.removeprefix("backbone."): array for name, array in arrays.items()}


def head_of(width: int, hidden: int = 0) -> dict[str, np.ndarray]:
    """A random head for so many features."""
    shapes = {"out.weight": (hidden or width, LABELS), "out.bias": (LABELS,)}
    if hidden:
        shapes |= {"hidden.weight": (width, hidden), "hidden.bias": (hidden,)}
    rng = np.random.default_rng(7)
    return {
        f"head.{name}": (rng.normal(size=shape) / shape[0] ** 0.5).astype(np.float32)
        for name, shape in shapes.items()
    }


def features_in_paddle(name: str, arrays: dict[str, np.ndarray]) -> np.ndarray:
    import paddle

    from stages.models.network import with_feature_maps

    with paddle.no_grad():
        return with_feature_maps(FAMILIES[name], arrays)(paddle.to_tensor(WINDOWS)).numpy()


@pytest.fixture(scope="module")
def arrays():
    return arrays_of(NAME)


def test_families_with_inner_maps_are_on_the_board():
    assert NAME in DEEPER


@pytest.mark.parametrize("name", DEEPER)
def test_its_features_are_the_backbones_and_statistics_of_the_maps_that_it_declares(name: str):
    import paddle

    from stages.models.backbone_split import frozen_stem
    from stages.models.network import fill

    family, weights = FAMILIES[name], arrays_of(name)
    found = features_in_paddle(name, weights)

    plain = family.backbone()
    fill(plain, backbone_of(weights))
    plain.eval()
    with paddle.no_grad():
        blocks = [plain(paddle.to_tensor(WINDOWS)).numpy()]
        for inner_map in family.feature_maps:
            stem = frozen_stem(family, backbone_of(weights), inner_map.parts)
            feature_map = stem(paddle.to_tensor(WINDOWS)).numpy()
            side = 64 // inner_map.stride
            assert feature_map.shape == (3, inner_map.channels, side, side)
            deviation = feature_map.std(axis=(2, 3))
            blocks += [feature_map.mean(axis=(2, 3)), deviation, feature_map.max(axis=(2, 3))]
    np.testing.assert_array_equal(found[:, : family.features], blocks[0])
    np.testing.assert_allclose(found, np.hstack(blocks), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("name", DEEPER)
def test_widths_add_up_and_say_which_maps_they_are_of(name: str):
    family = FAMILIES[name]
    widths = list(family.feature_counts.values())

    steps = [STATISTICS * inner_map.channels for inner_map in family.feature_maps]
    assert widths == [family.features + sum(steps[:count]) for count in range(len(steps) + 1)]
    assert list(family.feature_counts) == ["last", "last+16", "last+16+8"]
    assert [family.feature_maps_of(width) for width in widths] == [
        family.feature_maps[:count] for count in range(len(widths))
    ]


def test_a_family_without_inner_maps_has_one_width():
    family = FAMILIES["squeezenet"]

    assert family.feature_counts == {"last": family.features}
    assert family.feature_maps_of(family.features) == ()


@pytest.mark.parametrize("hidden", [0, 4])
def test_a_head_of_a_width_that_no_maps_give_is_refused(arrays, hidden: int):
    from stages.models.network import assemble

    with pytest.raises(Damaged, match=r"gives no 1281 features.\nTrain the model again"):
        assemble(NAME, {**arrays, **head_of(1281, hidden)})


@pytest.mark.parametrize("feature_maps", list(FAMILY.feature_counts))
@pytest.mark.parametrize("hidden", [0, 4])
def test_the_width_of_a_head_says_which_maps_it_takes(arrays, feature_maps: str, hidden: int):
    import paddle

    from stages.models.network import assemble

    width, head = (
        FAMILY.feature_counts[feature_maps],
        head_of(FAMILY.feature_counts[feature_maps], hidden),
    )
    features = features_in_paddle(NAME, arrays)[:, :width]
    if hidden:
        features = np.maximum(features @ head["head.hidden.weight"] + head["head.hidden.bias"], 0)
    expected = features @ head["head.out.weight"] + head["head.out.bias"]

    network = assemble(NAME, {**arrays, **head})
    network.eval()
    with paddle.no_grad():
        found = network(paddle.to_tensor(WINDOWS)).numpy()

    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())


def test_a_model_with_maps_is_exported_and_quantised_up_to_its_statistics(arrays, tmp_path: Path):
    import onnx

    head = head_of(FAMILY.feature_counts["last+16+8"])
    graph = export_network(NAME, {**arrays, **head}, tmp_path, ("onnx",))["graph.onnx"]
    compressed = tmp_path / "int8.onnx"

    Int8().compress(graph, [WINDOWS], compressed)

    engine, small = OnnxRuntime(graph), OnnxRuntime(compressed, numeric="int8")
    (found,) = engine.run({engine.inputs[0]: WINDOWS}).values()
    (rounded,) = small.run({small.inputs[0]: WINDOWS}).values()
    expected = features_in_paddle(NAME, arrays) @ head["head.out.weight"] + head["head.out.bias"]
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())
    assert np.corrcoef(rounded.ravel(), expected.ravel())[0, 1] > 0.9
    nodes = onnx.load(str(compressed)).graph.node
    operator_of = {output: node.op_type for node in nodes for output in node.output}
    convolutions = [node for node in nodes if node.op_type == "Conv"]
    matrices = [node for node in nodes if node.op_type in ("MatMul", "Gemm")]
    assert convolutions
    assert all(operator_of[node.input[1]] == "DequantizeLinear" for node in convolutions)
    assert matrices
    assert all(
        operator_of.get(name) != "DequantizeLinear" for node in matrices for name in node.input
    )


def test_a_backbone_with_maps_is_exported_with_its_features(arrays, tmp_path: Path):
    """Export itself refuses a file whose outputs differ from Paddle's by a thousandth."""
    backbone = {name: array for name, array in arrays.items() if name.startswith("backbone.")}

    graph = export_network(NAME, backbone, tmp_path, ("onnx",), feature_maps=True)["graph.onnx"]

    engine = OnnxRuntime(graph)
    (found,) = engine.run({engine.inputs[0]: WINDOWS}).values()
    expected = features_in_paddle(NAME, backbone)
    assert found.shape == (3, FAMILY.feature_counts["last+16+8"])
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-5 * np.abs(expected).max())
