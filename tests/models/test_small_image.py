"""The small image network as a file: networks side by side, for pictures of any size."""

from pathlib import Path

import numpy as np
import pytest

from stages.models.export import export_network
from stages.models.small_image_layers import SmallImage
from stages.parts import FAMILIES

FOLDS, LABELS = 3, 4


@pytest.mark.parametrize(
    ("hidden", "kernel", "width"), [(False, 3, 1.0), (True, 5, 1.5), (False, 3, 2.0)]
)
def test_onnx_answers_as_paddle_for_pictures_of_any_size(
    hidden: bool, kernel: int, width: float, tmp_path: Path
):
    import onnxruntime
    import paddle

    from stages.models.network import assemble

    rng = np.random.default_rng(0)
    pictures = rng.random((3, 3, 32, 48), np.float32)
    backbone = SmallImage(FOLDS, (3, 32, 32), hidden, True, kernel=kernel, width=width)
    backbone.initialise(pictures, rng)
    weights = {f"backbone.{name}": value.numpy() for name, value in backbone.state_dict().items()}
    head = {"head.out.weight": (FOLDS * backbone.features, LABELS), "head.out.bias": (LABELS,)}
    weights |= {name: rng.normal(size=shape).astype(np.float32) for name, shape in head.items()}

    files = export_network("small_image", weights, tmp_path, ("paddle_inference", "onnx"))

    session = onnxruntime.InferenceSession(str(files["graph.onnx"]))
    with paddle.no_grad():
        expected = assemble("small_image", weights)(paddle.to_tensor(pictures)).numpy()
    (name,) = (place.name for place in session.get_inputs())
    found = session.run(None, {name: pictures})[0]
    assert found.shape == (3, LABELS)
    np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(expected).max())


def test_each_fold_sees_its_own_pictures_as_one_network_would():
    import paddle

    rng = np.random.default_rng(0)
    pictures = rng.random((2, FOLDS, 3, 32, 32), np.float32)
    apart = SmallImage(FOLDS, (3, 32, 32), hidden=True, apart=True)
    apart.initialise(pictures[:, 0], rng)
    whole = SmallImage(FOLDS, (3, 32, 32), hidden=True)
    whole.set_state_dict(apart.state_dict())
    for layer in (apart, whole):
        layer.eval()

    with paddle.no_grad():
        features = apart(paddle.to_tensor(pictures.reshape(2, -1, 32, 32))).numpy()
        for fold in range(FOLDS):
            alone = whole(paddle.to_tensor(pictures[:, fold])).numpy().reshape(2, FOLDS, -1)
            found = features.reshape(2, FOLDS, -1)[:, fold]
            np.testing.assert_allclose(found, alone[:, fold], rtol=1e-4, atol=1e-5)


def test_its_size_is_as_promised():
    network = SmallImage(1, (3, 64, 64), hidden=False)

    count = sum(int(np.prod(place.shape)) for place in network.parameters())
    assert count == FAMILIES["small_image"].parameters
