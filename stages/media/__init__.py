"""Modalities: what samples are (pictures, sounds), how they are inspected, shown and decoded."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from numpy.typing import NDArray

from stages.artifacts import Box

if TYPE_CHECKING:
    from stages.config import EtlConfig

SMALL = 200_000  # bytes of a small sample by default


class Modality(Protocol):
    """`noun`: the word for a sample, such as photo. `types`: the content types, or their prefixes,
    that a service accepts. `libraries`: what a device needs for the steps; `optional_libraries`:
    what it needs for some files only, each with a word for these. `facts`: the facts of a
    sample in the manifest. `example`: a file name and content type for a package's README.
    `small_suffix`: the suffix of `small` samples' names."""

    name: ClassVar[str]
    noun: ClassVar[str]
    types: ClassVar[tuple[str, ...]]
    example: ClassVar[tuple[str, str]]
    small_suffix: ClassVar[str]
    libraries: ClassVar[tuple[str, ...]]
    optional_libraries: ClassVar[Mapping[str, str]]
    facts: ClassVar[tuple[str, ...]]

    def decoding(self, facts: Mapping[str, float]) -> tuple[Mapping[str, Any], ...]:
        """The steps from a file's bytes to what `drawn` takes, for a dataset with `facts`."""
        ...

    def inspect(self, data: bytes, config: "EtlConfig") -> dict[str, Any]:
        """The facts of the sample in `data`, with `same`, a digest of its decoded content, and,
        with near_duplicates, `fingerprint`, uint8 [64, 64]. Raises BadSample if a device could not
        decode the sample."""
        ...

    def traits(self, data: bytes) -> dict[str, float]:
        """Simple visible or audible traits of the sample in `data` by name, such as brightness or
        level. Raises BadSample."""
        ...

    def summary(self, facts: Sequence[Mapping[str, Any]], config: "EtlConfig") -> dict[str, float]:
        """The facts of the training set that the steps need: Dataset.facts."""
        ...

    def thumbnail(self, data: bytes, side: int, boxes: Sequence[Box] = ()) -> bytes:
        """The sample as a JPEG, neither side longer than `side`, with `boxes` drawn."""
        ...

    def preview(self, data: bytes, side: int, boxes: Sequence[Box] = ()) -> str:
        """The sample as self-contained HTML. Raises BadSample."""
        ...

    def drawn(self, value: NDArray[Any], side: int, boxes: Sequence[Box] = ()) -> str:
        """Like `preview`, of a sample that was decoded by `decoding`, and possibly augmented."""
        ...

    def golden(self) -> dict[str, bytes]:
        """Generated samples by their file names in a package (golden/...), always equal, that cover
        every branch of decoding that could differ between machines."""
        ...

    def small(self, data: bytes, most_bytes: int = SMALL) -> bytes:
        """The sample in `data` as a small file with suffix `small_suffix`, of at most `most_bytes`
        if possible; equal inputs give equal bytes. Raises BadSample."""
        ...

    def generated(self, seed: int) -> bytes:
        """A generated sample, a different one for each `seed`."""
        ...
