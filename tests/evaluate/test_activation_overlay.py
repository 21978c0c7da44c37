"""On a planted picture, the overlay is highest where the object is."""

import io

import numpy as np
import pytest
from PIL import Image, ImageDraw

from stages.artifacts import Model, Step
from stages.evaluate.activation_overlay import ActivationOverlays
from stages.models.arrays import pack_arrays
from stages.parts import FAMILIES
from stages.runtime import steps
from stages.runtime.errors import BadSample, ConfigError
from tests import makers

FAMILY = FAMILIES["efficientnet_lite0"]
SIDE, WIDTH, HEIGHT, OBJECT = 224, 336, 224, 72
LABELS = ("empty", "ring", "stripes")
EACH = 20
CELL = (WIDTH / 7, HEIGHT / 7)  # of the last map, in pixels of the picture
BEFORE = (
    Step(step="decode_picture"),
    Step(step="resize", args={"size": SIDE}),
    Step(step="normalise", args={"mean": list(FAMILY.mean), "std": list(FAMILY.std)}),
    Step(step="to_channels_first"),
)


def planted(label: str, seed: int) -> tuple[bytes, tuple[int, int, int, int]]:
    """A noisy picture with an object of `label` at a random place, and the object's box."""
    rng = np.random.default_rng([seed, len(label)])
    image = Image.fromarray(rng.integers(60, 160, (HEIGHT, WIDTH, 3), dtype=np.uint8))
    left, top = int(rng.integers(0, WIDTH - OBJECT)), int(rng.integers(0, HEIGHT - OBJECT))
    box = (left, top, left + OBJECT, top + OBJECT)
    pen = ImageDraw.Draw(image)
    if label == "ring":
        pen.ellipse(box, outline=(250, 240, 230), width=12)
    if label == "stripes":
        for shift in range(0, OBJECT, 14):
            pen.line((left + shift, top, left + shift, top + OBJECT), (20, 10, 90), 6)
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue(), box


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A model with published weights and a head that was fitted to planted pictures, and its
    store."""
    import paddle

    from stages.models.network import with_feature_maps

    store = makers.store(tmp_path_factory.mktemp("store"))
    backbone = {f"backbone.{name}": array for name, array in FAMILY.load().items()}
    described = [step.model_dump() for step in BEFORE]
    pictures = [(planted(label, seed)[0], label) for seed in range(EACH) for label in LABELS]
    windows = np.stack([steps.prepared(described, data).windows[0] for data, _ in pictures])
    network = with_feature_maps(FAMILY, backbone)
    with paddle.no_grad():
        features = np.concatenate(
            [
                network(paddle.to_tensor(windows[k : k + 10])).numpy()
                for k in range(0, len(windows), 10)
            ]
        )[:, : FAMILY.features]
    wanted = 6 * np.eye(3)[[LABELS.index(label) for _, label in pictures]] - 2
    centred = features - features.mean(axis=0)
    weights = centred.T @ np.linalg.solve(centred @ centred.T + np.eye(len(windows)), wanted)
    head = {
        "head.out.weight": weights.astype(np.float32),
        "head.out.bias": (-features.mean(axis=0) @ weights).astype(np.float32),
    }
    model = Model(
        task="image_classification",
        labels=LABELS,
        family=FAMILY.name,
        input_shape=(3, SIDE, SIDE),
        before=BEFORE,
        after=(Step(step="softmax"),),
        hyperparameters={},
        selection={},
        files={"weights.npz": store.add(pack_arrays(backbone | head))},
    )
    store.save(model)
    return model, store


@pytest.mark.slow
@pytest.mark.parametrize("label", LABELS[1:])
def test_the_evidence_is_densest_on_the_object_wherever_it_is(saved, label):
    overlays, places = ActivationOverlays(*saved), []
    for seed in range(100, 108):
        data, (left, top, right, bottom) = planted(label, seed)
        evidence, named, answered, _ = overlays.evidence(data)
        across, down = WIDTH / SIDE, HEIGHT / SIDE
        rows, columns = np.nonzero(evidence >= 0.9 * evidence.max())
        x, y = (columns.mean() + 0.5) * across, (rows.mean() + 0.5) * down
        positive = evidence.clip(0)
        inside = positive[
            int(top / down) : int(bottom / down), int(left / across) : int(right / across)
        ]
        places.append(x)

        assert named == answered == label
        # the peak is within half a place of the last map, which is 48 pixels wide
        assert left - CELL[0] / 2 <= x <= right + CELL[0] / 2, seed
        assert top - CELL[1] / 2 <= y <= bottom + CELL[1] / 2, seed
        assert inside.mean() > 2.5 * positive.mean(), seed
    assert np.std(places) > WIDTH / 10  # the peak follows the object


@pytest.mark.slow
def test_the_other_label_is_asked_by_name(saved):
    overlays = ActivationOverlays(*saved)
    data, _ = planted("ring", 200)

    ring, stripes = (overlays.overlay(data, label) for label in LABELS[1:])

    assert (ring.label, stripes.label) == LABELS[1:]
    assert ring.answered == stripes.answered == "ring"
    assert ring.jpeg != stripes.jpeg
    picture = Image.open(io.BytesIO(ring.jpeg))
    assert (picture.format, picture.size) == ("JPEG", (WIDTH, HEIGHT))


@pytest.mark.slow
def test_the_colours_are_where_the_evidence_is(saved):
    overlays = ActivationOverlays(*saved)
    data, (left, top, right, bottom) = planted("stripes", 201)

    shown = np.asarray(Image.open(io.BytesIO(overlays.overlay(data).jpeg)), np.int16)

    colour = shown.max(axis=2) - shown.min(axis=2)
    middle = colour[(top + bottom) // 2 - 6 : (top + bottom) // 2 + 6,
                    (left + right) // 2 - 6 : (left + right) // 2 + 6]  # fmt: skip
    assert middle.mean() > 2 * colour.mean()


@pytest.mark.slow
def test_what_gives_no_map_is_told_and_not_drawn(saved):
    model, store = saved
    detector = model.model_copy(update={"task": "object_detection"})
    boxed = Step(step="resize", args={"size": SIDE, "fit": "letterbox"})
    letterboxed = model.model_copy(update={"before": (BEFORE[0], boxed, *BEFORE[2:])})

    with pytest.raises(ConfigError, match="Only a model that gives a whole picture one label"):
        ActivationOverlays(detector, store)
    with pytest.raises(ConfigError, match="gives no map"):
        ActivationOverlays(letterboxed, store)
    with pytest.raises(ConfigError, match="no label 'cat'"):
        ActivationOverlays(*saved).overlay(planted("ring", 1)[0], "cat")
    with pytest.raises(BadSample):
        ActivationOverlays(*saved).overlay(b"no picture")
