"""MobileNetV2's backbone: paddle's network without its classifier."""

from paddle import Tensor, nn
from paddle.vision.models import MobileNetV2

from stages.models.paddle_backbones import mean_of_map, prepare_for_training


class Backbone(MobileNetV2):  # type: ignore[misc]
    """(N, 3, H, W) to (N, 1280)."""

    def __init__(self) -> None:
        super().__init__(num_classes=0, with_pool=False)
        prepare_for_training(self)
        self.mean = mean_of_map()

    def forward(self, picture: Tensor) -> Tensor:
        return self.mean(self.features(picture))

    def parts(self) -> list[nn.Layer]:
        """Layers whose composition is the backbone; see backbone_split.py."""
        return [*self.features, self.mean]


def backbone(name: str) -> Backbone:
    """A new backbone, with random weights."""
    return Backbone()
