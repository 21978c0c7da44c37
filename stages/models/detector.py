"""Detectors: a backbone with published weights, a light neck, a head that predicts at every point.

`lite_detector`: anchor-free, of the kind of NanoDet and PicoDet, on EfficientNet-Lite0.
`mobile_ssd`: prior boxes of several sizes, as SSD on MobileNet has them; the backbone is cut at
stride 16, and the layers behind it have a fifth of its weights."""

from functools import partial

from stages.models.efficientnet_lite import LITE0
from stages.models.family import Family

_on_lite0 = partial(
    Family,
    licence=LITE0.licence,
    size=320,
    multiple=32,
    weights=LITE0.weights,
    mean=LITE0.mean,
    std=LITE0.std,
    trainer="detectors",
)

LITE_DETECTOR = _on_lite0(
    name="lite_detector",
    paper="https://arxiv.org/abs/2111.00902",
    parameters=LITE0.parameters,
    cost=0.028,
    layers=".detector_layers:backbone",
    names=".efficientnet_lite_names:place",
    network=".detector_layers:point_detector",
    training_cost=4.5,
    whole=".detector_layers:new_point_detector",
    loss=".detector_loss:PointLoss",
    decode={"step": "decode_boxes", "args": {"strides": [8, 16, 32], "bins": 8}},
)

PRIOR_STRIDES = (16, 32, 64)
# of the picture's side, for each stride; training puts sizes of its data's boxes in their place
PRIOR_SHARES = ((0.1, 0.25), (0.25, 0.5), (0.5, 0.85))

MOBILE_SSD = _on_lite0(
    name="mobile_ssd",
    paper="https://arxiv.org/abs/1512.02325",
    parameters=716_928,
    cost=0.022,
    layers=".detector_priors_layers:backbone",
    names=".efficientnet_lite_names:place_up_to_stride_16",
    network=".detector_priors_layers:prior_detector",
    training_cost=3.5,
    whole=".detector_priors_layers:new_prior_detector",
    loss=".detector_priors_loss:PriorLoss",
    decode={
        "step": "decode_priors",
        "args": {"strides": list(PRIOR_STRIDES), "shares": [list(share) for share in PRIOR_SHARES]},
    },
)
