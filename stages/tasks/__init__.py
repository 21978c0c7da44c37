"""Tasks: what is to be predicted. A task is a declaration of its modality, its kind of answer, its
trainer and the steps around the network; the parts that it names do the work."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from stages.artifacts import Dataset, Step
from stages.parts import FAMILIES, TASKS

if TYPE_CHECKING:  # reading a pipeline does not import model families
    from stages.models.family import Family


class Task(Protocol):
    """`modality`, `answers`, `trainer`: names on the boards MODALITIES, ANSWERS, TRAINERS. `takes`:
    the inputs that its families may take (Family.takes). `readers`: the layouts of its data, tried
    in order. `suites`: the files in etl/suites with its expectations. `defaults`: defaults of the
    pipeline's keys for this task, by section, where they differ from those of the types."""

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


def is_compatible(family: str, task: str) -> bool:
    """Whether `task` can use `family`: both have the same trainer, and the family takes what the
    task's preprocessing can produce."""
    record, definition = FAMILIES[family], TASKS[task]
    return record.trainer == definition.trainer and record.takes in definition.takes
