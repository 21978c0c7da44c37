"""What is done with predictions, by their kind: the parts on the board ANSWERS."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple, Protocol

from stages.artifacts import Measure, Model
from stages.config import EvaluateConfig
from stages.etl.manifest import Sample
from stages.evaluate.about import About
from stages.evaluate.evaluation import Evaluation, Origin
from stages.evaluate.predictions import Predicted
from stages.evaluate.sure import SureAnswers
from stages.evaluate.training import Training
from stages.evaluate.verdict import Judgement
from stages.media import Modality
from stages.metrics import Measured
from stages.parts import ANSWERS, MODALITIES, TASKS
from stages.runtime.answers.sure import Sure
from stages.runtime.errors import Damaged, DataError
from stages.store import Store

UNSEEN = "unseen.json"


def gone(digest: str) -> bytes:
    """For those who have no store to fetch the sample `digest` from. Raises Damaged."""
    raise Damaged(f"There is no sample {digest[:12]} here.", "Look at it where it was trained.")


class Unseen(NamedTuple):
    """What models said of samples that they had not been taught with; both in plain form. `kinds`:
    of those that have none of a person's labels, by digest; `fetch`: a sample's bytes."""

    truth: list[Any]
    answers: list[Any]
    digests: Sequence[str] = ()
    kinds: Mapping[str, str] = {}
    fetch: Callable[[str], bytes] = gone


class Agreement(NamedTuple):
    """`same`: share of what the trained model answers that the packed one answers, too. `drops`:
    by metric, as a gate names it ('accuracy', 'recall of cat'); positive if it got worse.
    `failures` says why the two do not agree; empty if they do."""

    same: Measure
    drops: dict[str, Measure]
    failures: tuple[str, ...]

    def record(self) -> dict[str, Any]:
        """As JSON."""
        drops = {name: drop.model_dump() for name, drop in self.drops.items()}
        return {"agreement": self.same.model_dump(), "drops": drops, "failures": self.failures}


class Kind(Protocol):
    """A kind of answer, without state. `headline`: the metrics that a person is told first;
    `compared`: what the share `Agreement.same` is a share of; `counted`: what a label's test is
    counted in, if not in samples."""

    headline: ClassVar[tuple[str, ...]]
    compared: ClassVar[str]
    counted: ClassVar[str]

    def truth(self, samples: Sequence[Sample], labels: Sequence[str]) -> list[Any]:
        """What is true of each of `samples`, in plain JSON. Raises DataError for a label that is
        none of `labels`."""
        ...

    def evaluated(
        self,
        predicted: Predicted,
        config: EvaluateConfig,
        *,
        tested: float = 1.0,
        unseen: Unseen | None = None,
        curve: Sequence[Mapping[str, float]] = (),
        threshold: float | None = None,
        training: Training | None = None,
        sure: Sure | None = None,
    ) -> Evaluation:
        """Measure and judge `predicted`. `tested` is the share of all samples that is tested on;
        on `unseen` ones the threshold is chosen, so that the test split chooses nothing, unless
        `threshold` is in use already, and likewise `sure`; `curve` is what training
        measured after each epoch; `training` may be looked back at.

        Raises DataError if there is nothing to measure, ConfigError for a gate on an unknown
        label."""
        ...

    def page(
        self,
        evaluation: Any,
        about: About,
        fetch: Callable[[int], bytes],
        modality: Modality,
        worst: int,
    ) -> str:
        """The report's HTML. `fetch` gives the bytes of a predicted sample by its row, `modality`
        shows it; the `worst` mistakes are shown."""
        ...

    def measured(self, predicted: Predicted, threshold: float) -> Measured:
        """The numbers alone, as for a package."""
        ...

    def sure(self, predicted: Predicted, threshold: float, rule: Sure) -> SureAnswers:
        """How many of the answers are sure by `rule`, and how many of these are right; `threshold`:
        what is below it is not shown."""
        ...

    def judgements(self, measured: Measured, gate: Mapping[str, float]) -> list[Judgement]:
        """`measured` beside each minimum of `gate`, or beside the least that holds without one.

        Raises ConfigError for a gate on what was not measured."""
        ...

    def agreement(
        self,
        trained: Predicted,
        packed: Sequence[Any],
        labels: Sequence[str],
        *,
        threshold: float,
        max_drop: float,
        least: float,
    ) -> Agreement:
        """Does the packed network, which answered `packed` to the same samples, still do what the
        `trained` one did? `least`: the share of answers that usually stay as they were."""
        ...


def kind_of(task: str) -> Kind:
    """The kind of answer that `task` names."""
    kind: Kind = ANSWERS[TASKS[task].answers]()
    return kind


def modality_of(task: str) -> Modality:
    """The modality that `task` names."""
    modality: Modality = MODALITIES[TASKS[task].modality]()
    return modality


def check_label_names(names: Iterable[str], labels: Sequence[str]) -> None:
    """Raise DataError if one of the labels `given` is none of the model's `labels`."""
    unknown = sorted(set(names) - set(labels))
    if unknown:
        raise DataError(
            f"The model does not know the label '{unknown[0]}'.",
            f"It knows: {', '.join(labels)}.",
        )


def origin_of(threshold: float | None, unseen: Unseen | None) -> Origin:
    """Where the threshold of an Evaluation was chosen."""
    if threshold is not None:
        return "given"
    return "these" if unseen is None else "held out"


def unseen_of(model: Model, store: Store) -> Unseen | None:
    """What `model`'s training knows of samples that it did not teach with, if it tells."""
    if UNSEEN not in model.files:
        return None
    record = json.loads(store.get(model.files[UNSEEN]))
    details = (record["digests"], record.get("kinds", {}))
    return Unseen(record["truth"], record["answers"], *details, store.get)
