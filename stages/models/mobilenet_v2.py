"""MobileNetV2: inverted residual blocks with linear bottlenecks.

Paper: Sandler et al., arXiv 1801.04381. Weights: ImageNet, by PaddlePaddle (Apache-2.0)."""

from stages.models.imagenet import of_paddle
from stages.models.weights import Official

MOBILENET_V2 = of_paddle(
    name="mobilenet_v2",
    paper="https://arxiv.org/abs/1801.04381",
    weights=Official("mobilenet_v2_x1.0.pdparams", "mobilenetv2", "mobilenetv2_1.0"),
    features=1280,
    parameters=2_257_984,
    cost=0.009,
    layers=".mobilenet_v2_layers:backbone",
    split_points=(7, 14),
)
