"""What a sample is: a picture, a sound. How it is looked at, shown, and decoded."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from numpy.typing import NDArray

from stages.artifacts import Box

if TYPE_CHECKING:
    from stages.config import EtlConfig

SMALL = 200_000  # bytes of a small sample, if nobody says how many


class Modality(Protocol):
    """`noun`: what a person calls a sample, as photo. `types`: content types, or how they begin,
    that a service takes. `libraries`: what a device needs for the steps. `facts`: the numbers of a
    sample that the manifest keeps. `decoding`: steps from a file's bytes to what can be `drawn`.
    `example`: a file's name and content type, for a package's words. `small_suffix`: how the name
    of a `small` sample ends."""

    name: ClassVar[str]
    noun: ClassVar[str]
    types: ClassVar[tuple[str, ...]]
    example: ClassVar[tuple[str, str]]
    small_suffix: ClassVar[str]
    libraries: ClassVar[tuple[str, ...]]
    facts: ClassVar[tuple[str, ...]]
    decoding: ClassVar[tuple[Mapping[str, Any], ...]]

    def inspect(self, data: bytes, config: "EtlConfig") -> dict[str, Any]:
        """The facts of the sample in `data`, with `same`, a digest of its decoded content, and, if
        near duplicates are looked for, `fingerprint` [64, 64] uint8. Raises BadSample if a device
        could not decode the sample."""
        ...

    def traits(self, data: bytes) -> dict[str, float]:
        """What a person could see or hear of the sample in `data`, in numbers, by their names in
        words: how bright, how loud. Raises BadSample."""
        ...

    def summary(self, facts: Sequence[Mapping[str, Any]], config: "EtlConfig") -> dict[str, float]:
        """What is known of all training samples together, for the steps: Dataset.facts."""
        ...

    def thumbnail(self, data: bytes, side: int, boxes: Sequence[Box] = ()) -> bytes:
        """The sample as a JPEG, neither side longer than `side`, with `boxes` drawn."""
        ...

    def preview(self, data: bytes, side: int, boxes: Sequence[Box] = ()) -> str:
        """The sample for a page: HTML that needs nothing from elsewhere. Raises BadSample."""
        ...

    def drawn(self, value: NDArray[Any], side: int, boxes: Sequence[Box] = ()) -> str:
        """As `preview`, of what `decoding` made of a sample, perhaps changed since."""
        ...

    def golden(self) -> dict[str, bytes]:
        """Generated samples by their names in a package (golden/...), equal each time, that pass
        through every branch of decoding that could differ between machines."""
        ...

    def small(self, data: bytes, most_bytes: int = SMALL) -> bytes:
        """The sample in `data` as a small file with the ending `small_suffix`, of `most_bytes` if
        it can be made so small; equal bytes for equal ones. Raises BadSample."""
        ...

    def generated(self, seed: int) -> bytes:
        """A made-up sample, another one for each `seed`."""
        ...
