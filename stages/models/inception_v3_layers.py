"""InceptionV3's backbone: paddle's network without its classifier."""

from paddle import Tensor, nn
from paddle.vision.models import InceptionV3

from stages.models.paddle_backbones import mean_of_map, prepare_for_training


class Backbone(InceptionV3):  # type: ignore[misc]
    """(N, 3, H, W) to (N, 2048); no side below 75."""

    def __init__(self) -> None:
        super().__init__(num_classes=0, with_pool=False)
        prepare_for_training(self)
        self.mean = mean_of_map()

    def forward(self, picture: Tensor) -> Tensor:
        picture = self.inception_stem(picture)
        for block in self.inception_block_list:
            picture = block(picture)
        return self.mean(picture)

    def parts(self) -> list[nn.Layer]:
        """Layers whose composition is the backbone; see backbone_split.py."""
        return [self.inception_stem, *self.inception_block_list, self.mean]


def backbone(name: str) -> Backbone:
    """A new backbone, with random weights."""
    return Backbone()
