"""How an engine adds up a layer's products: what may differ between instruction sets.

A backend says it with `sums(numeric, instruction_set)`, for the options that it sets itself there.
"""

from enum import StrEnum


class Sums(StrEnum):
    FLOAT = "floating point"  # cannot saturate
    INT32 = "32 bits"  # every product is added in 32 bits
    SATURATING_PAIRS = "pairs in 16 bits, saturating"  # u8 * s8 + u8 * s8, as vpmaddubsw does
    SIGNED_PAIRS = "pairs of signed products in 16 bits"  # s8 * s8 + s8 * s8: enough from -127 on
