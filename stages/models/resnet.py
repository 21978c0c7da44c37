"""ResNet18 and ResNet50: residual blocks.

Paper: He et al., arXiv 1512.03385. Weights: ImageNet, by PaddlePaddle (Apache-2.0)."""

from stages.models.family import Family
from stages.models.imagenet import of_paddle
from stages.models.weights import Official


def _family(
    depth: int, features: int, parameters: int, cost: float, split_points: tuple[int, ...]
) -> Family:
    name = f"resnet{depth}"
    return of_paddle(
        name=name,
        paper="https://arxiv.org/abs/1512.03385",
        weights=Official(f"{name}.pdparams", "resnet", name),
        features=features,
        parameters=parameters,
        cost=cost,
        layers=".resnet_layers:backbone",
        split_points=split_points,
    )


RESNET18 = _family(18, 512, 11_186_112, 0.030, (5, 7))
RESNET50 = _family(50, 2048, 23_561_152, 0.070, (8, 14))
