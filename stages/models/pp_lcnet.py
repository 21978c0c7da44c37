"""PP-LCNet at scale 1: depthwise convolutions and h-swish, laid out for processors without a
graphics card.

Paper: Cui et al., arXiv 2109.15099. Weights: ImageNet, by PaddleClas (Apache-2.0). No installed
package tells where they are, so a person gives the file (AIWF_WEIGHTS)."""

from stages.models.family import Family
from stages.models.imagenet import MEAN, STD
from stages.models.weights import Official

PP_LCNET = Family(
    name="pp_lcnet",
    paper="https://arxiv.org/abs/2109.15099",
    licence="Apache-2.0",
    weights=Official("PPLCNet_x1_0_pretrained.pdparams"),
    size=224,
    multiple=32,
    mean=MEAN,
    std=STD,
    features=1280,
    parameters=1_682_464,
    cost=0.005,
    layers=".pp_lcnet_layers:trunk",
    names=".paddle_params:place",
    cuts=(6, 12),
)
