"""Detectors: a trunk with published weights, a light neck, a head that answers at every point.

`lite_detector`: anchor-free, of the kind of NanoDet and PicoDet, on EfficientNet-Lite0."""

from stages.models.efficientnet_lite import LITE0
from stages.models.family import Family

LITE_DETECTOR = Family(
    name="lite_detector",
    paper="https://arxiv.org/abs/2111.00902",
    licence=LITE0.licence,
    size=320,
    multiple=32,
    parameters=2_998_304,
    cost=0.028,
    weights=LITE0.weights,
    mean=LITE0.mean,
    std=LITE0.std,
    layers=".detector_layers:trunk",
    names=".efficientnet_lite_names:place_in_stages",
    network=".detector_layers:point_detector",
    teaching=4.5,
    whole=".detector_layers:new_point_detector",
    loss=".detector_loss:PointLoss",
    decode={"step": "decode_boxes", "args": {"strides": [8, 16, 32], "bins": 8}},
    trainer="detectors",
)
MOBILE_SSD = LITE_DETECTOR
