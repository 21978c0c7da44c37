"""How each kind of answer is evaluated: the protocol of the parts on the board ANSWERS."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple, Protocol

from stages.artifacts import Measure, Model
from stages.config import EvaluateConfig
from stages.etl.manifest import Sample
from stages.evaluate.about import About
from stages.evaluate.evaluation import Evaluation, Origin
from stages.evaluate.outcomes import SampleOutcome
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
    """The `Unseen.fetch` if there is no store. Always raises Damaged."""
    raise Damaged(f"There is no sample {digest[:12]} here.", "Open it where it was trained.")


class Unseen(NamedTuple):
    """Out-of-fold predictions: answers to samples that the answering model was not trained on.

    `truth`, `answers`: in the plain form of the kind of answer. `kinds`: by digest, the kind of
    those that have none of the labels. `fetch`: a sample's bytes by its digest."""

    truth: list[Any]
    answers: list[Any]
    digests: Sequence[str] = ()
    kinds: Mapping[str, str] = {}
    fetch: Callable[[str], bytes] = gone


class Agreement(NamedTuple):
    """How closely a packed network matches the trained model. `same`: share of equal answers.
    `drops`: by metric, as a gate names it ('accuracy', 'recall of cat'); positive if it got worse.
    `failures`: why the two do not agree; empty if they do."""

    same: Measure
    drops: dict[str, Measure]
    failures: tuple[str, ...]

    def record(self) -> dict[str, Any]:
        """As JSON."""
        drops = {name: drop.model_dump() for name, drop in self.drops.items()}
        return {"agreement": self.same.model_dump(), "drops": drops, "failures": self.failures}


class Kind(Protocol):
    """A kind of answer, without state. `headline`: the most important metrics. `compared`: what
    `Agreement.same` is a share of. `counted`: what the support of a label counts, as 'box'; empty
    for samples."""

    headline: ClassVar[tuple[str, ...]]
    compared: ClassVar[str]
    counted: ClassVar[str]

    def truth(self, samples: Sequence[Sample], labels: Sequence[str]) -> list[Any]:
        """The annotation of each of `samples`, in plain JSON. Raises DataError for a label that is
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
        """Measure `predicted` and compare it with the gates.

        `tested`: the share of all samples that is in the test split. `unseen`: the threshold is
        chosen on these, so that nothing is chosen on the test split; `threshold`, `sure`: those of
        a package, used instead. `curve`: metrics of training after each epoch. `training`: the
        model's training, for the sections about it.

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
        """The metrics of `predicted` at `threshold`."""
        ...

    def sure(self, predicted: Predicted, threshold: float, rule: Sure) -> SureAnswers:
        """How many of the answers are sure by `rule`, and how many of these are right; `threshold`:
        what is below it is not shown."""
        ...

    def judgements(self, measured: Measured, gate: Mapping[str, float]) -> list[Judgement]:
        """`measured` compared with each minimum of `gate`, or with the default gate if it is empty.

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
        """Compare a packed network's answers, `packed`, with those of the `trained` model to the
        same samples. `max_drop`: how much a metric may drop. `least`: the share of equal answers
        that is usual."""
        ...

    def with_labels(self, predicted: Predicted, labels: Sequence[str]) -> Predicted:
        """`predicted` in terms of `labels`, which include all of its own: so that the answers of
        models with different labels can be compared."""
        ...

    def sample_outcomes(self, predicted: Predicted, threshold: float) -> list[SampleOutcome]:
        """What came of each sample; `threshold`: boxes with a lower score are not shown."""
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
    """Raise DataError if one of the label `names` is none of the model's `labels`."""
    unknown = sorted(set(names) - set(labels))
    if unknown:
        raise DataError(
            f"The model does not know the label '{unknown[0]}'.",
            f"It knows: {', '.join(labels)}.",
        )


def origin_of(threshold: float | None, unseen: Unseen | None) -> Origin:
    """Where the threshold of an Evaluation was chosen."""
    if threshold is not None:
        return "package"
    return "test" if unseen is None else "held out"


def unseen_of(model: Model, store: Store) -> Unseen | None:
    """The out-of-fold predictions that are stored with `model`; None if there are none."""
    if UNSEEN not in model.files:
        return None
    record = json.loads(store.get(model.files[UNSEEN]))
    details = (record["digests"], record.get("kinds", {}))
    return Unseen(record["truth"], record["answers"], *details, store.get)
