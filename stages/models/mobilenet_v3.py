"""MobileNetV3, small and large: MobileNetV2's blocks with squeeze-and-excitation and h-swish, found
by architecture search.

Paper: Howard et al., arXiv 1905.02244. Weights: ImageNet, by PaddlePaddle (Apache-2.0)."""

from stages.models.family import Family
from stages.models.imagenet import of_paddle
from stages.models.weights import Official


def _family(
    size: str, features: int, parameters: int, cost: float, split_points: tuple[int, ...]
) -> Family:
    entry = f"mobilenet_v3_{size}_x1.0"
    return of_paddle(
        name=f"mobilenet_v3_{size}",
        paper="https://arxiv.org/abs/1905.02244",
        weights=Official(f"{entry}.pdparams", "mobilenetv3", entry),
        features=features,
        parameters=parameters,
        cost=cost,
        layers=".mobilenet_v3_layers:backbone",
        split_points=split_points,
    )


SMALL = _family("small", 576, 939_120, 0.003, (4, 9))
LARGE = _family("large", 960, 2_996_352, 0.008, (7, 13))
