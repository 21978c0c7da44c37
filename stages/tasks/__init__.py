"""What is to be predicted. A task is a declaration: which modality, which kind of answer, which
trainer, which steps around the network; the parts it names do the work."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from stages.artifacts import Dataset, Step

if TYPE_CHECKING:  # pipelines are read without opening what a family needs
    from stages.models.family import Family


class Task(Protocol):
    """`modality`, `answers`, `trainer`: names on the boards MODALITIES, ANSWERS, TRAINERS. `takes`:
    what its families may take (Family.takes). `readers`: layouts that its data can come in, tried
    in order. `suites`: the files in etl/suites that its samples are held against. `defaults`: what
    a YAML of this task means where it says nothing, by section, if not what the types say."""

    name: ClassVar[str]
    modality: ClassVar[str]
    answers: ClassVar[str]
    trainer: ClassVar[str]
    takes: ClassVar[tuple[str, ...]]
    readers: ClassVar[tuple[str, ...]]
    suites: ClassVar[tuple[str, ...]]
    defaults: ClassVar[Mapping[str, Mapping[str, Any]]]

    def before(self, family: "Family", size: int, dataset: Dataset) -> tuple[Step, ...]:
        """Runtime steps from a file's bytes to the input of `family` at `size`."""
        ...

    def after(self, family: "Family", size: int, labels: Sequence[str]) -> tuple[Step, ...]:
        """Runtime steps from the network's outputs to one sample's answer."""
        ...
