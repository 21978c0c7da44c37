"""PP-LCNet at scale 1: depthwise convolutions and h-swish, designed for CPUs.

Paper: Cui et al., arXiv 2109.15099. Weights: ImageNet, by PaddleClas (Apache-2.0). No installed
package says where they are, so the user provides the file (AIWF_WEIGHTS)."""

from stages.models.imagenet import of_paddle
from stages.models.weights import Official

PP_LCNET = of_paddle(
    name="pp_lcnet",
    paper="https://arxiv.org/abs/2109.15099",
    weights=Official("PPLCNet_x1_0_pretrained.pdparams"),
    features=1280,
    parameters=1_682_464,
    cost=0.005,
    layers=".pp_lcnet_layers:backbone",
    split_points=(6, 12),
)
