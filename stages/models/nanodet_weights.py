"""The published tensors of NanoDet-g by their names in our layers.

Its convolutions are numbered in the order of the forward pass: kernel n is PartitionedCall/split_n
(the first without a number). Its channels are BGR, ours RGB."""

from stages.models.tfjs_weights import fetched_weights
from stages.models.weights import Array, PackedWeights
from stages.resources import Resources

BLOCKS = (1, 2, 2, 3)  # of each stage
LEVELS = 3
COCO = 80  # labels, whose score layers are not used
HEAD_BIASES = (60, 62, 66, 68, 70, 72)  # numbers among the file's unnamed arrays


def published(weights: PackedWeights, resources: Resources) -> dict[str, Array]:
    """Kernels and biases of all layers except the score layers of COCO's labels. Raises what
    `fetched_weights` raises."""
    arrays = fetched_weights(weights, resources)
    places = [*body_places(), *head_places()]
    biases = [*range(0, 2 * len(body_places()), 2), *HEAD_BIASES]
    found: dict[str, Array] = {}
    for number, (place, bias) in enumerate(zip(places, biases, strict=True)):
        kernel = arrays[f"PartitionedCall/split_{number}" if number else "PartitionedCall/split"]
        start = COCO if place.startswith("sides") else 0
        found[f"{place}.weight"] = kernel[start:]
        found[f"{place}.bias"] = arrays[f"unknown_{bias}"][start:]
    found["stem.convolution.weight"] = found["stem.convolution.weight"][:, ::-1].copy()
    return found


def place(name: str) -> str:
    """Itself: `published` names tensors as our layers do."""
    return name


def body_places() -> list[str]:
    """Our layers before the head, in the order of their convolutions."""
    found = ["stem.convolution"]
    for stage, blocks in enumerate(BLOCKS):
        inner = [
            f"blocks.{block}.{part}" for block in range(blocks) for part in ("first", "second")
        ]
        found += [f"stages.{stage}.{part}.convolution" for part in ("first", *inner, "last")]
    return found + [f"lateral.{level}" for level in range(LEVELS)]


def head_places() -> list[str]:
    """Our layers of the head, in the order of their convolutions."""
    return [
        name
        for level in range(LEVELS)
        for name in (f"towers.{level}.convolution", f"sides.{level}")
    ]
