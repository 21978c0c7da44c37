"""The grey levels of 16-bit pictures: those that a whole training set uses become black and white.

A thermal camera uses some 1,500 of 65,536 levels. Scaled as they are, its pictures would keep six
of 256 levels; scaled each by its own range, they would lose how bright one is beside another."""

from collections.abc import Mapping, Sequence
from typing import Any

from stages.runtime.pixels import LEVELS

BLACK, WHITE = LEVELS


def levels_of(facts: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """The darkest and the brightest level that pictures with these `facts` use; empty if none of
    them has 16 bits."""
    deep = [picture for picture in facts if BLACK in picture]
    if not deep:
        return {}
    black, white = min(picture[BLACK] for picture in deep), max(picture[WHITE] for picture in deep)
    return {BLACK: black, WHITE: max(white, black + 1)}


def decode_arguments(facts: Mapping[str, float]) -> dict[str, Any]:
    """The arguments of the step decode_picture for a dataset with these `facts`."""
    if BLACK not in facts:
        return {}
    return {"levels": [int(facts[BLACK]), int(facts[WHITE])]}
