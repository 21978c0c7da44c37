"""MobileNetV3's backbones: paddle's networks without their classifiers."""

from paddle import Tensor, nn
from paddle.vision.models import MobileNetV3Large, MobileNetV3Small

from stages.models.paddle_backbones import mean_of_map, prepare_for_training

NETWORKS = {"mobilenet_v3_small": MobileNetV3Small, "mobilenet_v3_large": MobileNetV3Large}


class Backbone(nn.Layer):  # type: ignore[misc]
    """(N, 3, H, W) to (N, 576) or (N, 960): the input of the classifier's two layers."""

    def __init__(self, network: nn.Layer) -> None:
        super().__init__()
        prepare_for_training(network)
        self.conv, self.blocks, self.lastconv = network.conv, network.blocks, network.lastconv
        self.mean = mean_of_map()

    def forward(self, picture: Tensor) -> Tensor:
        return self.mean(self.lastconv(self.blocks(self.conv(picture))))

    def parts(self) -> list[nn.Layer]:
        """Layers whose composition is the backbone; see backbone_split.py."""
        return [self.conv, *self.blocks, self.lastconv, self.mean]


def backbone(name: str) -> Backbone:
    """A new backbone of the family `name`, with random weights."""
    return Backbone(NETWORKS[name](num_classes=0, with_pool=False))
