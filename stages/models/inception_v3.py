"""InceptionV3: blocks of parallel convolutions, with large kernels factorised into narrow ones.

Paper: Szegedy et al., arXiv 1512.00567. Weights: ImageNet, by PaddlePaddle (Apache-2.0), at 299
pixels. It takes any side from 75 on; here multiples of 96, so 288 stands for 299."""

from stages.models.imagenet import of_paddle
from stages.models.weights import Official

INCEPTION_V3 = of_paddle(
    name="inception_v3",
    paper="https://arxiv.org/abs/1512.00567",
    weights=Official("inception_v3.pdparams", "inceptionv3", "inception_v3"),
    size=288,
    multiple=96,
    features=2048,
    parameters=21_820_000,
    cost=0.080,
    layers=".inception_v3_layers:backbone",
    split_points=(4, 9),
)
