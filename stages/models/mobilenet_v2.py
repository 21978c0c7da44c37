"""MobileNetV2: depthwise convolutions between narrow maps without activation.

Paper: Sandler et al., arXiv 1801.04381. Weights: ImageNet, by PaddlePaddle (Apache-2.0)."""

from stages.models.family import Family
from stages.models.imagenet import MEAN, STD
from stages.models.weights import Official

MOBILENET_V2 = Family(
    name="mobilenet_v2",
    paper="https://arxiv.org/abs/1801.04381",
    licence="Apache-2.0",
    weights=Official("mobilenet_v2_x1.0.pdparams", "mobilenetv2", "mobilenetv2_1.0"),
    size=224,
    multiple=32,
    mean=MEAN,
    std=STD,
    features=1280,
    parameters=2_257_984,
    cost=0.009,
    layers=".mobilenet_v2_layers:trunk",
    names=".paddle_params:place",
    cuts=(7, 14),
)
