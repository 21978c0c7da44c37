"""ShuffleNetV2 at widths 1 and 0.5: half of the channels pass each block unchanged, then all are
shuffled.

Paper: Ma et al., arXiv 1807.11164. Weights: ImageNet, by PaddlePaddle (Apache-2.0)."""

from stages.models.family import Family
from stages.models.imagenet import of_paddle
from stages.models.weights import Official


def _family(name: str, entry: str, parameters: int, cost: float) -> Family:
    return of_paddle(
        name=name,
        paper="https://arxiv.org/abs/1807.11164",
        weights=Official(f"{entry}.pdparams", "shufflenetv2", entry),
        features=1024,
        parameters=parameters,
        cost=cost,
        layers=".shufflenet_v2_layers:backbone",
        split_points=(5, 13),
    )


WHOLE = _family("shufflenet_v2", "shufflenet_v2_x1_0", 1_269_784, 0.005)
HALF = _family("shufflenet_v2_x0_5", "shufflenet_v2_x0_5", 349_744, 0.003)
