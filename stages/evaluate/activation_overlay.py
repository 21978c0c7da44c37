"""A picture under what a classifier looked at: where it is coloured, its pixels speak for a label.

It is computed with the trained network in float32, of which a package is a smaller copy."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.artifacts import Model
from stages.parts import TASKS
from stages.runtime import steps
from stages.runtime.errors import ConfigError
from stages.store import Store

SIDE = 800  # pixels of the longer side of an overlay
TOP = 0.995  # the share of places up to which colours differ; a single maximum does not dim others
GREY = 0.75  # brightness of the picture below the colours
COLOURS = ((230, 97, 1), (255, 214, 77))  # from the least to the most evidence; not red and green
OPAQUE = 0.75


class Overlay(NamedTuple):
    """`jpeg`: the picture with colours. `label`: what they speak for; `answered`, `score`: what the
    trained model answers. `is_empty`: nothing in the picture speaks for the label."""

    jpeg: bytes
    label: str
    answered: str
    score: float
    is_empty: bool


class ActivationOverlays:
    """Draws overlays of one model, whose network is loaded once.

    Raises ConfigError for a model that gives no map: one of sounds or boxes, or of a family without
    feature maps."""

    def __init__(self, model: Model, store: Store) -> None:
        from stages.train.heads.network import build

        check_gives_map(model)
        self._model = model
        self._network = build(model, store)

    def overlay(self, data: bytes, label: str = "") -> Overlay:
        """The overlay of the picture in `data` for `label`, or for the answered one.

        Raises BadSample if it is no picture, ConfigError for a label that the model does not know,
        or a network without maps."""
        from stages.runtime.pictures import shown_picture

        evidence, label, answered, score = self.evidence(data, label)
        positive = np.clip(evidence, 0, None)
        most = float(np.quantile(positive, TOP)) or float(positive.max())
        strength = np.clip(positive / most, 0, 1) if most > 0 else positive
        jpeg = _drawn(shown_picture(data), strength)
        return Overlay(jpeg, label, answered, score, most <= 0)

    def evidence(self, data: bytes, label: str = "") -> tuple[NDArray[np.float64], str, str, float]:
        """How much each place of the picture, stretched to the network's input (H, W), speaks for
        `label`, or for the answered one; that label, the answered one and its score."""
        labels = self._model.labels
        if label and label not in labels:
            raise ConfigError(f"The model has no label '{label[:80]}'.", "Choose one of its own.")
        before, after = (
            [step.model_dump() for step in side] for side in (self._model.before, self._model.after)
        )
        window = steps.prepared(before, data).windows[0]
        evidence, logits = self._activation(window, labels.index(label) if label else 0)
        scores = np.asarray(steps.run(after, logits[None].astype(np.float32)))[0]
        best = int(scores.argmax())
        if not label and best:
            evidence, _ = self._activation(window, best)
        return evidence, label or labels[best], labels[best], float(scores[best])

    def _activation(
        self, window: NDArray[np.float32], label: int
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """As `class_activation`. Raises ConfigError for a network without maps."""
        from stages.models.class_activation import class_activation

        found = class_activation(self._network, window, label)
        if found is None:
            raise no_map(self._model.family)
        return found


def check_gives_map(model: Model) -> None:
    """Raise ConfigError unless `model` is of pictures with a label each, which are stretched to the
    network's input, so that a place there is a place in the picture."""
    task = TASKS[model.task]
    if (task.modality, task.answers) != ("pictures", "labels"):
        raise ConfigError(
            "Only a model that gives a whole picture one label looks at places.",
            "Boxes say themselves where they are.",
        )
    resizes = [step.args for step in model.before if step.step == "resize"]
    if len(resizes) != 1 or resizes[0].get("fit", "stretch") != "stretch":
        raise no_map(model.family)


def no_map(family: str) -> ConfigError:
    """The error of a model without feature maps that lead back to the picture."""
    return ConfigError(
        f"{family} gives no map of what it looked at.", "Train a family with feature maps."
    )


def _drawn(picture: NDArray[np.uint8], strength: NDArray[np.float64]) -> bytes:
    """The picture in grey under colours of `strength` (H, W) in 0..1, as a JPEG."""
    import io

    from PIL import Image

    image = Image.fromarray(picture)
    image.thumbnail((SIDE, SIDE))
    heat = Image.fromarray(strength.astype(np.float32)).resize(
        image.size, Image.Resampling.BILINEAR
    )
    share = np.clip(np.asarray(heat), 0, 1)[..., None]
    grey = GREY * np.asarray(image.convert("L").convert("RGB"), np.float32)
    low, high = (np.array(colour, np.float32) for colour in COLOURS)
    colours = low + (high - low) * share
    mixed = grey + (colours - grey) * (OPAQUE * share)
    out = io.BytesIO()
    Image.fromarray(mixed.clip(0, 255).astype(np.uint8)).save(out, "JPEG", quality=88)
    return out.getvalue()
