"""The small audio network as a file: networks side by side, for windows of any length."""

from pathlib import Path

import numpy as np
import pytest

from stages.models.export import export_network
from stages.models.small_audio_layers import SmallAudio

FOLDS, BANDS, LABELS = 3, 64, 4


def arrays(hidden: bool, kernel: int, width: float) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    backbone = SmallAudio(FOLDS, (1, BANDS, 37), hidden, True, kernel=kernel, width=width)
    backbone.initialise(rng.normal(size=(5, 1, BANDS, 37)).astype(np.float32), rng)
    head = {"head.out.weight": (FOLDS * backbone.features, LABELS), "head.out.bias": (LABELS,)}
    weights = {name: rng.normal(size=shape).astype(np.float32) for name, shape in head.items()}
    return weights | {
        f"backbone.{name}": parameter.numpy() for name, parameter in backbone.state_dict().items()
    }


@pytest.mark.parametrize(
    ("hidden", "kernel", "width"), [(False, 3, 1.0), (True, 7, 0.5), (False, 5, 1.5)]
)
def test_onnx_answers_as_paddle_for_any_number_of_frames(
    hidden: bool, kernel: int, width: float, tmp_path: Path
):
    import onnxruntime
    import paddle

    from stages.models.network import assemble

    weights = arrays(hidden, kernel, width)
    sound = np.random.default_rng(1).normal(size=(3, 1, BANDS, 37)).astype(np.float32)

    files = export_network("small_audio", weights, tmp_path, ("paddle_inference", "onnx"))

    session = onnxruntime.InferenceSession(str(files["graph.onnx"]))
    with paddle.no_grad():
        expected = assemble("small_audio", weights)(paddle.to_tensor(sound)).numpy()
    found = session.run(None, {"sound": sound})[0]
    assert found.shape == (3, LABELS)
    np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(expected).max())


def test_its_size_is_as_promised():
    from stages.parts import FAMILIES

    network = SmallAudio(1, (1, BANDS, 37), hidden=False)

    count = sum(int(np.prod(place.shape)) for place in network.parameters())
    assert count == FAMILIES["small_audio"].parameters
