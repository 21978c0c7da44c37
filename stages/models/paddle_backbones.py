"""Helpers for backbones made from the networks of `paddle.vision.models`.

Such a network keeps its parameters' names, so that the published weights fit without conversion.
Its batch norms take a tenth of each new batch into their running statistics; Paddle's MobileNetV3
takes a hundredth, which is too slow for short training. Its depthwise convolutions are replaced by
ones that train faster."""

from collections.abc import Iterator

from paddle import nn

from stages.models.depthwise import Depthwise

MOMENTUM = 0.9


def mean_of_map() -> nn.Layer:
    """(N, channels, H, W) to (N, channels)."""
    return nn.Sequential(nn.AdaptiveAvgPool2D(1), nn.Flatten())


def prepare_for_training(network: nn.Layer) -> None:
    """Set the momentum of the batch norms of `network` and replace its depthwise convolutions by
    faster ones, in place. No parameter's name changes."""
    for layer in network.sublayers():
        if isinstance(layer, nn.BatchNorm2D):
            layer._momentum = MOMENTUM
    for parent, name, slow in list(_depthwise(network)):
        side, stride = slow._kernel_size[0], slow._stride[0]
        parent._sub_layers[name] = Depthwise(slow._in_channels, side, stride, [side // 2] * 4)


def _depthwise(network: nn.Layer) -> Iterator[tuple[nn.Layer, str, nn.Conv2D]]:
    """The depthwise convolutions of `network`, each with the layer that holds it and its name
    there."""
    for parent in network.sublayers(include_self=True):
        for name, layer in parent.named_children():
            if isinstance(layer, nn.Conv2D) and 1 < layer._groups == layer._in_channels:
                yield parent, name, layer
