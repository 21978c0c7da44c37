"""SqueezeNet 1.1's layers in Paddle. There is no padding at the stem and the pools."""

import paddle
from paddle import Tensor, nn

STEM = 64
FIRES = {  # number in the paper -> channels of the input, squeezed, of each half of the output
    2: (64, 16, 64),
    3: (128, 16, 64),
    4: (128, 32, 128),
    5: (256, 32, 128),
    6: (256, 48, 192),
    7: (384, 48, 192),
    8: (384, 64, 256),
    9: (512, 64, 256),
}
POOLED = (3, 5)  # fires that are followed by a pool


class Fire(nn.Layer):  # type: ignore[misc]
    """Squeeze to few channels, expand them by two parallel convolutions."""

    def __init__(self, narrow: int, squeezed: int, half: int) -> None:
        super().__init__()
        self.squeeze1x1 = nn.Conv2D(narrow, squeezed, 1)
        self.expand1x1 = nn.Conv2D(squeezed, half, 1)
        self.expand3x3 = nn.Conv2D(squeezed, half, 3, padding=1)
        self.relu = nn.ReLU()

    def forward(self, picture: Tensor) -> Tensor:
        few = self.relu(self.squeeze1x1(picture))
        return self.relu(paddle.concat([self.expand1x1(few), self.expand3x3(few)], axis=1))


class Backbone(nn.Layer):  # type: ignore[misc]
    """(N, 3, H, W) to (N, 512): without the last convolution, which is ImageNet's classifier."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2D(3, STEM, 3, stride=2)
        self.relu = nn.ReLU()
        self.pool = nn.MaxPool2D(3, stride=2)
        self.fires = nn.LayerDict({f"fire{number}": Fire(*FIRES[number]) for number in FIRES})
        self.mean = nn.Sequential(nn.AdaptiveAvgPool2D(1), nn.Flatten())

    def forward(self, picture: Tensor) -> Tensor:
        picture = self.pool(self.relu(self.conv1(picture)))
        for number in FIRES:
            picture = self.fires[f"fire{number}"](picture)
            if number in POOLED:
                picture = self.pool(picture)
        return self.mean(picture)

    def parts(self) -> list[nn.Layer]:
        """Layers whose composition is the backbone; see backbone_split.py."""
        found: list[nn.Layer] = [nn.Sequential(self.conv1, self.relu, self.pool)]
        for number in FIRES:
            fire = self.fires[f"fire{number}"]
            found.append(nn.Sequential(fire, self.pool) if number in POOLED else fire)
        return [*found, self.mean]


def backbone(name: str) -> Backbone:
    """A new backbone, with random weights."""
    return Backbone()
