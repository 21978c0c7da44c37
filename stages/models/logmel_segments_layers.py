"""The statistics of logmel_segments as Paddle layers, so that they are exported as any backbone."""

import paddle
from paddle import Tensor, nn

from stages.models.logmel_segments import BANDS, SEGMENTS


class SegmentStatistics(nn.Layer):  # type: ignore[misc]
    """Spectrograms (N, 1, bands, frames) to (N, 2 * bands * segments): the mean of each band in
    each segment, then its standard deviation. The number of frames is a multiple of the
    segments'."""

    def forward(self, sound: Tensor) -> Tensor:
        parts = sound.reshape([0, BANDS, SEGMENTS, -1])
        mean = parts.mean(axis=3, keepdim=True)
        deviation = ((parts - mean) ** 2).mean(axis=3, keepdim=True).sqrt()
        return paddle.concat([mean, deviation], axis=1).flatten(1)


def backbone(name: str) -> SegmentStatistics:
    """A new layer; it has no parameters."""
    return SegmentStatistics()
