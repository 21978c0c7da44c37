"""ResNet's backbones: paddle's networks without their classifiers."""

from paddle import Tensor, nn
from paddle.vision.models import ResNet
from paddle.vision.models.resnet import BasicBlock, BottleneckBlock

from stages.models.paddle_backbones import mean_of_map, prepare_for_training

DEPTHS = {"resnet18": (BasicBlock, 18), "resnet50": (BottleneckBlock, 50)}


class Backbone(ResNet):  # type: ignore[misc]
    """(N, 3, H, W) to (N, 512) or (N, 2048)."""

    def __init__(self, block: type[nn.Layer], depth: int) -> None:
        super().__init__(block, depth, num_classes=0, with_pool=False)
        prepare_for_training(self)
        self.mean = mean_of_map()

    def forward(self, picture: Tensor) -> Tensor:
        picture = self.maxpool(self.relu(self.bn1(self.conv1(picture))))
        for stage in (self.layer1, self.layer2, self.layer3, self.layer4):
            picture = stage(picture)
        return self.mean(picture)

    def parts(self) -> list[nn.Layer]:
        """Layers whose composition is the backbone; see backbone_split.py."""
        stem = nn.Sequential(self.conv1, self.bn1, self.relu, self.maxpool)
        return [stem, *self.layer1, *self.layer2, *self.layer3, *self.layer4, self.mean]


def backbone(name: str) -> Backbone:
    """A new backbone of the family `name`, with random weights."""
    return Backbone(*DEPTHS[name])
