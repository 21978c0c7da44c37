"""What speaks for a label at each place of a picture, in a network that is a backbone with a head.

The class activation map (Zhou et al., Learning deep features for discriminative localization, CVPR
2016) is exact where a linear head follows the mean of the last map: its values add up to the logit
without the bias. Element-wise gradient times activation (HiResCAM: Draelos and Carin 2020, arXiv
2011.08891) equals it there, and also covers hidden units, layers between the mean and the head, and
statistics of inner maps, which are added as far as the head reads them directly."""

import numpy as np
import paddle
from numpy.typing import NDArray
from paddle import Tensor, nn

from stages.models.network import Classifier, statistics_of

Map = NDArray[np.float64]


def class_activation(
    network: nn.Layer, window: NDArray[np.float32], label: int
) -> tuple[Map, NDArray[np.float64]] | None:
    """How much each place of `window` (C, H, W) speaks for the label with the index `label` against
    the mean of all labels, (H, W) in parts of a logit, negative where it speaks against it; and the
    logits, (labels). None for a network that has no maps: one that is not a backbone in parts with
    a head."""
    if not isinstance(network, Classifier) or not hasattr(network.backbone, "parts"):
        return None
    parts = network.backbone.parts()
    outputs = _outputs(parts, paddle.to_tensor(window[None]))
    spatial = [place for place, output in enumerate(outputs) if _is_map(output)]
    if not spatial:
        return None
    places = [spatial[-1], *network.places]
    feature_maps = [_leaf(outputs[place]) for place in places]
    features = feature_maps[0]
    for part in parts[spatial[-1] + 1 :]:
        features = part(features)
    inner = [statistics_of(feature_map) for feature_map in feature_maps[1:]]
    logits = network.head(paddle.concat([features, *inner], axis=1) if inner else features)
    (logits[0, label] - logits[0].mean()).backward()
    height, width = window.shape[1:]
    evidence = sum(_spread(_contributions(each), height, width) for each in feature_maps)
    return np.asarray(evidence), logits[0].numpy().astype(np.float64)


def _outputs(parts: list[nn.Layer], window: Tensor) -> list[Tensor]:
    outputs = []
    with paddle.no_grad():
        for part in parts:
            window = part(window)
            outputs.append(window)
    return outputs


def _is_map(output: Tensor) -> bool:
    return len(output.shape) == 4 and output.shape[2] * output.shape[3] > 1


def _leaf(output: Tensor) -> Tensor:
    """`output` as a place at which gradients end."""
    leaf = output.detach()
    leaf.stop_gradient = False
    return leaf


def _contributions(feature_map: Tensor) -> Map:
    """Gradient times activation, summed over channels: (h, w). The standard deviation of a constant
    channel has no gradient, which counts as none."""
    gradient = np.nan_to_num(feature_map.grad.numpy()[0].astype(np.float64), posinf=0, neginf=0)
    return np.asarray((gradient * feature_map.numpy()[0]).sum(axis=0))


def _spread(contributions: Map, height: int, width: int) -> Map:
    """`contributions` (h, w) over (height, width) by bilinear interpolation, with the same sum."""
    from PIL import Image

    image = Image.fromarray(contributions.astype(np.float32))
    resized = np.asarray(image.resize((width, height), Image.Resampling.BILINEAR), np.float64)
    return resized * (contributions.size / (height * width))
